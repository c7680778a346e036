# pseval: the images that it takes, and --wrong, those that a model gets wrong and is most sure of.
load ../helper

# A model of small shapes, barely trained, so that there are mistakes.
setup() {
    enter_folder
    small_model 400 20
}

@test "all mistakes are those of the confusion matrix, the surest first" {
    pseval -q net.bin <images.ps >scores
    pseval -q --wrong 1000000 net.bin <images.ps >wrong.ps
    /usr/bin/python3 - <<'END'
import collections, msgpack
def read(name):
    return list(msgpack.Unpacker(open(name, "rb"), raw=False))
images = {r["id"]: r for r in read("images.ps") if r["type"] == "image"}
header, *wrong, end = read("wrong.ps")
assert header["kind"] == "images" and header["classes"] == read("images.ps")[0]["classes"]
assert header["options"]["wrong"] == 1000000
assert [h["kind"] for h in header["upstream"]] == ["images", "run"]
said = [r["probability"] for r in wrong]
assert said == sorted(said, reverse=True) and 0 < said[-1] < said[0] <= 1
for r in wrong:
    guess = r.pop("guess")
    r.pop("probability")
    assert guess != r["label"] and r == images[r["id"]]
    r["guess"] = guess
count = collections.Counter((r["split"], r["label"], r["guess"]) for r in wrong)
for score in read("scores"):
    if score["type"] == "score":
        for t, row in enumerate(score["confusion"]):
            for g, cell in enumerate(row):
                assert count[score["split"], t, g] == (cell if t != g else 0), (score["split"], t, g)
assert len(wrong) > 50
END
}

@test "the first N of them, in any batches" {
    pseval -q --wrong 1000000 net.bin <images.ps | psdump -k csv | head -n 8 >first
    pseval --wrong 7 net.bin <images.ps 2>err | psdump -k csv | cmp - first
    grep -q '% of 200 validation images are right' err
    for batch in 1 9 1000; do
        pseval -q -b $batch --wrong 7 net.bin <images.ps | psdump -k csv | cmp - first
    done
    pseval -q --wrong 7 -t 2 net.bin <images.ps >a
    pseval -q --wrong 7 -t 1 net.bin <images.ps | cmp - a
}

@test "they are a set of images as any other" {
    pseval -q --wrong 9 net.bin <images.ps >wrong.ps
    # Asked again, a model answers the same; what it said before is not kept beside it.
    pseval -q --wrong 9 net.bin <wrong.ps >again.ps
    cmp <(psdump -k json wrong.ps | grep '"type":"image"') <(psdump -k json again.ps | grep '"type":"image"')
    # Filters pass the two figures on.
    [ "$(psaug -q -e 2 <wrong.ps | psdump -k json | grep -c '"type":"image".*"guess":[0-9].*"probability":0')" -ge 9 ]
    # Joined sets have the ids that all readers give them.
    cat images.ps images.ps | pseval -q --wrong 1000000 net.bin | psdump -k csv | cut -d , -f 2 | sort | uniq -d >twice
    [ ! -s twice ]
}

@test "of two that are as sure, the one that came first" {
    pseval -q --wrong 3 net.bin <images.ps | psdump -k csv | tail -n 3 | cut -d , -f 2 >ids
    for _ in 1 2 3; do cat images.ps; done | pseval -q --wrong 7 net.bin | psdump -k csv | tail -n 7 | cut -d , -f 2 >again
    shift=$(($(psdump -k csv images.ps | tail -n +2 | cut -d , -f 2 | sort -n | tail -n 1) + 1))
    awk -v shift=$shift '{ print; print $1 + shift; print $1 + 2 * shift }' ids | head -n 7 | diff - again
}

@test "what a wrong guess may be" {
    edit images.ps 'records[1].update(guess=99, probability=1.0)' >bad.ps
    ends 3 psdump -k csv bad.ps
    grep -q 'image has too large a number as its guess' err
    edit images.ps 'records[1].update(guess=0)' >bad.ps
    ends 3 psdump -k csv bad.ps
    grep -q 'image has no probability' err
}

@test "one model, and no mistakes" {
    ends 2 pseval --wrong 3 net.bin net.bin <images.ps
    grep -q 'takes one model' err
    ends 2 pseval --wrong 0 net.bin <images.ps
    # A stream of those that are right has no mistakes, and is a whole set all the same.
    pseval -q --wrong 1000000 net.bin <images.ps | psdump -k csv | cut -d , -f 2 >ids
    edit images.ps '
wrong = set(open("ids").read().split())
records = [r for r in records if r["type"] != "image" or str(r["id"]) not in wrong]' >right.ps
    pseval -q --wrong 3 net.bin <right.ps >none.ps
    [ "$(psdump -k json none.ps | grep -c .)" -eq 2 ]
}

