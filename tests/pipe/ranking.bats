# psdump -k ranking, means and classes: which run is better, over seeds, class by class.
load ../helper

# a.bin, whose accuracy rises to 60 %; b.bin, with a peak in the middle; tie.bin, which ends as a.bin does with
# another loss; mad.bin, whose loss is no number at the end; gap.bin, whose accuracy is none in the middle; train.bin
# without validations, in epochs of mini-batches of 6 and 2 images that only its header tells of.
setup() {
    enter_folder
    /usr/bin/python3 - <<'END'
import ctypes, msgpack, struct
xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype = ctypes.c_uint64
def write(name, validation, loss=0.5, batch=(0.5, 0.5), mad=False, seed=1):
    records = [dict(type="header", version=1, kind="run", tool="pstrain 1", upstream=[], classes=["a", "b"],
                    counts=dict(train=8, validation=4, test=0), options={"depth": 1, "seed": seed, "batch-size": 6})]
    epochs = len(validation) or 2
    for i in range(2 * epochs):
        records.append(dict(type="progress", iteration=i + 1, epoch=i // 2 + 1, accuracy=batch[i % 2],
                            loss=float("nan") if mad and i >= 2 * epochs - 1 else batch[i % 2]))
        if validation and i % 2:
            records.append(dict(type="validation", iteration=i + 1, epoch=i // 2 + 1, images=4, loss=loss,
                                accuracy=validation[i // 2]))
    body = b"".join(map(msgpack.packb, records))
    open(name, "wb").write(body + b"\x83\xa4type\xa3end\xa7records\xcf" + struct.pack(">Q", len(records))
        + b"\xa6digest\xcf" + struct.pack(">Q", xxh3(body, ctypes.c_size_t(len(body)))))
write("a.bin", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
write("b.bin", [0.1, 0.2, 0.9, 0.7, 0.6, 0.5], 0.25)
write("tie.bin", [0.6], 0.4)
write("mad.bin", [0.1, 0.95], 0.1, mad=True)
write("gap.bin", [0.5, float("nan"), 0.7], seed=2)
write("train.bin", [], batch=(0.8, 0.4))
END
}

# ranking ARGUMENT...: the lines without the heading, blanks for tabs.
ranking() {
    ends 0 psdump -k ranking "$@"
    [ "$(head -n 1 out)" = $'file\tfigure\tloss\tepoch\tstate\tof' ]
    tail -n +2 out | tr '\t' ' '
}
# files ARGUMENT...: the files alone.
files() {
    ranking "$@" | cut -d ' ' -f 1 | xargs
}

@test "best first by each rule: diverged runs last, then those without validations, a tie by the loss" {
    runs=(train.bin mad.bin a.bin b.bin tie.bin)
    diff <(ranking "${runs[@]}") - <<'END'
tie.bin 60.00 0.4000 1 whole validation
a.bin 60.00 0.5000 6 whole validation
b.bin 50.00 0.2500 6 whole validation
train.bin 70.00 0.7000 2 whole training
mad.bin 95.00 0.1000 2 diverged validation
END
    diff <(ranking --rank mean5 "${runs[@]}" | cut -d ' ' -f 1-2) - <<'END'
tie.bin 60.00
b.bin 58.00
a.bin 40.00
train.bin 70.00
mad.bin 52.50
END
    diff <(ranking --rank best "${runs[@]}" | cut -d ' ' -f 1-4) - <<'END'
b.bin 90.00 0.2500 6
tie.bin 60.00 0.4000 1
a.bin 60.00 0.5000 6
train.bin 70.00 0.7000 2
mad.bin 95.00 0.1000 2
END
    diff <(ranking --rank loss "${runs[@]}" | cut -d ' ' -f 1-3) - <<'END'
b.bin 0.2500 0.2500
tie.bin 0.4000 0.4000
a.bin 0.5000 0.5000
train.bin 0.7000 0.7000
mad.bin 0.1000 0.1000
END
    # Equals stand as on the command line.
    cp a.bin same.bin
    [ "$(files same.bin a.bin)" = "same.bin a.bin" ]
    [ "$(files a.bin same.bin)" = "a.bin same.bin" ]
}

@test "as of an epoch: what came later is not known, and who has not come so far is left out" {
    [ "$(files -e 3 a.bin b.bin tie.bin mad.bin train.bin)" = "b.bin a.bin" ]
    [ "$(ranking -e 3 --rank mean5 b.bin | cut -d ' ' -f 2,4)" = "40.00 3" ]
    [ "$(ranking -e 1 mad.bin train.bin | cut -d ' ' -f 1,5,6 | xargs)" = "mad.bin whole validation train.bin whole training" ]
    ends 1 psdump -k ranking -e 7 a.bin
    grep -q 'no run was validated after epoch 7' err
}

@test "what is no run, cut short, of several runs, or asked for wrongly" {
    cat a.bin b.bin >two.bin
    [ "$(ranking two.bin | cut -d ' ' -f 1,2 | xargs)" = "two.bin 60.00 two.bin 50.00" ]
    [ "$(psdump -k ranking <a.bin | tail -n 1 | cut -f 1,2)" = $'input\t60.00' ]
    cp a.bin $'a\tb'
    [ "$(files $'a\tb')" = 'a?b' ]
    psfetch -q --limit 2 >set.ps
    ends 1 psdump -k ranking set.ps
    grep -q 'set.ps is a stream of kind images; one of kind run or scores is wanted$' err
    edit a.bin 'records = records[:1]' >bare.bin
    ends 1 psdump -k ranking bare.bin
    grep -q 'no run that has learnt anything' err
    head -c -20 a.bin >torn.bin
    ends 3 psdump -k ranking torn.bin b.bin
    [ "$(cut -f 1 out | xargs)" = "file torn.bin b.bin" ]
    ends 1 bash -c 'psdump -k ranking a.bin >/dev/full'
    ends 2 psdump -k ranking -o x.png a.bin
    # A header that names no engine, as these do, is one all the same.
    [ "$(psdump -k status a.bin | tail -n 1)" = $'a.bin\ttorn\t6\t-\t-\t12\t60.00\t0.5000\t-\tit has no model' ]
    ends 2 psdump -k ranking --rank worst a.bin
    ends 2 psdump -k csv --rank last a.bin
    ends 2 psplot -e 3 a.bin
}

@test "every view goes by the same figure and says which" {
    runs=(a.bin b.bin tie.bin mad.bin)
    [ "$(psplot -k table "${runs[@]}" | awk 'NR > 3 { print $1 }' | xargs)" = "tie a b mad" ]
    [ "$(psplot -k table --rank best "${runs[@]}" | awk 'NR > 3 { print $1 }' | xargs)" = "b tie a mad" ]
    [ "$(psplot -k table --rank loss "${runs[@]}" | head -n 1)" = "The best first, by validation loss, last epoch" ]
    # a, b and tie are 60, 50 and 60 at the end, 40, 58 and 60 in the mean of five; mad is not counted.
    summary() {
        psplot -k summary --size 60x20 "$@" "${runs[@]}" | awk 'NR == 1 || NR == 4 { sub(/ +$/, ""); print }' | tr -s ' ' | paste -sd ';'
    }
    [ "$(summary)" = "Validation accuracy (%), last epoch; 1 56.67 5.77 3 60.00" ]
    [ "$(summary --rank mean5)" = "Validation accuracy (%), mean of the last five validations; 1 52.67 11.02 3 60.00" ]
    [ "$(summary --rank loss)" = "Validation loss, last epoch; 1 0.3833 0.1258 3 0.2500" ]
    # What has diverged by that figure has in all of them.
    [ "$(ranking --rank mean5 gap.bin a.bin | cut -d ' ' -f 1,5 | xargs)" = "a.bin whole gap.bin diverged" ]
    psplot -k table --rank mean5 gap.bin a.bin | tail -n 1 | grep -q '^gap .* diverged '
    psplot -k table gap.bin a.bin | grep -q '^gap .* stopped '
    psplot -k overlay --size 80x20 --rank mean5 gap.bin a.bin | grep -q '─ depth 1, 1 of 2 diverged  *40.00'
    psplot -k overlay --size 80x20 --rank best "${runs[@]}" >out
    head -n 1 out | grep -q '^Validation accuracy (%); at the ends: best epoch'
    for label in 'b  *90.00' 'tie  *60.00' 'a  *60.00' 'mad, diverged  *95.00'; do grep -q "─ $label" out; done
    psplot --size 80x20 --rank mean5 b.bin | grep -q 'epoch 6, stopped, last five: 58.00 %'
    psplot --size 80x20 --rank loss b.bin | grep -q 'epoch 6, stopped, validation loss: 0.2500'
    for kind in curves overlay summary; do
        psplot -k $kind -o last.svg "${runs[@]}"
        psplot -k $kind --rank loss -o loss.svg "${runs[@]}"
        no cmp -s last.svg loss.svg
    done
}

@test "of a run that keeps the best of its networks the figures are of that one" {
    edit b.bin '
records[0]["options"].update(keep="best", metric="accuracy", seed=2)
for record in records:
    if record["type"] == "validation" and record["epoch"] == 3: record["loss"] = 0.3
records.append(dict(type="model", epoch=6, epochs=6, iteration=12, stopped=False, kept=dict(epoch=3, iteration=6),
                    network=dict(depth=1, filters=16), tensors=[]))' >kept.bin
    [ "$(ranking a.bin b.bin kept.bin | xargs)" = "kept.bin 90.00 0.3000 6 whole validation a.bin 60.00 0.5000 6 whole validation b.bin 50.00 0.2500 6 whole validation" ]
    [ "$(ranking --rank loss kept.bin a.bin b.bin | cut -d ' ' -f 1,2 | xargs)" = "b.bin 0.2500 kept.bin 0.3000 a.bin 0.5000" ]
    [ "$(ranking -e 2 kept.bin a.bin tie.bin)" = $'kept.bin 20.00 0.2500 2 whole validation\na.bin 20.00 0.5000 2 whole validation' ]
    [ "$(psdump -k status kept.bin | cut -f 2,3,7,8 | tail -n 1)" = $'done\t6\t90.00\t0.3000' ]
    psdump -k means kept.bin b.bin | grep -q '^keep best	90.00	'
    psplot -k table a.bin kept.bin >out
    [ "$(head -n 1 out)" = "The best first, by validation accuracy (%), epoch that was kept" ]
    [ "$(psplot -k table --rank best a.bin kept.bin | head -n 1)" = "The best first, by validation accuracy (%), best epoch" ]
    psplot --size 80x20 kept.bin | grep -q 'epoch 6, kept epoch 3: 90.00 %'
    psplot -k summary kept.bin | grep -q ' 90.00 '
    psplot -k overlay --size 80x20 kept.bin a.bin >out
    grep -q 'at the ends: epoch that was kept' out
    grep -q '─ kept *90.00' out
    # By the loss it is the first of those with the smallest.
    edit kept.bin 'records[0]["options"]["metric"] = "loss"' >kept2.bin
    [ "$(ranking kept2.bin)" = "kept2.bin 10.00 0.2500 6 whole validation" ]
}

@test "validations in the middle of epochs" {
    edit a.bin '
records = [record for record in records if record["type"] != "validation" or record["epoch"] in (2, 4)]
for i in 7, 11: # behind the first mini-batch of an epoch; so many are finished
    at = [r.get("iteration") for r in records].index(i) + 1
    records.insert(at, dict(type="validation", iteration=i, epoch=i // 2, images=4, loss=0.1, accuracy=i / 20))
records.append(dict(type="model", epoch=6, epochs=6, iteration=12, stopped=False, network=dict(depth=1, filters=16), tensors=[]))' >inside.bin
    psdump -k csv inside.bin | awk -F, '$1 == "validation" { print $5, $6, $8 }' | paste -sd ';' >out
    [ "$(cat out)" = "2 4 0.2;3 7 0.35;4 8 0.4;5 11 0.55" ]
    [ "$(ranking inside.bin)" = "inside.bin 55.00 0.1000 6 whole validation" ]
    # As of an epoch that was not validated at its end it is not judged, and what comes later does not count.
    ends 1 psdump -k ranking -e 3 inside.bin
    [ "$(ranking -e 4 inside.bin a.bin | cut -d ' ' -f 1,2 | xargs)" = "inside.bin 40.00 a.bin 40.00" ]
    [ "$(psdump -k status inside.bin | cut -f 3,7 | tail -n 1)" = $'6\t55.00' ]
    psplot --follow inside.bin >out
    grep -q '^inside: epoch 3 of 6: training 50.00 %, loss 0.500$' out
    grep -q '^inside: epoch 4 of 6: .*; validation 40.00 %' out
    grep -q '^inside: epoch 6 of 6: .*; validation 55.00 %' out
    # The overlay has it in its place: two runs that differ in nothing else are two pictures.
    edit inside.bin '
for record in records:
    if record["type"] == "validation" and record["iteration"] == 11: record.update(iteration=12, epoch=6)' >end.bin
    for run in inside end; do cp $run.bin run.bin && psplot -k overlay -o $run.svg run.bin; done
    no cmp -s inside.svg end.svg
}

@test "where no run was validated the training images stand for all" {
    [ "$(psplot -k table train.bin train.bin | head -n 1)" = "The best first, by training accuracy (%), last epoch" ]
    psplot -k table --rank loss train.bin train.bin | tail -n 1 | grep -E '70.00 +- +- +- +[0-9.]+$'
    psplot -k summary --size 50x20 train.bin >out
    [ "$(head -n 1 out | xargs)" = "Training accuracy (%), last epoch" ]
    grep -q '^ *1 *70.00' out
    psplot -k overlay --size 60x20 train.bin | grep -q '─ train *70.00'
    psplot --size 80x20 train.bin | grep -q 'epoch 2, stopped, training: 70.00 %'
    # Beside one that was, they are not counted.
    psplot -k summary --size 60x20 train.bin a.bin | grep -q 'not counted: 0 diverged, 1 without validation'
}

@test "means over seeds: runs that differ in nothing else are one" {
    # 60 and 70 %; what has diverged is not in them.
    ends 0 psdump -k means a.bin gap.bin mad.bin
    [ "$(cat out)" = $'runs\tmean\tdeviation\tcounted\tbest\tdiverged\tof
depth 1\t65.00\t7.07\t2\t70.00\t1\tvalidation' ]
    ends 0 psdump -k means --rank loss train.bin
    [ "$(tail -n 1 out)" = $'depth 1\t0.7000\t-\t1\t0.7000\t0\ttraining' ]
    ends 0 psdump -k means mad.bin
    [ "$(tail -n 1 out)" = $'depth 1\t-\t-\t0\t-\t1\tvalidation' ]
    psfetch -q --limit 64 | psaug -q -e 1 >set.ps
    for depth in 1 2; do pstrain -q -d $depth <set.ps >d$depth.bin; done
    [ "$(psdump -k means d2.bin d1.bin | cut -f 1,4 | tr '\t' ' ' | tail -n 2)" = "depth 1 1
depth 2 1" ]
    ends 2 psdump -k csv --rank loss a.bin
}

@test "classes of scores: the worst first, and what they are taken for" {
    psfetch -q --limit 90 >set.ps
    psaug -q -e 2 <set.ps | pstrain -q -d 1 >net.bin
    pseval -q --only train net.bin <set.ps >net.scores
    ends 0 psdump -k classes net.scores
    [ "$(head -n 1 out)" = $'model\tsplit\tclass\timages\trecall\tprecision\ttaken_for\ttimes' ]
    psdump net.scores | jq -r '.classes as $c | select(.type == "score") | .recall | length' | grep -qx "$(tail -n +2 out | wc -l)"
    tail -n +2 out | cut -f 5 | grep -v -- - | sort -c -n
    [ "$(tail -n +2 out | awk -F '\t' '{ n += $4 } END { print n }')" = 90 ]
    # Each class against the matrix.
    psdump net.scores | jq -r 'if .type == "header" then .classes else .confusion end' | jq -rs '. as [$name, $rows]
        | range($name | length) | . as $i | $rows[$i] as $row | ($row | add) as $all
        | ([range($row | length) | select(. != $i) | {n: $row[.], i: .}] | max_by([.n, -.i])) as $most
        | "\($name[$i]) \($all) \($row[$i]) \(if $most.n > 0 then $name[$most.i] else "-" end) \($most.n)"' | sort >want
    tail -n +2 out | awk -F '\t' '{ printf "%s %d %.0f %s %d\n", $3, $4, $4 * $5 / 100, $7, $8 }' | sort >got
    cmp want got
    ends 1 psdump -k classes net.bin
    grep -q 'holds no score' err
}
