#!/usr/bin/env bats
# Small files that ask for very much: each is an error with a way out, or left out, within bounds of processor time,
# memory and room on the disk that hold for any of them (bombs.py makes them).
load ../helper

bombs() {
    /usr/bin/python3 "$REPOSITORY/tests/faults/bombs.py" "$@"
}

# refused SECONDS MIB SOURCE WORDS: psfetch ends with 1 within these bounds, for the reason that these words are part of.
refused() {
    ends 1 bounded "$1" "$2" psfetch -q -t 1 "$3"
    [ "$(wc -l <err)" = 1 ]
    grep -F "$4" err
}

@test "pictures: scans, coefficients, data behind the pixels, pixels that take no bytes" {
    bombs scans coefficients behind webp
    refused 1 60 scans "psfetch: cannot read scans/cat/1.jpg: JPEG: it has more than 100 scans; convert it to a baseline JPEG"
    refused 1 60 coefficients "16384 x 16384 pixels in several scans takes more than 256 MiB to put together; convert it"
    refused 1 60 behind "PNG: too much data is behind its pixels; write it anew"
    [ ! -e webp ] || psfetch --version | no grep -q WebP || refused 1 60 webp "without loss takes more than 256 MiB"
    # With --skip-bad they are left out like others.
    colour scans/dog/1.png 8 8 70
    ends 0 bounded 1 60 psfetch --skip-bad scans
    grep '^psfetch: left out scans/cat/1.jpg: JPEG: it has more than 100 scans' err
}

@test "many threads do not hold many large images at once" {
    long
    bombs large
    for resize in "--resize 8x8" ""; do
        # shellcheck disable=SC2086 # many words on purpose
        bounded 20 2048 psfetch -q -t 12 $resize large >/dev/null
    done
}

@test "archives: what is packed or has holes may not become very much; names may not be very long" {
    bombs packed holes names
    mkdir spool
    export TMPDIR=$PWD/spool
    # The spool file has no name; 300 MB of it are in no case there.
    ulimit -f 300000
    refused 3 40 packed.tar.gz "psfetch: cannot read packed.tar.gz: it unpacks to more than 256 times its size"
    refused 3 40 holes.tar "psfetch: cannot read holes.tar: it unpacks to more than 256 times its size"
    refused 1 40 names.tar.gz "a name in it has 921600 bytes; at most 4096 can be read"
}

@test "keys and points from a file that does not end" {
    export AWS_SHARED_CREDENTIALS_FILE=/dev/zero AWS_CONFIG_FILE=$PWD/config
    touch config
    refused 1 60 s3://b/x "psfetch: cannot read /dev/zero: it has more than 1 MiB"
    printf '[default]\ncredential_process = yes\n' >config
    AWS_SHARED_CREDENTIALS_FILE=config
    ends 1 bounded 1 60 psfetch s3://b/x
    grep 'the credential_process of the profile answers more than 64 KiB' err
    small_model 20 10
    ends 1 bounded 2 200 pstrain --points /dev/zero <images.ps
    grep '^pstrain: cannot read /dev/zero: it has more than 64 MiB' err
}
