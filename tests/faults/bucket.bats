#!/usr/bin/env bats
# psfetch on an S3 server that behaves badly (tests/servers/bucket.py).
load ../helper

# many FOLDER COUNT: so many small images in three classes.
many() {
    psfetch -q synth:shapes --limit "$2" --write-shard many.tar
    mkdir "$1"
    tar -xf many.tar -C "$1"
}

@test "a reader that has enough ends it at once, also while the server stalls" {
    colour zoo/cat/1.png 2000 2000 9 # more than the pipe holds
    picture zoo/cat/2-stall.png 4 4 9
    serve zoo
    statuses=$(at_once psfetch s3://zoo 2>err | head -c 1000 >/dev/null; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}

@test "a reader that has enough is noticed while there is nothing to write" {
    picture zoo/cat/1.png 4 4 9
    picture zoo/cat/2-stall.png 4 4 9
    serve zoo
    statuses=$(at_once psfetch s3://zoo 2>err | head -c 200 >some; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
    [ "$(stat -c %s some)" -eq 200 ]
}

@test "an error ends it at once, also while the server stalls" {
    picture zoo/cat/2-stall.png 4 4 9
    echo "no picture" >zoo/cat/1.png
    serve zoo
    ends 1 at_once psfetch s3://zoo
    grep -q "cannot read s3://zoo/cat/1.png: not a PNG, JPEG, WebP, GIF or BMP file" err
}

@test "large objects do not make every place of the window large" {
    long
    picture zoo/cat/0.png 4 4 9
    for i in {1..24}; do
        truncate -s 32M "zoo/cat/$i.png"
    done
    serve zoo
    (memory 600000 && ends 0 psfetch --skip-bad --connections 2 -t 1 s3://zoo)
    grep -q "left out 24 bad images of 25" err
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
    grep -q "left out 1 bad image of 2" err
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
    grep -q "s3://zoo: left out 1 file: " err
    [ "$(records out | jq -c 'select(.type == "header") | .classes')" = '["cat"]' ]
    ends 1 psfetch $'s3://zoo/gr\xfcn'
    grep -qF 'the name s3://zoo/gr\xfcn is not UTF-8' err
}

@test "all that goes wrong together: the stream is byte for byte the one of a clean fetch" {
    many zoo 400
    serve zoo
    psfetch -q s3://zoo >clean.ps
    local seed
    for seed in 1 2; do
        serve zoo seed=$seed page=90 slow=0.1 reset=0.05 cut=0.05 cut_unsized=0.05 flip=0.02 error=0.02
        psfetch -v s3://zoo >out 2>err
        cmp clean.ps out
        # Each of them did happen, and was told; how a connection went, in libcurl's words.
        for fault in slow error reset cut cut_unsized flip; do
            grep -qx $fault zoo.faults
        done
        ours=(SlowDown InternalError "bytes came and" MD5)
        for said in "${ours[@]}"; do
            grep -q "$said.*; trying again" err
        done
        grep "; trying again" err | grep -vF "$(printf '%s\n' "${ours[@]}")" >others
        [ "$(wc -l <others)" -ge "$(grep -cx cut zoo.faults)" ]
        [ "$(sort zoo.asked | uniq | wc -l)" -eq 400 ]
        [ "$(wc -l <zoo.asked)" -gt 450 ]
    done
    # Without ETag, what is cut short is still known by the length that was listed.
    serve zoo seed=4 etag=0 cut_unsized=0.1 cut=0.1 length=0
    psfetch -v s3://zoo >out 2>err
    cmp clean.ps out
    grep -q "had been listed; trying again" err
}

@test "what stalls is asked for again" {
    many zoo 60
    serve zoo
    psfetch -q s3://zoo >clean.ps
    serve zoo stall=0.03 seed=1
    psfetch -v s3://zoo >out 2>err
    cmp clean.ps out
    [ "$(grep -c "; trying again" err)" -ge "$(grep -cx stall zoo.faults)" ]
}

@test "a server that fails one request in four is borne; one that fails more than half is not" {
    long
    many zoo 600
    serve zoo
    psfetch -q s3://zoo >clean.ps
    serve zoo error=0.25
    psfetch -q s3://zoo | cmp - clean.ps
    serve zoo error=0.75
    AWS_MAX_ATTEMPTS=100 ends 1 psfetch --connections 32 s3://zoo
    grep -q "^psfetch: cannot read s3://zoo/[a-z]*/[0-9]*.png: status 500 InternalError; the server failed [0-9]* times for [0-9]* objects" err
    [ "$(wc -l <zoo.asked)" -lt 700 ]
}

@test "a fault that does not end is an error that names the object" {
    many zoo 30
    export AWS_MAX_ATTEMPTS=3
    for fault in cut cut_unsized reset flip error; do
        serve zoo $fault=1 only=star/00001
        ends 1 psfetch s3://zoo
        grep -q "^psfetch: cannot read s3://zoo/star/00001.png: .*; tried 3 times" err
        no grep -q digest out
    done
    unset AWS_MAX_ATTEMPTS
    AWS_ENDPOINT_URL=http://127.0.0.1:9 ends 1 in_time psfetch s3://zoo
    grep -q "cannot list s3://zoo/: .*; tried 5 times" err
}

@test "listings that break are read again" {
    long
    many zoo 300
    serve zoo
    psfetch -q s3://zoo >clean.ps
    serve zoo listing= page=20 cut=0.2 cut_unsized=0.3 error=0.1 reset=0.1 length=0
    psfetch -v s3://zoo >out 2>err
    cmp clean.ps out
    grep -q "cannot list s3://zoo/: the listing is damaged: .*; trying again" err
}

@test "the region that the server tells is taken over, once" {
    many zoo 30
    serve zoo
    psfetch -q s3://zoo >clean.ps
    for status in 301 400; do
        serve zoo region=eu-north-1 status=$status
        psfetch -v s3://zoo >out 2>err
        cmp clean.ps out
        grep -q "the bucket lives in region eu-north-1; going there" err
        cp many.tar zoo/
        psfetch -q s3://zoo/many.tar | tail -c 1000 | head -c 900 | cmp - <(tail -c 1000 clean.ps | head -c 900)
        rm zoo/many.tar
        AWS_REGION=eu-north-1 psfetch -v s3://zoo 2>err | cmp - clean.ps
        no grep -q "going there" err
    done
}

@test "a clock that is not the server's is no hindrance" {
    many zoo 30
    serve zoo
    psfetch -q s3://zoo >clean.ps
    for seconds in 86400 -86400; do
        serve zoo skew=$seconds
        psfetch -v s3://zoo >out 2>err
        cmp clean.ps out
        [ "$(grep -c "RequestTimeTooSkewed: .*; trying again" err)" -eq 1 ]
    done
    # A server that does not tell its time, and would have another one.
    serve zoo skew=86400 date=0
    AWS_MAX_ATTEMPTS=3 ends 1 psfetch s3://zoo
    grep -q "^psfetch: cannot list s3://zoo/: status 403 RequestTimeTooSkewed: .* is the clock of this machine right?; tried 3 times" err
}

@test "a request that is answered too late is signed anew, as often as any other trouble lets it" {
    many zoo 300
    serve zoo
    psfetch -q s3://zoo >clean.ps
    for date in 0 1; do
        serve zoo late=0.15 date=$date
        psfetch -v s3://zoo >out 2>err
        cmp clean.ps out
        [ "$(grep -c "RequestTimeTooSkewed: .*; trying again" err)" -gt 20 ]
        [ "$(sort zoo.asked | uniq -c | awk '$1 > 2' | wc -l)" -gt 0 ] # some of them more than once
    done
}

@test "an object that was replaced after it was listed is an error, also with --skip-bad" {
    many zoo 30
    serve zoo replaced=star/00001
    ends 1 psfetch --skip-bad s3://zoo
    grep -q "cannot read s3://zoo/star/00001.png: status 412 PreconditionFailed: the object was replaced after" err
    no grep -q digest out
}

@test "an object that is gone or refused is an error that names it, or with --skip-bad left out" {
    many zoo 30
    serve zoo gone=star/00001 denied=cross/00000 stored=star/00000
    ends 1 psfetch s3://zoo
    grep -q "^psfetch: cannot read s3://zoo/cross/00000.png: status 403 AccessDenied" err
    no grep -q digest out
    ends 0 psfetch --skip-bad s3://zoo
    grep -q "^psfetch: left out s3://zoo/star/00001.png: status 404 NoSuchKey" err
    grep -q "left out s3://zoo/cross/00000.png: status 403 AccessDenied: these keys do not permit it" err
    grep -q "left out s3://zoo/star/00000.png: status 403 InvalidObjectState: the object lies in an archive class, .* and must be restored before" err
    grep -q "left out 3 bad images of 30" err
    [ "$(records out | grep -c '"image"')" -eq 27 ]
    ends 1 psfetch --no-sign-request s3://zoo --include 'star/*'
    grep -q "cannot read s3://zoo/star/00000.png: status 403 InvalidObjectState: the object lies in an archive class" err
}

@test "a reader that has enough is noticed while a listing stalls" {
    many zoo 3
    serve zoo hang=
    statuses=$(at_once psfetch s3://zoo 2>err | head -c 0; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}

@test "a reader that has enough is noticed while what has no suffix stalls" {
    picture zoo/cat/1.png 4 4 9
    cp zoo/cat/1.png zoo/cat/2-stall
    serve zoo
    statuses=$(at_once psfetch s3://zoo 2>err | (sleep 1 && head -c 0); echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}

@test "class folders are listed at once where they have more than a page" {
    many zoo 300
    picture zoo/loose.png 4 4 9
    picture zoo/star/deep/er.png 4 4 9
    serve zoo delay=0.05
    psfetch -q s3://zoo >clean.ps
    [ "$(cat zoo.peak)" -eq 1 ]
    serve zoo page=20 delay=0.05
    psfetch -q s3://zoo | cmp - clean.ps
    [ "$(cat zoo.peak)" -gt 5 ]
    psfetch -q s3://zoo/star >star.ps
    records star.ps | jq -r 'select(.type == "image") | .key' >keys
    [ "$(wc -l <keys)" -eq 31 ]
    grep -qx deep/er.png keys
    # Faults among them too, and a failure of one ends all.
    serve zoo listing= page=20 cut=0.2 cut_unsized=0.2 error=0.1 reset=0.1
    psfetch -q s3://zoo | cmp - clean.ps
    serve zoo listing=star page=20 error=1
    AWS_MAX_ATTEMPTS=2 ends 1 in_time psfetch s3://zoo
    grep -q "^psfetch: cannot list s3://zoo/star/: status 500 InternalError; tried 2 times" err
}

@test "a reader that has enough is noticed while one of many listings stalls" {
    many zoo 60
    serve zoo page=20 hang=star
    statuses=$(at_once psfetch s3://zoo 2>err | (sleep 1 && head -c 0); echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}
