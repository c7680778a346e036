#!/usr/bin/env bats
# psfetch on folders and on the built-in generator.
load ../helper

# Three classes; what the listing has to sort, leave out and look into.
photos() {
    picture photos/dog/b.png 4 4 20
    picture photos/dog/a.png 4 4 10
    picture photos/cat/deep/er/1.png 4 4 30
    picture photos/cat/1.png 4 4 40
    picture "photos/an ant/ü & more.PNG" 4 4 50
    echo text >photos/dog/notes.txt
    picture photos/dog/.hidden.png 4 4 60
}

@test "labels are parent folders, images come in the order of the sorted listing" {
    photos
    ends 0 psfetch photos
    mv out photos.ps
    run jq -c 'select(.type == "header") | .classes' <(records photos.ps)
    [ "$output" = '["an ant","cat","dog","er"]' ]
    run jq -r 'select(.type == "image") | "\(.id) \(.key) \(.label) \(.split) \(.height)x\(.width)x\(.channels)"' <(records photos.ps)
    [ "${lines[0]}" = "0 an ant/ü & more.PNG 0 train 4x4x1" ]
    [ "${lines[1]}" = "1 cat/1.png 1 train 4x4x1" ]
    [ "${lines[2]}" = "2 cat/deep/er/1.png 3 train 4x4x1" ]
    [ "${lines[3]}" = "3 dog/a.png 2 train 4x4x1" ]
    [ "${lines[4]}" = "4 dog/b.png 2 train 4x4x1" ]
    [ "${#lines[@]}" -eq 5 ]
}

@test "what is not taken for an image is counted, not passed over in silence" {
    photos
    ends 0 psfetch photos
    grep -q "left out 2 files" err
}

@test "hidden folders are counted" {
    photos
    picture photos/.cache/1.png 4 4 70
    picture photos/dog/.cache/deep/2.png 4 4 70
    ends 0 psfetch photos
    grep -q "^psfetch: photos: left out 2 hidden folders" err
    [ "$(records out | grep -c '"image"')" -eq 5 ]
}

@test "an error of a very long name still has its reason" {
    long=photos
    for _ in {1..12}; do
        long+=/$(printf '%0200d' 0)
    done
    mkdir -p "$long"
    echo "no picture" >"$long/1.png"
    ends 1 psfetch photos
    grep -q "/1.png: not a PNG, JPEG, WebP, GIF or BMP file" err
}

@test "a folder that contains itself through a link is refused with the way out" {
    photos
    ln -s .. photos/cat/up
    ends 1 psfetch photos
    grep -q "^psfetch: the folder photos/cat/up contains itself through a link: remove the link, or --exclude " err
    ends 0 psfetch photos --exclude cat/up
    rm photos/cat/up
    cp out excluded
    ends 0 psfetch photos
    [ "$(records out | grep -c '"image"')" = "$(records excluded | grep -c '"image"')" ]
}

@test "a link to nothing, or what is no file, is a bad image if it is named like one" {
    photos
    ln -s gone photos/cat/2.png
    ln -s gone photos/cat/notes.txt
    ends 1 psfetch photos
    grep -q "^psfetch: cannot read photos/cat/2.png: it is a link to nothing" err
    mkfifo photos/cat/pipe.png
    ends 0 psfetch --skip-bad photos
    grep -q "^psfetch: left out photos/cat/2.png: it is a link to nothing" err
    grep -q "^psfetch: left out photos/cat/pipe.png: it is neither file nor folder" err
    grep -q "^psfetch: photos: left out 3 files" err
    grep -q "left out 2 bad images of 7" err
    [ "$(records out | grep -c '"image"')" -eq 5 ]
    # One that is not wanted is no matter.
    ends 0 psfetch photos --exclude '*/2.png,*/pipe.png'
    ends 0 psfetch photos --include 'dog/*'
}

@test "a file too large to be an image is a bad image; no memory is taken for it" {
    photos
    truncate -s 1T photos/cat/huge.png
    ends 1 psfetch photos
    grep -q "^psfetch: cannot read photos/cat/huge.png: it has 1099511627776 bytes; at most 512 MiB" err
    (memory 500000 && ends 0 psfetch --skip-bad photos)
    grep -q "^psfetch: left out photos/cat/huge.png: it has 1099511627776 bytes" err
    grep -q "left out 1 bad image of 6" err
    [ "$(records out | grep -c '"image"')" -eq 5 ]
}

