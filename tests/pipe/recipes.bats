#!/usr/bin/env bats
# pstrain's recipes: networks as texts, the rate over time, averages, what is kept.
load ../helper

setup() {
    enter_folder
    small=$BATS_FILE_TMPDIR/epochs.ps
    if [ ! -e "$small" ]; then
        mkdir -p "$BATS_FILE_TMPDIR"
        psfetch -q --limit 60 --resize 8x8 --split 0.7 >"$BATS_FILE_TMPDIR/set.ps" # 40 train, 20 validate
        psaug -e 4 <"$BATS_FILE_TMPDIR/set.ps" >"$small"
    fi
}
# train ARGUMENT...: tiny networks; five mini-batches an epoch.
train() {
    pstrain -q -b 8 --filters 4 "$@" <"$small"
}
# tell RECORDS FILTER: of the records of out.
tell() {
    records out | jq -c "select(.type == \"$1\") | $2"
}
# refused SENTENCE ARGUMENT...: wrong usage; impossible: what other images might allow.
refused() {
    not_done 2 "$@"
}
impossible() {
    not_done 1 "$@"
}
not_done() {
    ends "$1" pstrain "${@:3}" <"$small"
    set -- "${@:2}"
    grep -q -- "^pstrain: $1" err || { cat err && return 1; }
    [ ! -s out ]
}

@test "without them a header has no more fields than before" {
    ends 0 train -e 1
    [ "$(tell header '.options | keys_unsorted')" = '["depth","filters","batch-size","learning-rate","momentum","l2","seed","data-seed","checkpoint-every","patience"]' ]
    [ "$(tell progress keys_unsorted | uniq)" = '["type","iteration","epoch","images","loss","accuracy"]' ]
    [ "$(tell checkpoint keys_unsorted)" = '["type","epoch","iteration","tensors","momentum","records","digest","seal"]' ]
    [ "$(tell model keys_unsorted)" = '["type","epoch","epochs","iteration","stopped","reason","network","tensors"]' ]
}

@test "what an option needs besides stands in the header, filled in" {
    options() {
        ends 0 train -e 3 "$@"
        tell header '.options | del(.depth, .filters, ."batch-size", .seed, ."data-seed", ."checkpoint-every", .patience) | to_entries | map("\(.key) \(.value | if type == "number" then . * 1 else . end)") | join(", ")'
    }
    [ "$(options --schedule cosine)" = '"learning-rate 0.003125, schedule cosine, horizon 3, momentum 0.9, l2 1e-10"' ]
    [ "$(options --schedule step)" = '"learning-rate 0.003125, schedule step, drop-period 10, drop-factor 0.1, momentum 0.9, l2 1e-10"' ]
    [ "$(options --optimizer adamw)" = '"learning-rate 0.001, optimizer adamw, momentum 0.9, beta2 0.999, epsilon 1e-08, l2 0, weight-decay 0.01"' ]
}

