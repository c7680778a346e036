#!/usr/bin/env bats
# psfetch on tar archives: of files, of S3 and of the web; and how it writes them.
load ../helper

# Images in folders and in none, with names that tar writes in another way than others.
zoo() {
    local i
    for i in 1 2 3; do
        colour "zoo/cat/$i.png" 4 5 $((i * 20))
        picture "zoo/big dog/deep/ümläut 日本/$i.png" 3 3 $((i * 30))
    done
    picture zoo/loose.png 2 2 7
    picture "zoo/$(printf '%0120d' 1)/$(printf '%0150d' 2).png" 2 2 8
    echo text >zoo/cat/notes.txt
    picture zoo/.hidden/1.png 2 2 9
}

# same A B: the streams differ in nothing but what the header says of the source.
same() {
    /usr/bin/python3 - "$@" <<'P'
import msgpack, sys
def load(name):
    records = list(msgpack.Unpacker(open(name, "rb"), raw=False, max_buffer_size=1 << 30))
    assert records[-1].pop("digest") and records[-1]["type"] == "end", name
    del records[0]["source"]
    return records
a, b = map(load, sys.argv[1:])
assert a == b, "they differ"
assert len(a) > 2
P
}

source_of() {
    records "$1" | jq -r 'select(.type == "header") | .source[0]'
}

@test "an archive gives the stream that its folder gives, however it is packed" {
    zoo
    psfetch -q zoo --split 0.5 --seed 3 >folder.ps
    mkdir plain gnu pax zstd gzip
    tar -cf plain/zoo.tar -C zoo .
    tar --format=gnu -cf gnu/zoo.tar -C zoo .
    tar --format=pax -cf pax/zoo.tar -C zoo .
    tar --format=pax -C zoo -c . | gzip >gzip/zoo.tar.gz
    tar --format=gnu -C zoo -c . | gzip >gzip/zoo.tgz
    tar -C zoo -c . | zstd -q >zstd/zoo.tar.zst
    for archive in */zoo.t*; do
        ends 0 psfetch "$archive" --split 0.5 --seed 3
        same folder.ps out
        grep -q "$archive: left out 2 files" err
        no grep -q "$PWD" out
    done
    [[ $(source_of out) == tar:* ]]
    mkdir elsewhere && cp zstd/zoo.tar.zst elsewhere/
    psfetch -q elsewhere/zoo.tar.zst --split 0.5 --seed 3 | cmp - out
}

@test "--write-shard: the same bytes for the same images, and the same stream from them" {
    zoo
    rm -r zoo/loose.png zoo/.hidden
    psfetch -q zoo >folder.ps
    ends 0 psfetch zoo --write-shard a.tar
    [ ! -s out ]
    touch -d 2001-01-01 zoo/cat/2.png
    chmod 600 zoo/cat/1.png
    mkdir elsewhere && cp -r zoo elsewhere/
    (umask 077 && psfetch -q elsewhere/zoo -t 3 --write-shard b.tar)
    cmp a.tar b.tar
    psfetch -q zoo --write-shard - | cmp a.tar -
    [ "$(tar -tf a.tar | grep -c png)" -eq 7 ]
    [ "$(TZ=UTC tar --numeric-owner -tvf a.tar | grep -c '^-rw-r--r-- 0/0 .* 1970-01-01 00:00')" -eq 7 ]
    tar -xOf a.tar cat/1.png | cmp - zoo/cat/1.png
    for suffix in tar tar.gz tgz tar.zst; do
        psfetch -q zoo --write-shard "one.$suffix"
        psfetch -q "one.$suffix" >out
        same folder.ps out
        sleep 0.01
        psfetch -q a.tar --write-shard "two.$suffix"
        cmp "one.$suffix" "two.$suffix"
    done
    no test -e a.tar.part
}

@test "--write-shard keeps an image's class, packs pixels as PNG, and takes --limit" {
    picture zoo/1.png 2 2 7
    picture zoo/deep/2.png 2 2 7
    psfetch -q zoo --write-shard a.tar
    [ "$(tar -tf a.tar | xargs)" = "zoo/1.png deep/2.png" ]
    psfetch -q synth:shapes --limit 30 >drawn.ps
    psfetch -q synth:shapes --limit 30 --write-shard drawn.tar
    psfetch -q drawn.tar >out
    cmp <(records drawn.ps | jq -r 'select(.type == "image") | .label') \
        <(records out | jq -r 'select(.type == "image") | .label')
    /usr/bin/python3 -c '
import msgpack
a, b = ([r["pixels"] for r in msgpack.Unpacker(open(name, "rb")) if r["type"] == "image"] for name in ("drawn.ps", "out"))
assert a == b and len(a) == 30'
}

