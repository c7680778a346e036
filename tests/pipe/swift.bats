#!/usr/bin/env bats
# psfetch on a second real S3 server, OpenStack Swift, which reads keys and signatures in its own way.
load ../helper

server_programs=(swift-proxy-server swift-account-server swift-container-server swift-object-server
    swift-ring-builder curl)

# One server for all tests of this file.
setup_file() {
    command -v "${server_programs[@]}" >/dev/null || return 0
    "$REPOSITORY/tests/servers/swift.sh" start "$BATS_FILE_TMPDIR/server" >&2
}
teardown_file() {
    "$REPOSITORY/tests/servers/swift.sh" stop "$BATS_FILE_TMPDIR/server"
}
setup() {
    enter_folder
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

@test "who may not read is told so" {
    put mine .
    AWS_SECRET_ACCESS_KEY=wrong/secret ends 1 psfetch s3://mine
    grep -q "cannot list s3://mine/: status 403 SignatureDoesNotMatch" err
    ends 1 psfetch s3://no-such-bucket
    grep -q "404 NoSuchBucket" err
}
