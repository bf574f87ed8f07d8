#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The unit tests under valgrind: leaks, uninitialised reads, open descriptors.
set -euo pipefail
cd "$(dirname "$0")/.."
meson test -C "$1" --suite unit --no-rebuild --timeout-multiplier 20 --print-errorlogs \
    --wrap='valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect --error-exitcode=99 --trace-children=no'
