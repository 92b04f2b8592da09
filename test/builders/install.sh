#!/usr/bin/env bash
# Gets the builders that are missing: Debian's packages, and into $1 what is built from Go modules, of the versions given as crane=, ko=
# and buildkit=.
set -euo pipefail
bin=$1
declare "${@:2}"
packages=()
for package in buildah podman skopeo runc zstd; do
  command -v "$package" >/dev/null || packages+=("$package")
done
if ((${#packages[@]})); then
  apt-get -o DPkg::Lock::Timeout=300 update -q
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${packages[@]}"
fi
# Docker's daemon is not installed, which would start it, but unpacked.
if [[ ! -e $bin/docker.d/done ]]; then
  mkdir -p "$bin/docker.d"
  (cd "$bin/docker.d" && apt-get update -q && apt-get download -q docker.io containerd && for package in *.deb; do dpkg -x "$package" .; done && rm -- *.deb && touch done)
fi
ln -sf "$bin"/docker.d/usr/{bin,sbin}/* "$bin/"
# A directory for each version, so that another one is built anew.
build() { # module@version, where to build it, packages
  local into="$bin/${1//\//_}"
  [[ -e $into/done ]] || (mkdir -p "$into" && cd "$2" && echo "building $1" && CGO_ENABLED=0 GOFLAGS= go build -trimpath -ldflags='-s -w' -o "$into/" "${@:3}" && touch "$into/done")
  ln -sf "$into"/* "$bin/"
}
directory() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
for module in "github.com/google/go-containerregistry@$crane ./cmd/crane" "github.com/google/ko@$ko ." "github.com/moby/buildkit@$buildkit ./cmd/buildctl ./cmd/buildkitd"; do
  read -r -a words <<< "$module"
  build "${words[0]}" "$(directory "${words[0]}")" "${words[@]:1}"
done
