#!/usr/bin/env bats
# What psfetch takes besides folders, buckets and archives: streams.
load ../helper

# The labels, splits or whatever field of the images of a stream, in order.
field() {
    records "$2" | jq -r "select(.type == \"image\") | .$1" | xargs
}

# same A B: the images differ in nothing but their ids, which are places in another listing.
same() {
    /usr/bin/python3 -c '
import msgpack, sys
a, b = ([{**record, "id": 0} for record in msgpack.Unpacker(open(name, "rb"), raw=False) if record["type"] == "image"] for name in sys.argv[1:])
assert a == b and len(a) > 2' "$@"
}

@test "a stream is a source: same images, divided and resized anew, whether it can be read twice or not" {
    psfetch -q synth:shapes --limit 40 >drawn.ps
    psfetch -q synth:shapes --limit 40 --split 0.5 --resize 8x8 >wanted.ps
    ends 0 psfetch drawn.ps --split 0.5 --resize 8x8
    same wanted.ps out
    [[ "$(records out | jq -r 'select(.type == "header") | .source[0], .upstream[0].source[0]' | xargs)" = \
        "images:"*" synth:shapes" ]]
    # shellcheck disable=SC2002 # a pipe is what is meant
    cat drawn.ps | psfetch -q - --split 0.5 --resize 8x8 | cmp - out
    psfetch -q <(cat drawn.ps) --split 0.5 --resize 8x8 | cmp - out
    # Their splits stay, and so they do with others beside them; --default-split minds both.
    psfetch -q wanted.ps --default-split 0.9 >out
    same wanted.ps out
    psfetch -q drawn.ps --default-split 0.5 >out
    [ "$(field split out | tr ' ' '\n' | sort | uniq -c | xargs)" = "20 train 20 validation" ]
    psfetch -q drawn.ps --include 'ring/*,star/*' --as test >out
    [ "$(field split out | tr ' ' '\n' | uniq -c | xargs)" = "8 test" ]
}

@test "a stream keeps the table of its classes; joined ones, and other sources, share one by name" {
    picture zoo/dog/1.png 2 2 1
    picture zoo/ant/2.png 2 2 2
    picture park/bee/3.png 2 2 3
    printf '%s\n' dog cat ant >names
    psfetch -q zoo --classes names >zoo.ps
    classes() { records "$1" | jq -r 'select(.type == "header") | .classes | join(" ")'; }
    psfetch -q zoo.ps >out
    [ "$(classes out)" = "dog cat ant" ]
    [ "$(field label out)" = "2 0" ]
    psfetch -q park >park.ps
    for sources in "zoo.ps park.ps" "park.ps zoo.ps" "zoo.ps park" "park zoo.ps"; do
        # shellcheck disable=SC2086 # two
        psfetch -q $sources >out
        [ "$(classes out)" = "ant bee cat dog" ]
        [ "$(records out | jq -r 'select(.type == "image") | "\(.key) \(.label)"' | sort | xargs)" = \
            "ant/2.png 0 bee/3.png 1 dog/1.png 3" ]
    done
    cat zoo.ps park.ps zoo.ps | psfetch -q - >out
    [ "$(classes out)" = "ant bee cat dog" ]
    [ "$(field label out)" = "0 3 1 0 3" ]
    [ "$(field id out)" = "0 1 2 3 4" ]
    [ "$(records out | jq -r 'select(.type == "header") | .upstream | length')" = 3 ]
    psfetch -q zoo.ps --write-shard zoo.tar
    tar -tf zoo.tar | xargs | grep -x "ant/2.png dog/1.png"
}

@test "what is no whole stream of images is refused as damaged, and none comes of it" {
    psfetch -q synth:shapes --limit 20 --resize 4x4 >whole.ps
    head -c -1 whole.ps >cut.ps
    sed 's/star/stir/' whole.ps >flipped.ps
    psaug -q -e 1 <whole.ps >epochs.ps
    edit whole.ps 'del records[1:]' >none.ps
    : >empty.ps
    for bad in cut flipped epochs empty; do
        status=3
        [ $bad != epochs ] || status=1 # whole, but of another kind
        ends $status psfetch $bad.ps
        grep -q "^psfetch: $bad.ps" err
        [ ! -s out ]
        # shellcheck disable=SC2002 # a pipe is what is meant
        cat $bad.ps | ends $status psfetch -
        grep -q "^psfetch: input" err
        [ ! -s out ]
    done
    ends 1 psfetch none.ps
    grep -q "none.ps holds no images" err
    # Images of other programs may have channels that no file has.
    edit whole.ps 'for record in records[1:]: record.update(height=2, width=2, channels=12)' >deep.ps
    ends 0 psfetch deep.ps --resize 1x1
    ends 1 psfetch deep.ps --channels 1
    grep -q "cannot read deep.ps/arrow/00000: it has 12 channels, neither 1 (grey) nor 3 (colour)" err
    ends 1 psfetch deep.ps --write-shard deep.tar
    grep -q "an image of 12 channels cannot become a PNG" err
}
