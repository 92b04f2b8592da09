// Package builders has the recipes of docs/builders.md: what a person types to have a builder leave an image that push-image takes. Its
// tests run those that can run here, and write the page's tables.
package builders

import (
	"fmt"
	"strings"
)

// Recipe is one way in which a builder leaves an image.
type Recipe struct {
	// Builder is the program, as the page calls it.
	Builder string
	// Command is what a person types, in a directory with a Containerfile and what that needs; quay.example.com is the registry.
	Command string
	// Leaves says what is there then.
	Leaves string
	// Source is the value of --source, and of the param source.
	Source string
	// Refused is a part of what push-image says if it does not take that; empty: it does.
	Refused string
	// Needs are the programs that have to be there to run it; without any it cannot run here.
	Needs []string
}

// Recipes are in the order of the page.
var Recipes = []Recipe{
	{Builder: "buildah", Command: "buildah build --tag checkout . && buildah push checkout oci:image",
		Leaves: "an OCI layout", Source: "image", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --format docker --tag checkout . && buildah push --format v2s2 checkout oci-archive:image.tar",
		Leaves: "a tar file of a layout, in OCI's format all the same", Source: "image.tar", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --tag checkout . && buildah push checkout docker-archive:image.tar",
		Leaves: "a `docker-archive`", Source: "image.tar", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --tag checkout . && buildah push --compression-format zstd checkout oci:image",
		Leaves: "an OCI layout with layers in zstd", Source: "image", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --manifest checkout-all --platform linux/amd64,linux/arm64 . && buildah manifest push --all checkout-all oci:image",
		Leaves: "an OCI layout with an index", Source: "image", Needs: buildah},
	{Builder: "buildah", Command: "for arch in amd64 arm64; do buildah build --platform linux/$arch --tag checkout-$arch . && buildah push checkout-$arch oci:image-$arch; done",
		Leaves: "an OCI layout for each platform", Source: "image-amd64,image-arm64", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --tag checkout . && buildah push checkout oci:image && buildah build --label new=yes --tag checkout . && buildah push checkout oci:image",
		Leaves: "an OCI layout with both images", Source: "image", Refused: "has 2 images", Needs: buildah},
	{Builder: "buildah", Command: "buildah build --tag checkout . && buildah push checkout oci:image:v1 && buildah build --label new=yes --tag checkout . && buildah push checkout oci:image:v1",
		Leaves: "an OCI layout with the second image alone under that name", Source: "image:v1", Needs: buildah},
	{Builder: "podman", Command: "podman build --tag checkout . && podman save --format oci-dir --output image checkout",
		Leaves: "an OCI layout", Source: "image", Needs: podman},
	{Builder: "podman", Command: "podman build --tag checkout . && podman save --format oci-archive --output image.tar checkout",
		Leaves: "a tar file of a layout", Source: "image.tar", Needs: podman},
	{Builder: "podman", Command: "podman build --tag checkout . && podman save checkout | gzip > image.tar.gz",
		Leaves: "a compressed `docker-archive`", Source: "image.tar.gz", Needs: podman},
	{Builder: "podman", Command: "podman build --tag checkout . && podman tag checkout checkout:v1 && podman save checkout checkout:v1 | zstd > image.tar.zst",
		Leaves: "the same in zstd, with two names for one image", Source: "image.tar.zst", Needs: append([]string{"zstd"}, podman...)},
	{Builder: "skopeo", Command: "skopeo copy --all --preserve-digests docker://quay.example.com/team-payments/base:v1 oci:image",
		Leaves: "an OCI layout", Source: "image", Needs: skopeo},
	{Builder: "skopeo", Command: "skopeo copy --dest-compress-format zstd docker://quay.example.com/team-payments/base:v1 oci-archive:image.tar",
		Leaves: "a tar file of a layout, with layers in zstd", Source: "image.tar", Needs: skopeo},
	{Builder: "skopeo", Command: "skopeo copy docker://quay.example.com/team-payments/base:v1 docker-archive:image.tar",
		Leaves: "a `docker-archive`", Source: "image.tar", Needs: skopeo},
	{Builder: "skopeo", Command: "skopeo copy docker://quay.example.com/team-payments/base:v1 dir:image",
		Leaves: "a directory of its own form", Source: "image", Refused: `has no "blobs"`, Needs: skopeo},
	{Builder: "crane", Command: "crane pull --format oci quay.example.com/team-payments/base:v1 image",
		Leaves: "an OCI layout", Source: "image", Needs: crane},
	{Builder: "crane", Command: "crane pull quay.example.com/team-payments/base:v1 image.tar",
		Leaves: "a `docker-archive` with compressed layers", Source: "image.tar", Needs: crane},
	{Builder: "BuildKit", Command: "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --output type=oci,tar=false,dest=image",
		Leaves: "an OCI layout", Source: "image", Needs: buildkit},
	{Builder: "BuildKit", Command: "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --output type=oci,dest=image.tar,compression=zstd,force-compression=true",
		Leaves: "a tar file of a layout, with layers in zstd", Source: "image.tar", Needs: buildkit},
	{Builder: "BuildKit", Command: "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --opt platform=linux/amd64,linux/arm64 --opt attest:provenance=mode=min --output type=oci,tar=false,dest=image",
		Leaves: "an OCI layout with an index and attestations", Source: "image", Needs: buildkit},
	{Builder: "BuildKit", Command: "for arch in amd64 arm64; do buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --opt platform=linux/$arch --opt attest:provenance=mode=min --output type=oci,tar=false,dest=image-$arch; done",
		Leaves: "an OCI layout with an index and an attestation for each platform", Source: "image-amd64,image-arm64", Needs: buildkit},
	{Builder: "BuildKit", Command: "buildctl build --frontend dockerfile.v0 --local context=. --local dockerfile=. --output type=docker,name=checkout,dest=image.tar",
		Leaves: "a tar file of a layout that is a `docker-archive`, too, as `docker save` writes it since Docker 25", Source: "image.tar", Needs: buildkit},
	{Builder: "ko", Command: "ko build --push=false --oci-layout-path=image ./cmd/app",
		Leaves: "an OCI layout", Source: "image", Needs: ko},
	{Builder: "ko", Command: "ko build --push=false --tarball=image.tar ./cmd/app",
		Leaves: "a `docker-archive` with compressed layers", Source: "image.tar", Needs: ko},
	{Builder: "Docker 24 and older", Command: "docker build --tag checkout . && docker save --output image.tar checkout",
		Leaves: "a `docker-archive`", Source: "image.tar", Needs: docker},
	{Builder: "Docker 24 and older", Command: "docker build --tag checkout . && docker save checkout | gzip > image.tar.gz",
		Leaves: "a compressed `docker-archive`", Source: "image.tar.gz", Needs: docker},

	{Builder: "Docker 25 and newer", Command: "docker build --tag checkout . && docker save checkout | gzip > image.tar.gz",
		Leaves: "a compressed tar file of a layout that is a `docker-archive`, too", Source: "image.tar.gz"},
	{Builder: "Docker Buildx", Command: "docker buildx build --output type=oci,tar=false,dest=image .",
		Leaves: "an OCI layout", Source: "image"},
	{Builder: "kaniko", Command: "/kaniko/executor --context dir:///workspace/source --no-push --oci-layout-path /workspace/source/image",
		Leaves: "an OCI layout", Source: "image"},
	{Builder: "Jib", Command: "mvn compile jib:buildTar",
		Leaves: "a `docker-archive` with compressed layers", Source: "target/jib-image.tar"},
	{Builder: "Cloud Native Buildpacks", Command: "pack config experimental true && pack build oci:image --builder BUILDER",
		Leaves: "an OCI layout", Source: "image"},
	{Builder: "s2i", Command: "s2i build . BUILDER --as-dockerfile=generated/Containerfile && buildah build --tag checkout generated && buildah push checkout oci:image",
		Leaves: "an OCI layout", Source: "image"},
	{Builder: "Bazel, rules_oci", Command: "bazel build //app:image && cp -rL bazel-bin/app/image image && chmod -R u+w image",
		Leaves: "an OCI layout", Source: "image"},
	{Builder: "Nix", Command: "nix-build image.nix && cp -L result image.tar.gz",
		Leaves: "a compressed `docker-archive`, of `dockerTools.buildLayeredImage`", Source: "image.tar.gz"},
	{Builder: "apko", Command: "apko build --arch amd64 apko.yaml checkout:v1 image.tar",
		Leaves: "a `docker-archive` with compressed layers", Source: "image.tar"},
}

// The programs of recipes that can run here.
var (
	buildah  = []string{"buildah"}
	podman   = []string{"podman"}
	skopeo   = []string{"skopeo"}
	crane    = []string{"crane"}
	buildkit = []string{"buildctl", "buildkitd", "runc"}
	ko       = []string{"ko"}
	docker   = []string{"docker", "dockerd", "containerd"}
)

// Row is the recipe's line of the page's table; became is what became of it.
func (r Recipe) Row(became string) string {
	return fmt.Sprintf("| %s | `%s` | %s | `%s` | %s |", r.Builder, strings.ReplaceAll(r.Command, "|", `\|`), r.Leaves, r.Source, became)
}
