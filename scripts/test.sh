#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests: scripts/test.sh BUILD [unit|integration|torture|security]; all of them, torture in
# its short form, without a second word.
# Ends with one line, "N passed, N failed"; the exit status says the same.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=$1
part=${2:-all}
passed=0
failed=0

count() { # NAME STATUS
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
    fi
}

wants() { [ "$part" = all ] || [ "$part" = "$1" ]; }

run_checks() {
    scripts/check-includes.sh
    count check-includes $?
}

run_unit() {
    local log=$build/meson-logs/testlog.json
    meson test -C "$build" --print-errorlogs --no-rebuild \
        --timeout-multiplier "${TIMEOUT_MULTIPLIER:-1}"
    passed=$((passed + $(grep -c '"result": "OK"' "$log")))
    failed=$((failed + $(grep -cE '"result": "(FAIL|ERROR|TIMEOUT|INTERRUPT)"' "$log")))
}

run_node() { # FILE...
    local log
    log=$(mktemp)
    # Most of a test's time is waiting, so that more files than cores run side by side.
    SATELLITE=$build/satellite node --test --test-concurrency=3 --test-reporter=tap "$@" \
        >"$log" 2>&1
    local status=$?
    grep -E '^ *not ok' -A 25 "$log"
    passed=$((passed + $(sed -n 's/^# pass \([0-9]*\)$/\1/p' "$log")))
    local node_failed
    node_failed=$(sed -n 's/^# fail \([0-9]*\)$/\1/p' "$log")
    failed=$((failed + node_failed))
    # A file that could not run at all counts too.
    if [ $status -ne 0 ] && [ "$node_failed" -eq 0 ]; then
        cat "$log"
        count "node --test" $status
    fi
    rm -f "$log"
}

wants unit && run_checks && run_unit
wants integration && run_node tests/integration/*.test.mjs tests/dashboard/*.test.mjs
# A sanitizer brings a layer of its own, so its builds have none of ours.
wants torture && [ -f "$build/tests/faults.so" ] && run_node tests/torture/*.test.mjs
wants security && run_node tests/security/*.test.mjs

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
