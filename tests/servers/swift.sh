#!/usr/bin/env bash
# A second real S3 server for tests: OpenStack Swift with its S3 interface, which reads signatures in a
# program of its own; account, container and object server and the proxy before them, all on 127.0.0.1 and on
# ports that were free.
#
#   swift.sh start DIR    starts it with its state in DIR and writes DIR/env, to be sourced: the endpoint
#                         and keys as AWS_… variables. Takes about five seconds.
#   swift.sh stop DIR     stops the processes whose ids stand in DIR/*.pid
#
# Needs the programs swift-{proxy,account,container,object}-server (make deps-servers). The key id holds a
# colon, and the secret what a careless signer gets wrong.
set -eEuo pipefail
action=$1
servers=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.bash
. "$servers/../wait.bash"
mkdir -p "$2"
cd "$2"
dir=$PWD
services=(account container object)

# defaults PORT: what all four servers are told; workers 0: no processes below those that we start.
defaults() {
    printf '[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = %s\nswift_dir = %s\nuser = %s\nworkers = 0\n' \
        "$1" "$dir" "$(id -un)"
    printf 'devices = %s/node\nmount_check = false\nlog_level = WARNING\n' "$dir"
}

# filter NAME LINE...: a filter of Swift's own with these settings.
filter() {
    printf '[filter:%s]\nuse = egg:swift#%s\n' "$1" "$1"
    shift
    printf '%s\n' "$@"
}

write_storage() {
    local name=$1 port=$2
    {
        defaults "$port"
        printf '[pipeline:main]\npipeline = %s-server\n' "$name"
        printf '[app:%s-server]\nuse = egg:swift#%s\n' "$name" "$name"
    } >"$name-server.conf"
}

# write_rings PORT...: by what swift-ring-builder calls, which would be started nine times.
write_rings() {
    /usr/bin/python3 - "$@" <<'P'
import sys
from swift.common.ring import RingBuilder
for name, port in zip(("account", "container", "object"), map(int, sys.argv[1:])):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=port, device="d1", weight=1, meta="",
                         replication_ip="127.0.0.1", replication_port=port))
    builder.rebalance()
    builder.get_ring().save(name + ".ring.gz")
P
}

write_proxy() {
    {
        defaults "$1"
        printf '[pipeline:main]\npipeline = catch_errors cache listing_formats s3api tempauth slo proxy-server\n'
        printf '[app:proxy-server]\nuse = egg:swift#proxy\n'
        printf 'account_autocreate = true\nallow_account_management = true\n'
        filter catch_errors
        # The proxy wants a cache; this one is never there, and nothing is remembered.
        printf '[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:1\n'
        filter listing_formats
        filter s3api 's3_acl = false' 'location = us-east-1'
        filter tempauth 'user_test_tester = Secret/with+odd=characters .admin'
        filter slo
    } >proxy-server.conf
    printf '[swift-hash]\nswift_hash_path_suffix = psweep\n[storage-policy:0]\nname = one\ndefault = yes\n' \
        >swift.conf
}

# background NAME: starts that server on its own, away from the descriptors of whoever waits for us.
background() {
    SWIFT_DIR=$dir "swift-$1-server" "$dir/$1-server.conf" >"$1.log" 2>&1 </dev/null 3>&- 4>&- &
    echo $! >"$1.pid"
}

start() {
    local ports i
    read -ra ports < <("$servers/free_ports" 4)
    mkdir -p node/d1
    write_proxy "${ports[3]}"
    write_rings "${ports[@]:0:3}"
    for i in 0 1 2; do
        write_storage "${services[i]}" "${ports[i]}"
        background "${services[i]}"
    done
    background proxy
    # Any answer will do: without a signature it is a refusal.
    wait_for curl -s --max-time 60 "http://127.0.0.1:${ports[3]}/" || { tail -n 5 ./*.log >&2 && return 1; }
    printf "export AWS_ENDPOINT_URL=http://127.0.0.1:%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY='%s'\n" \
        "${ports[3]}" test:tester 'Secret/with+odd=characters' >"$dir/env"
}

stop() {
    local name
    for name in proxy "${services[@]}"; do
        [ -s "$name.pid" ] || continue
        kill "$(cat "$name.pid")" 2>/dev/null || true
        rm -f "$name.pid"
    done
}

case $action in
start) trap stop ERR; start ;;
stop) stop ;;
*) echo "usage: swift.sh start|stop DIR" >&2; exit 2 ;;
esac