@test "--write-shard: what cannot be done leaves no archive" {
    picture zoo/cat/1.png 2 2 7
    picture park/cat/1.png 2 2 8
    ends 1 psfetch zoo park --write-shard a.tar
    grep -q "two images would be called cat/1.png" err
    echo "no picture" >park/cat/2.png
    ends 1 psfetch park --write-shard a.tar
    grep -q "park/cat/2.png: not a PNG" err
    ends 1 psfetch zoo --write-shard /dev/full
    grep -q "cannot write /dev/full: No space" err
    [ ! -e a.tar ]
    [ ! -e a.tar.part ]
    ends 0 psfetch --skip-bad park --write-shard a.tar
    [ "$(tar -tf a.tar)" = cat/1.png ]
    ends 2 psfetch zoo --write-shard a.tar --resize 4x4
    for name in a.zip a.tar.xz a; do
        ends 2 psfetch zoo --write-shard $name
        grep -q "takes a name that ends in .tar, .tar.gz, .tgz or .tar.zst, or - for stdout, not $name$" err
        [ ! -e $name ]
    done
    ends 2 psfetch zoo --write-shard s3://b/a.tar
    grep -q "to send one elsewhere, write it to stdout (-)" err
    set -o pipefail
    psfetch -q synth:shapes --write-shard - | head -c 100000 >/dev/null
}

@test "an archive that is cut short, damaged or none is an error, and no stream comes" {
    psfetch -q synth:shapes --limit 40 --write-shard whole.tar
    psfetch -q whole.tar --write-shard whole.tar.gz
    psfetch -q whole.tar --write-shard whole.tar.zst
    refused() {
        ends 1 psfetch "$1"
        [ ! -s out ]
        grep -q "^psfetch: cannot read $1: $2" err
    }
    # Without its mark of the end, it ends as cleanly as it can after a member.
    head -c -1024 whole.tar >cut.tar
    refused cut.tar "it is cut short: the mark of its end is missing"
    for bytes in 1100 1536 20000; do
        head -c -$bytes whole.tar >cut.tar
        refused cut.tar "Truncated"
    done
    for bytes in 1 9 5000; do
        head -c -$bytes whole.tar.gz >cut.tar.gz
        refused cut.tar.gz ""
        head -c -$bytes whole.tar.zst >cut.tar.zst
        refused cut.tar.zst ""
    done
    echo hello >hello.tar
    refused hello.tar "it is not a tar archive"
    : >empty.tar
    refused empty.tar "it is not a tar archive"
    ends 1 psfetch nowhere.tar
    grep -q "cannot read nowhere.tar: No such file" err
    mkdir none && tar -cf none.tar none
    ends 1 psfetch none.tar
    grep -q "none.tar holds no images" err
}

# harm KIND COUNT ARCHIVE: so often an archive is cut short (KIND cut) or one of its bits is turned (flip), at
# places spread over all of it. What psfetch makes of it is the stream of the whole archive, or an error and
# no stream; it says how often which. make test-all does it five times as often.
harm() {
    /usr/bin/python3 - "$@" <<'P'
import msgpack, os, random, subprocess, sys
kind, count, path = sys.argv[1], int(sys.argv[2]) // (1 if os.environ.get("PSWEEP_LONG") else 5), sys.argv[3]
with open(path, "rb") as stream:
    whole = stream.read()
def fetch(data):
    os.makedirs("harmed", exist_ok=True)
    with open("harmed/" + os.path.basename(path), "wb") as stream:
        stream.write(data)
    done = subprocess.run(["psfetch", "-q", "harmed/" + os.path.basename(path)], capture_output=True)
    assert done.returncode == 0 or (done.returncode == 1 and done.stdout.count(b"digest") == 0
                                    and b"cannot read harmed/" in done.stderr), (kind, done)
    return done.stdout
clean, same = fetch(whole), 0
assert clean
dice = random.Random(path)
for number in range(count):
    at = min(len(whole) * number // count + dice.randrange(1 + len(whole) // count), len(whole) - 1)
    made = fetch(whole[:at] if kind == "cut" else whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1:])
    if made and made != clean:
        sys.exit(f"{path}: {kind} at {at} of {len(whole)} gives another stream")
    same += made == clean
print(f"{path} {kind}: {same} of {count} harmless")
P
}

