#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the image of deploy/docker/Dockerfile and runs it against a chain, with the commands of
# docs/install.md as pasted and as the pod of deploy/kubernetes: scripts/test-image.sh BUILD. Without docker:
# docker_stand_in.py is what those commands find. It needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1/deb"
out=$(cd "$1/deb" && pwd)
scratch=$(mktemp -d)
root=$scratch/unused
# shellcheck source=scripts/debian-root.sh
. scripts/debian-root.sh
export DOCKER_STATE=$scratch/docker DOCKER_INTO="nsenter --net=$scratch/net"

finish() {
    [ ! -f "$DOCKER_STATE/pid" ] || kill -KILL "$(cat "$DOCKER_STATE/pid")" 2> /dev/null || true
    umount "$scratch/net" 2> /dev/null || true
    rm -rf --one-file-system "$scratch"
}

# The container and the chain share a loopback of their own: the image's port is fixed.
make_network() {
    touch "$scratch/net"
    unshare --net="$scratch/net" ip link set lo up
}

make_docker() {
    mkdir -p "$scratch/bin" "$DOCKER_STATE"
    ln -s "$PWD/scripts/docker_stand_in.py" "$scratch/bin/docker"
    ln -s "$out/base.tar" "$DOCKER_STATE/base.tar"
    export PATH=$scratch/bin:$PATH
}

# The source as somebody would have it who cloned it, with a configuration of three lines.
make_source() { # URL ADDRESS
    git ls-files --cached --others --exclude-standard -z | tar --null -cf - -T - |
        tar -xf - -C "$scratch" --one-top-level=source
    printf 'contract:\n  address: "%s"\n  rpc_urls: ["%s"]\n' "$2" "$1" \
        > "$scratch/source/backup-config.yaml"
}

docker_commands() { awk '/^## /{ours = /^## Docker/} /^```/{fence = !fence; next} ours && fence' docs/install.md; }

inside() { docker exec satellite "$@"; }

eventually() { # COMMAND...
    until "$@"; do
        [ ! -s "$DOCKER_STATE/exit" ] || { docker logs satellite >&2; die "the container has ended: $*"; }
        sleep 0.2
    done
}

is_healthy() { [ "$(docker inspect satellite)" = healthy ]; }
is_completed() { inside satellite backup status --json 2> /dev/null | grep -q '"status": *"completed"'; }

check_confinement() {
    local status
    status=$(cat "/proc/$(cat "$DOCKER_STATE/pid")/status")
    grep -q $'^Uid:\t10001\t10001\t10001\t10001$' <<< "$status" || die "another user than 10001"
    grep -q $'^CapBnd:\t0000000000000000$' <<< "$status" || die "it has capabilities"
    grep -q $'^NoNewPrivs:\t1$' <<< "$status" || die "it may gain privileges"
    ! inside touch /etc/satellite/new 2> /dev/null || die "its root can be written"
    docker logs satellite | grep -q '"Sandbox in force"' || die "no sandbox: $(docker logs satellite)"
}

# The pod with its command, environment, mounts and probes; only what everybody fills in differs.
run_pod() { # URL ADDRESS
    local volumes=$scratch/pod pod path arguments command
    mkdir -p "$volumes/config" "$volumes/secrets" "$volumes/backup-storage"
    sed "s|address: .*|address: \"$2\"|" deploy/kubernetes/backup-config.yaml > "$volumes/config/backup-config.yaml"
    echo "$1" > "$volumes/secrets/rpc-urls"
    # As fsGroup and defaultMode have it.
    chown -R 0:10001 "$volumes/backup-storage" "$volumes/secrets"
    chmod 2775 "$volumes/backup-storage"
    chmod 0440 "$volumes/secrets/rpc-urls"
    pod=$(python3 -c 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))' \
        < deploy/kubernetes/deployment.yaml | jq '.spec.template.spec')
    jq -e '.securityContext.runAsUser == 10001 and (.containers[0].securityContext
        | .readOnlyRootFilesystem and (.allowPrivilegeEscalation | not) and .capabilities.drop == ["ALL"])' \
        > /dev/null <<< "$pod" || die "the pod may do more than is tried here"
    mapfile -t arguments < <(jq -r --arg volumes "$volumes" '
        [.volumes[] | select(.emptyDir).name] as $empty | .containers[0]
        | (.env[] | "--env", "\(.name)=\(.value)"),
          (.volumeMounts[] | if IN(.name; $empty[]) then "--tmpfs", .mountPath
            else "--volume", "\($volumes)/\(.name):\(.mountPath)\(if .readOnly then ":ro" else "" end)" end)' <<< "$pod")
    mapfile -t command < <(jq -r '.containers[0].command[]' <<< "$pod")
    docker run -d --name satellite --read-only --cap-drop ALL --security-opt no-new-privileges \
        "${arguments[@]}" satellite "${command[@]}"
    for path in $(jq -r '.containers[0] | (.startupProbe, .livenessProbe, .readinessProbe).httpGet.path' <<< "$pod"); do
        eventually inside curl -fsS "http://127.0.0.1:9464$path"
        echo
    done
    [ "$(inside curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9464/)" = 403 ] || die "the dashboard without TLS"
}

stop() {
    docker stop satellite || { docker logs satellite >&2; die "it did not end with 0"; }
    docker logs satellite | grep -v '^{' && die "a line of the log is no JSON"
    true
}

trap finish EXIT
make_base
make_network
make_docker
coproc chain { exec nsenter --net="$scratch/net" node tests/chain/serve.mjs 500; }
read -r url address <&"${chain[0]}"
make_source "$url" "$address"

step "docs/install.md, Docker"
(cd "$scratch/source" && bash -euxo pipefail -c "$(docker_commands)") ||
    { docker logs satellite >&2; die "docs/install.md does not work as pasted"; }
step "healthy, with a backup"
eventually is_healthy
eventually is_completed
check_confinement
inside curl -fsS http://127.0.0.1:9464/metrics | promtool check metrics
inside satellite backup verify
step "stop"
stop

step "the pod of deploy/kubernetes"
run_pod "$url" "$address"
eventually is_completed
check_confinement
stop
echo "test-image: passed"
