#!/usr/bin/env bash
# Real ssh hosts for tests: sshd's on 127.0.0.1, on ports that were free, with one key for all. Whoever logs
# in to the k-th is in DIR/hostk, which is the home, too: what the user has in .bashrc may take longer than all the rest.
#
#   sshd.sh start DIR N   starts N of them and writes DIR/hosts, a line of ssh with its options for each
#   sshd.sh stop DIR      ends those whose ids stand in DIR/*.pid, and the sessions on them
#
# Needs sshd, ssh and ssh-keygen (make deps-servers); as root, the folder /run/sshd too, and makes it.
set -euo pipefail
action=$1
servers=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.bash
. "$servers/../wait.bash"
mkdir -p "$2"
cd "$2"
dir=$PWD

start_host() {
    local k=$1 port=$2
    mkdir -p "host$k"
    ssh-keygen -q -t ed25519 -N '' -f "hostkey$k"
    cat >"sshd$k.conf" <<END
ListenAddress 127.0.0.1:$port
HostKey $dir/hostkey$k
PidFile none
AuthorizedKeysFile $dir/key.pub
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
KexAlgorithms curve25519-sha256
SetEnv HOME=$dir/host$k
ForceCommand cd $dir/host$k && exec sh -c "\$SSH_ORIGINAL_COMMAND"
END
    setsid "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$dir/sshd$k.conf" >"sshd$k.log" 2>&1 3>&- &
    echo $! >"sshd$k.pid"
    echo "ssh -p $port -i $dir/key -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null" \
        "-o LogLevel=ERROR $(id -un)@127.0.0.1" >>hosts
    wait_for listens "$port" || { cat "sshd$k.log" >&2 && return 1; }
}
listens() {
    : <"/dev/tcp/127.0.0.1/$1"
}

case $action in
start)
    [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f key
    read -ra ports <<<"$("$servers/free_ports" "$3")"
    for k in $(seq "$3"); do start_host "$k" "${ports[k - 1]}"; done
    ;;
stop)
    for pid in *.pid; do
        [ ! -s "$pid" ] || pkill -P "$(cat "$pid")" || true
        [ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
    done
    ;;
esac