@test "wherever an archive is cut short or a bit of it is turned: the same stream, or an error" {
    # Images that show nothing by themselves of a turned bit.
    mkdir -p zoo/cat zoo/dog
    base64 -d >zoo/cat/1.jpg <<J
/9j/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/
wAALCAAEAAQBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAABv/EABwQAAEDBQAAAAAAAAAAAAAAAAYAAWEECBYlof/aAAgBAQAA
PwBUEW2gmO0+q60Qv//Z
J
    cp zoo/cat/1.jpg zoo/dog/2.jpg
    tar --sort=name -cf zoo.tar -C zoo .
    gzip -nk zoo.tar
    zstd -q zoo.tar
    harm cut 150 zoo.tar.gz
    harm flip 150 zoo.tar.gz
    harm cut 100 zoo.tar.zst
    harm flip 100 zoo.tar.zst
    psfetch -q zoo --write-shard own.tar.zst
    zstd -qt own.tar.zst
    harm cut 100 own.tar.zst
    harm flip 100 own.tar.zst
    harm cut 60 zoo.tar
    # A plain tar has no sum of what is in it; PNG has one of its own.
    picture park/cat/1.png 3 3 7
    picture park/dog/1.png 3 3 8
    tar --sort=name --format=ustar -b 1 -cf park.tar -C park .
    harm cut 60 park.tar
    harm flip 150 park.tar
}

@test "what stands behind the end of an archive is not passed over in silence" {
    picture zoo/cat/1.png 2 2 7
    picture zoo/dog/1.png 2 2 7
    tar --sort=name -cf zoo.tar zoo
    psfetch -q zoo.tar >whole.ps
    cat zoo.tar zoo.tar >two.tar
    ends 1 psfetch two.tar
    grep -q "cannot read two.tar: more follows behind the mark of its end" err
    gzip -k two.tar
    ends 1 psfetch two.tar.gz
    grep -q "cannot read two.tar.gz: more follows behind the mark of its end" err
    # A block of zeros in the place of a header.
    cp zoo.tar hole.tar
    dd if=/dev/zero of=hole.tar bs=512 seek=4 count=2 conv=notrunc 2>dd.log
    ends 1 psfetch hole.tar
    grep -q "more follows behind" err
    # Zeros are nothing, and gzip's members make one file.
    mkdir many
    (head -c 700 zoo.tar | gzip; tail -c +701 zoo.tar | gzip; head -c 5000 /dev/zero) >many/zoo.tar.gz
    psfetch -q many/zoo.tar.gz >out
    same whole.ps out
    truncate -s 1M zoo.tar
    psfetch -q zoo.tar | cmp - whole.ps
    (gzip <zoo.tar && echo more) >more.tar.gz
    ends 1 psfetch more.tar.gz
    grep -q "cannot read more.tar.gz: it is damaged, as gzip sees it: incorrect header check" err
}

@test "members of one name, links, and what is no image" {
    picture zoo/cat/1.png 2 2 7
    ln zoo/cat/1.png zoo/cat/2.png
    tar --sort=name -cf zoo.tar zoo
    ends 0 psfetch zoo.tar
    [ "$(records out | jq -c 'select(.type == "image") | .key' | xargs)" = "zoo/cat/1.png zoo/cat/2.png" ]
    psfetch -q zoo >folder.ps
    [ "$(records folder.ps | grep -c '"image"')" -eq 2 ]
    rm zoo/cat/2.png
    picture zoo/cat/1.png 2 3 9
    tar -rf zoo.tar zoo # once more, behind
    ends 0 psfetch zoo.tar
    [ "$(records out | jq -c 'select(.type == "image") | .width' | xargs)" = "3 2" ]
    truncate -s 2M zoo/cat/1.png # a hole, which tar does not store
    tar -Scf hole.tar zoo
    [ "$(stat -c %s hole.tar)" -lt 100000 ]
    psfetch -q hole.tar --write-shard filled.tar
    tar -xOf filled.tar | cmp - zoo/cat/1.png
    ln -s 1.png zoo/cat/3.png
    echo "no picture" >zoo/cat/4.png
    truncate -s 1T zoo/cat/5.png
    tar -Scf zoo.tar zoo
    ends 1 psfetch zoo.tar
    ends 0 psfetch --skip-bad zoo.tar
    grep -q "left out zoo.tar/zoo/cat/3.png: it is a link or no file" err
    grep -q "left out zoo.tar/zoo/cat/4.png: not a PNG" err
    grep -q "left out zoo.tar/zoo/cat/5.png: it has 1099511627776 bytes" err
    grep -q "left out 3 bad images of 4" err
}

