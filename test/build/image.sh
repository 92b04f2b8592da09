#!/usr/bin/env bash
# Builds an image from scratch with Debian's buildah, a static program in it, and leaves it as an OCI layout in $1.
set -euo pipefail
layout=$1
command -v buildah >/dev/null || { apt-get -o DPkg::Lock::Timeout=300 update -q; DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends buildah; } >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$work/hello" ./test/build
printf '%s\n' 'FROM scratch' 'COPY hello /hello' 'ENTRYPOINT ["/hello"]' > "$work/Containerfile"
storage=(--root "$work/root" --runroot "$work/run" --storage-driver vfs)
buildah "${storage[@]}" build --isolation chroot --timestamp 0 --tag demo "$work"
rm -rf "$layout"; mkdir -p "$(dirname "$layout")"
buildah "${storage[@]}" push demo "oci:$work/layout:demo"
cp -r "$work/layout" "$layout"
chmod -R a+rX "$layout"
