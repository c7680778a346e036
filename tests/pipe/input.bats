#!/usr/bin/env bats
# What psfetch takes besides folders, buckets and archives: streams, lists and idx files; and how images are dealt into folds.
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

# Prints each image of out: key, class and split.
listed() {
    records out | jq -rn 'input as $header | inputs | select(.type == "image") | "\(.key) \($header.classes[.label]) \(.split)"'
}

@test "a list: columns in any order, quotes as RFC 4180 has them, paths from its folder on" {
    mkdir -p set/more
    for i in 1 2 3 4; do picture "set/more/$i.png" 2 2 $((i * 20)); done
    picture 'set/a, "b".png' 2 2 9
    printf '\xef\xbb\xbfSplit,"note",label,path\r\n' >set/list.csv
    printf '%s\r\n' 'train,,dog,more/1.png' 'val,"two
lines, and ""quotes""",cat,more/2.png' '' ',,"big dog","a, ""b"".png"' "test,x,dog,$PWD/set/more/3.png" \
        ',, cat ,../set/more/4.png' >>set/list.csv
    ends 0 psfetch set/list.csv
    diff <(listed) - <<END
more/1.png dog train
more/2.png cat validation
a, "b".png big dog train
$PWD/set/more/3.png dog test
../set/more/4.png cat train
END
    [[ "$(records out | jq -r 'select(.type == "header") | .source[0]')" = list:* ]]
    (cd set && psfetch -q list.csv) | cmp - out
    psfetch -q set/list.csv --default-split 0.5 --include '*more*' >out
    [ "$(listed | cut -d ' ' -f 3 | xargs)" = "train validation test train" ]
    # Numbers are labels, by their value or by the lines of a file; without the column, folders are classes.
    printf '%s\n' path,label more/1.png,10 more/2.png,9 more/3.png,010 >set/numbers.csv
    psfetch -q set/numbers.csv >out
    [ "$(listed | cut -d ' ' -f 2 | xargs)" = "10 9 10" ]
    [ "$(field label out)" = "1 0 1" ]
    printf '%s\n' {a..k} >names
    psfetch -q set/numbers.csv --classes names >out
    [ "$(listed | cut -d ' ' -f 2 | xargs)" = "k j k" ]
    printf '%s\n' path more/1.png "a, x.png" >set/folders.csv
    sed -i 's/^a.*//' set/folders.csv
    printf 'more/2.png' >>set/folders.csv # whose last line has no end
    psfetch -q set/folders.csv >out
    [ "$(listed | xargs)" = "more/1.png more train more/2.png more train" ]
    # Into an archive, and joined with others.
    psfetch -q set/list.csv --write-shard list.tar
    diff <(tar -tf list.tar) - <<END
more/dog/1.png
more/cat/2.png
big dog/a, "b".png
${PWD#/}/set/more/dog/3.png
set/more/cat/4.png
END
    ends 0 psfetch set/list.csv set
    [ "$(listed | wc -l)" = 10 ]
}

@test "what is wrong in a list is told with its line" {
    mkdir set
    picture set/1.png 2 2 1
    refused() {
        printf '%b' "$1" >set/list.csv
        ends "$2" psfetch set/list.csv
        [ ! -s out ]
        grep -q "^psfetch: .*set/list.csv$3" err || { cat err >&2 && return 1; }
    }
    refused '' 3 ': it is empty'
    refused 'file,label\n1.png,a\n' 3 ', line 1: it names no column path or url; the first line'
    refused 'path,URL,label\n' 3 ', line 1: there are two columns for the image'
    refused 'path,label\n1.png,a\n\n1.png\n' 3 ', line 4: 1 field, and the first line names 2'
    refused 'path,label\n1.png,"a\n1.png,b\n' 3 ', line 2: a quote that opens a field there is not closed'
    refused 'path,label\n1.png,"a"b\n' 3 ', line 2: more follows behind the quote'
    refused 'path,label\n1.png,a"b\n' 3 ', line 2: a quote in a field that does not begin with one'
    refused 'path,label\n1.png,a\rb\n' 3 ', line 2: a carriage return'
    refused 'path,label\n1.png,a\0b\n' 3 ', line 2: it is not text'
    refused 'path,label\n1.png,a\n1.png,\n' 3 ', line 3: its label makes no sense: it is empty'
    refused 'path,label\n1.png,-3\n' 3 ', line 2: its label makes no sense: it is a number below 0'
    refused 'path,label,split\n1.png,a,tset\n' 3 ', line 2: there is no split tset: it is train, validation or test'
    refused 'path,label\n1.png,a\n2.png,a\n' 1 ', line 3: cannot read set/list.csv/2.png: No such file'
    refused 'path,label\n.,a\n' 1 ', line 2: cannot read set/list.csv/.: it is not a file'
    refused 'path,label\nhttp://example.org/1.png,a\n' 1 ', line 2: .*only https:// is taken from other machines'
    refused 'path,label\ns3:///1.png,a\n' 1 ', line 2: .*names no bucket'
    refused 'path\n1.png\n' 1 ' lie in no folder, and no column label tells their classes'
    refused 'path,label\n' 1 ' holds no images'
    printf 'path,label\n2.png,a\n1.png,b\n' >set/list.csv
    ends 0 psfetch --skip-bad set/list.csv
    grep -q "left out set/list.csv/2.png: No such file" err
    [ "$(listed)" = "1.png b train" ]
    # No more of it is kept than a row may have.
    { echo path,label && head -c 3000000 /dev/zero | tr '\0' x; } >set/list.csv
    ends 3 psfetch set/list.csv
    grep -q "line 2: the row is longer than 1 MiB" err
}

@test "a list of URLs: of S3 in another region, of the web, and of files here, with a server that fails" {
    for i in $(seq 0 39); do picture "web/$i.png" 3 3 $((i * 5)); done
    { echo label,url && for i in $(seq 0 39); do echo "$((i % 3)),web/$i.png"; done; } >here.csv
    psfetch -q here.csv >here.ps
    serve web region=eu-west-3 seed=5 reset=0.1 cut=0.1 cut_unsized=0.05 slow=0.05 flip=0.05 only=png
    awk -F '[,/]' -v OFS= -v url="${url:?}" 'NR == 1 { print; next }
        { print $1, ",", NR % 3 == 0 ? "web/" : NR % 3 == 1 ? "s3://b/" : "s3://other/", $3 }' here.csv >far.csv
    ends 0 psfetch -v far.csv
    grep -q "; going there" err
    grep -q "; trying again" err
    pixels() { /usr/bin/python3 -c '
import msgpack, sys
for record in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False):
    if record["type"] == "image": print(record["id"], record["label"], record["pixels"])' "$1"; }
    cmp <(pixels here.ps) <(pixels out)
    # Pages, whose query stays secret; one that is gone is a bad image.
    serve web seed=5 reset=0.1 cut=0.1 slow=0.05
    sed "2,\$s|web/|$url/b/|; 2,\$s|\$|?token=hush|" here.csv >pages.csv
    ends 0 psfetch pages.csv
    cmp <(pixels here.ps) <(pixels out)
    no grep -q hush out err
    [ "$(records out | jq -r 'select(.id == 7) | .key')" = "$url/b/7.png" ]
    { cat here.csv && echo "1,s3://b/41.png" && echo "1,$url/b/42.png?token=hush"; } >gone.csv
    ends 1 psfetch gone.csv
    grep -q "^psfetch: cannot read gone.csv/s3://b/41.png: status 404 NoSuchKey" err
    ends 0 psfetch --skip-bad gone.csv
    cmp <(pixels here.ps) <(pixels out)
    grep -q "left out gone.csv/$url/b/42.png: status 404" err
    # Keys of S3 go to S3 only.
    serve web keys=none
    { cat here.csv && echo "1,s3://b/0.png"; } | sed "2,40s|web/|$url/b/|" >both.csv
    ends 1 psfetch both.csv
    grep -q "cannot read s3://b/0.png: status 403 InvalidAccessKeyId" err
    ends 0 psfetch --limit 40 both.csv # the first ones
    cmp <(pixels here.ps) <(pixels out)
}

# mnist FOLDER: a small one of its kind, 30 images of 4x3 to train with and 10 to test with; all pixels of an image are
# its number.
mnist() {
    mkdir -p "$1"
    /usr/bin/python3 - "$1" <<'P'
import struct, sys
for name, count in ("train", 30), ("t10k", 10):
    with open(f"{sys.argv[1]}/{name}-images-idx3-ubyte", "wb") as out:
        out.write(struct.pack(">IIII", 0x803, count, 4, 3) + b"".join(bytes([i] * 12) for i in range(count)))
    with open(f"{sys.argv[1]}/{name}-labels-idx1-ubyte", "wb") as out:
        out.write(struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)))
P
}

@test "MNIST and its kind: idx files, packed or not, here, in S3 and on the web" {
    mnist plain
    cp -r plain packed && gzip packed/*
    cp -r plain .both && gzip -k .both/*
    ends 0 psfetch plain
    /usr/bin/python3 - <<'P'
import msgpack
header, *images, end = msgpack.Unpacker(open("out", "rb"), raw=False)
assert header["classes"] == [str(digit) for digit in range(10)] and header["source"][0].startswith("idx:")
assert [image["key"] for image in images] == [f"train/{i:05}" for i in range(30)] + [f"t10k/{i:05}" for i in range(10)]
assert [image["split"] for image in images] == ["train"] * 30 + ["test"] * 10
for i, image in enumerate(images):
    assert (image["height"], image["width"], image["channels"]) == (4, 3, 1) and image["label"] == i % 10
    assert image["pixels"] == bytes([i % 30] * 12) and image["id"] == i
P
    cp out plain.ps
    for folder in packed .both; do
        psfetch -q $folder | cmp - plain.ps
    done
    psfetch -q packed/t10k-images-idx3-ubyte.gz packed/train-images-idx3-ubyte.gz >out
    [ "$(field split out | tr ' ' '\n' | uniq -c | xargs)" = "10 test 30 train" ]
    printf '%s\n' T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot >names
    psfetch -q packed --classes names --limit 10 >out
    [ "$(records out | jq -r 'select(.type == "header") | .classes[9]')" = Boot ]
    head -n 5 names >few
    ends 1 psfetch packed --classes few
    grep -q "cannot label packed/train/00005: its label is 5, and few names the classes 0 to 4" err
    # A network that breaks off, and one that damages: packed bytes have a sum.
    serve packed seed=3 reset=0.3 cut=0.3 error=0.1
    for source in "$url/b" s3://b; do
        psfetch -q "$source/"{train,t10k}-images-idx3-ubyte.gz >out
        same plain.ps out
    done
    ends 0 psfetch "$url/b/train-images-idx3-ubyte.gz?token=hush"
    no grep -q hush out err
    [ "$(records out | jq -r 'select(.type == "header") | .source[0]')" = "$url/b/train-images-idx3-ubyte.gz" ]
}

@test "an idx file that is damaged, cut short, claims too much or has other labels is an error" {
    mnist plain
    refused() {
        (memory 4000000 && ends 3 psfetch plain)
        [ ! -s out ]
        grep -q "^psfetch: cannot read plain/train-$1" err || { cat err >&2 && return 1; }
        mnist plain
        rm -f plain/*.gz
    }
    # head_of images|labels NUMBER...: other numbers before the values.
    head_of() {
        local file=plain/train-$1-idx3-ubyte
        [ "$1" = images ] || file=plain/train-$1-idx1-ubyte
        /usr/bin/python3 -c 'import struct, sys
numbers = [int(number, 0) for number in sys.argv[2:]]
with open(sys.argv[1], "r+b") as file: file.write(struct.pack(f">{len(numbers)}I", *numbers))' "$file" "${@:2}"
    }
    head_of images 0x801 && refused "images-idx3-ubyte: it is no idx file of images: it begins with 00000801"
    head_of labels 0xd01 && refused "labels-idx1-ubyte: it is no idx file of labels"
    head_of images 0x803 31 && refused "images-idx3-ubyte: it is cut short: it has 360 of 372 bytes"
    head_of images 0x803 29 && refused "images-idx3-ubyte: more follows behind its 29 images"
    head_of images 0x803 1000000000 1 1 && refused "images.*claims to have 1000000000 images; at most 10000000"
    head_of images 0x803 9000000 60000 60000 && refused "images-idx3-ubyte: it is cut short: it has 360 of 32400000000000000"
    head_of images 0x803 30 0 3 && refused "images.*claims to have 30 images of 0x3 pixels"
    head_of images 0x803 30 70000 3 && refused "images.*claims to have 30 images of 70000x3 pixels"
    head_of labels 0x801 31 && refused "labels-idx1-ubyte: it is cut short: it has 30 of 31 bytes"
    head_of labels 0x801 0 && refused "labels-idx1-ubyte: it has no labels"
    printf x >>plain/train-labels-idx1-ubyte
    head_of labels 0x801 31 && refused "labels-idx1-ubyte: it has 31 labels for 30 images"
    truncate -s 7 plain/train-images-idx3-ubyte && refused "images-idx3-ubyte: it is cut short"
    : >plain/train-labels-idx1-ubyte && refused "labels-idx1-ubyte: it is cut short"
    for file in images-idx3-ubyte labels-idx1-ubyte; do
        gzip plain/train-$file && truncate -s -9 plain/train-$file.gz && refused "$file.gz: it is cut short, as gzip sees it"
        gzip plain/train-$file && printf '\x55' | dd of=plain/train-$file.gz bs=1 seek=50 conv=notrunc status=none
        refused "$file.gz: it is damaged, as gzip sees it"
        magic=${file#*idx} magic=0x80${magic%-*}
        head_of "${file%%-*}" "$magic" 31 && gzip plain/train-$file
        refused "$file.gz: it is cut short: it has"
    done
    rm plain/train-labels-idx1-ubyte
    ends 1 psfetch plain
    grep -q "cannot read plain/train-labels-idx1-ubyte: No such file" err
}

@test "--fold: each image validates in one fold, classes are alike in all, and psaug deals in the same way" {
    for i in $(seq 13); do picture "parts/train/ant/$i.png" 2 2 "$i"; done
    for i in $(seq 7); do picture "parts/train/bee/$i.png" 2 2 $((i + 20)); done
    for i in 1 2; do picture "parts/train/cat/$i.png" 2 2 $((i + 30)); done
    picture parts/test/ant/1.png 2 2 40
    folds() { # OPTION...: of each fold the keys that validate
        for k in 1 2 3 4 5; do
            psfetch -q parts --split-folders --fold $k/5 "$@" >"$k.ps"
            records $k.ps | jq -r 'select(.split == "validation") | .key' | sort >"$k.keys"
            [ "$(field split $k.ps | tr ' ' '\n' | grep -c test)" = 1 ]
        done
        sort ./?.keys | cmp - <(records 1.ps | jq -r 'select(.type == "image" and .split != "test") | .key' | sort)
        [ "$(wc -l ./?.keys | awk '$2 != "total" { print $1 }' | sort | xargs)" = "3 4 4 5 6" ]
        [ "$(grep -ch ant ./?.keys | sort | xargs)" = "2 2 3 3 3" ]
        [ "$(grep -ch bee ./?.keys | sort | xargs)" = "1 1 1 2 2" ]
        [ "$(grep -ch cat ./?.keys | sort | xargs)" = "0 0 0 1 1" ]
    }
    folds
    cp 2.keys plain.keys
    # However they were marked, here or before: the same folds.
    for views in '' --views; do
        # shellcheck disable=SC2086 # one or none
        psfetch -q parts --split-folders --split 0.5 | psaug -q -e 1 --fold 2/5 $views >epochs.ps
        records epochs.ps | jq -r 'select(.split == "validation") | .key' | sort | cmp - 2.keys
        [ "$(records epochs.ps | jq -c 'select(.type == "header") | .counts')" = '{"train":17,"validation":5,"test":1}' ]
        [ "$(records epochs.ps | jq -r 'select(.split == "train") | .key' | sort -u | wc -l)" = 17 ]
        psfetch -q 2.ps --fold 2/5 | psaug -q -e 1 $views | psdump -k csv | cmp - <(psdump -k csv epochs.ps)
    done
    folds --seed 7
    no cmp -s 2.keys plain.keys
    cp 2.ps again.ps && folds --seed 7 && cmp 2.ps again.ps
    for wrong in 0/5 6/5 1/1 1/1001 2 2/ /5 -1/5 2/5x 2/5/6 ' 2/5' 1e1/5; do
        ends 2 psfetch parts --fold="$wrong"
        grep -q "^psfetch: --fold takes K/N, fold K of N, such as 2/5, with N from 2 to 1000, not '$wrong'" err
        ends 2 psaug --fold="$wrong" <2.ps
    done
    ends 2 psfetch parts --fold 1/2 --split 0.5
    ends 2 psfetch parts --fold 1/2 --as test
}

@test "WebDataset: shards by a list in braces, here, from the web and from S3, with .cls or .json beside the images" {
    for i in 0 1 2 3 4 5; do
        picture "parts/000$i.png" 2 2 $((i * 40))
        printf '%s\n' $((i % 3)) >"parts/000$i.cls"
        printf '{"label": %s, "caption": "x"}' $((i % 3)) >"parts/000$i.json"
    done
    mkdir web
    for shard in 0 1 2; do
        (cd parts && tar -cf "../web/c-00$shard.tar" "000$((2 * shard))".{cls,png} "000$((2 * shard + 1))".{png,cls} &&
            tar -czf "../web/j-00$shard.tar.gz" "000$((2 * shard))".{json,png} "000$((2 * shard + 1))".{json,png})
    done
    psfetch -q 'web/c-{000..002}.tar' >here.ps
    [ "$(field label here.ps)" = "0 1 2 0 1 2" ]
    serve web seed=2 reset=0.2 cut=0.2 error=0.1
    for source in 'web/j-{000..002}.tar.gz' "$url/b/c-{000..002}.tar" "$url/b/j-{000..002}.tar.gz" 's3://b/c-{000..002}.tar' \
        's3://b/{j-000,j-001,j-002}.tar.gz'; do
        psfetch -q "$source" >out
        same here.ps out
        [ "$(records out | jq -r 'select(.type == "header") | .classes | join(" ")')" = "0 1 2" ]
    done
}
