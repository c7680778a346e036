#!/usr/bin/env bats
# psfetch on an S3 server that behaves badly (tests/servers/bucket.py).
load ../helper

# serve FOLDER: its files are the objects of every bucket from now on.
serve() {
    /usr/bin/python3 "$REPOSITORY/tests/servers/bucket.py" "$1" >server.log 2>&1 3>&- &
    server=$!
    wait_for 10 test -s "$1.port"
    AWS_ENDPOINT_URL=http://127.0.0.1:$(cat "$1.port")
    export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=none
}
teardown() {
    [ -z "${server-}" ] || kill "$server"
}

@test "a reader that has enough ends it at once, also while the server stalls" {
    colour zoo/cat/1.png 2000 2000 9 # more than the pipe holds
    picture zoo/cat/2-stall.png 4 4 9
    serve zoo
    statuses=$(timeout 5 psfetch s3://zoo 2>err | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}

@test "a reader that has enough is noticed while there is nothing to write" {
    picture zoo/cat/1.png 4 4 9
    picture zoo/cat/2-stall.png 4 4 9
    serve zoo
    statuses=$(timeout 5 psfetch s3://zoo 2>err | head -c 200 >some; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
    [ "$(stat -c %s some)" -eq 200 ]
}

@test "an error ends it at once, also while the server stalls" {
    picture zoo/cat/2-stall.png 4 4 9
    echo "no picture" >zoo/cat/1.png
    serve zoo
    ends 1 timeout 5 psfetch s3://zoo
    grep -q "cannot read s3://zoo/cat/1.png: not a PNG or JPEG file" err
}

@test "large objects do not make every place of the window large" {
    mkdir -p zoo/cat
    for i in {1..24}; do
        truncate -s 32M "zoo/cat/$i.png"
    done
    serve zoo
    (ulimit -v 600000 && ends 0 psfetch --skip-bad --connections 2 -t 1 s3://zoo)
    grep -q "left out 24 bad images of 24" err
}

@test "an object too large to be an image is an error before any is asked for" {
    picture zoo/cat/1.png 4 4 9
    truncate -s 1T zoo/cat/2.png
    serve zoo
    ends 1 psfetch s3://zoo
    grep -q "^psfetch: cannot read s3://zoo/cat/2.png: it has 1099511627776 bytes; at most 512 MiB" err
    [ ! -e zoo.asked ]
    ends 0 psfetch --skip-bad s3://zoo
    grep -q "^psfetch: left out s3://zoo/cat/2.png: it has 1099511627776 bytes" err
    grep -q "left out 1 bad images of 2" err
    [ "$(cat zoo.asked)" = cat/1.png ]
}

@test "a key that is not UTF-8 is a bad image; hidden folders are left out and counted" {
    picture zoo/cat/1.png 4 4 9
    picture zoo/.cache/1.png 4 4 9
    picture $'zoo/gr\xfcn/1.png' 4 4 9
    serve zoo
    ends 1 psfetch s3://zoo
    grep -qF 'psfetch: cannot read s3://zoo/gr\xfcn/1.png: its name is not UTF-8' err
    ends 0 psfetch --skip-bad s3://zoo
    grep -qF 'psfetch: left out s3://zoo/gr\xfcn/1.png: its name is not UTF-8' err
    grep -q "s3://zoo: left out 1 files" err
    [ "$(records out | jq -c 'select(.type == "header") | .classes')" = '["cat"]' ]
    ends 1 psfetch $'s3://zoo/gr\xfcn'
    grep -qF 'the name s3://zoo/gr\xfcn is not UTF-8' err
}
