#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing to build and test satellite on Debian 12; does nothing when all is there.
#
#   scripts/setup.sh [dev] [bench] [torture] [deb]
#
# dev adds the checkers (clang, valgrind, ...), bench the load generator, torture a second make of
# node (hardhat, 292 MB), deb what builds and tries the Debian package.

set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(
    gcc make meson ninja-build pkg-config
    libcurl4-openssl-dev libssl-dev libdeflate-dev zlib1g-dev libzip-dev libsqlite3-dev
    libjansson-dev libyaml-dev libsmartcols-dev libsecp256k1-dev libseccomp-dev libsystemd-dev
    libmicrohttpd-dev libgnutls28-dev libcmocka-dev
    sqlite3 unzip openssl jq age prometheus ca-certificates faketime python3
)
# What reads the things around the program: shells, manual pages, alert rules, the unit, YAML,
# the dashboard.
test_packages=(
    zsh fish man-db mandoc prometheus systemd shellcheck yamllint
    chromium
)
bench_packages=(wrk util-linux libdeflate-tools)
dev_packages=(
    clang clang-tidy clang-format libclang-rt-14-dev cppcheck valgrind
)
deb_packages=(debhelper dpkg-dev lintian debootstrap mount systemd-container iproute2)

die() {
    echo "setup: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        die "root is needed for: $* (no sudo here)"
    fi
}

# One call for all packages; those that dpkg has never heard of are only named on stderr.
missing_packages() {
    local installed
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null || true)
    local package
    for package in "$@"; do
        grep -qx "installed $package" <<< "$installed" || echo "$package"
    done
}

node_is_new_enough() {
    command -v npm > /dev/null || return 1
    local version
    version=$(node --version 2> /dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge 18 ]
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    node_is_new_enough || missing+=(nodejs npm)
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "setup: installing with apt-get: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# npm writes node_modules/.package-lock.json as its last step, so it dates a finished install.
install_node_modules() { # DIRECTORY
    [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] && return 0
    echo "setup: installing the test tools into $1/node_modules (npm ci)"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    touch "$1/node_modules/.package-lock.json"
}

packages=("${build_packages[@]}" "${test_packages[@]}")
node_directories=(.)
for group in "$@"; do
    case $group in
        dev) packages+=("${dev_packages[@]}") ;;
        bench) packages+=("${bench_packages[@]}") ;;
        deb) packages+=("${deb_packages[@]}") ;;
        torture) node_directories+=(tests/torture/hardhat) ;;
        *) die "unknown group: $group (dev, bench, torture and deb exist)" ;;
    esac
done

command -v dpkg-query > /dev/null ||
    die "this is not Debian; install by hand: ${packages[*]} nodejs (18 or newer) npm"
install_packages "${packages[@]}"
for directory in "${node_directories[@]}"; do
    install_node_modules "$directory"
done
