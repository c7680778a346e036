#!/usr/bin/env bats
# Labels that lie beside the images in an archive, as WebDataset has them; sets of many shards.
load ../helper

# shard FILE MEMBER=CONTENT...: a tar archive; what is named as a picture is one, of that grey.
shard() {
    /usr/bin/python3 - "$@" <<'P'
import io, re, struct, sys, tarfile, zlib
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
def png(value):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress((b"\0" + bytes([value]) * 2) * 2)) + chunk(b"IEND", b""))
with tarfile.open(sys.argv[1], "w:gz" if sys.argv[1].endswith("gz") else "w") as archive:
    for member in sys.argv[2:]:
        name, content = member.split("=", 1)
        data = png(int(content)) if re.search(r"\.(png|jpg)$|^[0-9a-z/]+$", name) else content.encode()
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
P
}

# labelled STREAM: the classes, and "key class" of each image, in one line.
labelled() {
    records "$1" | jq -r 'select(.type == "header") | .classes | join(" ")'
    records "$1" | jq -rs '.[0].classes as $c | [.[] | select(.type == "image") | "\(.key)=\($c[.label])"] | join(" ")'
}

# means STREAM CLASSES IMAGES
means() {
    labelled "$1" >is
    printf '%s\n' "$2" "$3" | diff - is
}

@test "labels are those of .cls beside the images, numbers in their order, not the names of the shards" {
    shard train-000000.tar 00.png=1 00.cls=10 01.cls=$' 2\n' 01.png=2 02.seg.png=3 02.png=3 02.cls=007
    shard train-000001.tar.gz ./03.png=4 ./03.CLS=0 a.b/04.png=5 a.b/04.cls=2
    ends 0 psfetch train-000000.tar train-000001.tar.gz
    means out "0 2 7 10" "00.png=10 01.png=2 02.png=7 03.png=0 a.b/04.png=2"
    grep -q "train-000000.tar: left out 1 file: 1 named .seg.png" err
    # The labels are not part of the keys, and still of what describes the set.
    records out | jq -r 'select(.type == "header") | .source[0]' >one
    shard train-000000.tar 00.png=1 00.cls=10 01.cls=$' 3\n' 01.png=2 02.png=3 02.cls=007
    psfetch -q train-000000.tar | records /dev/stdin | jq -r 'select(.type == "header") | .source[0]' >other
    no cmp -s one other
}

@test "labels that are texts; of .json a member; of .txt" {
    shard a.tar 1.png=1 1.cls="a dog" 2.png=2 2.cls=cat
    ends 0 psfetch a.tar
    means out "a dog cat" "1.png=a dog 2.png=cat"
    shard a.tar 1.png=1 1.json='{"x": {"label": 3}, "label": 1, "kind": "dog"}' 1.txt=no \
        2.png=2 2.json='{"class": "7", "kind": "é"}'
    ends 0 psfetch a.tar
    means out "1 7" "1.png=1 2.png=7"
    ends 0 psfetch a.tar --label-member kind
    means out "dog é" "1.png=dog 2.png=é"
    [ "$(records out | jq -r 'select(.type == "header") | .options["label-member"]')" = kind ]
    shard a.tar 1.png=1 1.json='{"caption": "x"}' 1.txt=dog 2.png=2 2.txt=cat
    ends 0 psfetch a.tar
    means out "cat dog" "1.png=dog 2.png=cat"
    no grep -q captions err
    members=()
    for i in {10..40}; do members+=("$i.png=$i" "$i.txt=picture $i"); done
    shard a.tar "${members[@]}"
    ends 0 psfetch a.tar
    grep -q "a.tar: the .txt files of 31 images tell 31 classes: are they captions" err
    # Where images lie in folders these are their classes, unless .cls says otherwise.
    shard a.tar cat/1.png=1 cat/1.txt=hello dog/2.png=2 dog/2.json='{"label": 4}'
    ends 0 psfetch a.tar
    means out "cat dog" "cat/1.png=cat dog/2.png=dog"
}

@test "a label that is missing, no label, or too long is an error that names it, or left out" {
    refused() {
        ends 1 psfetch a.tar
        grep -qF "psfetch: cannot read a.tar/$1" err
        [ ! -s out ]
    }
    shard a.tar 1.png=1 1.cls=0 2.png=2 3.png=3 3.cls=1
    refused "2.png: no 2.cls beside it tells its class"
    ends 0 psfetch --skip-bad a.tar
    means out "0 1" "1.png=0 3.png=1"
    grep -q "left out a.tar/2.png: no 2.cls" err
    grep -q "left out 1 bad image of 3" err
    shard a.tar 1.png=1 1.cls=$'two\nlines' 2.png=2 2.cls=0
    refused "1.png: 1.cls does not tell its class: it is not one line of text"
    shard a.tar 1.png=1 1.cls=-1
    refused "1.png: 1.cls does not tell its class: it is a number below 0"
    shard a.tar 1.png=1 1.cls="$(printf '%070000d' 0)"
    refused "1.png: 1.cls does not tell its class: it has 70000 bytes; at most 64 KiB"
    shard a.tar 1.png=1 1.json='{"label": 1}' 2.png=2 2.json='{"label": [1]}'
    refused "2.png: 2.json does not tell its class: its member label is neither a text nor a whole number"
    shard a.tar 1.png=1 1.json='{"label": 1}' 2.png=2 2.json='{"label": 1'
    refused "2.png: 2.json does not tell its class: it is not JSON"
}