@test "a reader that has enough is no failure; a torn input is one" {
    pseval -q --wrong 1000000 net.bin <images.ps 2>err | head -c 100 >/dev/null
    [ "${PIPESTATUS[*]}" = "0 0" ]
    [ ! -s err ]
    head -c 20000 images.ps >torn.ps
    ends 3 pseval --wrong 5 net.bin <torn.ps
    [ ! -s out ]
}

@test "a model that was trained on windows is shown the middle of larger images, beside one that was not" {
    psaug --crop 4x8 -e 1 <images.ps | tee epoch.ps | pstrain -q -b 20 >crop.bin
    pseval -q -b 20 crop.bin net.bin <images.ps >scores
    scored() {
        records "$1" | jq -c "select(.name == \"$2\" and .split == \"$3\") | [.images, .loss, .confusion]"
    }
    # As psaug showed it the same images, and as pstrain has told.
    [ "$(scored scores crop validation)" = "$(pseval -q -b 20 crop.bin <epoch.ps | scored /dev/stdin crop validation)" ]
    [ "$(records crop.bin | jq 'select(.type == "validation") | .loss')" = "$(scored scores crop validation | jq '.[1]')" ]
    [ "$(scored scores net train)" = "$(pseval -q -b 20 net.bin <images.ps | scored /dev/stdin net train)" ]
    # Its mistakes are the images as they came.
    pseval -q --wrong 2 crop.bin <images.ps >wrong.ps
    [ "$(records wrong.ps | jq -c 'select(.type == "image") | [.height, .width]' | xargs)" = "[8,8] [8,8]" ]
    # Images of another size than psaug had them are not those that it was trained on.
    psfetch -q --limit 10 --resize 9x9 >large.ps
    ends 1 pseval crop.bin <large.ps
    grep -q 'crop was trained on windows of 4x8x3 in images of 8x8, but arrow/00000 is 9x9x3 (psfetch --resize 8x8 makes them agree)' err
    # Where they had all sizes any may come that holds the window.
    for i in 1 2 3 4; do
        colour "photos/arrow/$i.png" 8 1$i $((9 * i))
        colour "photos/ring/$i.png" 9 10 $((60 * i))
    done
    psfetch -q photos | psaug --crop 4x8 -e 1 | pstrain -q -b 4 >any.bin
    ends 0 pseval any.bin < <(psfetch -q photos)
    colour photos/ring/0.png 9 7 9
    ends 1 pseval any.bin < <(psfetch -q photos)
    grep -q 'any was trained on windows of 4x8x3, but ring/0.png is 9x7x3 (psfetch --resize 9x8' err
    ends 1 pseval net.bin <large.ps
    grep -q 'net was trained on images of 8x8x3, but arrow/00000 is 9x9x3' err
}

@test "classes go by their names: a test set may lack some, have them at other places, and have no others" {
    # scored STREAM NAME: what a score says of the classes "arrow" and "square".
    scored() {
        records "$1" | jq -c "if .type == \"header\" then .classes else select(.name == \"$2\" and .split == \"validation\") end" |
            /usr/bin/python3 -c '
import json, sys
classes, score = json.loads(input()), json.loads(input())
print(score["images"], score["loss"], sorted(score), len(classes))
for name in "arrow", "square":
    i = classes.index(name)
    print(name, score["recall"][i], score["precision"][i], sum(score["confusion"][i]), sum(map(sum, score["confusion"])),
          sorted((n, c) for n, c in zip(classes, score["confusion"][i]) if c))
    print([classes[j] for j in range(len(classes)) if score["recall"][j] is None])'
    }
    edit images.ps 'records = records[:1] + [r for r in records[1:] if r["label"] in (0, 7)]' >two.ps
    edit two.ps '
records[0]["classes"] = ["square", "arrow"]
for r in records[1:]: r["label"] = 0 if r["label"] == 7 else 1' >named.ps
    pseval -q net.bin <two.ps >wanted
    pseval -q net.bin <named.ps >scores
    cmp <(scored wanted net) <(scored scores net)
    scored scores net | grep -q '^arrow 0[.0-9]* '
    [ "$(scored scores net | grep -c circle)" -ge 2 ]
    # The same in two sets that are joined, and mistakes under the names of the model.
    for class in 0 7; do
        edit two.ps "records = [r for r in records if r.get('label', $class) == $class]
records[0]['classes'] = [records[0]['classes'][$class]]
for r in records[1:]: r['label'] = 0" >"only$class.ps"
    done
    cat only0.ps only7.ps | pseval -q net.bin >joined
    cmp <(scored wanted net | cut -d ' ' -f 1,3-) <(scored joined net | cut -d ' ' -f 1,3-)
    for set in two named; do
        pseval -q --wrong 1000 net.bin <$set.ps | psdump -k csv | cut -d , -f 3-5,14,15 >$set.wrong
    done
    cmp two.wrong named.wrong
    # Beside a model of other classes there is one table of all.
    psaug -e 1 <named.ps | pstrain -q -b 20 >pair.bin
    pseval -q pair.bin net.bin <named.ps >both
    [ "$(records both | head -n 1 | jq -c .classes)" = "$(records images.ps | head -n 1 | jq -c .classes)" ]
    cmp <(scored wanted net) <(scored both net)
    cmp <(pseval -q pair.bin <named.ps | scored /dev/stdin pair | grep '^arrow\|^square') <(scored both pair | grep '^arrow\|^square')
    # A class that a model does not know is named.
    ends 1 pseval net.bin pair.bin <images.ps
    grep -q 'the images have a class that pair does not know: circle' err
    edit images.ps 'records[0]["classes"][9] = "zebra"' >zebra.ps
    ends 1 pseval net.bin < <(cat two.ps zebra.ps)
    grep -q 'the images have a class that net does not know: zebra' err
}

