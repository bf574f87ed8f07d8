#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the Debian packages of what is committed or changed here: scripts/deb.sh BUILD [VERSION].
# They come to BUILD/deb; lintian has looked at them. make test is what tests: DEB_BUILD_OPTIONS= (set, and
# empty) makes the package run the unit tests of its own build too.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1/deb
version=${2:-$(dpkg-parsechangelog --show-field Version)}
jobs=${DEB_JOBS:-$(nproc)}

mkdir -p "$out"
out=$(cd "$out" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git ls-files --cached --others --exclude-standard -z | tar --null -cf - -T - |
    tar -xf - -C "$tree" --one-top-level=satellite
cd "$tree/satellite"
if [ "$version" != "$(dpkg-parsechangelog --show-field Version)" ]; then
    { printf 'satellite (%s) unstable; urgency=medium\n\n  * Built again.\n\n' "$version"
      sed -n '/^ --/{p;q}' debian/changelog && echo && cat debian/changelog; } > "$tree/changelog"
    mv "$tree/changelog" debian/changelog
fi
options=${DEB_BUILD_OPTIONS-nocheck}
DEB_BUILD_OPTIONS="parallel=$jobs $options" \
    dpkg-buildpackage -us -uc -b > "$tree/log" 2>&1 ||
    { tail -n 60 "$tree/log" >&2; exit 1; }
cp "$tree"/*.deb "$tree"/*.changes "$tree"/*.buildinfo "$out"
lintian --fail-on error,warning --tag-display-limit 0 "$out/satellite_${version}"_*.changes
ls "$out"/*_"$version"_*.deb