@test "a large archive takes little memory" {
    long
    colour zoo/cat/1.png 4000 4000 9
    for i in {2..6}; do
        cp zoo/cat/1.png "zoo/cat/$i.png"
        head -c 50000000 /dev/zero >>"zoo/cat/$i.png"
    done
    tar -cf zoo.tar zoo
    (memory 400000 && psfetch -q -t 1 zoo.tar >out)
    zstd -q zoo.tar
    (memory 400000 && psfetch -q -t 1 zoo.tar.zst >packed)
    same out packed
}

# peak COMMAND...: the most memory that it held, in KB.
peak() {
    /usr/bin/python3 -c '
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}

@test "--write-shard: ten times as many images take no more memory, but for their names" {
    long
    picture zoo/cat/1.png 1 1 9
    head -c 16000 /dev/zero >>zoo/cat/1.png
    # So many names of the one file, in two folders.
    /usr/bin/python3 -c '
import os
for folder, count in ("few", 2000), ("many", 20000):
    os.makedirs(folder + "/cat")
    for number in range(count):
        os.link("zoo/cat/1.png", f"{folder}/cat/{number:05}.png")'
    few=$(peak psfetch -q -t 2 few --write-shard -)
    many=$(peak psfetch -q -t 2 many --write-shard -)
    echo "$few KB for 2,000 images, $many KB for 20,000"
    # All of them are 320 MB; their names, places and order are a few hundred bytes each.
    sanitized || [ $((many - few)) -lt 12000 ]
    few=$(peak psfetch -q -t 2 few --write-shard few.tar.gz)
    many=$(peak psfetch -q -t 2 many --write-shard many.tar.gz)
    echo "packed: $few KB, $many KB"
    sanitized || [ $((many - few)) -lt 12000 ]
}

# cifar FOLDER: a small one of its kind, 40 images to train with in two batches and 10 to test with.
# The pixels of an image are its channel and its number.
cifar() {
    /usr/bin/python3 - "$1" <<'P'
import os, sys
names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
os.makedirs(sys.argv[1])
def write(name, data):
    open(os.path.join(sys.argv[1], name), "wb").write(data)
def batch(first, count):
    return b"".join(bytes([i % 10]) + b"".join(bytes([channel * 70 + (i + p) % 70 for p in range(1024)]) for channel in range(3))
                    for i in range(first, first + count))
write("batches.meta.txt", "\n".join(names + ["", ""]).encode())
write("data_batch_1.bin", batch(0, 20))
write("data_batch_2.bin", batch(20, 20))
write("test_batch.bin", batch(40, 10))
write("readme.html", b"hello")
P
}