@test "a name that is not UTF-8 is a bad image, shown so that it can be found; all of a stream is UTF-8" {
    photos
    picture $'photos/dog/caf\xe9\n.png' 4 4 70
    ends 1 psfetch photos
    grep -qF 'psfetch: cannot read photos/dog/caf\xe9\x0a.png: its name is not UTF-8' err
    [ ! -s out ]
    picture $'photos/gr\xfcn/1.png' 4 4 70
    ends 0 psfetch --skip-bad photos
    grep -qF 'left out photos/dog/caf\xe9\x0a.png: its name' err
    grep -qF 'left out photos/gr\xfcn/1.png: its name' err
    grep -q "left out 2 bad images of 7" err
    run jq -c 'select(.type == "header") | .classes' <(records out)
    [ "$output" = '["an ant","cat","dog","er"]' ]
    picture $'gr\xfcn/1.png' 4 4 70
    ends 1 psfetch $'gr\xfcn'
    grep -qF 'gr\xfcn/1.png: the name of its folder is not UTF-8' err
}

@test "the stream names no path of the machine and does not depend on it" {
    photos
    psfetch -q photos >here.ps
    mkdir -p elsewhere/deeper
    cp -r photos elsewhere/deeper/
    psfetch -q "$PWD/elsewhere/deeper/photos" >there.ps
    cmp here.ps there.ps
    no grep -q "$BATS_TEST_TMPDIR" there.ps
}

@test "any number of threads gives the same bytes" {
    psfetch -q synth:shapes --limit 500 -t 1 >one.ps
    psfetch -q synth:shapes --limit 500 -t 7 >seven.ps
    cmp one.ps seven.ps
}

@test "several sources follow each other with ids that go on" {
    photos
    ends 0 psfetch -q photos/dog photos/cat
    mv out both.ps
    run jq -r 'select(.type == "image") | "\(.id) \(.key) \(.label)"' <(records both.ps)
    [ "${lines[0]}" = "0 a.png 1" ]
    [ "${lines[1]}" = "1 b.png 1" ]
    [ "${lines[2]}" = "2 1.png 0" ]
}

@test "--split, --seed and --as mark the images" {
    splits() {
        records "$1" | jq -r 'select(.type == "image") | .split' | sort | uniq -c | xargs
    }
    psfetch -q synth:shapes --limit 100 --split 0.85 >some.ps
    [ "$(splits some.ps)" = "90 train 10 validation" ]
    psfetch -q synth:shapes/test --limit 20 --as test >test.ps
    [ "$(splits test.ps)" = "20 test" ]
    psfetch -q synth:shapes --limit 100 --split 0.8 --seed 1 >first.ps
    psfetch -q synth:shapes --limit 100 --split 0.8 --seed 1 >again.ps
    psfetch -q synth:shapes --limit 100 --split 0.8 --seed 2 >other.ps
    cmp first.ps again.ps
    no cmp -s first.ps other.ps
}

@test "--seed with --as changes nothing, so that both sets of a sweep can be fetched alike" {
    psfetch -q synth:shapes --limit 20 --as test >plain.ps
    ends 0 psfetch -q synth:shapes --limit 20 --as test --seed 3
    cmp plain.ps out
    ends 2 psfetch synth:shapes --seed 3
    grep -q -- "--seed is for a random --split" err
}

@test "--resize and --channels change every image" {
    photos
    ends 0 psfetch -q photos --resize 2x3 --channels 3
    run jq -r 'select(.type == "image") | "\(.height)x\(.width)x\(.channels) \(.pixels)"' <(records out)
    [ "${lines[0]}" = "2x3x3 18 bytes" ]
    colour colours/red/1.png 4 4 200
    ends 0 psfetch -q colours --channels 1
    run jq -r 'select(.type == "image") | .channels' <(records out)
    [ "$output" = 1 ]
}

# options FILE: those in its header.
options() {
    records "$1" | jq 'select(.type == "header") | .options'
}

