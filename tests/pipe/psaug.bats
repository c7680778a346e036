#!/usr/bin/env bats
# psaug: epochs of augmented images out of a set.
load ../helper

shapes() {
    psfetch -q synth:shapes --limit 60 --split 0.9
}

@test "validation images pass once, untouched; each epoch has every training image once, in another order" {
    shapes >set.ps
    psaug -e 2 <set.ps >epochs.ps
    records epochs.ps >lines
    records set.ps | jq -c 'select(.split == "validation") | [.id, .key]' >wanted
    jq -c 'select(.split == "validation") | [.id, .key]' lines | cmp - wanted
    jq 'select(.split == "train") | .id' lines >ids
    [ "$(wc -l <ids)" -eq 100 ]
    head -50 ids >first
    tail -50 ids >second
    no cmp -s first second
    cmp <(sort first) <(sort second)
    [ "$(jq -r .type lines | uniq | xargs)" = "header image epoch image epoch end" ]
    [ "$(jq -c 'select(.type == "header") | [.kind, .shape, .counts]' lines)" = '["epochs",[32,32,3],{"train":50,"validation":10,"test":0}]' ]
}

@test "the same seed gives the same bytes, another seed others; the first epochs do not depend on the last" {
    shapes >set.ps
    psaug -e 2 <set.ps >a.ps
    psaug -e 2 <set.ps >b.ps
    psaug -e 2 -s 1 <set.ps >c.ps
    psaug -e 3 <set.ps >longer.ps
    cmp a.ps b.ps
    no cmp -s a.ps c.ps
    size=$(($(stat -c %s a.ps) - 43))
    cmp -n $size a.ps longer.ps
}

@test "little memory changes nothing: a file is read again, a pipe is spooled" {
    shapes >set.ps
    psaug -e 2 <set.ps >wanted.ps
    psaug -e 2 --memory 50K <set.ps | cmp - wanted.ps
    psaug -e 2 --memory 50K < <(cat set.ps) | cmp - wanted.ps
    psaug -e 2 --memory 0 <set.ps | cmp - wanted.ps
}

@test "a training image's augmentation follows its id, not its neighbours" {
    shapes >all.ps
    psaug -e 1 <all.ps >all.epoch
    # The same set with one more joined behind it: ids of the first part stay, and so do their views.
    psfetch -q synth:shapes/test --limit 10 >more.ps
    cat all.ps more.ps | psaug -e 1 >joined.epoch
    [ "$(records joined.epoch | jq -c 'select(.type == "header") | .counts.train')" -eq 60 ]
    /usr/bin/python3 - all.epoch joined.epoch <<'P'
import msgpack, sys
def views(path):
    return {r["id"]: r["pixels"] for r in msgpack.Unpacker(open(path, "rb")) if r["type"] == "image" and r["split"] == "train"}
alone, joined = map(views, sys.argv[1:])
assert len(alone) == 50 and all(joined[i] == pixels for i, pixels in alone.items())
P
}

@test "memory is taken as it is needed, and where there is no more the rest goes to a file" {
    shapes >set.ps
    psaug -e 1 <set.ps >small.ps
    psfetch -q | tee big.ps | psaug -e 1 >wanted.ps
    size=$(stat -c %s big.ps)
    [ "$size" -gt 30000000 ]
    (memory 25000 && psaug -e 1 <set.ps) | cmp - small.ps
    (memory 25000 && psaug -v -e 1 2>err < <(cat big.ps)) | cmp - wanted.ps
    sanitized || grep -q 'no more memory' err
    # All of --memory serves one kind of images where there is no other.
    psaug -v -e 1 --memory "$size" < <(cat big.ps) 2>err >/dev/null
    no grep -q 'spooled' err
}

# pictures: of the epochs in a file, all that their records tell.
pictures() {
    /usr/bin/python3 -c '
import msgpack, sys
for record in msgpack.Unpacker(open(sys.argv[1], "rb")):
    if record["type"] in ("image", "view"): print(record)' "$1"
}