@test "CIFAR-10 as its site has it: splits, names of classes, pixels" {
    cifar cifar-10-batches-bin
    tar -czf cifar-10-binary.tar.gz cifar-10-batches-bin
    tar -cf plain.tar cifar-10-batches-bin
    ends 0 psfetch -v cifar-10-binary.tar.gz
    grep -q "left out 1 file: 1 named .html" err
    grep -q "50 images of 10 classes" err
    /usr/bin/python3 - <<'P'
import msgpack
header, *images, end = msgpack.Unpacker(open("out", "rb"), raw=False)
assert header["classes"] == ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
assert [i["split"] for i in images] == ["train"] * 40 + ["test"] * 10
for number, image in enumerate(images):
    assert image["id"] == number and image["label"] == number % 10, image
    assert (image["height"], image["width"], image["channels"]) == (32, 32, 3)
    assert image["pixels"] == bytes(channel * 70 + (number + p) % 70 for p in range(1024) for channel in range(3))
assert images[0]["key"] == "cifar-10-batches-bin/data_batch_1/00000" and images[45]["key"].endswith("test_batch/00005")
P
    psfetch -q plain.tar >plain.ps
    same out plain.ps
    psfetch -q cifar-10-binary.tar.gz --split 0.75 >split.ps
    [ "$(records split.ps | jq -r 'select(.type == "image") | .split' | sort | uniq -c | xargs)" = "10 test 30 train 10 validation" ]
    ends 0 psfetch -q plain.tar --include '*/test_batch/*' --as test
    [ "$(records out | jq -r 'select(.type == "image") | .split' | sort | uniq -c | xargs)" = "10 test" ]
    psfetch -q plain.tar --write-shard images.tar
    psfetch -q images.tar --limit 1 >out
    [ "$(records out | jq -c 'select(.type == "header") | .classes | length')" -eq 10 ]
    tar -tf images.tar | grep -q "^cifar-10-batches-bin/data_batch_1/bird/00012.png$"
}

@test "CIFAR-10 that is not whole is an error" {
    cifar small
    echo cat >small/batches.meta.txt
    tar -cf small.tar small
    ends 3 psfetch small.tar
    grep -q "small.tar/small/.*_batch.*.bin: an image is of class 1, which has no name" err
    rm small/batches.meta.txt
    tar -cf small.tar small
    ends 3 psfetch small.tar
    grep -q "there is no batches.meta.txt" err
    head -c 5000 /dev/zero >small/test_batch.bin
    tar -cf small.tar small
    ends 3 psfetch small.tar
    grep -q "test_batch.bin as a batch of CIFAR-10: its size is no multiple of 3073" err
}

# cifar_100 FOLDER: a small one of its kind, 20 images to train with and 5 to test with, of 10 fine and 3 coarse classes.
cifar_100() {
    /usr/bin/python3 - "$1" <<'P'
import os, sys
os.makedirs(sys.argv[1])
def write(name, data):
    open(os.path.join(sys.argv[1], name), "wb").write(data)
write("fine_label_names.txt", "".join(f"fine_{i}\n" for i in range(10)).encode())
write("coarse_label_names.txt", b"fish\nflowers\ntrees\n")
for name, count in ("train", 20), ("test", 5):
    write(name + ".bin", b"".join(bytes([i % 3, i % 10]) + bytes([i]) * 1024 + bytes([i + 70]) * 2048 for i in range(count)))
P
}

@test "CIFAR-100 as its site has it, by its fine labels or its coarse ones" {
    cifar_100 cifar-100-binary
    tar -czf cifar-100-binary.tar.gz cifar-100-binary
    ends 0 psfetch -v cifar-100-binary.tar.gz
    /usr/bin/python3 - <<'P'
import msgpack
header, *images, end = msgpack.Unpacker(open("out", "rb"), raw=False)
images.sort(key=lambda image: (image["split"] == "test", image["key"]))
assert header["classes"] == [f"fine_{i}" for i in range(10)] and "labels" not in header["options"]
assert [i["split"] for i in images] == ["train"] * 20 + ["test"] * 5
for number, image in enumerate(images[:20]):
    assert image["label"] == number % 10 and image["key"] == f"cifar-100-binary/train/{number:05}"
    assert image["pixels"] == bytes([number, number + 70, number + 70]) * 1024
P
    ends 0 psfetch cifar-100-binary.tar.gz --labels coarse --split 0.8
    [ "$(records out | jq -r 'select(.type == "header") | .classes | join(" ")')" = "fish flowers trees" ]
    [ "$(records out | jq -r 'select(.type == "image" and .split == "test") | .label' | xargs)" = "0 1 2 0 1" ]
    [ "$(records out | jq -r 'select(.type == "header") | .options.labels')" = coarse ]
    # What is not whole, and files of others that are called so.
    rm cifar-100-binary/coarse_label_names.txt
    tar -cf c.tar cifar-100-binary
    ends 3 psfetch c.tar --labels coarse
    grep -q "c.tar/cifar-100-binary/test.bin: there is no coarse_label_names.txt, which names\|c.tar/cifar-100-binary/train.bin: there is no coarse" err
    echo one >cifar-100-binary/fine_label_names.txt
    tar -cf c.tar cifar-100-binary
    ends 3 psfetch c.tar
    grep -q "bin: an image is of class 1, which has no name in fine_label_names.txt" err
    truncate -s 3073 cifar-100-binary/test.bin
    rm cifar-100-binary/train.bin
    tar -cf c.tar cifar-100-binary
    ends 3 psfetch c.tar
    grep -q "test.bin as a batch of CIFAR-100: its size is no multiple of 3074" err
    rm cifar-100-binary/fine_label_names.txt
    picture cifar-100-binary/cat/1.png 2 2 2
    tar -cf c.tar cifar-100-binary
    ends 0 psfetch c.tar
    grep -q "left out 1 file: 1 named .bin" err
}