@test "an archive's own name is no class, unless it is asked for" {
    shard cat.tar 1.png=1 2.png=2
    shard dog.tar 1.png=3
    ends 1 psfetch cat.tar dog.tar
    grep -q "the images of cat.tar lie in no folder, and no .cls, .json or .txt .*; --class-level 0 makes" err
    [ ! -s out ]
    ends 0 psfetch cat.tar dog.tar --class-level 0
    means out "cat dog" "1.png=cat 2.png=cat 1.png=dog"
    # What is asked for goes before what lies there.
    shard cat.tar 1.png=1 1.cls=5
    ends 0 psfetch cat.tar --class-level 0
    means out cat "1.png=cat"
    grep -q "left out 1 file: 1 named .cls" err
    # A file is called as it is: only a URL ends at a # or a question mark.
    mv cat.tar 'cat#1.tar'
    ends 0 psfetch 'cat#1.tar' --class-level 0
    means out 'cat#1' "1.png=cat#1"
    # What has a scheme and is none of ours ends in another way than it seems to.
    for odd in 'gs://b/a.tar.zst?x/' 'HTTPS://h/a.tar?sig=ab/c'; do
        ends 1 psfetch "$odd"
        grep -F "psfetch: cannot read $odd" err
    done
}

@test "lists in braces name the shards of a set, and what they leave out is told in a few lines" {
    mkdir many
    local i
    for i in 000 001 002 003 004; do shard "many/x-$i.tar" "$i.png=1" "$i.cls=$i" "$i.json={}"; done
    ends 0 psfetch 'many/x-{000..004}.tar'
    mv out list.ps
    [ "$(grep -c "left out 1 file: 1 named .json" err)" -eq 3 ]
    grep -q "2 files of 2 more sources left out" err
    psfetch -q many/x-*.tar | cmp - list.ps
    [ "$(records list.ps | jq -c 'select(.type == "header") | [.classes, (.source | length)]')" = '[["0","1","2","3","4"],5]' ]
    psfetch -q 'many/x-{000,001}.tar' >two.ps
    means two.ps "0 1" "000.png=0 001.png=1"
    mv many/x-000.tar 'x-{000..001}.tar'
    ends 0 psfetch 'x-{000..001}.tar'
    means out 0 000.png=0
    ends 1 psfetch 'many/x-{001..005}.tar'
    grep -q "cannot read many/x-005.tar: No such file" err
}

@test "a thousand shards take no more files than a process gets, nor memory for each" {
    shard x.tar 1.png=1 1.cls=1
    mkdir many
    tee many/{1..550}.tar <x.tar >/dev/null
    tee many/{551..1100}.tar <x.tar >/dev/null
    (ulimit -Sn 64 && memory 400000 && psfetch -q 'many/{1..1100}.tar' >out)
    [ "$(records out | grep -c '"image"')" -eq 1100 ]
}

@test "--classes names the classes, in its order, whether or not there is an image of each" {
    printf 'ant\nbird\ncat\n' >names
    shard a.tar 1.png=1 1.cls=2 2.png=2 2.cls=0
    ends 0 psfetch a.tar --classes names
    means out "ant bird cat" "1.png=cat 2.png=ant"
    grep -q "1 of the 3 classes has no image here" err
    no grep -q names out
    shard a.tar 1.png=1 1.cls=2 2.png=2 2.cls=3
    ends 1 psfetch a.tar --classes names
    grep -q "cannot label a.tar/2.png: its label is 3, and names names the classes 0 to 2" err
    picture photos/cat/1.png 2 2 9
    picture photos/1/1.png 2 2 9
    ends 0 psfetch photos --classes names
    means out "ant bird cat" "1/1.png=bird cat/1.png=cat"
    picture photos/dog/1.png 2 2 9
    ends 1 psfetch photos --classes names
    grep -q "cannot label photos/dog/1.png: its class is dog, which is none of the 3 that names names" err
}

@test "--write-shard: labels become folders, by the names of --classes" {
    printf 'ant\nbird\n' >names
    shard a.tar 1.png=1 1.cls=1 x/2.png=2 x/2.cls=0
    psfetch -q a.tar --write-shard out.tar
    [ "$(tar -tf out.tar | xargs)" = "1/1.png x/0/2.png" ]
    psfetch -q a.tar --classes names --write-shard out.tar
    [ "$(tar -tf out.tar | xargs)" = "bird/1.png x/ant/2.png" ]
    psfetch -q out.tar >out
    means out "ant bird" "bird/1.png=bird x/ant/2.png=ant"
    for class in .. ../x a/b .hidden; do
        shard a.tar 1.png=1 1.cls="$class"
        ends 1 psfetch a.tar --write-shard bad.tar
        grep -qF "psfetch: the class $class cannot be a folder in an archive" err
        [ ! -e bad.tar ]
    done
}

@test "labels that are hard links; a folder with labels in it" {
    mkdir set && picture set/1.png 2 2 9
    cp set/1.png set/2.png
    printf 7 >set/1.cls
    ln set/1.cls set/2.cls
    tar --sort=name -cf a.tar -C set .
    tar -tvf a.tar | grep -q "^h.*2.cls link to"
    ends 0 psfetch a.tar
    means out 7 "1.png=7 2.png=7"
    ln set/1.cls set/0 # a name that is no label's, and tar comes upon it first
    tar --sort=name -cf named.tar -C set .
    tar -tvf named.tar | grep -q "^h.*1.cls link to ./0"
    ends 0 psfetch named.tar
    means out 7 "1.png=7 2.png=7"
    tar --sort=name --delete -f a.tar ./1.cls
    ends 1 psfetch a.tar
    grep -q "cannot read a.tar/1.png: no 1.cls beside it" err
    ends 0 psfetch --skip-bad set
    grep -q "set: labels beside images (.cls) are read from archives only: pack it with tar" err
}