@test "options that do not go together are wrong usage; those that do not go with these images are not" {
    refused '--network names every stage, so it goes without --depth' --network 4-4 -d 2
    refused "--network: stage 2 of the network, '4x', is not understood" --network 4-4x
    refused '--network names the stages of the network, and this names none' --network ''
    refused '--network: the last stage of the network cannot have a pool' --network 4p-4p
    impossible '--network: images of 8×8 cannot be halved so often' --network 4p-4p-4p-4p-4
    impossible '--mean has 2 numbers, but the images have 3 channels' --mean 1,2
    refused '--network: the first stage whitens with pairs of filters' --network 3w-4
    refused '--nesterov is for sgd, not for --optimizer adamw' --nesterov --optimizer adamw
    refused '--nesterov needs a --momentum above 0' --nesterov -m 0
    refused '--momentum must be below 1 with --optimizer adam' --optimizer adam -m 1
    refused '--beta2 is for --optimizer adam and adamw' --beta2 0.9
    refused '--epsilon is for --optimizer adam and adamw' --epsilon 0.1
    refused '--weight-decay, where the weights themselves decay, and --l2' --weight-decay 0.1 --l2 0.1
    refused '--optimizer adamw, where the weights themselves decay, and --l2' --optimizer adamw --l2 0.1
    refused '--drop-period is for --schedule step and exponential' --drop-period 2 --schedule cosine -e 2
    refused '--drop-factor is for --schedule step and exponential' --drop-factor 0.5
    refused '--horizon has no meaning with these options' --horizon 3 --schedule step
    refused '--schedule linear goes by the length of training, so it needs --epochs or --horizon' --schedule linear
    refused '--warm-up in percent goes by the length of training, so it needs --epochs or --horizon' --warm-up 10%
    refused '--average with an R goes by the length of training, so it needs --epochs or --horizon' --average lookahead:5:0.5:3
    refused '--warm-up takes a number of epochs, or percent of the horizon such as 20%, not 5x' --warm-up 5x
    refused '--schedule one-cycle rises by itself' --schedule one-cycle --warm-up 1 -e 2
    refused '--warm-up 2 lasts up to the horizon, 2 epochs' --schedule cosine --warm-up 2 -e 2
    refused '--average takes ema:D, with D between 0 and 1, or .*, not ema:2' --average ema:2
    refused '--metric is for --patience and --keep best' --metric loss
    refused '--validate-every takes a number of epochs such as 2' --validate-every 0
    refused '--validate-every takes a number of epochs such as 2' --validate-every 3j
    impossible '--last-batch drop leaves nothing: there are 40 training images, and a mini-batch has 41' --last-batch drop -b 41
    psfetch -q --limit 8 --resize 8x8 >none.ps
    ends 1 pstrain --keep best <none.ps
    grep -q -- '^pstrain: --keep best looks at validation images, and there are none' err
    ends 1 pstrain --validate-every 2 <none.ps
    grep -q -- '^pstrain: --validate-every is about validation images, and there are none' err
    # Whichever way the network is named.
    psfetch -q --limit 8 --resize 6x6 >odd.ps
    ends 1 pstrain -d 2 <odd.ps
    grep -q '^pstrain: images of 6×6 cannot be halved twice' err
    ends 1 pstrain --network 4p-4p-4 <odd.ps
    grep -q '^pstrain: --network: images of 6×6 cannot be halved twice' err
}

@test "the rate of each iteration is told, in the run and to who watches" {
    ends 0 train -e 2 -r 0.8 --schedule linear --warm-up 0.4 --horizon 2 --progress told
    rates='0.4 0.8 0.8 0.7 0.6 0.5 0.4 0.3 0.2 0.1'
    [ "$(tell progress '.rate * 1e9 | round / 1e9' | xargs)" = "$rates" ]
    [ "$(records told | jq -c 'select(.type == "progress") | .rate * 1e9 | round / 1e9' | xargs)" = "$rates" ]
    # What the schedule ends with goes on behind its horizon, which is noted.
    pstrain -b 8 -e 2 -r 0.8 --schedule cosine --horizon 1 <"$small" 2>err >out
    grep -q 'from epoch 2 on the learning rate stays 0, where --horizon 1 has left it' err
    [ "$(tell progress '.rate * 1' | tail -n 5 | uniq)" = 0 ]
    [ "$(tell validation '[.epoch, .iteration]' | xargs)" = '[1,5] [2,10]' ]
}

@test "a network of a text: its model has the text, and is scored" {
    ends 0 pstrain -q -b 8 --network 4-4+1-8p-4k1-max -e 1 <"$small"
    [ "$(tell header '.options | [.depth, .filters, .network]')" = '[null,null,"4-4+1-8p-4k1-max"]' ]
    [ "$(tell model .network)" = '{"stages":"4-4+1-8p-4k1-max"}' ]
    mv out net.bin
    pseval -q net.bin <"$BATS_FILE_TMPDIR/set.ps" >out
    [ "$(tell score '[.split, .images, (.loss * 1e6 | round)]' | grep validation)" = "[\"validation\",20,$(records net.bin | jq 'select(.type == "validation") | .loss * 1e6 | round')]" ]
    # That of --help is one.
    pstrain --help | sed -n 's/^ *--network .* such as \([^ ]*\) .*/--network \1/p' >points
    pstrain --points points <"$small" | grep -q '^n4-s0-'
}

