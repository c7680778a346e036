# psplot -k images and -k filters: pixels and weights, each seen as it is.
load ../helper

setup() {
    enter_folder
    small_model 60 10
    cat >look.py <<'END'
# pixels(FILE): rows of (red, green, blue) of a PNG. find(picture, block): where an image, each of its pixels a
# square of some size, stands in the picture: (factor, y, x), or None.
import msgpack, os, subprocess, tempfile
def pixels(name):
    with tempfile.TemporaryDirectory() as folder:
        os.link(name, folder + "/1.png")
        psfetch = subprocess.Popen(["psfetch", "-q", folder], stdout=subprocess.PIPE)
        image = list(msgpack.Unpacker(psfetch.stdout, raw=False))[1]
    assert image["channels"] == 3
    stride = 3 * image["width"]
    return [image["pixels"][y * stride:(y + 1) * stride] for y in range(image["height"])]
def find(picture, block, least=1):
    # A square repeats its row, so only rows that differ from the one above can be the first of an image.
    tops = [y for y, row in enumerate(picture) if y == 0 or row != picture[y - 1]]
    stride, rows = len(picture[0]), b"".join(picture[y] for y in tops)
    def wide(row):
        return b"".join(row[i:i + 3] * factor for i in range(0, len(row), 3))
    for factor in range(64, least - 1, -1):
        top = wide(block[0])
        place = rows.find(top)
        while place >= 0:
            y, x = tops[place // stride], place % stride
            if all(picture[y + i][x:x + len(top)] == wide(block[i // factor]) for i in range(len(block) * factor)
                   if y + i < len(picture)):
                return factor, y, x // 3
            place = rows.find(top, place + 1)
    return None
def block(image):
    h, w, c, p = image["height"], image["width"], image["channels"], image["pixels"]
    return [b"".join(p[(y * w + x) * c:(y * w + x + 1) * c] * (3 if c == 1 else 1) for x in range(w)) for y in range(h)]
def images(name, split=None):
    return [r for r in msgpack.Unpacker(open(name, "rb"), raw=False)
            if r["type"] == "image" and split in (None, r["split"])]
def ink(picture, colour):
    return sum(row.count(bytes(colour)) for row in picture)
END
}

# look PYTHON: runs it with what look.py defines.
look() {
    /usr/bin/python3 -c "from look import *
$1"
}

@test "a set by class: a line each, every pixel a square of its colour" {
    psplot -k images -o sheet.png images.ps
    look '
picture, places = pixels("sheet.png"), {}
for image in images("images.ps"):
    place = find(picture, block(image), 14)
    assert place and place[0] == 14, (image["key"], place)
    places[place[1:]] = image["label"]
assert len(places) == 60
lines = sorted({y for y, x in places})
assert [{places[p] for p in places if p[0] == y} for y in lines] == [{c} for c in range(10)]
assert len({x for y, x in places}) == 6'
}

@test "sets with different classes are joined by name: files, or one stream" {
    for class in cat dog emu; do
        for i in 1 2 3; do colour "a/$class/$i.png" 6 6 $((RANDOM % 256)); done
        psfetch -q "a/$class" >"$class.ps"
    done
    psfetch -q a >all.ps
    for limit in "" "--limit 3" "--limit 7"; do
        # shellcheck disable=SC2086 # none or two
        for order in "cat dog emu" "emu dog cat"; do
            read -r first second third <<<"$order"
            psplot -k images $limit -o all.png all.ps
            psplot -k images $limit -o files.png "$first.ps" "$second.ps" "$third.ps"
            cat "$first.ps" "$second.ps" "$third.ps" | psplot -k images $limit -o joined.png
            cmp all.png files.png
            cmp all.png joined.png
        done
    done
}

@test "in order, as many as asked for, and no others" {
    psplot -k images --by order --limit 5 -o sheet.png images.ps
    look '
picture, all = pixels("sheet.png"), images("images.ps")
places = [find(picture, block(image), 14) for image in all]
assert None not in places[:5] and not any(places[5:]), places
# Read as a page is.
assert [p[1:] for p in places[:5]] == sorted(p[1:] for p in places[:5])'
    # By class the limit is shared: one each.
    psplot -k images --limit 10 -o sheet.png images.ps
    look '
picture, seen = pixels("sheet.png"), [0] * 10
for image in images("images.ps"):
    seen[image["label"]] += find(picture, block(image), 14) is not None
assert seen == [1] * 10, seen'
    psplot -k images --only validation -o sheet.png images.ps
    look '
picture = pixels("sheet.png")
assert all((find(picture, block(i), 14) is not None) == (i["split"] == "validation") for i in images("images.ps"))'
}

@test "epochs: the training images as they were augmented, of an endless stream too" {
    psaug -e 2 <images.ps >epochs.ps
    psplot -k images -o sheet.png epochs.ps
    look '
picture, train = pixels("sheet.png"), images("epochs.ps", "train")
assert len(train) == 60
assert all(find(picture, block(image), 14) for image in train)
assert not any(find(picture, block(image), 14) for image in images("epochs.ps", "validation"))'
    in_time psaug <images.ps 2>err | psplot -k images --limit 60 -o endless.png
    [ "${PIPESTATUS[*]}" = "0 0" ]
    [ ! -s err ]
    cmp endless.png sheet.png
}

@test "views are drawn as the images that they stand for" {
    psaug -e 3 <images.ps >epochs.ps
    psaug -e 3 --views <images.ps >views.ps
    for by in image class; do
        psplot -k images --by $by --limit 240 -o a.png epochs.ps
        psplot -k images --by $by --limit 240 -o b.png views.ps
        cmp a.png b.png
    done
    psplot -k images --limit 30 -o a.png epochs.ps
    psplot -k images --limit 30 -o b.png views.ps
    cmp a.png b.png
    # Fewer than there are: as many as have room, of those that come first, each as often as there are epochs.
    psplot -k images --by image --limit 24 -o few.png views.ps
    look '
picture, shown = pixels("few.png"), {}
first = [image["id"] for image in images("views.ps", "train")][:24]
for image in images("epochs.ps", "train"):
    shown[image["id"]] = shown.get(image["id"], 0) + (find(picture, block(image), 14) is not None)
assert sorted(shown.values()) == [0] * 22 + [3] * 8, shown
assert all(image in first for image in shown if shown[image])'
    # An endless stream of fewer images than there is room for ends with the eighth view of each.
    psfetch -q --limit 3 --resize 8x8 >three.ps
    in_time psaug <three.ps | psplot -k images --by image -o endless.png
    [ "${PIPESTATUS[*]}" = "0 0" ]
    psaug -e 8 <three.ps | psplot -k images --by image -o eight.png
    cmp endless.png eight.png
    # One in which a class has no image, or a split too few, ends with the epoch that brings nothing more.
    for options in "--by class --limit 20" "--only validation"; do
        psfetch -q --limit 60 --resize 8x8 --split 0.8 --exclude 'ring/*' | edit /dev/stdin 'records[0]["classes"].append("none")' >some.ps
        for views in "" --views; do
            # shellcheck disable=SC2086 # words
            {
                psplot -k images $options -o endless.png < <(in_time psaug $views <some.ps)
                psaug -e 4 $views <some.ps | psplot -k images $options -o four.png
            }
            cmp endless.png four.png
        done
    done
}

@test "grey images, and other numbers of channels" {
    psfetch -q --limit 20 --resize 8x8 --channels 1 >grey.ps
    psplot -k images -o sheet.png grey.ps
    look '
picture = pixels("sheet.png")
assert all(find(picture, block(image), 14) for image in images("grey.ps"))'
    edit grey.ps 'records = [dict(records[0]), dict(records[1], channels=2, width=4)]' >two.ps
    psplot -k images -o sheet.png two.ps
    look '
image = images("two.ps")[0]
p = image["pixels"]
mean = bytes((p[i] + p[i + 1] + 1) // 2 for i in range(0, 64, 2))
assert find(pixels("sheet.png"), block(dict(image, channels=1, pixels=mean)))'
}

@test "images of different sizes, larger than their place, and one alone" {
    colour photos/a/1.png 300 200 10
    colour photos/a/2.png 10 20 200
    colour photos/b/1.png 1 1 90
    psfetch -q photos | psplot -k images -o sheet.png
    look '
picture = pixels("sheet.png")
assert all(ink(picture, [grey] * 3) > 100 for grey in (10, 200, 90))
assert len(picture) < 400'
    psfetch -q photos --limit 1 | psplot -k images --size 300x300 --title 'Only one' -o one.png
    look 'assert len(pixels("one.png")) == 300'
    # What is shrunk is the mean.
    edit images.ps 'records[1] = dict(records[1], height=400, width=400, channels=1, pixels=bytes([10, 30] * 200 + [50, 70] * 200) * 200)
records = records[:2]' >large.ps
    psplot -k images --size 200x200 -o sheet.png large.ps
    look '
picture = pixels("sheet.png")
assert sum(bytes((40, 40, 40)) * 100 in row for row in picture) == 100 # a square, and nothing else of its pixels
assert all(ink(picture, [grey] * 3) == 0 for grey in (10, 30))'
}

@test "guesses stand beneath, in their colour where they are wrong" {
    psplot -k images --by order -o plain.png images.ps
    edit images.ps '
for record in records[1:]: record.update(guess=record["label"], probability=0.75)' >right.ps
    edit images.ps '
for record in records[1:]: record.update(guess=(record["label"] + 1) % 10, probability=float("nan"))' >wrong.ps
    psplot -k images -o right.png right.ps
    psplot -k images -o wrong.png wrong.ps
    look '
plain, right, wrong = (pixels(name + ".png") for name in ("plain", "right", "wrong"))
vermillion = (0xd5, 0x5e, 0)
assert ink(plain, vermillion) == ink(right, vermillion) == 0 < ink(wrong, vermillion)
assert len(plain) < len(right) == len(wrong)'
    pseval -q --wrong 9 net.bin <images.ps | psplot -k images -o some.png
    look 'assert ink(pixels("some.png"), (0xd5, 0x5e, 0)) > 0'
}

@test "what is no image is said in a sentence" {
    ends 1 psplot -k images -o x.png net.bin
    grep -q 'net.bin is a stream of kind run; one of kind images or epochs is wanted' err
    ends 1 psplot -o x.png images.ps
    grep -q 'run or scores is wanted (--kind images draws images)' err
    ends 1 psplot -k filters -o x.png images.ps
    grep -q 'images.ps is a stream of kind images; one of kind run is wanted' err
    ends 3 psplot -k images -o x.png /dev/null
    grep -q 'null is empty' err
    edit images.ps 'records = records[:1]' >none.ps
    ends 1 psplot -k images -o x.png none.ps
    grep -q 'the input holds no images' err
    ends 1 psplot -k images --only test -o x.png images.ps
    grep -q 'the input holds no test images' err
    ends 1 psplot -k images --size 20x20 -o x.png images.ps
    grep -q '60 images do not fit into the picture' err
    ends 2 psplot -k images images.ps
    grep -q 'name its file with --output' err
    ends 2 psplot -k filters net.bin
    ends 2 psplot -k curves --limit 3 net.bin
    ends 2 psplot -k filters --only test -o x.png net.bin
    [ ! -e x.png ]
    ln -s /dev/full full.png
    ends 1 psplot -k images -o full.png images.ps
}

@test "a torn set is drawn as far as it goes, with status 3" {
    head -c 6000 images.ps >torn.ps
    ends 3 psplot -k images --by order -o sheet.png torn.ps
    grep -q '^psplot: torn.ps ends in the middle of record' err
    look '
picture = pixels("sheet.png")
places = [find(picture, block(image), 14) for image in images("images.ps")]
count = sum(place is not None for place in places)
assert 5 < count < 60 and None not in places[:count], places'
    ends 3 psplot -k images -o x.png <<<'no stream'
    [ ! -e x.png ]
}

@test "a set much larger than the sheet takes no memory" {
    long
    # 220 MB of images pass by, in less memory than that.
    psfetch -q --limit 60 --resize 64x64 >large.ps
    many() {
        for _ in $(seq 300); do cat large.ps || return; done
    }
    # All is read, for no image is of the one split; all but the first ones is for nothing in the other sheet.
    many | (memory 120000 && ends 1 psplot -k images --only test -o x.png)
    grep -q 'no test images' err
    edit images.ps 'records = records[:-6]' >but-one.ps # the last class is missing
    for _ in $(seq 100); do cat but-one.ps; done >many.ps
    (memory 120000 && psplot -k images -o sheet.png many.ps)
    look 'assert len(pixels("sheet.png")) > 800'
}

@test "filters: a weight is a square, 0 is grey, all models on one scale" {
    edit net.bin '
import array
w = [0.0] * 27
w[0], w[9 + 1], w[18 + 2] = 1.0, -1.0, 0.5  # red of the first pixel, green of the second, blue of the third
tensor = dict(name="block1.convolution1.weights", shape=[2, 3, 3, 3], values=array.array("f", w + [0.0] * 27).tobytes())
records = [records[0], dict(records[-1], tensors=[dict(name="bias", shape=[2], values=bytes(8)), tensor])]' >one.bin
    psplot -k filters -o filters.png one.bin
    look '
grey = bytes((128, 128, 128))
first = [bytes((255, 128, 128)) + bytes((128, 0, 128)) + bytes((128, 128, 191)), grey * 3, grey * 3]
place = find(pixels("filters.png"), first)
assert place and place[0] == 13, place
assert find(pixels("filters.png"), [grey * 3] * 3)'
    # Few filters are narrower than the scale; in an SVG letters have other widths. None of "net3", "−1", "0",
    # "+1" is missing.
    cp one.bin net3.bin
    psplot -k filters -o filters.svg net3.bin
    [ "$(grep -c '<use xlink:href="#glyph' filters.svg)" -eq 9 ]
    psplot -k filters --dark -o dark.png one.bin
    look '
picture = pixels("dark.png")
assert find(picture, [bytes((255, 128, 128)) + bytes((128, 0, 128)) + bytes((128, 128, 191))])
assert ink(picture, (0, 0, 0)) > 100 and ink(picture, (255, 255, 255)) > 100 # what the legend says they are'
    # Beside a model with larger weights the same weights are paler.
    edit one.bin '
import array
values = records[-1]["tensors"][1]
values["values"] = array.array("f", [4 * v for v in array.array("f", values["values"])]).tobytes()' >four.bin
    psplot -k filters -o filters.png one.bin four.bin
    look '
grey = bytes((128, 128, 128))
def first(red, green, blue):
    return [bytes((red, 128, 128)) + bytes((128, green, 128)) + bytes((128, 128, blue)), grey * 3, grey * 3]
picture = pixels("filters.png")
assert find(picture, first(255, 0, 191))[1] > find(picture, first(159, 96, 143))[1]'
}

@test "filters of other numbers of channels, of a checkpoint, of what is no number" {
    edit net.bin '
import array
tensor = dict(name="w", shape=[3, 2, 3, 3], values=array.array("f", [i / 26.5 - 1 for i in range(54)]).tobytes())
records = [records[0], dict(records[-1], tensors=[tensor])]' >grey.bin
    psplot -k filters -o filters.png grey.bin
    look '
def shade(i): return bytes([int(127.5 + 127.5 * (i / 26.5 - 1) + 0.5)]) * 3
picture = pixels("filters.png")
for f in range(3):
    tops = [find(picture, [b"".join(shade(18 * f + 9 * c + 3 * y + x) for x in range(3)) for y in range(3)]) for c in range(2)]
    assert tops[0] and tops[1] and tops[0][2] == tops[1][2] and tops[0][1] < tops[1][1], tops'
    psplot -k filters -o whole.png net.bin
    mkdir torn
    head -c "$(($(stat -L -c %s net.bin) - 50))" net.bin >torn/net.bin
    ends 3 psplot -k filters -o torn.png torn/net.bin
    cmp torn.png whole.png
    head -c 3000 net.bin >torn/net.bin
    ends 3 psplot -k filters -o x.png torn/net.bin
    grep -q 'the input holds no weights' err
    ends 3 psplot -k filters -o beside.png net.bin torn/net.bin
    grep -q 'torn/net.bin holds no weights, .*: it is left out' err
    edit grey.bin 'records[-1]["tensors"][0]["values"] = b"\0\0\xc0\x7f" * 54' >nan.bin
    psplot -k filters -o nan.png nan.bin
    look '
picture = pixels("nan.png")
assert sum(ink(picture, [pale] * 3) for pale in (224, 225)) > 6 * 900 # pale, with a word on it'
    edit grey.bin 'records[-1]["tensors"][0]["values"] = b"1234"' >short.bin
    ends 3 psplot -k filters -o x.png short.bin
    grep -q 'the first convolution in short.bin does not fit its shape' err
    [ ! -e x.png ]
}

@test "many filters are broken into lines; SVG and PDF hold them too" {
    pstrain -q -d 1 --filters 40 -e 1 -b 10 < <(psaug -e 1 <images.ps) >wide.bin
    psplot -k filters --title 'Forty filters' -o wide.png wide.bin net.bin
    look 'picture = pixels("wide.png"); assert len(picture) > 150 and len(picture[0]) / 3 < 900'
    psplot -k filters -o wide.svg wide.bin && grep -q '<image' wide.svg
    psplot -k images -o sheet.pdf images.ps && [ "$(head -c 5 sheet.pdf)" = %PDF- ]
    ends 1 psplot -k filters --size 40x40 -o x.png wide.bin
    grep -q 'the filters do not fit' err
}

@test "the pictures of the manual page" {
    colour photos/a/1.png 8 8 10
    colour photos/b/1.png 8 8 200
    cp images.ps test.ps
    cp net.bin net3.bin
    grep -E '^(psfetch|pseval|psplot) .*-k (images|filters)' "$REPOSITORY/tools/plot/psplot.1" >lines
    [ "$(wc -l <lines)" -eq 3 ]
    bash -e lines
    [ -s views.png ]
    [ -s wrong.png ]
    [ -s filters.png ]
}
