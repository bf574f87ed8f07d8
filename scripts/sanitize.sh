#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The whole test suite under AddressSanitizer with UndefinedBehaviorSanitizer, then under
# ThreadSanitizer. A finding fails the test it happens in.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# A crash of its own ends as it would without, and faketime's library may come first.
export ASAN_OPTIONS=abort_on_error=1:handle_segv=0:verify_asan_link_order=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Last words that hang are left behind on purpose.
export TSAN_OPTIONS=halt_on_error=1:exitcode=66:report_thread_leaks=0:handle_segv=0
export TIMEOUT_MULTIPLIER=10 # scrypt and zip64 take minutes under TSan
status=0
for sanitizers in address,undefined thread; do
    build=build-${sanitizers%%,*}
    [ -d "$build" ] ||
        meson setup "$build" -Dbuildtype=debugoptimized -Db_sanitize="$sanitizers" -Db_pie=true
    ninja -C "$build" || exit 1
    ln -sf src/satellite "$build/satellite"
    echo "== $sanitizers"
    export SANITIZERS=$sanitizers
    scripts/test.sh "$build" || status=1
done
exit $status
