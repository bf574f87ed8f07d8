#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Holds the rooms of src/ to their one direction: a file may include its own room, the rooms named
# here for it, and the public headers (scb/). ARCHITECTURE: dependencies point down only.
set -euo pipefail
cd "$(dirname "$0")/.."

allowed() {
    case $1 in
        base) echo "" ;;
        observe | config | net | crypto) echo "base" ;;
        evm) echo "base" ;;
        format) echo "base crypto" ;;
        source) echo "base observe net evm" ;;
        store) echo "base observe" ;;
        catalog) echo "base" ;;
        access) echo "base crypto" ;;
        client) echo "base net" ;;
        job) echo "base observe net evm crypto format source store catalog" ;;
        view) echo "base" ;;
        service) echo "base access observe config net evm crypto format source store catalog job" ;;
        web) echo "base access observe config net crypto service view" ;;
        cli | main.c) echo "base access observe config evm crypto format client service view cli" ;;
        *) return 1 ;;
    esac
}

failed=0
for file in $(git ls-files --cached --others --exclude-standard 'src/*.c' 'src/*.h' 'src/*.def'); do
    room=${file#src/}
    room=${room%%/*}
    if ! rooms=$(allowed "$room"); then
        echo "check-includes: $file: '$room' is no room of the house" >&2
        failed=1
        continue
    fi
    while read -r target; do
        case " $room scb $rooms " in
            *" ${target%%/*} "*)
                if [ "${target#*/}" = internal.h ] && [ "${target%%/*}" != "$room" ]; then
                    echo "check-includes: $file includes $target, which is for its own room" >&2
                    failed=1
                fi
                ;;
            *)
                echo "check-includes: $file includes $target: $room may only see: $rooms" >&2
                failed=1
                ;;
        esac
    done < <(sed -n 's|^#include "\(.*\)"|\1|p' "$file")
done
exit $failed
