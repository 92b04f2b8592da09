#!/usr/bin/env bash
# Leaves two layers in directory $1, unless they are there: buildah.tar.gz has Debian's buildah and git, base.tar.gz its static busybox.
set -euo pipefail
out=$1
[ ! -e "$out/base.tar.gz" ] || exit 0
command -v debootstrap >/dev/null || { apt-get -o DPkg::Lock::Timeout=300 update -q; DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends debootstrap; } >&2
mkdir -p "$out"
work=$(mktemp -d "$out/work-XXXXXX")
trap 'rm -rf "$work"' EXIT
# netavark is what buildah's package wants for networks, which a build in a Pod has none of.
debootstrap --variant=minbase --include=buildah,busybox-static,ca-certificates,git,netavark bookworm "$work/root" http://deb.debian.org/debian > "$work/log" 2>&1 &
while sleep 5; kill -0 $! 2>/dev/null; do echo "$(wc -l < "$work/log") lines of debootstrap so far, now $(tail -n1 "$work/log")"; done
wait $! || { tail -n20 "$work/log" >&2; exit 1; }
rm -rf "$work"/root/{dev,proc,sys}/* "$work"/root/var/{cache,lib/apt,log}/* "$work"/root/usr/share/{doc,locale,man}/*
# The static program is its own shell and all its tools.
mkdir -p "$work"/base/{bin,etc,tmp,www}
chmod 1777 "$work/base/tmp"
cp "$work/root/bin/busybox" "$work/base/bin/"
for tool in $("$work/base/bin/busybox" --list); do [ "$tool" = busybox ] || ln -s busybox "$work/base/bin/$tool"; done
echo 'app:x:1001:0:app:/tmp:/bin/sh' > "$work/base/etc/passwd"
for layer in root base; do tar -C "$work/$layer" --numeric-owner --sort=name --mtime=@0 -czf "$work/$layer.tar.gz" .; done
# The second is what says that both are whole.
mv "$work/root.tar.gz" "$out/buildah.tar.gz"
mv "$work/base.tar.gz" "$out/base.tar.gz"