@test "an archive of the web, and of S3; what a URL keeps secret stays so" {
    zoo
    mkdir web
    tar -czf web/zoo.tar.gz -C zoo .
    psfetch -q zoo >folder.ps
    serve web
    ends 0 psfetch "${url:?}/b/zoo.tar.gz?token=hush#hush"
    same folder.ps out
    [ "$(source_of out)" = "$url/b/zoo.tar.gz" ]
    no grep -q hush out err
    ends 0 psfetch s3://b/zoo.tar.gz
    same folder.ps out
    [ "$(source_of out)" = "s3://b/zoo.tar.gz" ]
    ends 1 psfetch "$url/b/nothing.tar?token=hush"
    grep -q "^psfetch: cannot read $url/b/nothing.tar: status 404" err
    no grep -q hush err
    ends 1 psfetch s3://b/nothing.tar
    grep -q "^psfetch: cannot read s3://b/nothing.tar: status 404 NoSuchKey" err
    ends 1 psfetch http://example.org/zoo.tar
    grep -q "cannot read http://example.org/zoo.tar: only https:// is taken from other machines" err
    ends 1 psfetch https://me:hush@example.org/zoo.tar
    grep -q "a URL with a user name" err
    no grep -q hush err
}

@test "an archive that comes in pieces, damaged or not at all: the same stream in the end" {
    psfetch -q synth:shapes --limit 100 >drawn.ps
    mkdir web
    psfetch -q synth:shapes --limit 100 --write-shard web/a.tar
    psfetch -q web/a.tar >clean.ps
    # troubled URL SAYING NAME=VALUE...: the stream is the clean one, and it was not had at once.
    troubled() {
        local source=$1 saying=$2
        shift 2
        serve web "$@"
        psfetch -v "${source/URL/$url}" >out 2>err
        same clean.ps out
        grep -q "$saying" err
    }
    local seed
    # shellcheck disable=SC2086 # a number
    for seed in 3 ${every:+4}; do
        troubled URL/b/a.tar "; trying again" seed=$seed reset=0.3 cut=0.3 error=0.1
        troubled URL/b/a.tar "; trying again" seed=$seed reset=0.3 cut=0.3 ranges=0
        troubled s3://b/a.tar "RequestTimeTooSkewed: .*; trying again" seed=$seed late=0.7 cut=0.1
        # A flipped bit is found by the MD5, and all is read again.
        troubled s3://b/a.tar "MD5 is not its ETag; reading it again" seed=$seed reset=0.1 cut_unsized=0.1 flip=0.5
        # Without ETag and date, nobody knows whether the rest is of the same archive.
        troubled URL/b/a.tar "; reading it again" seed=$seed cut=0.6 etag=0
        troubled URL/b/a.tar "; reading it again" seed=$seed cut_unsized=0.6 etag=0 length=0
    done
    serve web flip=1
    AWS_MAX_ATTEMPTS=3 ends 1 psfetch s3://b/a.tar
    grep -q "cannot read s3://b/a.tar: its MD5 is not its ETag; read" err
    [ ! -s out ]
    serve web cut=1
    AWS_MAX_ATTEMPTS=3 ends 1 psfetch "$url/b/a.tar"
    grep -q "cannot read $url/b/a.tar: .*; tried 3 times" err
    [ ! -s out ]
}

@test "a reader that has enough is noticed while an archive stalls" {
    picture zoo/cat/1.png 2 2 2
    mkdir web
    tar -cf web/stall.tar zoo
    serve web
    statuses=$(at_once psfetch s3://b/stall.tar 2>err | head -c 0; echo "${PIPESTATUS[0]}")
    [ "$statuses" = 0 ]
    [ ! -s err ]
}
