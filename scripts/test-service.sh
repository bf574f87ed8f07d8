#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The packaged service under a real systemd: boots a Debian with the package in it and does to the unit
# what it meets in its life, with a chain to back up: scripts/test-service.sh BUILD. It needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(cd "$1/deb" && pwd)
scratch=$(mktemp -d)
root=$scratch/root
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
log=$root/var/log/satellite/backup.log
nspawn=""

finish() {
    [ -z "$nspawn" ] || kill -KILL "$nspawn" 2> /dev/null || true
    umount "$scratch/net" 2> /dev/null || true
    drop_root
    rm -rf --one-file-system "$scratch"
}

# --- the machine ---

install_package() {
    mkdir "$root"
    fill_root
    cp "$(built_package)" "$root/root/satellite.deb"
    in_root apt-get update -qq
    in_root apt-get install -qq -y --no-install-recommends systemd-sysv curl /root/satellite.deb \
        > "$out/install.log" 2>&1 || { tail -n 30 "$out/install.log" >&2; die "apt install"; }
    rm "$root/usr/sbin/policy-rc.d"
    umount "$root/proc"
}

# The machine shares a loopback of its own with the chain. nspawn's filter does not know Landlock.
boot() {
    nsenter --net="$scratch/net" systemd-nspawn --directory="$root" --boot --register=no --keep-unit \
        --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
        --console=pipe < /dev/null > "$scratch/console" 2>&1 &
    nspawn=$!
    until machine systemctl is-system-running 2> /dev/null | grep -Eq 'running|degraded'; do
        kill -0 "$nspawn" || { cat "$scratch/console" >&2; die "it does not boot"; }
        sleep 0.5
    done
}

first_process() { tr -d ' ' < "/proc/$nspawn/task/$nspawn/children"; }

machine() {
    nsenter --target="$(first_process)" --all --root --wd=/ env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        LC_ALL=C.UTF-8 "$@"
}

as_service() { machine setpriv --reuid=satellite --regid=satellite --init-groups "$@"; }

as_reader() { machine setpriv --reuid=nobody --regid=nogroup "$@"; }

property() { machine systemctl show --property="$1" --value satellite; }

