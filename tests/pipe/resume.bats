# pstrain --resume: torn + resumed = undisturbed, and 2 + 2 epochs = 4, byte for byte.
load ../helper

setup() {
    enter_folder
    psfetch -q --limit 200 --split 0.8 >set.ps
}
# train ARGUMENT...: five mini-batches an epoch.
train() {
    psaug <set.ps | pstrain -q -b 32 "$@"
}
# The checkpoint records of a run end at these bytes.
checkpoints() {
    /usr/bin/python3 -c '
import msgpack, sys
records = msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, max_buffer_size=1 << 30)
for record in records:
    if record["type"] == "checkpoint":
        print(records.tell())' "$1"
}

@test "two epochs and two more are four" {
    train -e 2 >two.bin
    train -e 4 >four.bin
    train -e 4 --resume two.bin >resumed.bin
    cmp four.bin resumed.bin
    # Straight from a set; and a finished run that is to have no more, or fewer.
    pstrain -q -e 1 <set.ps >one.bin
    pstrain -q -e 2 <set.ps | cmp - <(pstrain -q -e 2 --resume one.bin <set.ps)
    train -e 4 --resume four.bin | cmp - four.bin
    train -e 2 --resume four.bin | cmp - two.bin
}

@test "the last checkpoint of a shorter run is not in the longer one" {
    train -e 2 --checkpoint-every 3 >two.bin
    train -e 5 --checkpoint-every 3 >five.bin
    train -e 5 --checkpoint-every 3 --resume two.bin | cmp - five.bin
}

@test "torn anywhere" {
    train -e 3 >whole.bin
    mapfile -t ends < <(checkpoints whole.bin)
    [ ${#ends[@]} -eq 3 ]
    for size in 0 1 300 2000 $((ends[0] - 1)) "${ends[0]}" $((ends[1] + 70)) "${ends[2]}" $(($(stat -c %s whole.bin) - 1)); do
        head -c "$size" whole.bin >torn.bin
        psaug <set.ps | pstrain -b 32 -e 3 --resume torn.bin 2>err >resumed.bin
        cmp whole.bin resumed.bin
        epoch=$(((size >= ends[0]) + (size >= ends[1]) + (size >= ends[2])))
        if [ $epoch = 0 ]; then grep -q 'no checkpoint to go on from: training begins anew' err; else
            grep -q "going on from the end of epoch $epoch in torn.bin" err
        fi
    done
}

@test "damage costs what stands behind the last good checkpoint" {
    train -e 3 >whole.bin
    mapfile -t ends < <(checkpoints whole.bin)
    cp whole.bin damaged.bin
    printf '\xff' | dd of=damaged.bin bs=1 seek=$((ends[1] - 1000)) conv=notrunc status=none
    no cmp -s whole.bin damaged.bin
    psaug <set.ps | pstrain -b 32 -e 3 --resume damaged.bin 2>err >resumed.bin
    cmp whole.bin resumed.bin
    grep -q 'going on from the end of epoch 1' err
}

@test "killed, and stopped in the middle of an epoch" {
    train -e 200 >whole.bin
    for signal in KILL TERM; do
        psaug <set.ps | pstrain -q -b 32 -e 200 >torn.bin 3>&- &
        wait_for 30 test -s torn.bin
        sleep 0.3
        pkill -$signal -P $$ -x pstrain || true
        wait || true
        [ "$(stat -c %s torn.bin)" -lt "$(stat -c %s whole.bin)" ]
        train -e 200 --resume torn.bin | cmp - whole.bin
    done
    # Once more, while it goes through the epochs that the earlier run has had.
    ends 4 timeout --preserve-status 0.1 pstrain -q -b 32 -e 200 --resume torn.bin < <(psaug <set.ps)
    cp out again.bin
    train -e 200 --resume again.bin | cmp - whole.bin
}

@test "another network, seed or data are refused, and nothing is written" {
    train -e 1 >one.bin
    refused() {
        ends 1 pstrain -q -b 32 -e 2 --resume one.bin "$@" < <(psaug <set.ps)
        [ ! -s out ]
    }
    refused -s 1
    grep -q 'cannot resume one.bin: its --seed is 0, that of this run is 1' err
    refused -d 2
    grep -q -- 'its --depth is 1, that of this run is 2' err
    refused --mean 1,2,3
    grep -q 'its mean is' err
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psaug -s 1 <set.ps)
    grep -q 'it was trained on other images' err
    [ ! -s out ]
}

@test "what cannot be resumed" {
    train -e 1 >one.bin
    ends 1 pstrain -q --resume nothing.bin <set.ps
    grep -q 'cannot resume nothing.bin: No such file' err
    mkfifo fifo
    exec 5<>fifo
    ends 1 pstrain -q --resume fifo <set.ps
    grep -q 'cannot resume fifo: it is not a file' err
    exec 5>&-
    # shellcheck disable=SC2094 # both only read
    ends 1 pstrain -q --resume set.ps <set.ps
    grep -q 'set.ps is a stream of kind images; run is wanted' err
    cat one.bin one.bin >both.bin
    ends 1 pstrain -q -b 32 -e 2 --resume both.bin < <(psaug <set.ps)
    grep -q 'both.bin: it joins several runs' err
    # The output itself would be read while it is written.
    cp one.bin same.bin
    psaug <set.ps >epochs.ps -e 2
    ends 2 bash -c 'pstrain -q -b 32 -e 2 --resume same.bin >>same.bin' <epochs.ps
    grep -q 'it is the output too' err
    cmp one.bin same.bin
}
