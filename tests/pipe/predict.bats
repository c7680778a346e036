# Images without labels, and what models take them for: psfetch --unlabelled, pseval --predict.
load ../helper

setup() {
    enter_folder
    small_model 60 10
}

# told FILE COLUMNS: those columns of it as CSV.
told() {
    psdump -k csv "$1" | cut -d , -f "$2"
}

@test "a thousand photos that a pipe names get a row each, with name, class and probability" {
    colour photos/0.png 8 9 0
    colour photos/sub/1.png 9 8 99
    /usr/bin/python3 -S -c '
import os
for i in range(2, 1000):
    os.link("photos/sub/1.png" if i % 2 else "photos/0.png", "photos/%d.png" % i)'
    find photos -name '*.png' -print0 | sort -z >names
    xargs -0 psfetch --unlabelled --resize 8x8 <names 2>err | pseval --predict net.bin 2>>err | psdump -k csv >rows.csv
    [ ! -s err ]
    cmp <(tail -n +2 rows.csv | cut -d , -f 3) <(tr '\0' '\n' <names)
    /usr/bin/python3 -c '
import csv
rows = list(csv.DictReader(open("rows.csv")))
assert len(rows) == 1000
for row in rows:
    assert (row["type"], row["label"], row["class"]) == ("image", "", "")
    assert row["guess"].isalpha() and 0.1 <= float(row["probability"]) <= 1, row'
    # As many programs as xargs likes, which are joined sets; a folder; an archive; keys are names below these.
    xargs -0 -n 400 psfetch --unlabelled --resize 8x8 <names | pseval --predict net.bin >joined.ps
    cmp <(told joined.ps 3,14-) <(cut -d , -f 3,14- rows.csv)
    psfetch --unlabelled --resize 8x8 photos | pseval --predict net.bin >folder.ps
    cmp <(told folder.ps 3,14- | sort) <(cut -d , -f 3,14- rows.csv | sed 's,^photos/,,' | sort)
    tar cf photos.tar -C photos .
    psfetch --unlabelled --resize 8x8 photos.tar | pseval --predict net.bin >tar.ps
    cmp <(psdump folder.ps | grep '"image","id"') <(psdump tar.ps | grep '"image","id"')
}

@test "what psfetch takes without labels" {
    colour 'a/b, c.png' 8 8 1
    colour a/.hidden.png 8 8 2
    psfetch -v --unlabelled a/.hidden.png 'a/b, c.png' a synth:shapes --limit 4 >some.ps 2>err
    grep -qx 'psfetch: 4 images: 4 train' err
    [ "$(records some.ps | jq -sc '[.[0].classes, (map(has("label")) | any), (.[1:5] | map(.key))]')" = \
        '[[],false,["a/.hidden.png","a/b, c.png","b, c.png","arrow/00000"]]' ]
    # Nothing of this machine in the header: a digest of names and sizes.
    records some.ps | head -n 1 | jq -c .source | grep -Eqx '\["files:[0-9a-f]{16}","folder:[0-9a-f]{16}","synth:shapes"\]'
    # Labels that lie in an archive are not read; nor is it asked for them.
    echo dog >a/b.cls
    tar cf a.tar -C a b.cls 'b, c.png'
    ends 0 psfetch --unlabelled a.tar
    [ "$(records out | jq -c 'select(.type == "image") | .key')" = '"b, c.png"' ]
    # A list may have no column for them, or an empty one; a stream keeps none.
    printf 'path,label\na/.hidden.png,\na/b.cls,x\n"a/b, c.png",dog\n' >list.csv
    psfetch -q --unlabelled --exclude '*.cls' list.csv >listed.ps
    [ "$(records listed.ps | jq -sc '[.[0].classes, map(.label), (.[1:3] | map(.key))]')" = \
        '[[],[null,null,null,null],["a/.hidden.png","a/b, c.png"]]' ]
    psfetch -q --unlabelled listed.ps - <"$BATS_FILE_TMPDIR/images.ps" --limit 3 --as test >streams.ps
    [ "$(records streams.ps | jq -sc '[.[0].classes, map(.label), (.[1:4] | map(.split))]')" = \
        '[[],[null,null,null,null,null],["test","test","test"]]' ]
    ends 1 psfetch listed.ps
    grep -qx 'psfetch: listed.ps/a/.hidden.png has no label; --unlabelled takes all without' err
    ends 1 psfetch --unlabelled a/none.png
    grep -qx 'psfetch: cannot read a/none.png: No such file or directory' err
    ends 0 psfetch --unlabelled --skip-bad a/none.png a
    ends 1 psfetch 'a/b, c.png'
    grep -q 'is not a folder; sources are .* and with --unlabelled image files$' err
    for option in --class-level=1 --classes=err --label-member=x --labels=fine --split-folders --write-shard=a.tar; do
        ends 2 psfetch --unlabelled "$option" a
    done
    # Filters pass them on.
    make -s -C "$REPOSITORY" build/pipelines/filters/negative
    "$REPOSITORY/build/pipelines/filters/negative" <some.ps >negative.ps
    [ "$(records negative.ps | jq -s 'map(has("label")) | any')" = false ]
}