# held FILE ORIENTATION: a PNG of two rows of three pixels, 10 20 30 over 40 50 60, with the note of a camera.
held() {
    mkdir -p "$(dirname "$1")"
    /usr/bin/python3 -c '
import struct, sys, zlib
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
note = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, int(sys.argv[2]), 0, 0)
open(sys.argv[1], "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 0, 0, 0, 0))
    + chunk(b"eXIf", note) + chunk(b"IDAT", zlib.compress(bytes([0, 10, 20, 30, 0, 40, 50, 60]))) + chunk(b"IEND", b""))' "$@"
}
# values FILE: size and pixels of every image.
values() {
    /usr/bin/python3 -c '
import msgpack, sys
for r in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False):
    if r["type"] == "image":
        print("%dx%d" % (r["height"], r["width"]), *r["pixels"])' "$1"
}

@test "images are turned as the camera was held, unless there is --no-orientation" {
    held held/a/1.png 1
    held held/a/6.png 6
    psfetch -q held >out
    [ "$(values out)" = "2x3 10 20 30 40 50 60
3x2 40 10 50 20 60 30" ]
    [ "$(options out | jq 'has("no-orientation")')" = false ]
    psfetch -q held --no-orientation >out
    [ "$(values out | sort -u)" = "2x3 10 20 30 40 50 60" ]
    [ "$(options out | jq '.["no-orientation"]')" = true ]
    # The size asked for is that of what is seen.
    [ "$(psfetch -q held --include '*6.png' --resize 3x2 | values /dev/stdin)" = "3x2 40 10 50 20 60 30" ]
    ends 2 psfetch held --no-orientation --write-shard held.tar
    psfetch -q held --write-shard held.tar
    [ "$(psfetch -q held.tar | values /dev/stdin)" = "$(psfetch -q held | values /dev/stdin)" ]
}

@test "--fit: proportions are given up, or kept with black, or with the middle only" {
    held photos/a/1.png 1
    [ "$(psfetch -q photos --resize 2x2 --fit crop | values /dev/stdin)" = "2x2 10 20 40 50" ]
    [ "$(psfetch -q photos --resize 3x3 --fit pad | values /dev/stdin)" = "3x3 10 20 30 40 50 60 0 0 0" ]
    psfetch -q photos --resize 2x2 >plain.ps
    [ "$(options plain.ps | jq 'has("fit")')" = false ]
    psfetch -q photos --resize 2x2 --fit stretch >out
    [ "$(values out)" = "$(values plain.ps)" ]
    [ "$(options out | jq -r .fit)" = stretch ]
    ends 2 psfetch photos --fit pad
    grep -q "^psfetch: --fit says how images become the size of --resize, which is not given" err
    ends 2 psfetch photos --resize 2x2 --fit squeeze
    grep -q "stretch|pad|crop, not squeeze" err
}

# tiny NAME: a GIF and a WebP of 1 x 2 pixels, 10 20 30 and 40 50 60.
tiny() {
    base64 -d >"$1.gif" <<<R0lGODdhAgABAIAAAAoUHigyPCwAAAAAAgABAAACAkQKADs=
    base64 -d >"$1.webp" <<<UklGRiAAAABXRUJQVlA4TBQAAAAvAQAAAA9wCo8reNRj/oNDBSL6Hw==
}

@test "formats are told by their first bytes, whatever files are called; others are named" {
    psfetch --version | grep -q "WebP, GIF" || skip "needs libwebp and giflib (make deps installs them)"
    mkdir -p photos/a odd/a
    tiny photos/a/1
    cp photos/a/1.gif photos/a/2.png
    cp photos/a/1.webp photos/a/3.JFIF
    psfetch -q photos >out
    [ "$(values out | uniq -c | xargs)" = "4 1x2 10 20 30 40 50 60" ]
    [ "$(psfetch --version | tail -1)" = "reads PNG, JPEG, WebP, GIF and BMP images" ]
    printf 'MM\0*more' >odd/a/1.jpg
    printf '\0\0\0\x1cftypheic' >odd/a/2.jpg
    head -c 30 photos/a/1.gif >odd/a/3.gif
    ends 1 psfetch odd
    grep -q "^psfetch: cannot read odd/a/1.jpg: it is a TIFF image, which psfetch does not read: convert it" err
    cp photos/a/1.gif odd/a/
    ends 0 psfetch --skip-bad odd
    grep -q "^psfetch: left out odd/a/2.jpg: it is a HEIC image, which" err
    grep -q "^psfetch: left out odd/a/3.gif: GIF: the file ends in the middle" err
}

@test "a psfetch that was built without libwebp and giflib says so" {
    ! sanitized || skip "links a program without the sanitizers: make test-all runs it in the tree that has none"
    mkdir -p photos/a
    tiny photos/a/1
    make --no-print-directory -C "$REPOSITORY" -n -W build/libpsweep.a WEBP= GIF= bin/psfetch >said
    (cd "$REPOSITORY" && sh -c "$(grep -e '-o bin/psfetch' "$OLDPWD/said" | sed "s|-o bin/psfetch|-o $BATS_TEST_TMPDIR/psfetch|")")
    [ "$(./psfetch --version | tail -1)" = "reads PNG, JPEG and BMP images" ]
    ends 1 ./psfetch photos
    grep -q "^psfetch: cannot read photos/a/1.gif: it is a GIF image, and this psfetch was built without giflib" err
    ends 1 ./psfetch photos --exclude '*.gif'
    grep -q "^psfetch: cannot read photos/a/1.webp: it is a WebP image, and this psfetch was built without libwebp" err
}

@test "a bad image is an error that names it; --skip-bad counts and names what it leaves out" {
    photos
    echo "no picture" >photos/dog/aa.png
    head -c 60 photos/dog/a.png >photos/cat/short.png
    ends 1 psfetch photos
    grep -q "^psfetch: cannot read photos/cat/short.png: PNG" err
    no grep -q digest out
    ends 0 psfetch photos --skip-bad
    grep -q "left out photos/cat/short.png" err
    grep -q "left out photos/dog/aa.png: not a PNG, JPEG, WebP, GIF or BMP file" err
    grep -q "left out 2 bad images of 7" err
    [ "$(records out | grep -c '"image"')" -eq 5 ]
}

# forty NAME: as many links to one picture of 36 MB.
forty() {
    local i
    colour "$1/large/0.png" 3000 4000 9
    for ((i = 1; i < 40; i++)); do
        ln "$1/large/0.png" "$1/large/$i.png"
    done
}

@test "images that wait for a slow reader take bounded memory, however large they are" {
    long
    forty photos
    (memory 1000000 && exec psfetch -q -t 2 photos 2>err) | (sleep 3 && wc -c >size)
    [ ! -s err ]
    [ "$(cat size)" -gt $((40 * 36000000)) ]
}

@test "a source that is not there, empty or no folder is a sentence" {
    mkdir empty
    echo hello >file
    ends 1 psfetch nowhere
    grep -q "cannot read the folder nowhere: No such file" err
    ends 1 psfetch empty
    grep -q "empty holds no images: there is nothing in it" err
    echo text >empty/notes.txt
    ends 1 psfetch empty
    grep -q "empty holds no images, but 1 file: 1 named .txt; psfetch reads PNG" err
    ends 1 psfetch file
    grep -q "file is not a folder; sources are" err
    ends 1 psfetch https://example.org/photos
    grep -q "https://example.org/photos is not a folder; sources are" err
    ends 1 psfetch synth:nothing
    grep -q "synth:shapes" err
}

@test "without a source: \$PSFETCH_SOURCE, else synth:shapes, saying so" {
    photos
    ends 0 psfetch --limit 3
    grep -q "synth:shapes" err
    ends 0 env PSFETCH_SOURCE=photos psfetch
    [ "$(records out | grep -c '"image"')" -eq 5 ]
}

@test "wrong usage ends with 2 and says what is right" {
    ends 2 psfetch --split 1.5
    grep -q "from 0 to 1, not 1.5" err
    ends 2 psfetch --limit -3
    grep -q -- "--limit takes a whole number of at least 1, not -3$" err
    ends 2 psfetch --limit 3k
    ends 2 psfetch --split 90%
    grep -q -- "--split takes a number from 0 to 1, not 90%$" err
    ends 2 psfetch --resize 3y4
    ends 2 psfetch --resize 0x32
    grep -q -- "--resize takes HxW, whole numbers from 1 to 65535, not 0x32$" err
    ends 2 psfetch --as tset
    grep -q "train|validation|test, not tset" err
    ends 2 psfetch --as train --split 0.9
    ends 2 psfetch --nonsense
    grep -q -- "there is no option --nonsense (see psfetch --help)$" err
    ends 2 psfetch --s 1
    grep -q "more than one option begins with --s (see psfetch --help)$" err
    ends 2 psfetch --quiet=1
    grep -q -- "--quiet takes no value, but has one: --quiet=1$" err
    ends 2 psfetch ""
    grep -q "an argument is empty text: is a variable not set?" err
    ends 2 psfetch -Z
    ends 0 psfetch --help
    grep -q "usage: psfetch" out
    ends 0 psfetch --version
}

@test "--include and --exclude choose by key, in every kind of source" {
    photos
    keys() {
        ends 0 psfetch "$@"
        records out | jq -r 'select(.type == "image") | .key' | xargs
    }
    [ "$(keys photos --include 'dog/*,*/1.png' --exclude '*a.png')" = "cat/1.png cat/deep/er/1.png dog/b.png" ]
    psfetch -q photos --write-shard photos.tar
    [ "$(keys photos.tar --include 'dog/*')" = "dog/a.png dog/b.png" ]
    psfetch -q synth:shapes --include 'star/0000[12]' >some.ps
    psfetch -q synth:shapes >all.ps
    pixels() {
        /usr/bin/python3 -c '
import msgpack, sys
for r in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False):
    if r["type"] == "image" and r["key"] in ("star/00001", "star/00002"):
        print(r["key"], r["pixels"].hex())' "$1"
    }
    [ "$(pixels some.ps | wc -l)" -eq 2 ]
    cmp <(pixels some.ps) <(pixels all.ps)
    # What is not wanted is not looked at.
    truncate -s 1T photos/dog/huge.png
    [ "$(keys photos --include 'cat/*')" = "cat/1.png cat/deep/er/1.png" ]
    ends 1 psfetch photos --include 'bird/*'
    grep -q "photos holds no images that pass --include$" err
    ends 1 psfetch photos --include 'cat/*' --exclude '*'
    grep -q "photos holds no images that pass --include and --exclude$" err
    ends 0 psfetch -v photos --exclude '*huge*'
    grep -q "^psfetch: photos: 1 key left out by --exclude$" err
}

