#!/usr/bin/env bats
# psfetch on a real S3 server, which checks every signature: what comes from a bucket is what comes from
# the folder that was put there.
load ../helper

server_programs=(ceph ceph-mon ceph-osd radosgw radosgw-admin curl)

# One server for all tests of this file, with the images of make_images in the bucket "zoo".
setup_file() {
    have "${server_programs[@]}" || return 0
    "$REPOSITORY/tests/servers/radosgw.sh" start "$BATS_FILE_TMPDIR/server" >&2
    make_images "$BATS_FILE_TMPDIR/zoo"
    # shellcheck source=/dev/null
    . "$BATS_FILE_TMPDIR/server/env"
    put zoo "$BATS_FILE_TMPDIR/zoo"
}
teardown_file() {
    "$REPOSITORY/tests/servers/radosgw.sh" stop "$BATS_FILE_TMPDIR/server"
}
setup() {
    enter_folder
    need "${server_programs[@]}"
    # shellcheck source=/dev/null
    . "$BATS_FILE_TMPDIR/server/env"
    zoo=$BATS_FILE_TMPDIR/zoo
}

put() {
    /usr/bin/python3 "$REPOSITORY/tests/servers/put.py" "$AWS_ENDPOINT_URL" "$@" >&2
}

# 1200 images, more than a page of the listing has, in classes with the names that break signatures; of
# every five one is a JPEG, told from the others by its first quantiser.
make_images() {
    /usr/bin/python3 - "$1" <<'P'
import base64, os, struct, sys, zlib
jpeg = bytearray(base64.b64decode(
    "/9j/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/"
    "wAALCAAEAAQBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABv/EABwQAAEDBQAAAAAAAAAAAAAAAAYAAWEECBYlof/aAAgBAQAA"
    "PwBUEW2gmO0+q60Qv//Z"))
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
def png(number):
    pixels = b"".join(b"\0" + bytes((number * 7 + y * 50 + x * 13) % 256 for x in range(4)) for y in range(4))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))
classes = ["plain", "a b", "p+q", "a&b=c", "h#h", "100%25", "ümläut 日本", "(a)!'*~", "q?x:@,;$", '"<[{\\}]>"']
for number in range(1200):
    folder = os.path.join(sys.argv[1], "deep" if number % 3 == 0 else "", classes[number % 10])
    os.makedirs(folder, exist_ok=True)
    jpeg[7] = number // 5 % 250 + 1
    name, data = (f"{number} +%.jpg", jpeg) if number % 5 == 0 else (f"{number}.png", png(number))
    open(os.path.join(folder, name), "wb").write(data)
P
}

# The image records of a stream, a line each.
images() {
    /usr/bin/python3 - "$1" <<'P'
import msgpack, sys
for record in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False):
    if record["type"] == "image":
        print(sorted(record.items()))
P
}

@test "the images of a bucket are those of the folder" {
    psfetch -q s3://zoo --split 0.8 --seed 3 >bucket.ps
    psfetch -q "$zoo" --split 0.8 --seed 3 >folder.ps
    images bucket.ps >bucket
    images folder.ps >folder
    [ "$(wc -l <bucket)" -eq 1200 ]
    cmp bucket folder
}

@test "a folder of the bucket, and no other that begins like it" {
    psfetch -q "s3://zoo/p+q" >bucket.ps
    psfetch -q "$zoo/p+q" >folder.ps
    images bucket.ps >bucket
    images folder.ps >folder
    [ -s folder ]
    cmp bucket folder
    ends 1 psfetch s3://zoo/p
    grep -q "s3://zoo/p holds no images: there is nothing in it" err
    ends 1 psfetch "s3://zoo/p+q/2.png"
    grep -q "holds no images: a source is a folder, of which --include takes some" err
    AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL/http:/https:} ends 1 psfetch s3://zoo
    grep -q "(does that server speak https?); tried 5 times" err
}

@test "objects with odd keys are listed and fetched whole" {
    /usr/bin/python3 "$REPOSITORY/tests/servers/odd.py" odd.json
    put odd odd.json
    ends 0 psfetch s3://odd
    mv out odd.ps
    /usr/bin/python3 "$REPOSITORY/tests/servers/odd.py" odd.ps
}

