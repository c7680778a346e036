#!/usr/bin/env bats
# pstrain, pseval and the streams between them.
load ../helper

setup() {
    enter_folder
    psfetch -q synth:shapes --limit 200 --split 0.8 >set.ps
}

@test "psfetch | psaug | pstrain works as typed: the output is the model, its history and where it came from" {
    psfetch -n 100 | psaug | pstrain -d 3 -e 2 >net3.bin
    records net3.bin >lines
    [ "$(jq -r .type lines | uniq | xargs)" = "header progress checkpoint progress checkpoint model end" ]
    [ "$(jq -c 'select(.type == "header") | [.kind, .options.depth, .options["learning-rate"], .engine]' lines)" = '["run",3,0.05,"cpu"]' ]
    [ "$(jq -r 'select(.type == "header") | .upstream[0].upstream[0].source[0]' lines)" = synth:shapes ]
    [ "$(jq -c 'select(.type == "model") | [.epoch, .epochs, .stopped, .network.depth]' lines)" = '[2,2,false,3]' ]
}

@test "the same pipeline gives the same bytes: twice, and with any number of threads" {
    train() {
        psaug -e 2 <set.ps | pstrain -q -d 2 "$@"
    }
    train -t 1 >one.bin
    train -t 1 >again.bin
    train -t 2 >two.bin
    train -t 7 >seven.bin
    cmp one.bin again.bin
    cmp one.bin two.bin
    cmp one.bin seven.bin
    psaug -e 2 <set.ps | pstrain -q -d 2 -s 1 >other.bin
    no cmp -s one.bin other.bin
}