progress() { machine curl -fsS http://127.0.0.1:9464/api/v1/progress | jq -r "$1"; }

order_backup() { # refused while one is made
    machine curl -fs --unix-socket /run/satellite/satellite.sock -H 'Content-Type: application/json' \
        -d '{"force":true}' http://localhost/api/v1/backups > /dev/null
}

until_true() { # WHAT COMMAND...: for as long as the machine lives
    local what=$1
    shift
    until "$@"; do
        kill -0 "$nspawn" || die "$what: the machine is gone"
        [ "$(property ActiveState)" != failed ] ||
            { machine journalctl -u satellite >&2; tail "$log" >&2; die "$what: the service has failed"; }
        sleep 0.2
    done
}

logged() { grep -q "$1" "$log"; }
has_pages() { [ "$(progress .pages 2> /dev/null)" -ge "$1" ] 2> /dev/null; }
has_restarted() { [ "$(property NRestarts)" -ge "$1" ] && [ "$(property ActiveState)" = active ]; }
has_shared_backup() { logged '"msg":"Backup operation completed".*"backup_date":"[0-9-]*T[0-9]*Z"'; }
has_beaten_since() { [ "$(property WatchdogTimestampMonotonic)" -gt "$1" ]; }

configure() { # URL ADDRESS: so slow that there is time to stop it
    sed -i -e "s|^  address: \"\"|  address: \"$2\"|" -e "s|^  rpc_urls: \[\]|  rpc_urls: [\"$1\"]|" \
        -e 's|^  #page_size: 100|  page_size: 10|' \
        -e 's|^  #smart_contract_rate_limit: 0|  smart_contract_rate_limit: 60|' \
        "$root/etc/satellite/backup-config.yaml"
    as_service satellite backup config validate
}

drop_in() { # LINE...
    mkdir -p "$root/etc/systemd/system/satellite.service.d"
    printf '%s\n' '[Service]' "$@" > "$root/etc/systemd/system/satellite.service.d/test.conf"
    machine systemctl daemon-reload
    machine systemctl restart satellite
}

# --- what is done to the unit ---

trap finish EXIT
make_base
install_package
touch "$scratch/net"
unshare --net="$scratch/net" ip link set lo up
coproc chain { exec nsenter --net="$scratch/net" node tests/chain/serve.mjs 500; }
read -r url address <&"${chain[0]}"
boot
configure "$url" "$address"

step "enable --now"
machine systemctl enable --quiet --now satellite
[ "$(property ActiveState)" = active ] || die "it is not active"
logged '"msg":"Sandbox in force"' || die "$(cat "$log")"
outside=$(grep -EL '^Seccomp:\s*2' "/proc/$(first_process)/root/proc/$(property MainPID)/task/"*/status) || true
[ -z "$outside" ] || die "no seccomp filter: $outside"
machine systemd-analyze security --threshold=15 satellite | tail -n 1

step "stop in the middle of a backup"
until_true "pages" has_pages 3
machine systemctl stop satellite
[ "$(property Result)" = success ] || die "it ended with $(property Result)"
logged '"msg":"Service stopped"' || die "it did not come to its end"

step "reload"
machine systemctl start satellite
until_true "more pages" has_pages 6
machine satellite backup config update --smart-contract-rate-limit 0
machine systemctl reload satellite
until_true "reload" logged '"msg":"Setting changed".*"setting":"backup.smart_contract_rate_limit"'

step "kill -9 in the middle of it"
before=$(property MainPID)
machine systemctl kill --signal=KILL satellite
until_true "a restart" has_restarted 1
[ "$(property MainPID)" != "$before" ] || die "it is the same process"
until_true "the backup" logged '"msg":"Backup operation completed"'
reused=$(jq 'select(.msg == "Backup operation completed").reused_pages' "$log")
[ "$reused" -ge 3 ] || die "of those before the stop only $reused pages were kept"
as_service satellite backup verify

step "the watchdog"
drop_in WatchdogSec=3 RestartSec=1
until_true "a sign of life" has_beaten_since "$(property WatchdogTimestampMonotonic)"
restarts=$(property NRestarts)
machine systemctl kill --signal=STOP --kill-whom=main satellite
until_true "a restart" has_restarted $((restarts + 1))
machine journalctl -u satellite -o cat | grep 'Watchdog timeout'

step "backup.group"
machine groupadd readers
machine usermod --append --groups readers satellite
drop_in StateDirectoryMode=0751 Environment=BACKUP_GROUP=readers
until_true "an order" order_backup
until_true "another backup" has_shared_backup
archive=$(machine find /var/lib/satellite/backups -name 'backup_*T*Z.zip')
[ "$(machine stat -c '%a %G' "$archive" "${archive%/*}" | xargs)" = "640 readers 2750 readers" ] ||
    die "$(machine stat -c '%n %a %G' "$archive" "${archive%/*}")"
as_reader --groups=readers cat "$archive" | cmp - "$root$archive"
! as_reader --clear-groups test -r "$archive" || die "it is readable without the group"

step "the journal"
drop_in Environment=SATELLITE_LOG_FILE=
machine journalctl _COMM=satellite -o json | jq -es 'map(select(.MESSAGE | contains("Service started")))
    | length > 0 and all(.PRIORITY == "6" and (.MESSAGE | fromjson.level == "info"))' > /dev/null ||
    die "$(machine journalctl -u satellite -o json)"

step "upgrade and remove"
before=$(property MainPID)
machine dpkg -i /root/satellite.deb > /dev/null
[ "$(property MainPID)" != "$before" ] || die "the upgrade has not restarted it"
[ "$(property ActiveState)" = active ] || die "it is not active after an upgrade"
machine dpkg -r satellite > /dev/null
[ "$(property ActiveState)" = inactive ] || die "it runs on after its removal"
machine systemctl poweroff 2> /dev/null # it says that logind is not there
wait "$nspawn" || die "the machine does not go down"
nspawn=""
echo "test-service: passed"
