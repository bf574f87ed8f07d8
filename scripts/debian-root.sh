# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# To be sourced by tests that need a Debian 12 of their own: a debootstrap root, kept as $out/base.tar.
# $out is a directory, $root the root that is meant; the tests set both. Needs root.
: "${out:?}" "${root:?}"

die() {
    echo "$(basename "$0" .sh): $*" >&2
    exit 1
}

step() { echo "== $*"; }

in_root() {
    chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}

make_base() {
    [ -f "$out/base.tar" ] && return
    step "debootstrap (once; kept in $out/base.tar)"
    local fresh mirror
    fresh=$(mktemp -d)
    # What this machine's own sources say, whatever their format.
    mirror=$(apt-get indextargets --format "\$(REPO_URI)" 'Created-By: Packages' |
        grep -v security | head -n 1 | sed 's|[/ ]*$||')
    debootstrap --variant=minbase bookworm "$fresh" "$mirror" > "$out/debootstrap.log" 2>&1 || {
        tail "$out/debootstrap.log" >&2
        die "debootstrap failed"
    }
    tar -C "$fresh" -cf "$out/base.tar.part" .
    mv "$out/base.tar.part" "$out/base.tar"
    rm -rf --one-file-system "$fresh"
}

# $root, an empty directory, becomes a Debian with this machine's package sources.
fill_root() {
    tar -C "$root" -xf "$out/base.tar"
    chmod 0755 "$root" # mktemp's is for one user alone
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    rm -f "$root/etc/apt/sources.list"
    cp -r /etc/apt/sources.list* "$root/etc/apt/"
    mount -t proc proc "$root/proc"
}

drop_root() {
    umount -l "$root/proc" 2> /dev/null || true
    rm -rf --one-file-system "$root"
}

# Where `make deb` has put the package.
built_package() {
    local deb
    deb=$out/satellite_$(dpkg-parsechangelog --show-field Version)_$(dpkg --print-architecture).deb
    [ -f "$deb" ] || die "$deb is not there: make deb"
    echo "$deb"
}