@test "who needs labels says so, and the way out" {
    psfetch -q --unlabelled --resize 8x8 --limit 4 >some.ps
    for reader in psaug pstrain "pseval net.bin" "pseval --wrong 3 net.bin"; do
        # shellcheck disable=SC2086 # words
        ends 1 $reader <some.ps
        grep -q ': image arrow/00000 has no label: psfetch gives it one without --unlabelled, and pseval --predict says' err
    done
    ends 1 psplot -k images --by class -o x.png some.ps
    grep -qx 'psplot: image arrow/00000 has no label to stand by: say --by order' err
    ends 1 pseval --predict net.bin < <(psfetch -q --unlabelled --resize 9x9 --channels 1 --limit 4)
    grep -q 'net was trained on images of 8x8x3, but arrow/00000 is 9x9x1 (psfetch --resize 8x8 --channels 3 makes them agree)' err
    for wrong in "--top 3" "--predict --wrong 3" "--predict --top 11" "--predict --require loss=1"; do
        # shellcheck disable=SC2086 # words
        ends 2 pseval $wrong net.bin <some.ps
    done
    # No classes, but labels or guesses; guesses that are none.
    for bad in label=0 guess=0,probability=1.0; do
        edit some.ps "records[1].update($bad)" >bad.ps
        ends 3 psdump -k csv bad.ps
    done
    pseval -q --predict --top 2 net.bin <some.ps >two.ps
    for bad in 'guesses=[0, 10]' 'guesses=[]' 'guesses=[0] * 11, probabilities=[0.1] * 11' 'probabilities=[0.5]' 'guesses=3' \
        'probabilities=["a", "b"]'; do
        edit two.ps "records[1].update($bad)" >bad.ps
        ends 3 psdump -k csv bad.ps
        grep -q 'image arrow/00000 has guesses and probabilities that are not two lists' err
    done
}

@test "the probabilities are those that scores are made of, for any mini-batches, threads and views" {
    for tta in "" "--tta shifts"; do
        # shellcheck disable=SC2086 # none or two
        {
            pseval -q --predict --top 10 $tta net.bin <images.ps >said.ps
            pseval -q --predict --top 10 $tta -b 7 -t 1 net.bin <images.ps | cmp - said.ps
            pseval -q $tta net.bin <images.ps >scores
        }
        psdump -k csv said.ps >said.csv
        /usr/bin/python3 - <<'END'
import csv, math, msgpack
def read(name):
    return list(msgpack.Unpacker(open(name, "rb"), raw=False))
header, *images, end = read("said.ps")
assert header["kind"] == "images" and header["options"]["predict"] is True and header["options"]["top"] == 10
assert [h["kind"] for h in header["upstream"]] == ["images", "run"]
rows = iter(csv.DictReader(open("said.csv")))
sources = read("images.ps")[1:-1]
assert len(images) == len(sources)
for image, source in zip(images, sources):
    guesses, said = image.pop("guesses"), image.pop("probabilities")
    assert said == sorted(said, reverse=True) and abs(sum(said) - 1) < 1e-6 and sorted(guesses) == list(range(10))
    assert (image.pop("guess"), image.pop("probability")) == (guesses[0], said[0]) and image == source
    image["p"] = dict(zip(guesses, said))
    for place, (guess, p) in enumerate(zip(guesses, said)):
        row = next(rows)
        assert row["type"] == ("guess" if place else "image") and row["key"] == image["key"]
        assert row["guess"] == header["classes"][guess] and float(row["probability"]) == p
for score in read("scores"):
    if score["type"] == "score":
        of = [i for i in images if i["split"] == score["split"]]
        assert score["accuracy"] == sum(max(i["p"], key=i["p"].get) == i["label"] for i in of) / len(of)
        assert abs(score["loss"] + sum(math.log(i["p"][i["label"]]) for i in of) / len(of)) < 1e-6
END
    done
    # One class without --top, and a split.
    pseval -q --predict --only validation net.bin <images.ps >half.ps
    cmp <(told half.ps 2-) <(pseval -q --predict net.bin <images.ps | psdump -k csv | cut -d , -f 2- | grep -v train)
    no grep -q guesses half.ps
}

