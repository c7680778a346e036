#!/usr/bin/env bats
# psfetch on a second real S3 server, OpenStack Swift, which reads keys and signatures in its own way.
load ../helper

server_programs=(swift-proxy-server swift-account-server swift-container-server swift-object-server curl)

# One server for all tests of this file; to start it takes longer than all of them.
setup_file() {
    [ -n "${PSWEEP_LONG-}" ] || return 0
    have "${server_programs[@]}" || return 0
    "$REPOSITORY/tests/servers/swift.sh" start "$BATS_FILE_TMPDIR/server" >&2
}
teardown_file() {
    "$REPOSITORY/tests/servers/swift.sh" stop "$BATS_FILE_TMPDIR/server"
}
setup() {
    enter_folder
    long
    need "${server_programs[@]}"
    # shellcheck source=/dev/null
    . "$BATS_FILE_TMPDIR/server/env"
}

put() {
    /usr/bin/python3 "$REPOSITORY/tests/servers/put.py" "$AWS_ENDPOINT_URL" "$@" >&2
}

# middle FILE: a stream from somewhere behind the header, which names the source, up to the digest.
middle() {
    tail -c 50000 "$1" | head -c 49900
}

@test "objects with odd keys are listed and fetched whole" {
    /usr/bin/python3 "$REPOSITORY/tests/servers/odd.py" odd.json
    put odd odd.json
    ends 0 psfetch s3://odd
    mv out odd.ps
    /usr/bin/python3 "$REPOSITORY/tests/servers/odd.py" odd.ps
}

@test "a bucket, a folder in it and a shard give what the folder here gives" {
    psfetch -q synth:shapes --limit 60 --write-shard shard.tar.gz
    mkdir zoo && tar -xzf shard.tar.gz -C zoo
    put zoo zoo
    psfetch -q zoo >folder
    psfetch -q s3://zoo >bucket
    [ "$(stat -c %s folder)" -gt 60000 ]
    middle folder >a
    middle bucket >b
    cmp a b
    mkdir shards && mv shard.tar.gz shards
    put shards shards
    psfetch -q s3://shards/shard.tar.gz >shard
    middle folder >a
    middle shard >b
    cmp a b
    psfetch -q s3://zoo/star | tail -c 3000 | head -c 2900 >bucket
    psfetch -q zoo/star | tail -c 3000 | head -c 2900 | cmp - bucket
}

@test "HTTP/2 where it is offered: the same bytes, and signatures that hold" {
    PATH=$PATH:/usr/sbin need nghttpx openssl
    local port
    psfetch -q synth:shapes --limit 60 --write-shard shapes.tar
    mkdir shapes && tar -xf shapes.tar -C shapes
    put two shapes
    psfetch -v s3://two >plain.ps 2>err
    no grep -q "HTTP/2" err
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
        -keyout key.pem -out cert.pem 2>openssl.log
    port=$("$REPOSITORY/tests/servers/free_ports" 1)
    PATH=$PATH:/usr/sbin nghttpx --conf=/dev/null --no-ocsp --workers=1 -f "127.0.0.1,$port" \
        -b "127.0.0.1,${AWS_ENDPOINT_URL##*:}" key.pem cert.pem >proxy.log 2>&1 3>&- &
    proxy=$!
    wait_for curl -sk "https://127.0.0.1:$port/"
    ends 0 env AWS_CA_BUNDLE=cert.pem psfetch -v --endpoint-url "https://127.0.0.1:$port" s3://two
    kill $proxy
    grep -q "s3://two/: the server speaks HTTP/2" err
    cmp plain.ps out
}

@test "who may not read is told so" {
    put mine .
    AWS_SECRET_ACCESS_KEY=wrong/secret ends 1 psfetch s3://mine
    grep -q "cannot list s3://mine/: status 403 SignatureDoesNotMatch" err
    ends 1 psfetch s3://no-such-bucket
    grep -q "404 NoSuchBucket" err
}
