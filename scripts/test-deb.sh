#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs, upgrades, removes and purges the package in a Debian of its own (a debootstrap root,
# kept as BUILD/deb/base.tar): scripts/test-deb.sh BUILD. It needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(cd "$1/deb" && pwd)
root=$(mktemp -d)
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
trap drop_root EXIT

expect() { # WHAT IS WANTED COMMAND...
    local what=$1 wanted=$2 is
    shift 2
    is=$(in_root "$@" 2>&1) || true
    [ "$is" = "$wanted" ] || die "$what: '$is', not '$wanted'"
}

# The same package under the next version, with another line in its configuration file.
make_next() { # DEB VERSION
    local tree
    tree=$(mktemp -d)
    dpkg-deb -R "$1" "$tree"
    sed -i "s/^Version: .*/Version: $2/" "$tree/DEBIAN/control"
    echo "# a line of the next version" >> "$tree/etc/satellite/backup-config.yaml"
    (cd "$tree" && find usr lib -type f -exec md5sum {} + > DEBIAN/md5sums)
    dpkg-deb --root-owner-group -b "$tree" "$root/tmp/next.deb" > /dev/null
    rm -rf "$tree"
}

check_installed() { # VERSION
    expect "the program" "satellite 0.1.0" satellite version
    expect "the version" "$1" dpkg-query -W -f "\${Version}" satellite
    expect "the configuration" "640 root satellite" stat -c '%a %U %G' \
        /etc/satellite/backup-config.yaml
    expect "the state directory" "750 satellite satellite" stat -c '%a %U %G' /var/lib/satellite
    expect "the log" "640 satellite adm" stat -c '%a %U %G' /var/log/satellite/backup.log
    expect "the user's shell" "/usr/sbin/nologin" \
        sh -c 'getent passwd satellite | cut -d: -f7'
    expect "all files of the package" "" dpkg -V satellite
    local file
    for file in /lib/systemd/system/satellite.service /usr/share/man/man1/satellite.1.gz \
        /usr/share/man/man5/satellite-config.5.gz /etc/logrotate.d/satellite \
        /usr/share/bash-completion/completions/satellite.bash \
        /usr/share/zsh/site-functions/_satellite \
        /usr/share/fish/vendor_completions.d/satellite.fish; do
        [ -f "$root$file" ] || die "$file is not there"
    done
}

as_service() { in_root setpriv --reuid=satellite --regid=satellite --init-groups "$@"; }

make_base
fill_root
# The manual and the documentation are tested too.
rm -f "$root"/etc/dpkg/dpkg.cfg.d/*docker*
in_root apt-get update -qq
version=$(dpkg-parsechangelog --show-field Version)
deb=$(built_package)

step "install $version"
cp "$deb" "$root/tmp/satellite.deb"
in_root apt-get install -qq -y --no-install-recommends systemd-standalone-sysusers \
    systemd-standalone-tmpfiles logrotate /tmp/satellite.deb > "$out/install.log" 2>&1 ||
    { tail -n 30 "$out/install.log" >&2; die "apt install"; }
check_installed "$version"
in_root sh -c '! satellite backup config validate 2> /dev/null' ||
    die "a configuration without a contract is valid"

step "three lines of configuration"
sed -i -e 's|^  address: ""|  address: "0x5FbDB2315678afecb367f032d93F642f64180aa3"|' \
    -e 's|^  rpc_urls: \[\]|  rpc_urls: ["http://127.0.0.1:1"]|' \
    -e 's|^  #page_size: 100|  page_size: 200|' "$root/etc/satellite/backup-config.yaml"
as_service satellite backup config validate
[ "$(as_service satellite backup config show | awk '$1 == "backup.page_size" { print $2 }')" = 200 ] ||
    die "the configuration is not read"
as_service satellite backup list
echo kept > "$root/var/lib/satellite/kept"

step "logrotate"
echo line >> "$root/var/log/satellite/backup.log"
in_root logrotate --force /etc/logrotate.d/satellite
expect "the log after its rotation" "0 satellite" stat -c '%s %U' /var/log/satellite/backup.log
expect "the rotated log" "line" tail -n 1 /var/log/satellite/backup.log.1

step "upgrade to $version+1"
make_next "$deb" "$version+1"
in_root dpkg --force-confdef --force-confold -i /tmp/next.deb > "$out/upgrade.log" 2>&1 ||
    { cat "$out/upgrade.log" >&2; die upgrade; }
expect "the version" "$version+1" dpkg-query -W -f "\${Version}" satellite
expect "the configuration's mode" "640 root satellite" stat -c '%a %U %G' \
    /etc/satellite/backup-config.yaml
grep -q 'page_size: 200' "$root/etc/satellite/backup-config.yaml" || die "the configuration is lost"
[ -f "$root/etc/satellite/backup-config.yaml.dpkg-dist" ] || die "no .dpkg-dist of the new one"
as_service satellite backup config validate

step remove
in_root dpkg -r satellite > /dev/null
[ ! -e "$root/usr/bin/satellite" ] || die "the program is still there"
[ -f "$root/etc/satellite/backup-config.yaml" ] || die "the configuration went with a removal"
expect "the data" "kept" cat /var/lib/satellite/kept

step purge
in_root dpkg -P satellite > /dev/null 2>&1
for path in /etc/satellite /etc/logrotate.d/satellite /var/log/satellite; do
    [ ! -e "$root$path" ] || die "a purge leaves $path"
done
expect "the data" "kept" cat /var/lib/satellite/kept

step "install again, purge without data"
rm "$root/var/lib/satellite/kept"
in_root dpkg -i /tmp/satellite.deb > /dev/null 2>&1
check_installed "$version"
in_root dpkg -P satellite > /dev/null
[ ! -e "$root/var/lib/satellite" ] || die "an empty state directory stays"
echo "test-deb: passed"