@test "several models are one by the mean of their probabilities, a class that one does not know being none to it" {
    edit images.ps 'records = records[:1] + [r for r in records[1:] if r["label"] in (0, 7)]
records[0]["classes"] = ["square", "arrow"]
for r in records[1:]: r["label"] = 0 if r["label"] == 7 else 1' >two.ps
    psaug -e 1 <two.ps | pstrain -q -d 1 -b 4 >pair.bin
    for models in net.bin pair.bin "pair.bin net.bin"; do
        # shellcheck disable=SC2086 # words
        pseval -q --predict --top 10 $models <two.ps | psdump -k csv >"${models/ /+}.csv"
    done
    /usr/bin/python3 - <<'END'
import collections, csv
def read(name):
    said = collections.defaultdict(dict)
    for row in csv.DictReader(open(name + ".csv")):
        said[row["key"]][row["guess"]] = float(row["probability"])
    return said
net, pair, both = map(read, ("net.bin", "pair.bin", "pair.bin+net.bin"))
for key, said in both.items():
    assert len(said) == 10
    for name, p in said.items():
        assert p == (pair[key].get(name, 0) / 2 + net[key][name] / 2), (key, name)
assert len(both) == 12
END
    # A class of the images that no model knows is a label all the same; what is no number is no guess.
    edit two.ps 'records[0]["classes"][0] = "zebra"' | pseval -q --predict pair.bin >zebra.ps
    [ "$(records zebra.ps | head -n 1 | jq -c .classes)" = '["square","arrow","zebra"]' ]
    [ "$(told zebra.ps 5 | sort | uniq -c | xargs)" = '6 arrow 1 class 6 zebra' ]
    edit net.bin "records = [record for record in records if record['type'] != 'checkpoint']
tensor = records[-1]['tensors'][-1]['values']
records[-1]['tensors'][-1]['values'] = struct.pack('<f', float('nan')) + tensor[4:]" >blind.bin
    pseval -q --predict --top 3 net.bin blind.bin <two.ps >blind.ps
    [ "$(told blind.ps 1,14,15 | sort -u)" = $'image,,\ntype,guess,probability' ]
}

@test "it is a filter: set by set as they come, of an endless input one epoch, and torn where its input is" {
    psfetch -q --unlabelled --resize 8x8 --limit 9 >some.ps
    for set in some images; do pseval -q --predict net.bin <$set.ps >$set.said; done
    cat some.ps images.ps some.ps | pseval -q --predict net.bin | cmp - <(cat some.said images.said some.said)
    psaug <images.ps | pseval -q --predict net.bin >epoch.ps
    [ "$(told epoch.ps 6 | sort | uniq -c | xargs)" = "1 split 30 validation" ]
    # What is known is written while the input goes on.
    mkfifo pipe
    in_time pseval -q -b 5 --predict net.bin <pipe >first 3>&- &
    exec {writes}>pipe
    head -c 9000 images.ps >&"$writes"
    wait_for test -s first
    cmp -n "$(stat -c %s first)" images.said first # which may have grown
    exec {writes}>&-
    ends 3 wait $!
    head -c 9000 images.ps >torn.ps
    ends 3 pseval -q --predict net.bin <torn.ps
    no grep -q '"end"' <(psdump out 2>err)
    pseval -q --predict net.bin <images.ps 2>err | head -c 100 >/dev/null
    [ "${PIPESTATUS[*]}" = "0 0" ]
    [ ! -s err ]
}

@test "psplot shows them with what they are taken for, and leaves no room for labels that there are not" {
    # high FILE: of a picture.
    high() {
        psplot -k images --limit 4 -o x.png "$1" && /usr/bin/python3 -c 'print(int.from_bytes(open("x.png", "rb").read()[20:24], "big"))'
    }
    psfetch -q --unlabelled --resize 8x8 --limit 4 >some.ps
    pseval -q --predict --top 2 net.bin <some.ps >said.ps
    pseval -q --predict net.bin <images.ps >labelled.ps
    [ "$(high some.ps)" -lt "$(high said.ps)" ]
    [ "$(high said.ps)" -lt "$(high labelled.ps)" ]
    # Beside others, and as they are asked for.
    psplot -k images -o x.png <(cat some.ps labelled.ps)
    psplot -k images --by image -o x.png some.ps
}