@test "sets made one by one are joined by the names of their classes, as one psfetch of all would give them" {
    for class in cat dog emu; do
        for i in 1 2 3; do colour "all/$class/$i.png" 8 8 $((RANDOM % 256)); done
        psfetch -q "all/$class" >"$class.ps"
    done
    psfetch -q all/* >all.ps
    psfetch -q --as validation all/dog >validation.ps
    for views in "" --views; do
        # shellcheck disable=SC2086 # none or one
        cat all.ps validation.ps | psaug $views -e 2 >wanted.ps
        # shellcheck disable=SC2086
        cat cat.ps dog.ps emu.ps validation.ps | psaug $views -e 2 >joined.ps
        cmp <(pictures wanted.ps) <(pictures joined.ps)
        [ "$(records joined.ps | head -n 1 | jq -c '[.classes, .counts.train, (.upstream | length)]')" = '[["cat","dog","emu"],9,4]' ]
    done
    # In any order, also from a file that is read again; with a set between them that has no image.
    psfetch -q synth:shapes --limit 1 --as test >none.ps
    edit none.ps 'records = records[:1]; records[0]["classes"] = ["bee"]' >bee.ps
    cat emu.ps bee.ps cat.ps dog.ps >others.ps
    psaug -e 1 <others.ps >joined.ps
    [ "$(psdump -k csv joined.ps | cut -d , -f 2,4,5 | sort | xargs)" = "0,3,emu 1,3,emu 2,3,emu 3,1,cat 4,1,cat 5,1,cat 6,2,dog 7,2,dog 8,2,dog id,label,class" ]
    psaug -e 1 --memory 0 <others.ps | cmp - joined.ps
    # Straight to a trainer; and what a model has guessed is joined as well.
    cat cat.ps dog.ps emu.ps validation.ps | pstrain -q --device cpu -b 3 -e 2 >joined.bin
    cat all.ps validation.ps | pstrain -q --device cpu -b 3 -e 2 >wanted.bin
    cmp <(records wanted.bin | grep '"loss"') <(records joined.bin | grep '"loss"')
    [ "$(records joined.bin | head -n 1 | jq -c .classes)" = '["cat","dog","emu"]' ]
    edit emu.ps '[r.update(guess=0, probability=0.5) for r in records[1:]]' >guessed.ps
    cat cat.ps guessed.ps | psaug -e 1 | psdump -k csv | grep -q ',1.png,1,emu,.*,emu,0.5$'
}

@test "joined sets: ids are shifted; what cannot be shifted, or a stream with epochs, is refused" {
    shapes >a.ps
    edit a.ps 'records[3]["id"] = (1 << 64) - 1' >last.ps
    edit a.ps 'records[3]["id"] = (1 << 64) - 2' >large.ps
    edit a.ps 'records[0]["classes"][1] = "b\0b"' >zero.ps
    ends 3 psaug -e 1 < <(cat a.ps zero.ps)
    grep -q 'class 1 in the header is not a text' err
    ends 3 psaug -e 1 < <(cat last.ps a.ps)
    grep -q 'the first has the largest id there can be' err
    ends 3 psaug -e 1 < <(cat a.ps large.ps)
    grep -q 'image .* has too large an id' err
    ends 0 psaug -e 1 < <(cat a.ps a.ps)
    [ "$(records out | jq 'select(.split == "train") | .id' | sort -n | uniq -d | wc -l)" -eq 0 ]
    [ "$(records out | jq 'select(.type == "header") | .upstream | length')" -eq 2 ]
    psaug -e 1 <a.ps >e.ps
    ends 1 psaug -e 1 <e.ps
    grep -q "kind epochs; one of kind images is wanted" err
    ends 1 pstrain -e 2 < <(cat e.ps e.ps)
    grep -q "the first has epochs already" err
}

@test "--crop takes windows of images that differ in size; without it that is an error that names both" {
    picture photos/cat/1.png 9 12 10
    picture photos/cat/2.png 10 9 20
    psfetch -q photos >set.ps
    ends 1 psaug -e 1 <set.ps
    grep -q "cat/2.png is 10x9, but cat/1.png is 9x12" err
    ends 0 psaug -e 1 --crop 8x4 <set.ps
    [ "$(records out | jq -c 'select(.type == "image") | [.height, .width]' | sort -u)" = "[8,4]" ]
    ends 1 psaug -e 1 --crop 10x10 <set.ps
    grep -q "cat/1.png is 9x12, smaller than --crop 10x10" err
    ends 2 psaug --crop 8x4 --shift 2 <set.ps
}

@test "grey and colour together is an error that says how to make them agree" {
    colour photos/cat/1.png 8 8 10
    picture photos/cat/2.png 8 8 10
    ends 1 psaug -e 1 < <(psfetch -q photos)
    grep -q "cat/2.png has 1 channel, but cat/1.png has 3 (psfetch --channels" err
    ends 0 psaug -e 1 < <(psfetch -q --channels 3 photos)
}

@test "records and fields that psaug does not know pass through" {
    shapes >set.ps
    edit set.ps '
records[1]["caption"] = "first"
records[-1]["caption"] = "last"
records.insert(2, {"type": "licence", "text": "free"})' >own.ps
    ends 0 psaug -e 1 <own.ps
    [ "$(records out | jq -r 'select(.type == "licence") | .text')" = free ]
    [ "$(records out | jq -r 'select(.caption) | .caption' | sort | xargs)" = "first last" ]
}

@test "a name in a sentence does nothing to a terminal" {
    shapes >set.ps
    edit set.ps 'records[1].update(key="a\x1b]0;b\x07c\u202ed\u009be\nf é \u2026", height=3)' >own.ps
    ends 3 psaug <own.ps
    [ "$(wc -l <err)" -eq 1 ]
    grep -q 'image a?]0;b?c?d?e f é … has 3072 bytes of pixels' err
}

@test "an epoch mark in a set of images is damage to whoever reads it" {
    shapes >set.ps
    edit set.ps 'pass' | cmp - set.ps
    edit set.ps 'records.insert(5, {"type": "epoch", "epoch": 1, "images": 4, "records": 5, "digest": digest(5)})' >marked.ps
    pstrain -q -e 1 <set.ps >net.bin
    ends 3 psaug -e 1 <marked.ps
    grep -q 'there is an epoch mark in a set of images' err
    ends 3 pstrain <marked.ps
    grep -q 'there is an epoch mark in a set of images' err
    ends 3 pseval net.bin <marked.ps
    grep -q 'there is an epoch mark in a set of images' err
}

@test "only test images: they pass, cropped to the middle, and no epochs follow" {
    psfetch -q synth:shapes/test --limit 20 --as test >test.ps
    ends 0 psaug --crop 28 <test.ps
    [ "$(records out | jq -r .type | sort | uniq -c | xargs)" = "1 end 1 header 20 image" ]
}

@test "a file is not filled with epochs without end: --epochs is asked for" {
    shapes >set.ps
    ulimit -f 2000 # where psaug would go on
    ends 2 psaug <set.ps
    grep -q -- "the output is a file, which would fill the disk: --epochs N" err
    [ ! -s out ]
    ends 0 psaug -e 1 <set.ps
    psfetch -q synth:shapes/test --as test --limit 3 >test.ps
    ends 0 psaug <test.ps
}

# Draws what the views of one stream tell, as FORMAT.md has it, and compares it with the pixels of the other.
drawn_by_the_book() {
    /usr/bin/python3 - "$@" <<'P'
import msgpack, struct, sys
def numbers(record, key, each):
    flat = struct.unpack("<%di" % (len(record[key]) // 4), record[key])
    return [flat[i:i + each] for i in range(0, len(flat), each)]
def place(i, n, fill):
    if 0 <= i < n: return i
    if fill == "edge": return min(max(i, 0), n - 1)
    if fill == "reflect": return (i % (2 * n - 2)) if i % (2 * n - 2) < n else 2 * n - 2 - i % (2 * n - 2)
def draw(image, record, v, height, width):
    h, w, k, pixels = image["height"], image["width"], image["channels"], image["pixels"]
    fill, ground = record.get("fill"), list(record.get("ground", bytes(k)))
    def pixel(r, c):
        r, c = place(r, h, fill), place(c, w, fill)
        return ground if r is None or c is None else pixels[(r * w + c) * k:(r * w + c + 1) * k]
    def mapped(r, c):
        if "maps" not in record: return pixel(r, c)
        m, r, c = numbers(record, "maps", 4)[v], 2 * r - (h - 1), 2 * c - (w - 1)
        r, c = ((h - 1 << 16) + m[0] * r + m[1] * c + 256) >> 9, ((w - 1 << 16) + m[2] * r + m[3] * c + 256) >> 9
        p, q, r, c = r & 255, c & 255, r >> 8, c >> 8
        return [((256 - p) * ((256 - q) * a + q * b) + p * ((256 - q) * d + q * e) + 32768) >> 16 for a, b, d, e in
                zip(pixel(r, c), pixel(r, c + 1), pixel(r + 1, c), pixel(r + 1, c + 1))]
    row, column, flip = numbers(record, "rows", 1)[v][0], numbers(record, "columns", 1)[v][0], record["flips"][v]
    out = []
    for y in range(height):
        for x in range(width):
            at = mapped((height - 1 - y if flip & 2 else y) + row, (width - 1 - x if flip & 1 else x) + column)
            if "colours" in record:
                m = numbers(record, "colours", k * (k + 1))[v]
                at = [min(max((sum(a * b for a, b in zip(m[i * (k + 1):], [*at, 1])) + 2048) >> 12, 0), 255) for i in range(k)]
            if "cutout" in record:
                cut, n = numbers(record, "cuts", 2)[v], record["cutout"]
                if cut[0] <= y < cut[0] + n and cut[1] <= x < cut[1] + n: at = ground
            out += at
    return bytes(out)
views, images = (list(msgpack.Unpacker(open(path, "rb"))) for path in sys.argv[1:3])
kept = {r["id"]: r for r in views if r["type"] == "image"}
sent = [r for r in images if r["type"] == "image" and r["split"] == "train"]
height, width, _ = views[0]["shape"]
drawn = [(struct.unpack_from("<Q", r["ids"], 8 * v)[0], draw(kept[struct.unpack_from("<Q", r["ids"], 8 * v)[0]], r, v, height, width))
         for r in views if r["type"] == "view" for v in range(r["images"])]
assert len(drawn) == len(sent) and drawn == [(r["id"], r["pixels"]) for r in sent], "other pixels than the book's"
assert len({pixels for _, pixels in drawn}) > len(drawn) / 2
print(sorted(views[0].keys() & {"drawing"}), *sorted({key for r in views if r["type"] == "view" for key in r}
             - {"type", "images", "ids", "rows", "columns", "flips"}))
P
}

@test "what FORMAT.md tells of views, done in Python, gives psaug's pixels, whatever is asked for" {
    psfetch -q synth:shapes --limit 9 --resize 9x8 --split 0.9 >set.ps
    psfetch -q synth:shapes --limit 9 --resize 9x8 --channels 1 >grey.ps
    while IFS=: read -r set options fields; do
        read -ra words <<<"$options"
        psaug -e 3 "${words[@]}" <"$set.ps" >pixels.ps
        psaug -e 3 "${words[@]}" --views <"$set.ps" >views.ps
        [ "$(drawn_by_the_book views.ps pixels.ps)" = "$fields" ]
    done <<'T'
set:--shift 3x1:[]
set:--alternate-flip --crop 5x7:[]
set:--fill reflect --shift 12 --flip-vertical 0.5:['drawing'] fill
set:--fill mean --shift 2:['drawing'] ground
grey:--fill edge --rotate 180 --scale 0.5..1.5:['drawing'] fill maps
set:--shear 30 --rotate 20 --crop 7x6:['drawing'] maps
set:--fill grey --brightness 0.8 --contrast 0.5 --saturation 2 --hue 0.5:['drawing'] colours ground
grey:--contrast 1 --brightness 2 --cutout 3:['drawing'] colours cutout cuts
set:--fill edge --cutout 4 --rotate 10 --hue 0.1 --flip-vertical 1:['drawing'] colours cutout cuts fill ground maps
T
}

@test "--alternate-flip: each image is flipped or not by chance, and then in turns" {
    psfetch -q synth:shapes --limit 60 >set.ps
    psaug -e 4 --alternate-flip --views <set.ps | psdump -k csv | grep ^view, | sort -t , -n -k 2 -k 10 >views
    cut -d , -f 2,13 views | awk -F , '{ of[$1] = of[$1] $2 } END { for (i in of) print of[i] }' | sort | uniq -c | awk '{ print $2, ($1 > 15) }' >turns
    printf '0101 1\n1010 1\n' | diff - turns
    # Where nothing else was asked for, the first epoch is that of old.
    cmp <(psaug -e 1 --views <set.ps | records /dev/stdin | grep '"view",') <(psaug -e 1 --alternate-flip --views <set.ps | records /dev/stdin | grep '"view",')
}

@test "options of views: told in the header where they are given, refused with their bounds" {
    psfetch -q synth:shapes --limit 9 --resize 8 --channels 1 >grey.ps
    header() { psaug -e 1 "$@" <grey.ps | psdump | sed -n 1p | jq -c .options; }
    [ "$(header)" = '{"seed":0,"shift":4,"crop":null,"flip":0.5,"views":false}' ]
    [ "$(header --shift 2x2)" = '{"seed":0,"shift":2,"crop":null,"flip":0.5,"views":false}' ]
    [ "$(header --shift 2x0 --scale 0.50..2 --fill mean)" = '{"seed":0,"shift":[2,0],"crop":null,"flip":0.5,"scale":[0.5,2],"fill":"mean","views":false}' ]
    [ "$(header --scale 1..2)" = "$(header --scale 1.0..2.0)" ]
    while IFS=: read -r options sentence; do
        read -ra words <<<"$options"
        ends 2 psaug -e 1 "${words[@]}" <grey.ps
        grep -qF -- "$sentence" err
    done <<'T'
--shift x:--shift takes N or HxW, whole numbers from 0 to 1024, not x
--scale 2:--scale takes A..B, numbers from 0.1 to 10, the smaller first, not 2
--scale 2..1:the smaller first, not 2..1
--scale 1..11:not 1..11
--scale 1..2x:not 1..2x
--fill white:--fill takes one of black|grey|mean|edge|reflect, not white
--hue 0.6:--hue takes a number from 0 to 0.5, not 0.6
--crop 4 --shift 0x1:--crop and --shift cannot be used together
T
    ends 1 psaug -e 1 --hue 0.1 <grey.ps
    grep -q -- '--saturation and --hue are for images with 3 channels, red, green and blue; these have 1' err
    ends 0 psaug -e 1 --contrast 0.5 <grey.ps
    # What can be, but is hardly meant, is said.
    ends 0 psaug -e 1 --shift 0x8 --cutout 8 <grey.ps
    [ "$(cat err)" = 'psaug: --shift 0x8 moves some images, which are 8x8, out of sight
psaug: --cutout 8 paints some images, which are 8x8, over entirely' ]
    for options in '--shift 7 --cutout 7' '--shift 9 --fill reflect'; do
        # shellcheck disable=SC2086 # several
        ends 0 psaug -e 1 $options <grey.ps
        [ ! -s err ]
    done
    # Where there is nothing to learn from, there is no mean either.
    psfetch -q synth:shapes --limit 3 --as test --resize 8 --channels 1 | psaug --fill mean --hue 0.1 >out
    [ "$(records out | grep -c '"image",')" -eq 3 ]
}

@test "--balance: of each class as many in every epoch, small ones again in other views, large ones in turn" {
    psfetch -q synth:shapes --include 'ring/0000*,star/0000[0-5],heart/000[01]*' --resize 8x8 >set.ps # 10, 6 and 20
    ends 0 psaug -e 4 --balance <set.ps
    /usr/bin/python3 - <<'P'
import collections, msgpack
header, *records = msgpack.Unpacker(open("out", "rb"), raw=False)
assert header["counts"]["train"] == 36 and header["options"]["balance"] is True
epochs = [[]]
for record in records:
    if record["type"] == "epoch":
        assert record["images"] == 36
        epochs.append([])
    elif record["type"] == "image":
        epochs[-1].append(record)
for epoch in epochs[:4]:
    assert collections.Counter(image["label"] for image in epoch) == {0: 12, 1: 12, 2: 12}
    times = collections.Counter(image["key"] for image in epoch)
    assert all(count == 2 for key, count in times.items() if key.startswith("star"))
    assert sum(key.startswith("heart") for key in times) >= 8
    views = collections.defaultdict(set)
    for image in epoch:
        views[image["key"]].add(image["pixels"])
    assert sum(len(views[key]) > 1 for key in views) > 3
# 12 of 20 an epoch: five epochs bring all of them three times, four nearly so.
hearts = collections.Counter(image["key"] for epoch in epochs for image in epoch if image["key"].startswith("heart"))
assert len(hearts) == 20 and max(hearts.values()) - min(hearts.values()) <= 1, hearts
assert [i["key"] for i in epochs[0]] != [i["key"] for i in epochs[1]]
P
    psaug --balance -e 4 --first-epoch 3 <set.ps >later.ps
    cmp <(records later.ps | jq -c 'select(.type == "image") | [.id, .label]') \
        <(records out | jq -c 'select(.type == "image") | [.id, .label]' | tail -n 72)
    # Views are the same thing, told in another way.
    for views in '' --views; do
        # shellcheck disable=SC2086 # one or none
        psaug --balance $views <set.ps | pstrain -q -d 1 --filters 2 -b 12 -e 2 >run.bin
        psdump -k csv run.bin | cut -d , -f 4- >"run$views.csv"
    done
    cmp run.csv run--views.csv
    psfetch -q synth:shapes --limit 20 --as test | psaug --balance >out # none to train with
}
