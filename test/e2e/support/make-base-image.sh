#!/usr/bin/env bash
# Makes what the Dockerfile's FROM names where no registry is to be had: Debian's packages, with the Node and npm of npm's registry.
# Usage: make-base-image.sh ARCHIVE NODE: the first is written whole or not at all, the second is the program that becomes the image's. Packages come from where this machine has them from.
set -Eeuo pipefail
archive=$1
node=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
mkdir -p "$(dirname "$archive")"
work=$(mktemp -d "$archive.XXXXXX")
trap 'rm -rf "$work"' EXIT
base=$work/base

read -r mirror suite < <(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' 'Codename: bookworm')
debootstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 "$suite" "$base" "$mirror" >"$work/log" || { tail "$work/log"; exit 1; }
rm -rf "$base"/usr/share/{doc,info,locale,man} "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/*

install -D "$node" "$base/usr/local/bin/node"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/npm" npm@11
mkdir -p "$base/usr/local/lib/node_modules"
mv "$work/npm/node_modules/npm" "$base/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
chroot "$base" useradd --uid 1000 --user-group --create-home --shell /bin/bash node

# What a build finds on this machine: the registry, and the authorities that vouch for it.
install -d "$base/usr/local/etc"
echo "registry=$(npm config get registry)" >"$base/usr/local/etc/npmrc"
certificates=$(npm config get cafile)
if [[ -f $certificates ]]; then
  install -D -m 644 "$certificates" "$base/usr/local/etc/npm-ca.crt"
  echo 'cafile=/usr/local/etc/npm-ca.crt' >>"$base/usr/local/etc/npmrc"
fi
tar --create --file "$work/base.tar" --directory "$base" --numeric-owner .
mv "$work/base.tar" "$archive"