@test "a shard in the bucket gives what its images there give" {
    psfetch -q s3://zoo --write-shard shard.tar
    mkdir shards && mv shard.tar shards
    put shards shards
    psfetch -q s3://shards/shard.tar >shard.ps
    psfetch -q s3://zoo >bucket.ps
    images shard.ps >shard
    images bucket.ps >bucket
    [ "$(wc -l <shard)" -eq 1200 ]
    cmp shard bucket
}

@test "any number of connections gives the same bytes, and a limit the same choice" {
    psfetch -q s3://zoo --limit 300 --connections 1 -t 1 >one.ps
    psfetch -q s3://zoo --limit 300 --connections 64 -t 3 >many.ps
    cmp one.ps many.ps
    psfetch -q "$zoo" --limit 300 >folder.ps
    images many.ps >bucket
    images folder.ps >folder
    cmp bucket folder
}

@test "who may not read is told so, with the server's code and without the secret" {
    AWS_SECRET_ACCESS_KEY=wrong/secret ends 1 psfetch s3://zoo
    grep -q "cannot list s3://zoo/: status 403 SignatureDoesNotMatch: the secret access key is not .* (request id" err
    no grep -q "wrong/secret" err
    AWS_ACCESS_KEY_ID=nobody ends 1 psfetch s3://zoo
    grep -q "InvalidAccessKeyId: the server does not know the access key id" err
    ends 1 psfetch --no-sign-request s3://zoo
    grep -q "AccessDenied" err
    ends 1 psfetch s3://no-such-bucket
    grep -q "404 NoSuchBucket: there is no bucket of that name" err
}

@test "half a pair of keys, or none, is a sentence and no request" {
    export HOME=$PWD
    (unset AWS_SECRET_ACCESS_KEY && ends 1 psfetch s3://zoo)
    grep -q "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not" err
    (unset AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID && ends 1 psfetch s3://zoo)
    grep -q "no S3 keys" err
}

@test "keys, region and endpoint from a profile" {
    printf '[zoo]\naws_access_key_id = %s\naws_secret_access_key = %s\n' \
        "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >keys
    printf '[profile zoo]\nregion = us-east-1\nendpoint_url = %s\n' "$AWS_ENDPOINT_URL" >config
    psfetch -q s3://zoo --limit 50 >environment.ps
    unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL
    AWS_SHARED_CREDENTIALS_FILE=keys AWS_CONFIG_FILE=config \
        psfetch -q --profile zoo s3://zoo --limit 50 >profile.ps
    cmp environment.ps profile.ps
}

@test "an object that is no image is named, or left out and counted" {
    picture bad/cat/1.png 4 4 9
    picture bad/cat/3.png 4 4 9
    echo "not an image" >"bad/cat/2 &.png"
    put bad bad
    ends 1 psfetch s3://bad
    grep -q "2 &.png.*: not a PNG, JPEG, WebP, GIF or BMP file" err
    ends 0 psfetch --skip-bad s3://bad
    grep -q "left out .*2 &.png" err
    mv out bad.ps
    [ "$(images bad.ps | wc -l)" -eq 2 ]
}

@test "a reader that has enough ends it quietly" {
    set -o pipefail
    psfetch s3://zoo 2>err | head -c 1000 >/dev/null
    [ ! -s err ] || no grep -q "cannot" err
}

@test "real images: from the bucket through a sweep to the test of the best" {
    need_shared data/cifar10-jpeg.tar.gz
    tar xzf "${shared:?}/data/cifar10-jpeg.tar.gz" --wildcards '*test/*/000*.jpg' '*test/*/010*.jpg'
    put cifar test
    psfetch -q s3://cifar >bucket.ps
    psfetch -q test >folder.ps
    images bucket.ps >bucket
    images folder.ps >folder
    [ "$(wc -l <bucket)" -eq 200 ]
    cmp bucket folder
    sweep --depth 1-2 --epochs 1 --data s3://cifar --test s3://cifar -o runs >said
    grep -q "^best is runs/d[12]-s0-[0-9a-f]*.bin: validation [0-9.]* %, test [0-9.]* %$" said
    [ "$(records runs/best.scores | jq 'select(.type == "score") | .images')" -eq 200 ]
    [ "$(records runs/d2-s0-*.bin | jq -r 'select(.type == "header") | .upstream[0].upstream[0].source[0]')" = s3://cifar ]
}
