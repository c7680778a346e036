#!/usr/bin/env bats
# pstrain --patience: a rule that ends a run.
load ../helper

setup() {
    enter_folder
    psfetch -q --limit 200 --split 0.8 >set.ps
}
# train ARGUMENT...: five mini-batches an epoch, with a rate at which the loss goes up and down.
train() {
    psaug <set.ps | pstrain -b 32 -r 0.3 "$@" 2>err
}
losses() {
    records "$1" | jq 'select(.type == "validation") | .loss'
}
# Where the rule ends a run with these losses.
end_by_rule() {
    losses "$1" | awk -v patience="$2" 'NR == 1 || $1 < least { least = $1; vain = 0; next }
        ++vain >= patience { print NR; exit }'
}
# end FILE: epoch, epochs, stopped and reason of its model.
end() {
    records "$1" | jq -c 'select(.type == "model") | [.epoch, .epochs, .stopped, .reason]'
}

@test "a run ends after N validations without a smaller loss, and is done" {
    train -e 12 >all.bin
    [ "$(end all.bin)" = '[12,12,false,"epochs"]' ]
    [ "$(records all.bin | jq 'select(.type == "header") | .options.patience')" = null ]
    for patience in 1 3; do
        ends=$(end_by_rule all.bin $patience)
        [ "$ends" -lt 12 ]
        train -e 12 --patience $patience >some.bin
        [ "$(end some.bin)" = "[$ends,12,false,\"patience\"]" ]
        times=$([ $patience = 1 ] && echo '1 epoch' || echo "$patience epochs in a row")
        grep -q "was not smaller than [0-9.]* for $times: training ends after epoch $ends of 12" err
        [ "$(losses some.bin)" = "$(losses all.bin | head -n "$ends")" ]
    done
    [ "$(psdump -k status some.bin | tail -n 1 | cut -f 2-5,10 | tr '\t' ' ')" = "done $ends 12 $ends patience" ]
    psplot -k table some.bin | grep -q "$ends/12  done"
    psplot some.bin | grep -q "epoch $ends of 12, out of patience"
    [ "$(psfetch -q --limit 20 | pseval -q some.bin | psplot -k table | awk 'END { print $3 }')" = "$ends" ]
}

@test "torn anywhere and resumed, or resumed with more epochs, it is the run that nothing disturbed" {
    train -e 12 --patience 3 --checkpoint-every 3 >whole.bin
    ends=$(end whole.bin | tr -dc '0-9,' | cut -d , -f 1)
    /usr/bin/python3 - >places <<'END'
import msgpack
reader = msgpack.Unpacker(open("whole.bin", "rb"), raw=False)
for record in reader:
    if record["type"] in ("checkpoint", "validation", "model"):
        print(reader.tell())
END
    [ "$(wc -l <places)" -gt $((ends + 2)) ]
    while read -r place; do
        head -c "$place" whole.bin >torn.bin
        train -e 12 --patience 3 --checkpoint-every 3 --resume torn.bin | cmp - whole.bin
    done <places
    train -e 12 --patience 3 --checkpoint-every 3 --resume whole.bin | cmp - whole.bin
    for epochs in 1 2 $((ends - 1)) "$ends"; do
        train -e "$epochs" --patience 3 --checkpoint-every 3 >shorter.bin
        train -e 12 --patience 3 --checkpoint-every 3 --resume shorter.bin | cmp - whole.bin
    done
}

@test "a loss that is no number is not smaller: patience ends a run that diverged, resumed or not" {
    diverged() {
        train -r 1e6 --l2 1e6 --patience 2 --checkpoint-every 2 "$@"
    }
    diverged -e 9 >whole.bin
    [ "$(end whole.bin)" = '[2,9,false,"patience"]' ]
    grep -q 'the validation loss was not a number for 2 epochs in a row: training ends after epoch 2 of 9' err
    diverged -e 1 >one.bin
    diverged -e 9 --resume one.bin | cmp - whole.bin
    head -c $(($(stat -c %s whole.bin) - 60)) whole.bin >torn.bin
    diverged -e 9 --resume torn.bin | cmp - whole.bin
}

@test "more epochs for a run without patience, and for one that patience did not end" {
    train -e 2 >two.bin
    train -e 5 | cmp - <(train -e 5 --resume two.bin)
    train -e 2 --patience 9 >two.bin
    train -e 5 --patience 9 | cmp - <(train -e 5 --patience 9 --resume two.bin)
    ends 1 train -e 5 --resume two.bin
    grep -q 'its --patience is 9, but unset in this run' err
}

@test "without validation images there is nothing to be patient with" {
    psfetch -q --limit 64 >set.ps
    ends 1 train -e 1 --patience 3
    grep -q -- '--patience watches the loss of validation images, and there are none' err
    [ ! -s out ]
    psaug -e 1 <set.ps | pstrain -q -e 2 >short.bin || [ $? -eq 1 ]
    [ "$(end short.bin)" = '[1,2,true,"input"]' ]
}