@test "why there is no GPU is told where there is one that cannot be used, to -v, and to --device cuda" {
    why='computing on the CPU: \(there is no NVIDIA driver\|there is no GPU\|this build has no cuda engine\)'
    ends 0 pstrain -v -e 1 <set.ps
    [ "$(grep -c "^pstrain: $why" err)" -eq 1 ]
    mv out net.bin
    ends 0 pseval -v net.bin net.bin <set.ps # two engines, one line
    [ "$(grep -c "^pseval: $why" err)" -eq 1 ]
    [ "$(records out | jq -r 'select(.type == "header") | .engine')" = cpu ]
    ends 0 pstrain -v --device cpu -e 1 <set.ps
    no grep -q "$why" err
    ends 1 pstrain --device cuda -e 1 <set.ps
    grep -q "^pstrain: ${why#*: }" err
    # Whether this machine has one, tests/unit/device_test.c looks at others.
    if compgen -G '/dev/nvidia[0-9]*' || grep -q 0x10de /sys/bus/pci/devices/*/vendor; then
        said=1
    else
        said=0
    fi
    ends 0 pstrain -e 1 <set.ps
    [ "$(grep -c "$why" err)" -eq $said ]
    ends 0 pseval net.bin <set.ps
    [ "$(grep -c "$why" err)" -eq $said ]
}

@test "and on every instruction set of the machine" {
    psaug -e 1 <set.ps >epoch.ps
    pstrain -q --isa c <epoch.ps >c.bin
    for isa in avx2 avx512; do
        grep -q "${isa/512/512f}" /proc/cpuinfo || continue
        pstrain -q --isa $isa <epoch.ps >$isa.bin
        cmp c.bin $isa.bin
    done
}

@test "the stream holds no clock, process id or path" {
    psaug -e 1 <set.ps | pstrain -q --progress progress --name here >a.bin
    no grep -q "$PWD" a.bin
    sleep 1.1
    psaug -e 1 <set.ps | pstrain -q >b.bin
    cmp a.bin b.bin
}

@test "a network learns: the last epochs are better than the first" {
    for n in $(seq 20); do
        picture "photos/dark/$n.png" 8 8 $((n * 4))
        picture "photos/light/$n.png" 8 8 $((100 + n * 4))
    done
    psfetch -q photos --split 0.8 | psaug | pstrain -q -e 20 -b 8 >net.bin
    records net.bin >lines
    jq -s -e '[.[] | select(.type == "progress") | .loss] | (.[-4:] | add) < 0.5 * (.[:4] | add)' lines
    jq -s -e '[.[] | select(.type == "validation")][-1].accuracy >= 0.875' lines
}

@test "a set without psaug is kept, shuffled and repeated" {
    pstrain -q -e 2 <set.ps >net.bin
    [ "$(records net.bin | jq -c 'select(.type == "progress") | [.iteration, .images]' | xargs)" = "[1,128] [2,32] [3,128] [4,32]" ]
    psaug --shift 0 --flip 0 -e 2 <set.ps | pstrain -q -e 2 >same.bin
    # The same order and no augmentation: the same weights, though the headers differ.
    [ "$(records net.bin | jq -c 'select(.type == "progress")')" = "$(records same.bin | jq -c 'select(.type == "progress")')" ]
}

# What a run learnt, without its headers and the digests that depend on them.
learnt() {
    /usr/bin/python3 -c '
import hashlib, msgpack, sys
for r in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, max_buffer_size=1 << 30):
    if r["type"] in ("progress", "validation", "checkpoint", "model"):
        for key in ("records", "digest", "seal"):
            r.pop(key, None)
        print(r["type"], hashlib.sha256(msgpack.packb(r)).hexdigest())' "$1"
}

@test "views give the network that pixels give, in a fraction of the bytes" {
    psfetch -q --limit 600 --split 0.9 >more.ps
    for augment in "--crop 24x20 --flip 0.3" ${every:+"" "--shift 0"} "-s 5"; do
        read -ra words <<<"$augment"
        psaug "${words[@]}" -e 3 <more.ps | tee pixels.ps | pstrain -q -b 100 >pixels.bin
        psaug "${words[@]}" -e 3 --views <more.ps | tee views.ps | pstrain -q -b 100 >views.bin
        [ "$(learnt pixels.bin | wc -l)" -eq 25 ]
        diff <(learnt pixels.bin) <(learnt views.bin)
    done
    [ "$(stat -c %s views.ps)" -lt $(($(stat -c %s pixels.ps) / 2)) ]
    # Whatever psaug does to them.
    psfetch -q --limit 50 --resize 8 --split 0.8 >few.ps
    for augment in "--fill reflect --rotate 20 --scale 0.8..1.2 --shear 9 --flip-vertical 0.5 --alternate-flip" \
        "--fill mean --brightness 0.4 --contrast 0.4 --saturation 0.4 --hue 0.1 --cutout 4 --crop 4x8"; do
        read -ra words <<<"$augment"
        psaug "${words[@]}" -e 2 <few.ps | pstrain -q -b 20 >pixels.bin
        psaug "${words[@]}" -e 2 --views <few.ps | pstrain -v -b 20 2>err >views.bin
        [ "$(learnt pixels.bin | wc -l)" -eq 9 ]
        diff <(learnt pixels.bin) <(learnt views.bin)
        grep -q 'each batch is sent to the engine: the views are more than windows and flips' err
    done
    # Windows of images that differ in size.
    for i in {1..9}; do colour "odd/a/$i.png" $((8 + i)) $((20 - i)) $((25 * i)); done
    picture odd/b/1.png 8 8 50
    psfetch -q odd --channels 3 >odd.ps
    psaug --crop 8x8 -e 4 <odd.ps | pstrain -q -b 4 >pixels.bin
    psaug --crop 8x8 -e 4 --views <odd.ps | pstrain -q -b 4 >views.bin
    diff <(learnt pixels.bin) <(learnt views.bin)
    # Going on, inside an epoch too, is as with pixels.
    psaug --views <more.ps | pstrain -q -b 100 -e 2 >two.bin
    psaug --views <more.ps | pstrain -q -b 100 -e 3 --resume two.bin | cmp - <(psaug --views <more.ps | pstrain -q -b 100 -e 3)
}

@test "a header that tells other numbers of images than come is damage" {
    for options in "" --views; do
        # shellcheck disable=SC2086
        psaug -e 2 $options <set.ps >epochs.ps
        for change in 'train 100' 'train 1<<40' 'train (1<<64)-1' 'validation 0' 'validation 1<<40'; do
            edit epochs.ps "records[0]['counts']['${change% *}'] = ${change#* }
for i, r in enumerate(records):
    if r['type'] == 'epoch': r.update(records=i, digest=digest(i))" >wrong.ps
            ends 3 pstrain -q -e 2 <wrong.ps
            grep -Eq 'the input has (160 train|40 validation) images, but its header says [0-9]+$' err
        done
    done
}

@test "views that cannot be drawn are damage" {
    psaug -e 1 --views <set.ps >views.ps
    # edited PYTHON MESSAGE; record 0 is the header, the last is the mark; marks get a new digest.
    edited() {
        edit views.ps "$1
records[-1].update(records=len(records) - 1, digest=digest(len(records) - 1))" >edited.ps
        ends 3 pstrain -q <edited.ps
        grep -q "$2" err
    }
    edited 'records[-2]["ids"] = b"\xff" * len(records[-2]["ids"])' 'a view is of image 18446744073709551615, which is not in the input'
    edited 'records[-2]["rows"] = b""' 'has 0 bytes of rows for 160 views'
    edited 'records[-3]["id"] = records[-4]["id"]' 'two training images have the id'
    edited 'records.insert(-1, records[-3])' 'comes after views of images'
    edited 'records[-2]["fill"] = "edge"' 'a view is more than a window and a flip, which the header does not say'
    edited 'records[-2]["flips"] = b"\2" * 160' 'a view is more than a window and a flip, which the header does not say'
    edited 'records[0]["drawing"] = True; records[-2]["colours"] = bytes(160 * 8)' 'views of 1 channel are of images with 3'
    edited 'records[0]["drawing"] = True; records[-2]["maps"] = b"\x7f" * 160 * 16' 'has 2139062143 among its maps, which go to 16777216'
    edited 'records[0]["views"] = False' 'there is a view record in a stream whose header promises pixels'
    edited 'records[0]["shape"] = [0, 0, 3]' 'shape is not that of an image'
    edited 'del records[-2]' 'an epoch of 0 images is marked as one of 160'
}

@test "pseval takes the validation images of a stream with views" {
    psaug <set.ps | pstrain -q -e 1 >a.bin
    pseval -q a.bin < <(psaug -e 1 <set.ps) >pixels.ps
    pseval -q a.bin < <(psaug -e 1 --views <set.ps) >views.ps
    diff <(records pixels.ps | grep '"score"') <(records views.ps | grep '"score"')
}

@test "validation only where there are validation images" {
    psfetch -q synth:shapes --limit 50 | psaug | pstrain -q -e 1 >net.bin
    [ "$(records net.bin | grep -c '"validation",')" -eq 0 ]
}

@test "other sizes, channels, classes and batches" {
    picture photos/cat/1.png 8 12 200
    picture photos/dog/1.png 8 12 100
    picture photos/dog/2.png 8 12 90
    psfetch -q photos | psaug -e 2 | pstrain -q -e 2 -b 2 -d 2 >net.bin
    [ "$(records net.bin | jq -c 'select(.type == "header") | .shape')" = "[8,12,1]" ]
    [ "$(records net.bin | grep -c '"progress"')" -eq 4 ]
    picture odd/a/1.png 9 9 1
    picture odd/b/1.png 9 9 1
    ends 1 pstrain < <(psfetch -q odd)
    grep -q "9×9" err
}

@test "more classes than a confusion matrix is made of" {
    /usr/bin/python3 -c '
import os, struct, zlib
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
for label in range(1200):
    os.makedirs("many/%04d" % label)
    rows = (b"\0" + bytes([label % 256] * 4)) * 4
    open("many/%04d/1.png" % label, "wb").write(b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))'
    psfetch -q many >many.ps
    pstrain -q -e 1 <many.ps >net.bin
    ends 0 pseval net.bin <many.ps
    cp out scores
    grep -q 'no confusion matrix is made of more than 1000 classes' err
    records scores | grep '"score"' | jq -e '.images == 1200 and .confusion == null and (.recall | length) == 1200 and (.precision | length) == 1200'
    psplot scores | grep -q '^net .* 1200 '
    ends 1 psplot -k confusion scores
    grep -q 'the score of net has no confusion matrix, for it has 1200 classes' err
    ends 1 psplot -o x.png scores
    grep -q 'no confusion matrix' err
}

@test "a network that diverges says so, once" {
    psaug <set.ps | pstrain -r 1e6 --l2 1e6 -e 8 2>err >net.bin
    [ "$(grep -c 'the network has diverged' err)" -eq 1 ]
    [ "$(records net.bin | tail -n 1 | jq -r .type)" = end ]
}

@test "fewer epochs than asked for is a failure that keeps the model; than the default is not" {
    psaug -e 2 <set.ps >two.ps
    ends 0 pstrain --progress log <two.ps
    [ "$(records log | jq -c 'select(.type == "done") | [.epoch, .epochs, .iteration, .iterations, .status]')" = '[2,2,4,4,"done"]' ]
    grep -q '^pstrain: the input ended after 2 epochs of 30, and so does the run$' err
    [ "$(records out | jq -c 'select(.type == "model") | [.epoch, .epochs, .stopped]')" = "[2,2,false]" ]
    ends 1 pstrain -q -e 3 <two.ps
    grep -q "the input has 2 epochs, but 3 were asked for" err
    [ "$(records out | jq -c 'select(.type == "model") | [.epoch, .epochs, .stopped]')" = "[2,3,true]" ]
}

@test "checkpoints carry weights, momentum and the place; --checkpoint-every spaces them" {
    psaug <set.ps | pstrain -q -e 5 --checkpoint-every 2 >net.bin
    records net.bin >lines
    [ "$(jq 'select(.type == "checkpoint") | .epoch' lines | xargs)" = "2 4 5" ]
    [ "$(jq -s '[.[] | select(.type == "checkpoint")][0] | [(.tensors | length), (.momentum | length)]' -c lines)" = "[20,14]" ]
}

@test "--progress: a file is appended to, every record stands for itself" {
    psaug -e 1 <set.ps | pstrain -q --progress log --name first >/dev/null
    psaug -e 1 <set.ps | pstrain -q --progress log --name second >/dev/null
    records log >lines
    [ "$(jq -r '.name + " " + .type' lines | uniq -c | xargs)" = "2 first progress 1 first validation 1 first done 2 second progress 1 second validation 1 second done" ]
    [ "$(jq -s -c '.[0] | [.iteration, .iterations, .epoch, .epochs, .images, .lost]' lines)" = "[1,60,1,30,128,0]" ]
    psaug -e 1 <set.ps | pstrain -q --progress fd:5 >/dev/null 5>five
    [ "$(records five | wc -l)" -eq 4 ]
}

@test "an answer that cannot be written is a failure, and told" {
    for program in psfetch psaug pstrain pseval psplot; do
        for option in --help --version; do
            ends 1 bash -c "$program $option >/dev/full"
            grep -q "^$program: cannot write output: No space left on device" err
        done
    done
    ends 1 bash -c 'pstrain --selftest >&-'
    grep -q 'cannot write output: Bad file descriptor' err
}

@test "where stderr is closed its sentences do not go into the next file that is opened" {
    psaug -e 1 <set.ps | pstrain --progress log 2>&- >net.bin
    [ "$(records log | wc -l)" -eq 4 ]
    status=0
    pstrain --progress log <set.ps >&- 2>&- || status=$?
    [ $status -eq 1 ]
}

@test "--progress: a name that a record has no room for is refused" {
    ends 2 pstrain --name "$(printf 'n%.0s' {1..1025})" --progress log <set.ps
    grep -q -- '--name takes at most 1024 bytes' err
    psaug -e 1 <set.ps | pstrain -q --name "$(printf 'n%.0s' {1..1024})" --progress log >/dev/null
    [ "$(records log | wc -l)" -eq 4 ]
}

@test "--progress: a FIFO without a reader, and one whose reader dies, cost records and nothing else" {
    mkfifo fifo
    psaug -e 1 <set.ps >epoch.ps
    pstrain -q <epoch.ps >wanted.bin
    in_time pstrain -q --progress fifo <epoch.ps | cmp - wanted.bin
    # This reader is there before the trainer, whose last records it would else wait for when it comes late.
    exec 5<>fifo
    head -c 1 <&5 >first 3>&- &
    exec 5>&-
    in_time pstrain -q --progress fifo <epoch.ps | cmp - wanted.bin
    wait
    [ "$(wc -c <first)" = 1 ]
    # Somebody who holds the FIFO open and never reads: 64 KiB, then records are lost, and counted.
    exec 5<>fifo
    psfetch -q synth:shapes --limit 200 --resize 8x8 --split 0.8 | tee small.ps |
        psaug | in_time pstrain -q -t 1 -b 4 -e 16 --progress fifo >/dev/null
    dd bs=64K count=1 <&5 >early
    psaug <small.ps | in_time pstrain -q --progress fifo -e 1 >/dev/null
    exec 5>&-
    # What came and what is told to be lost make up all that was sent before the last that came.
    records early >lines
    [ "$(wc -l <lines)" -lt 640 ]
    jq -s -e '(map(select(.type == "progress")) | last) as $last |
        (.[:index($last) + 1] | length + (map(.lost) | add)) == $last.iteration + $last.epoch - 1' lines
}

@test "pseval scores models in one pass, split by split" {
    psaug <set.ps | pstrain -q -e 2 >a.bin
    psaug <set.ps | pstrain -q -e 1 -d 2 >b.bin
    psfetch -q synth:shapes/test --limit 50 --as test >test.ps
    ends 0 pseval a.bin b.bin < <(cat set.ps test.ps)
    records out >lines
    [ "$(jq -r 'select(.type == "score") | "\(.name) \(.depth) \(.split) \(.images)"' lines | xargs)" = "a 1 train 160 a 1 validation 40 a 1 test 50 b 2 train 160 b 2 validation 40 b 2 test 50" ]
    grep -q "^pseval: a: .* % of 50 test images are right, loss" err
    # What pstrain said of its validation images is what pseval says.
    [ "$(records a.bin | jq -s '[.[] | select(.type == "validation")][-1].accuracy')" = "$(jq 'select(.name == "a" and .split == "validation") | .accuracy' lines)" ]
    jq -s -e 'map(select(.type == "score") | ([.confusion[][]] | add) == .images and (.confusion | length) == 10) | all' lines
    ends 0 pseval --only test a.bin < <(cat set.ps test.ps)
    [ "$(records out | grep -c '"score"')" -eq 1 ]
    ends 0 pseval a.bin < <(psaug -q <set.ps)
    [ "$(records out | jq -r 'select(.type == "score") | .split')" = validation ]
}

@test "pseval refuses what does not fit" {
    psaug <set.ps | pstrain -q -e 1 >a.bin
    picture photos/cat/1.png 32 32 9
    ends 1 pseval a.bin < <(psfetch -q photos)
    grep -q "the images have a class that a does not know: cat (psfetch --exclude can leave it out)" err
    mv photos/cat photos/3
    ends 1 pseval a.bin < <(psfetch -q photos)
    grep -q "the images have a class that a does not know: 3 (psfetch --classes can give it a name)" err
    ends 1 pseval a.bin < <(psfetch -q synth:shapes --limit 10 --resize 16)
    grep -q "trained on images of 32x32x3, but arrow/00000 is 16x16x3 (psfetch --resize 32x32 makes them agree)" err
    ends 1 pseval a.bin < <(psfetch -q synth:shapes --limit 10 --channels 1)
    grep -q "but arrow/00000 is 32x32x1 (psfetch --channels 3 makes them agree)" err
    ends 1 pseval --only test a.bin <set.ps
    grep -q "no test images to score" err
    ends 1 pseval a.bin < <(psfetch -q synth:shapes --limit 10 | psaug -e 1)
    grep -q "the input has only training images, as psaug changed them: score those of psfetch, or say --only train" err
    cp set.ps same.ps
    ends 1 pseval same.ps <set.ps
    grep -q "same.ps is a stream of kind images; one of kind run is wanted" err
    head -c 20000 a.bin >torn.bin
    ends 3 pseval torn.bin <set.ps
    ends 1 pseval nothing.bin <set.ps
    ends 2 pseval <set.ps
}

@test "scores that nobody takes are a failure" {
    psaug <set.ps | pstrain -q -e 1 >a.bin
    status=0
    { pseval -q a.bin <set.ps 2>err || echo $? >status; } | true
    [ "$(<status)" = 1 ]
    grep -q 'output was closed by its reader' err
}
