package overlay_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/internal/nexttest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// set, verify and promote are what a cause is looked at with.
func set(tree fstest.MapFS) error { return setPin(pin)(tree) }

func setPin(p overlay.Pin) func(fstest.MapFS) error {
	return func(tree fstest.MapFS) error { _, err := overlay.Set(tree, dev, p); return err }
}

func setOf(o overlay.Overlay) func(fstest.MapFS) error {
	return func(tree fstest.MapFS) error { _, err := overlay.Set(tree, o, pin); return err }
}

func promote(from, to string) func(fstest.MapFS) error {
	return func(tree fstest.MapFS) error { _, err := overlay.Promote(tree, in(from), to); return err }
}

func verify(env string) func(fstest.MapFS) error {
	return func(tree fstest.MapFS) error {
		found, err := overlay.VerifyRepository(context.Background(), tree, dead{})
		for _, f := range found {
			if strings.Contains(f.Path, "/"+env) {
				err = errors.Join(err, f.Refusal)
			}
		}
		return err
	}
}

// A cause leads to an error. Each row is one: what the repository is like, what is asked, the problem and the next step.
var causes = map[string]struct {
	change        func(fstest.MapFS)
	ask           func(fstest.MapFS) error
	reason        overlay.Reason
	problem, next string
}{
	// What is asked for.
	"a tag for a digest":       {none, setPin(overlay.Pin{Image: checkout, Digest: "latest"}), overlay.ReasonDigest, `"latest" is not the digest`, "use the digest that the push reported, sha256:<64 hex>"},
	"a name that is none":      {none, setOf(overlay.Overlay{Team: "Payments", App: "checkout", Env: "dev"}), overlay.ReasonPath, `team "Payments"`, "the contract has apps/<team>/<app>, each of 1 to 40 lower case letters, digits and hyphens"},
	"an environment of none":   {none, setOf(in("qa")), overlay.ReasonEnvironment, `no environment "qa"`, "use one of dev, stg, prd"},
	"an environment of CI":     {none, setOf(in("prd")), overlay.ReasonEnvironment, "is not written by CI", "promote the digest that dev has"},
	"an app that is not here":  {none, setOf(overlay.Overlay{Team: "payments", App: "none", Env: "dev"}), overlay.ReasonMissing, `apps/payments/none/overlays/dev/kustomization.yaml" does not exist`, "see whether team and app are right; the contract has apps/<team>/<app>/{base,overlays/{dev,stg,prd}}/kustomization.yaml"},
	"another file name":        {func(tree fstest.MapFS) { move1(tree, dev.Path(), dev.Dir()+"/kustomization.yml") }, set, overlay.ReasonMissing, `dev/kustomization.yaml" does not exist`, "rename apps/payments/checkout/overlays/dev/kustomization.yml to kustomization.yaml, the one name that the contract knows"},
	"a name without an end":    {func(tree fstest.MapFS) { move1(tree, in("stg").Path(), in("stg").Dir()+"/Kustomization") }, promote("dev", "stg"), overlay.ReasonMissing, `stg/kustomization.yaml" does not exist`, "rename apps/payments/checkout/overlays/stg/Kustomization to kustomization.yaml, the one name that the contract knows"},
	"a name that verify meets": {func(tree fstest.MapFS) { move1(tree, in("prd").Path(), in("prd").Dir()+"/kustomization.yml") }, verify("overlays/prd"), overlay.ReasonMissing, "does not exist", "rename apps/payments/checkout/overlays/prd/kustomization.yml to kustomization.yaml, the one name that the contract knows"},
	"an image without item":    {none, setPin(overlay.Pin{Image: checkout + "s", Digest: digest("a")}), overlay.ReasonNoEntry, `they have ["` + checkout, "give an image that has an item, or add an item with name, newName and digest: sha256:REPLACED_BY_CI"},
	"two steps":                {none, promote("dev", "prd"), overlay.ReasonOrder, "dev cannot be promoted to", "promote one step: dev to stg to prd"},
	"nothing to promote":       {in1("dev", digest("d"), overlay.Placeholder), promote("dev", "stg"), overlay.ReasonNotPinned, "has no digest for", "let CI write it: build and push again, and merge what CI proposes"},
	"nothing in stg":           {in1("stg", digest("5"), overlay.Placeholder), promote("stg", "prd"), overlay.ReasonNotPinned, "has no digest for", "promote to stg first"},
	"a tag to promote":         {in1("dev", digest("d"), digest("d")+"\n    newTag: v1"), promote("dev", "stg"), overlay.ReasonNotPinned, digest("d") + "v1", "remove newTag"},
	"no images to promote":     {file(dev.Path(), "resources: [../../base]\n"), promote("dev", "stg"), overlay.ReasonNoEntry, "has no images", "add an item with name, newName and digest: sha256:REPLACED_BY_CI"},

	// How the overlay is written.
	"no UTF-8":                {file(dev.Path(), "a: \xff\n"), set, overlay.ReasonYAML, "not UTF-8", "save it as UTF-8"},
	"no YAML":                 {file(dev.Path(), "a: [\n"), set, overlay.ReasonYAML, "not YAML: yaml: line 1", "correct the YAML there"},
	"a list":                  {file(dev.Path(), "- a\n"), set, overlay.ReasonYAML, "not a mapping", "write resources and images, as docs/overlay.md has them"},
	"two documents":           {in1("dev", "images:", "---\nimages:"), set, overlay.ReasonMultiDocument, "several documents", "keep one document, kustomize reads no other"},
	"a key twice":             {in1("dev", "images:", "namespace: x\nimages:"), set, overlay.ReasonDuplicateKey, `"namespace" again`, "keep one of the two"},
	"images is a mapping":     {file(dev.Path(), "images: {}\n"), set, overlay.ReasonYAML, "images is not a list", "write a list of name, newName and digest"},
	"an item is a text":       {file(dev.Path(), "images: [x]\n"), set, overlay.ReasonYAML, "not a mapping", "write name, newName and digest"},
	"an anchor":               {in1("dev", "images:", "images: &x"), set, overlay.ReasonAnchor, "images has an anchor", "write it out"},
	"a tagged digest":         {in1("dev", digest("d"), "!!str "+digest("d")), set, overlay.ReasonScalar, "digest is empty, or written as", "write it on one line, plain or quoted, such as sha256:REPLACED_BY_CI"},
	"a name in two items":     {in1("dev", proxy, checkout), set, overlay.ReasonTwoEntries, "again", "keep one of them"},
	"another newName":         {in1("dev", "newName: "+checkout, "newName: x"), set, overlay.ReasonNewName, `newName is "x"`, "let newName repeat name"},
	"a tag beside a digest":   {in1("dev", digest("d"), digest("d")+"\n    newTag: v1"), set, overlay.ReasonNewTag, "both digest and newTag", "remove newTag"},
	"a suffix":                {in1("dev", digest("d"), digest("d")+"\n    tagSuffix: x"), set, overlay.ReasonNewTag, "tagSuffix", "remove tagSuffix"},
	"no digest":               {file(dev.Path(), "images: [{name: "+checkout+"}]\n"), set, overlay.ReasonNoDigest, "neither digest nor newTag", "add digest: sha256:REPLACED_BY_CI"},
	"a large kustomization":   {file(dev.Path(), strings.Repeat("#", 1<<20+1)), set, overlay.ReasonTooLarge, "more than 1048576 bytes", "keep large files out of it"},
	"a kustomization of dots": {file(dev.Path(), "a: ["+strings.Repeat("x,", 1e5)+"]\n"), set, overlay.ReasonTooLarge, "more than 100000 YAML nodes", "keep what is not the overlay's out of it"},

	// What it refers to.
	"an image of no base": {func(tree fstest.MapFS) { edit(tree, baseDeployment, checkout, "x") }, set, overlay.ReasonBaseImage, `is no image of "apps/payments/checkout/base"`, "let name be an image of the base, byte for byte, without its tag"},
	"a missing resource":  {in1("dev", "../../base", "../../base\n  - route.yaml"), set, overlay.ReasonMissing, `route.yaml", to which`, "add it, or take it out of " + dev.Path()},
	"a way out":           {in1("dev", "../../base", "../../../../../../etc"), set, overlay.ReasonPath, "outside of the repository", "keep to the repository"},
	"a link":              {func(tree fstest.MapFS) { link(tree, baseDeployment, "/etc/passwd") }, set, overlay.ReasonSymlink, "is a symbolic link", "put the file itself there"},
	"a directory for it":  {func(tree fstest.MapFS) { move(tree, dev.Dir(), dev.Path()) }, set, overlay.ReasonMissing, "is no regular file", "make it a file"},
	"a file on the way": {none, inClone(func(dir string) error {
		if err := errors.Join(os.RemoveAll(filepath.Join(dir, "apps/payments")), os.WriteFile(filepath.Join(dir, "apps/payments"), nil, 0o600)); err != nil {
			return err
		}
		repository, err := overlay.OpenRepository(dir)
		if err != nil {
			return err
		}
		defer repository.Close()
		_, err = overlay.Set(repository.FS(), dev, pin)
		return err
	}), overlay.ReasonMissing, `"apps/payments" is no directory`, "make it a directory"},
	"a URL":             {in1("dev", "../../base", "https://example.com/x"), set, overlay.ReasonRemote, `refers to "https://example.com/x"`, "copy it into the repository"},
	"a Helm chart":      {in1("dev", "images:", "helmCharts: [{name: x}]\nimages:"), set, overlay.ReasonRemote, "Helm charts", "use the kustomization's own fields, such as labels, patches and configMapGenerator"},
	"an unknown field":  {in1("dev", "images:", "image: x\nimages:"), set, overlay.ReasonRender, `unknown field "image"`, "correct the field there"},
	"two names":         {file("apps/payments/checkout/base/Kustomization", ""), set, overlay.ReasonRender, "several kustomizations", "keep one of them"},
	"a broken manifest": {file(baseDeployment, "{"), set, overlay.ReasonRender, "kustomize does not render", "correct what kustomize names; `kustomize build apps/payments/checkout/base` shows it too"},
	"a bomb":            {file("apps/payments/checkout/base/service.yaml", service+bomb(9)), set, overlay.ReasonTooLarge, "expand to more", "write it without so many aliases"},
	"a deep path":       {file("apps/payments/checkout/base/"+strings.Repeat("x/", 64)+"x", ""), set, overlay.ReasonTooLarge, "more than 64 directories", "let it refer to smaller directories"},

	// What kustomize makes of it.
	"no base":                    {in1("dev", "../../base", "service.yaml", dev.Dir()+"/service.yaml", service), set, overlay.ReasonNoEffect, "kustomize renders [], not", "add ../../base to the resources of the overlay"},
	"a patch":                    {in1("dev", "images:", "patches: [{target: {kind: Deployment}, patch: '[{\"op\": \"replace\", \"path\": \"/spec/template/spec/containers/0/image\", \"value\": \"x:v1\"}]'}]\nimages:"), set, overlay.ReasonNoEffect, `"x:v1"`, "see which patch, replacement or other item of images replaces the image"},
	"an unknown custom resource": {func(tree fstest.MapFS) { clear(tree); copyTo(tree, nightly(false)) }, set, overlay.ReasonNoEffect, "spec.image as", "name the field in a file of `configurations`: of itself kustomize knows the images of containers and image volumes alone"},
	"a name that is no pattern": {func(tree fstest.MapFS) {
		edit(tree, baseDeployment, checkout, "[::1]/x")
		put(tree, dev.Path(), "resources: [../../base]\nimages: [{name: '[::1]/x', digest: "+digest("d")+"}]\n")
	}, setPin(overlay.Pin{Image: "[::1]/x", Digest: digest("a")}), overlay.ReasonNoEffect, `as "[::1]/x:placeholder"`, "give the image a name without characters such as [ and +: kustomize reads name as a pattern, and this one does not match itself"},
	"a name that is a pattern": {func(tree fstest.MapFS) { clear(tree); copyTo(tree, twoImages(item(api, digest("d")))) }, setPin(overlay.Pin{Image: api, Digest: digest("a")}), overlay.ReasonOtherImage, "would also change Deployment", "give one of the two images another name: kustomize reads name as a pattern, in which a dot is any character"},
	"a part that is copied":    {func(tree fstest.MapFS) { clear(tree); copyTo(tree, copied(false)) }, set, overlay.ReasonOtherImage, "would also change Deployment", "see which replacement copies a part of the image"},

	// What verify alone finds.
	"no overlay at all": {func(tree fstest.MapFS) { clear(tree) }, func(tree fstest.MapFS) error {
		found, err := overlay.VerifyRepository(context.Background(), tree, nil)
		return errors.Join(err, found[0].Refusal)
	}, overlay.ReasonMissing, `no overlay found below "apps"`, "give the root of the GitOps repository; the contract has apps/<team>/<app>/overlays/<env>/kustomization.yaml"},
	"a fourth overlay":     {file(in("qa").Path(), ""), verify("overlays/qa"), overlay.ReasonEnvironment, `"qa" is no environment`, "keep to dev, stg, prd"},
	"an overlay of none":   {file(dev.Path(), "resources: [../../base]\n"), verify("overlays/dev"), overlay.ReasonNoEntry, "has no images", "add an item with name, newName and digest: sha256:REPLACED_BY_CI"},
	"a tag in stg":         {in1("stg", "digest: "+digest("5"), "newTag: v1"), verify("overlays/stg"), overlay.ReasonNewTag, "in stg", "remove newTag and pin the digest"},
	"an item of nothing":   {in1("dev", "digest: "+digest("d"), "newName: "+checkout), verify("overlays/dev"), overlay.ReasonDuplicateKey, "newName", "keep one of the two"},
	"an item of a name":    {file(dev.Path(), "resources: [../../base]\nimages: [{name: "+checkout+", newName: "+checkout+"}]\n"), verify("overlays/dev"), overlay.ReasonNoDigest, "no digest", "add digest: sha256:REPLACED_BY_CI"},
	"a digest of no kind":  {in1("dev", digest("d"), "sha512:a"), verify("overlays/dev"), overlay.ReasonDigest, `"sha512:a"`, "pin sha256:<64 hex>, or sha256:REPLACED_BY_CI until CI or a promotion does"},
	"two of a name":        {in1("dev", proxy, checkout), verify("overlays/dev"), overlay.ReasonTwoEntries, "again", "keep one of them"},
	"a second name":        {in1("dev", "newName: "+checkout, "newName: x"), verify("overlays/dev"), overlay.ReasonNewName, `newName is "x"`, "let newName repeat name"},
	"an image of no item":  {file(in("stg").Path(), "resources: [../../base]\nimages:\n"+item(checkout, digest("5"))), verify("overlays/stg"), overlay.ReasonNotPinned, `initContainers[0].image would run "` + proxy, "add an item of images that pins it"},
	"a tag that would run": {in1("stg", "digest: "+digest("5"), "newTag: v1"), verify("overlays/stg"), overlay.ReasonNotPinned, "checkout:v1", "let its item of images have a digest in the place of a tag"},
	"a debugging container": {func(tree fstest.MapFS) {
		edit(tree, baseDeployment, "      containers:", "      ephemeralContainers: [{name: x, image: debug:v1}]\n      containers:")
	}, verify("overlays/stg"), overlay.ReasonNotPinned, "ephemeralContainers[0].image would run", "name the field in a file of `configurations`: of itself kustomize knows the images of containers and image volumes alone"},
	"a dead digest":    {none, verify("overlays/stg"), overlay.ReasonNotAlive, "no tag that lasts keeps", "push the image again, or tag the digest while it is there; else pin another digest"},
	"a pattern in prd": {func(tree fstest.MapFS) { clear(tree); copyTo(tree, twoImages(item(api, digest("d")))) }, verify("overlays/prd"), overlay.ReasonOtherImage, "an item of images that has another name changes", "give one of the two images another name: kustomize reads name as a pattern, in which a dot is any character"},

	// The working copy.
	"no clone":          {none, func(fstest.MapFS) error { _, _, err := overlay.Locate(os.TempDir()); return err }, overlay.ReasonPath, "is in no Git repository", "give a path in a clone of the repository"},
	"another directory": {none, inClone(func(dir string) error { _, _, err := overlay.Locate(filepath.Join(dir, "apps")); return err }), overlay.ReasonPath, `"apps" is no overlay`, "the contract has apps/<team>/<app>/overlays/<env>/kustomization.yaml"},
	"another writer": {none, inClone(func(dir string) error {
		repository, err := overlay.OpenRepository(dir)
		if err != nil {
			return err
		}
		defer repository.Close()
		return repository.Write(overlay.Edit{Path: dev.Path(), Before: []byte("x"), After: []byte("y")})
	}), overlay.ReasonChanged, "changed since it was read", "run it again"},
}

// Each cause has the problem and the next step of its row, and each next step of the source has a cause.
func TestCauses(t *testing.T) {
	// No cause is known that leads to this one; TestConfirm has it.
	seen := []string{"write the item in block style, as docs/overlay.md has it"}
	for name, cause := range causes {
		t.Run(name, func(t *testing.T) {
			tree := app()
			cause.change(tree)
			found := false
			all := refusals(cause.ask(tree))
			for _, r := range all {
				seen = append(seen, r.Next)
				found = found || r.Reason == cause.reason && strings.Contains(r.Problem, cause.problem) && r.Next == cause.next
			}
			if !found {
				t.Errorf("it says %q, want %s with %q, and next %q", all, cause.reason, cause.problem, cause.next)
			}
		})
	}
	nexttest.Check(t, seen, nexttest.Sources(t)...)
}