@test "an average is of the weights behind each step, and what is validated and kept" {
    # One step an epoch: each checkpoint has both.
    ends 0 pstrain -q -b 64 --filters 4 -e 4 -r 0.5 --average ema:0.6 <"$small"
    mv out ema.bin
    ends 0 pstrain -q -b 64 --filters 4 -e 4 -r 0.5 --average lookahead:2:0.3 <"$small"
    mv out ahead.bin
    /usr/bin/python3 - <<'END'
import msgpack, struct
def lists(name):
    found = []
    for record in msgpack.Unpacker(open(name, "rb"), raw=False, max_buffer_size=1 << 30):
        if record["type"] in ("checkpoint", "model"):
            found.append({key: [x for t in record[key] for x in struct.unpack("%df" % (len(t["values"]) // 4), t["values"])]
                          for key in ("tensors", "average") if key in record})
    return found
def near(a, b):
    assert len(a) == len(b) and all(abs(x - y) <= 1e-6 * (1 + abs(x)) for x, y in zip(a, b))
ema, ahead = lists("ema.bin"), lists("ahead.bin")
assert len(ema) == len(ahead) == 5
for before, after in zip(ema[:3], ema[1:4]):
    near([0.6 * a + 0.4 * w for a, w in zip(before["average"], after["tensors"])], after["average"])
    assert after["average"] != after["tensors"]
assert ema[4]["tensors"] == ema[3]["average"]
first, second, third, fourth, model = ahead
assert first["average"] == [0.3 * 0 + a for a in first["average"]] != first["tensors"]
assert second["tensors"] == second["average"] == third["average"] != third["tensors"]
assert fourth["tensors"] == fourth["average"] == model["tensors"]
END
    # The model scores what the last validation found.
    for net in ema ahead; do
        pseval -q $net.bin <"$BATS_FILE_TMPDIR/set.ps" >out
        [ "$(tell score 'select(.split == "validation") | .loss * 1e6 | round')" = "$(records $net.bin | jq 'select(.type == "validation") | .loss * 1e6 | round' | tail -n 1)" ]
    done
}

@test "--keep best: the model is that of the best validation, by loss or by accuracy" {
    for metric in loss accuracy; do
        # A rate at which the loss goes up and down.
        ends 0 train -e 4 -r 1 --validate-every 3i --keep best --metric $metric
        mv out net.bin
        best=$(records net.bin | jq -cs "map(select(.type == \"validation\")) | sort_by($([ $metric = loss ] || echo -.accuracy,) .loss) | .[0]")
        [ "$(records net.bin | jq -c 'select(.type == "model") | .kept')" = "$(jq -c '{epoch, iteration}' <<<"$best")" ]
        [ "$(jq .iteration <<<"$best")" -lt 20 ]
        pseval -q net.bin <"$BATS_FILE_TMPDIR/set.ps" >out
        [ "$(tell score 'select(.split == "validation") | .loss * 1e6 | round')" = "$(jq '.loss * 1e6 | round' <<<"$best")" ]
    done
    # Every third iteration, and at the end, with the epochs that are finished.
    [ "$(records net.bin | jq -c 'select(.type == "validation") | [.epoch, .iteration]' | xargs)" = '[0,3] [1,6] [1,9] [2,12] [3,15] [3,18] [4,20]' ]
    head -c $(($(stat -c %s net.bin) - 43)) net.bin >torn.bin
    [ "$(psdump -k status torn.bin | cut -f 3 | tail -n 1)" = 4 ]
}

@test "--last-batch drop leaves out what is no whole mini-batch" {
    ends 0 train -b 15 -e 2 --last-batch drop
    [ "$(tell progress '[.epoch, .iteration, .images]' | xargs)" = '[1,1,15] [1,2,15] [2,3,15] [2,4,15]' ]
    mv out epochs.bin
    ends 0 pstrain -q -b 15 -e 2 --filters 4 --last-batch drop <"$BATS_FILE_TMPDIR/set.ps"
    [ "$(tell progress '[.epoch, .iteration, .images]' | xargs)" = '[1,1,15] [1,2,15] [2,3,15] [2,4,15]' ]
}

@test "lines of --points do not inherit what another line has given" {
    printf '%s\n' '-d 1' '-d 1 --nesterov --schedule cosine --horizon 9' '-d 1' '--network 4p-4' '--network 4p-4 --average ema:0.9' >points
    pstrain --points points <"$small" >names
    [ "$(sed -n 1p names)" = "$(sed -n 3p names)" ]
    [ "$(sort -u names | wc -l)" -eq 4 ]
    [ "$(sed -n 4,5p names | sed 's/-[0-9a-f]*\t.*//' | xargs)" = 'n2-s0 n2-s0' ]
    # Of a stream that has nothing to learn from there is no run.
    psfetch -q --limit 20 --resize 8x8 --as test | psaug -q -e 1 >empty.ps
    ends 1 pstrain --points points <empty.ps
    grep -xF 'pstrain: input holds no training images' err
}
