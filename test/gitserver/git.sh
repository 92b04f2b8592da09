#!/usr/bin/env bash
# Leaves Debian's git in $1, with the libraries that it needs: the image that the Git server runs in has no other.
set -euo pipefail
out=$1
at=/var/run/ko/$(basename "$out") # Where the image will have it.
for package in git patchelf; do
  command -v $package >/dev/null || { apt-get -o DPkg::Lock::Timeout=300 update -q; DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends $package; } >&2
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(command -v git)" "$(git --exec-path)/git-http-backend" "$work"
ldd "$work/git" "$work/git-http-backend" | grep -o '/[^: ]*/[^: /]*\.so[^: ]*' | sort -u | xargs cp -Lt "$work"
patchelf --set-interpreter "$at/$(cd "$work" && ls ld-linux*)" --set-rpath "$at" "$work/git" "$work/git-http-backend"
mkdir -p "$out"
cp "$work"/* "$out"
