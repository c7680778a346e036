#!/usr/bin/env bash
# A real S3 server for tests: Ceph's object gateway over one monitor and one storage daemon that keeps
# everything in memory, all on 127.0.0.1 and on ports that were free.
#
#   radosgw.sh start DIR    starts it with its state in DIR and writes DIR/env, to be sourced: the
#                           endpoint and keys as AWS_… variables. Takes about ten seconds.
#   radosgw.sh stop DIR     stops the processes whose ids stand in DIR/*.pid
#
# Needs the programs ceph-mon, ceph-osd, ceph and radosgw (make deps-servers). The secret holds the
# characters that a careless signer gets wrong.
set -eEuo pipefail
action=$1
servers=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.bash
. "$servers/../wait.bash"
mkdir -p "$2"
cd "$2"
dir=$PWD
key=PSWEEPTEST
secret='Secret/with+odd=characters'

# done_soon COMMAND...: in the end it succeeds; without a server that it asks it would not end.
done_soon() {
    wait_for timeout 60 "$@" || { tail -n 5 ./*.log >&2 && return 1; }
}

# background NAME COMMAND...: runs it on its own, away from the descriptors of whoever waits for us.
background() {
    local name=$1
    shift
    "$@" >"$name.log" 2>&1 </dev/null 3>&- 4>&- &
    echo $! >"$name.pid"
}

write_conf() {
    cat >ceph.conf <<C
[global]
fsid = $1
mon host = v2:127.0.0.1:$2,v1:127.0.0.1:$3
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $dir/keyring
run dir = $dir
admin socket = $dir/\$name.asok
log file =
log to stderr = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush update on start = false
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
[mon.a]
mon data = $dir/mon
[osd.0]
osd objectstore = memstore
osd data = $dir/osd
memstore device bytes = 1073741824
[client.rgw.a]
rgw data = $dir
rgw frontends = beast endpoint=127.0.0.1:$4
C
}

write_keys() {
    ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
    ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
    ceph-authtool keyring --gen-key -n client.rgw.a --cap mon 'allow rwx' --cap osd 'allow rwx'
}

start() {
    local id conf=(-c "$dir/ceph.conf") ports
    read -ra ports < <("$servers/free_ports" 3)
    id=$(cat /proc/sys/kernel/random/uuid)
    write_conf "$id" "${ports[@]}"
    write_keys >keys.log
    mkdir -p mon osd
    monmaptool --create --clobber --fsid "$id" \
        --addv a "[v2:127.0.0.1:${ports[0]},v1:127.0.0.1:${ports[1]}]" monmap >wait.log
    ceph-mon "${conf[@]}" --mkfs -i a --monmap monmap --keyring keyring >mon.log 2>&1
    background mon ceph-mon "${conf[@]}" -f -i a
    id=$(cat /proc/sys/kernel/random/uuid)
    done_soon ceph "${conf[@]}" osd new "$id" 0
    ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$id" >osd.log 2>&1
    done_soon ceph "${conf[@]}" osd crush add 0 1.0 root=default host=localhost
    background osd ceph-osd "${conf[@]}" -f -i 0
    background rgw radosgw "${conf[@]}" -f -n client.rgw.a
    done_soon curl -sf -o /dev/null "http://127.0.0.1:${ports[2]}/"
    done_soon radosgw-admin "${conf[@]}" -n client.rgw.a user create --uid=tester \
        --display-name=tester --access-key=$key --secret-key="$secret"
    printf "export AWS_ENDPOINT_URL=http://127.0.0.1:%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY='%s'\n" \
        "${ports[2]}" $key "$secret" >"$dir/env"
}

stop() {
    local file pid
    for file in rgw.pid osd.pid mon.pid; do
        [ -s $file ] || continue
        pid=$(cat $file)
        # SIGKILL: an orderly farewell between the daemons takes half a minute, and nothing is to be saved.
        kill -9 "$pid" 2>/dev/null || true
        rm -f $file
    done
}

case $action in
start) trap stop ERR; start ;;
stop) stop ;;
*) echo "usage: radosgw.sh start|stop DIR" >&2; exit 2 ;;
esac
