#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Fuzzes every target of tests/fuzz for some seconds each: scripts/fuzz.sh [SECONDS]. New inputs
# and crashes go to build-fuzz/; a crash ends it. The committed corpus is replayed by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-600}
if [ ! -d build-fuzz ]; then
    CC=clang meson setup build-fuzz -Dbuildtype=debugoptimized -Db_lundef=false \
        -Db_sanitize=address,undefined -Dfuzz=true
fi
ninja -C build-fuzz
for source in tests/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    found=build-fuzz/found/$target
    mkdir -p "$found"
    echo "== $target, ${seconds}s"
    "build-fuzz/tests/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="$found/crash-" "$found" \
        "tests/fuzz/corpus/${target#fuzz_}" 2>&1 |
        grep -E 'number_of_executed_units|ERROR|SUMMARY|crash-' || true
    if compgen -G "$found/crash-*" >/dev/null; then
        echo "fuzz: $target crashed; the inputs are in $found" >&2
        exit 1
    fi
done
echo "every target passed"
