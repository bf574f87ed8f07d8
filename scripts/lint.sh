#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What can be found without running anything: the clang build's warnings, clang-tidy, cppcheck,
# formatting, shellcheck.
set -euo pipefail
cd "$(dirname "$0")/.." || exit 1

status=0
mapfile -t sources < <(git ls-files 'src/*.c' 'examples/*.c')
mapfile -t all < <(git ls-files '*.c' '*.h')

echo "== clang"
[ -d build-clang ] || CC=clang meson setup build-clang >/dev/null || exit 1
ninja -C build-clang >build-clang/log 2>&1 || { grep -E 'error:' build-clang/log; status=1; }
echo "== clang-format"
clang-format --dry-run --Werror "${all[@]}" || status=1
echo "== cppcheck"
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 --suppress=missingInclude --suppress=normalCheckLevelMaxBranches \
    -DSCB_VERSION='"0"' -Iinclude -Isrc "${sources[@]}" || status=1
echo "== clang-tidy"
clang-tidy --quiet -p build-clang "${sources[@]}" 2>/dev/null || status=1
echo "== shellcheck"
git ls-files '*.sh' .ci/run | xargs shellcheck -x || status=1
exit $status