@test "on a terminal: how many of how many, a second, MB a second, time left; nothing of it elsewhere" {
    command -v script >/dev/null || skip "needs script of bsdutils"
    psfetch -q synth:shapes --limit 3000 --write-shard shapes.tar.gz
    # A consumer that takes its time until there was something to see.
    seen="until grep -q ' left' said || [ \$(head -c 50000 | wc -c) = 0 ]; do sleep 0.1; done; cat"
    script -qec "TERM=xterm psfetch shapes.tar.gz | ($seen) >out" /dev/null </dev/null >said
    tr '\r' '\n' <said >lines
    grep -qE "psfetch: shapes.tar.gz: [0-9]+ images, [0-9.]+ MB" lines
    grep -qE "psfetch: [0-9]+ of 3000 images, [0-9]+/s, [0-9]+\.[0-9] MB/s, [0-9]+:[0-9][0-9] left" lines
    ends 0 psfetch shapes.tar.gz
    [ ! -s err ]
    # A line too long for the terminal would be wrapped, and not taken away: it is cut.
    seen=${seen/left/of 1000 images}
    script -qec "stty columns 30; TERM=xterm psfetch shapes.tar.gz --limit 1000 | ($seen) >out" /dev/null </dev/null >said
    tr '\r' '\n' <said | sed 's/\x1b\[K//' >lines
    grep -qE "^psfetch: [0-9]+ of 1000 images" lines
    [ "$(grep -v classes: lines | wc -L)" -eq 29 ]
    # Nothing of a name is a terminal's to obey.
    mkdir odd
    ln shapes.tar.gz odd/$'a\e[7m.tar.gz'
    script -qec "TERM=xterm psfetch odd/* >out" /dev/null </dev/null >said
    grep -qF "odd/a?[7m.tar.gz: " said
    no grep -qF $'\e[7m' said
    # A terminal that only prints gets no codes.
    for term in TERM=dumb --unset=TERM; do
        env "$term" script -qec "psfetch shapes.tar.gz --limit 1000 | (head -c 1 && sleep 0.3 && cat) >out" /dev/null </dev/null >said
        no grep -q $'\e\|[0-9]/s' said
    done
}