@test "--tta: the mean of the probabilities of views, in any mini-batches; the score says which" {
    # What a model says of one image is the loss of a set of it. Views: the image 0 … 5 as FORMAT.md's pixels.
    for view in 0 1 2 3 4 5; do
        edit images.ps "
one = records[1]
h, w = one['height'], one['width']
move = ((0, 0), (1, 1), (-1, -1))[$view // 2]
at = lambda v, n: max(0, min(n - 1, v))
def pixel(y, x):
    x = w - 1 - x if $view % 2 else x
    place = 3 * (at(y + move[0], h) * w + at(x + move[1], w))
    return one['pixels'][place:place + 3]
one['pixels'] = b''.join(pixel(y, x) for y in range(h) for x in range(w))
records = [records[0], one]" >$view.ps
        pseval -q net.bin <$view.ps | psdump | jq 'select(.type == "score").loss'
    done >losses
    for tta in flip shifts; do
        pseval -q --tta "$tta" net.bin <0.ps >"$tta.scores"
        records "$tta.scores" | jq -c 'select(.type == "score") | [.tta, .loss]'
    done >said
    /usr/bin/python3 - <<'END'
import json, math
p = [math.exp(-float(line)) for line in open("losses")]
assert len(set(p)) == 6, p
wanted = {"flip": (p[0] + p[1]) / 2, "shifts": (p[0] + p[1]) / 4 + sum(p[2:]) / 8}
for name, loss in map(json.loads, open("said")):
    assert abs(loss + math.log(wanted.pop(name))) < 1e-6, (name, loss)
assert not wanted
END
    # An image and its mirror image are the same to it; so are all images, in batches of any size, by any number of threads.
    cmp <(psdump flip.scores | grep '"score"') <(pseval -q --tta flip net.bin <1.ps | psdump | grep '"score"')
    ends 0 pseval --tta shifts net.bin net.bin <images.ps
    grep -q 'images are right, loss [0-9.]*, by --tta shifts$' err
    [ "$(records out | jq -c 'select(.type == "score") | [.run, .tta]' | xargs)" = "[1,shifts] [1,shifts] [2,shifts] [2,shifts]" ]
    pseval -q -b 7 -t 1 --tta shifts net.bin net.bin <images.ps | cmp - out
    psplot out | grep -q '^net, validation with --tta shifts: .* images right$'
    psplot -k table out | grep -q 'tta$'
    [ "$(psplot -k table out | grep -c ' shifts$')" -eq 4 ]
    [ "$(psdump -k csv out | cut -d , -f 16 | sort | uniq -c | awk '{ print $2 }' | xargs)" = "shifts tta" ]
    # Mistakes are those of the mean, and the header says what was asked for; without it nothing says it.
    pseval -q --tta shifts --wrong 1000000 net.bin <images.ps >wrong.ps
    wrong=$(records out | jq -s '[.[] | select(.run == 1) | .images * (1 - .accuracy)] | add | round')
    [ "$(records wrong.ps | jq -sc '[.[0].options.tta, (map(select(.type == "image")) | length)]')" = "[\"shifts\",$wrong]" ]
    pseval -q net.bin <images.ps >plain
    no grep -q tta plain
    ends 2 pseval --tta crops net.bin <images.ps
}

@test "--require fails below what it asks for, when the scores are written, and says what was reached" {
    pseval -q net.bin <images.ps >scores
    read -r accuracy loss recall <<<"$(records scores | jq -r '
        select(.split == "validation") | [.accuracy, .loss, .recall[7]] | map(tostring) | join(" ")')"
    for passes in "accuracy=$accuracy" "loss=$loss" "recall:square=$recall" "accuracy=0" "precision:arrow=0" loss=1e9; do
        ends 0 pseval --only validation --require "$passes" --require accuracy=0 net.bin <images.ps
        no grep -q must err
    done
    ends 1 pseval -q --only validation --require loss=0.25 --require recall:square=1 --require accuracy=0 net.bin net.bin <images.ps
    [ "$(psdump out | grep -c '"score"\|"end"')" -eq 3 ]
    one="net, validation: loss is [0-9.]+ and must be at most 0.25; net, validation: recall of square is 0[0-9.]* and must be at least 1"
    grep -Exq "pseval: $one; $one" err
    # As many digits as tell them apart; each split of each model counts, and images are written before, too.
    ends 1 pseval -q --only validation --require "accuracy=$accuracy""0001" net.bin <images.ps
    grep -q "accuracy is $accuracy and must be at least $accuracy.*1$" err
    ends 1 pseval -q --wrong 3 --require accuracy=0.99 net.bin <images.ps
    [ "$(grep -o 'accuracy is' err | wc -l)" -eq 2 ]
    psdump out | grep -q '"end"'
    # Who has enough of them does not open the gate.
    pseval -q --wrong 1000 --require accuracy=0.99 net.bin <images.ps 2>err | head -c 100 >/dev/null
    [ "${PIPESTATUS[*]}" = "1 0" ]
    grep -q 'must be at least 0.99' err
}

@test "what is no number reaches nothing; what cannot be asked for is wrong usage" {
    edit images.ps 'records = records[:1] + [r for r in records[1:] if r["label"]]' >none.ps
    ends 1 pseval -q --only validation --require recall:arrow=0 net.bin <none.ps
    grep -qx 'pseval: net, validation: recall of arrow is no number and must be at least 0' err
    edit net.bin "records = [record for record in records if record['type'] != 'checkpoint']
tensor = records[-1]['tensors'][-1]['values']
records[-1]['tensors'][-1]['values'] = struct.pack('<f', float('nan')) + tensor[4:]" >blind.bin
    ends 1 pseval -q --only validation --require loss=1e9 blind.bin <images.ps
    grep -q 'loss is no number and must be at most 1e+09' err
    for wrong in accuracy accuracy= =1 accuracy=75 accuracy=-0.1 accuracy=0.5x accuracy=nan loss=inf loss=-1 top1=1 recall=0.5 \
        accuracy:ring=1; do
        ends 2 pseval --require "$wrong" net.bin <images.ps
        grep -q "^pseval: --require takes accuracy=, .* not $wrong$" err
    done
    ends 2 pseval --require recall:dog=0.5 net.bin <images.ps
    grep -qx 'pseval: --require recall: no model knows a class dog' err
}

@test "the epoch of a score is that of the network, also of one that was kept" {
    for kept in '' "records[0]['options']['keep'] = 'best'"; do
        edit net.bin "records = [record for record in records if record['type'] != 'checkpoint']
records[-1].update(epoch=5, epochs=5)
$kept" >five.bin
        pseval -q --only validation five.bin <images.ps | psdump | jq 'select(.type == "score").epoch'
    done >epochs
    [ "$(xargs <epochs)" = "5 1" ]
}

@test "a sweep whose psaug crops ends with a test of its best" {
    colour test/arrow/1.png 9 9 99
    ends 0 sweep -d 1 -e 1 --data synth:shapes --limit 40 --fetch "--resize 8x8" --augment "--crop 4x4" --test test -o swept
    grep -Eq 'best is .*, test [0-9.]+ %' out err
}

@test "a probability that is no number predicts no class: such an image is wrong, here as in training" {
    for value in nan inf; do
        edit net.bin "records = [record for record in records if record['type'] != 'checkpoint']
tensor = records[-1]['tensors'][-1]['values']
records[-1]['tensors'][-1]['values'] = struct.pack('<f', float('$value')) + tensor[4:]" >blind.bin
        ends 0 pseval --only validation blind.bin <images.ps
        grep -q '^pseval: blind: 0.00 % of 200 validation images are right, loss -\?nan$' err
        records out | jq -se '.[1] | [.accuracy, (.confusion | flatten | add), (.recall | add), (.precision | unique)] == [0, 0, 0, [null]]'
        psplot out | grep -q '0.00 % of 200 images right'
        # They come behind all that it is sure of, without a guess.
        ends 0 pseval -q --only validation --wrong 3 blind.bin <images.ps
        [ "$(psdump -k csv out | cut -d , -f 1,14,15)" = $'type,guess,probability\nimage,,\nimage,,\nimage,,' ]
    done
}
