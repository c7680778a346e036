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
# torn.bin names an iteration so often: each progress, validation and checkpoint does.
speaks_of() {
    [ "$(grep -ao iteration torn.bin | wc -l)" -ge "$1" ]
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

@test "two and two are four, and torn is undisturbed, with every option that came later" {
    psfetch -q --limit 60 --resize 8x8 --split 0.7 | psaug -e 4 >epochs.ps # five mini-batches an epoch
    recipes=(
        "--network 8w-8p-8+1-8k1-max --initializer dirac --schedule cosine --warm-up 25% --horizon 4 --nesterov
            --label-smoothing 0.2 --decay-all --vector-rate 4 --offset-rate 16 --average ema:0.8 --keep best --validate-every 3i -r 0.5"
        "--network 4-4p-4 --initializer he --optimizer adamw --dropout 0.2 --clip-norm 0.5 --schedule one-cycle --horizon 4
            --average lookahead:3:0.5:2 --keep best --metric accuracy --last-batch drop --validate-every 3"
        "--filters 4 --optimizer adam --beta2 0.9 --epsilon 0.01 --schedule exponential --drop-period 2 --drop-factor 0.5
            --keep best --patience 3 --metric accuracy --validate-every 2i --checkpoint-every 2"
        "--filters 4 --weight-decay 0.1 --schedule step --drop-period 1 --warm-up 0.5 --average lookahead:2:0.5 -r 1"
    )
    for recipe in "${recipes[@]}"; do
        read -rd '' -a options <<<"$recipe" || true
        again() {
            pstrain -q -b 8 "${options[@]}" "$@" <epochs.ps
        }
        again -e 2 >two.bin
        again -e 4 >four.bin
        again -e 4 --resume two.bin | cmp - four.bin
        again -e 2 --resume four.bin | cmp - two.bin
        for percent in 40 85 99; do
            head -c $(($(stat -c %s four.bin) * percent / 100)) four.bin >torn.bin
            again -t 1 -e 4 --resume torn.bin | cmp - four.bin
        done
        # Another state would have made another run: the last checkpoint's is used.
        again -e 3 --resume two.bin | cmp - <(again -e 3)
    done
    ends 1 again -r 2 -e 4 --resume four.bin
    grep -q 'its --learning-rate is 1, but 2 in this run' err
    options+=(--average ema:0.5)
    ends 1 again -e 4 --resume four.bin
    grep -q 'its --average is "lookahead:2:0.5", but "ema:0.5" in this run' err
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
            grep -q "going on from iteration $((5 * epoch)), in epoch $((epoch + 1)), of torn.bin" err
        fi
    done
}

@test "damage costs what stands behind the last good checkpoint, and is found in the last one too" {
    train -e 3 >whole.bin
    size=$(stat -c %s whole.bin)
    mapfile -t ends < <(checkpoints whole.bin)
    # In the second checkpoint, which another follows, and which ends the file; in weights, names, digests.
    for back in 4 12 40 1000 60000 $((ends[1] - ends[0] - 20)); do
        for length in "$size" "${ends[1]}"; do
            head -c "$length" whole.bin >damaged.bin
            byte=$(od -An -tu1 -j $((ends[1] - back)) -N 1 damaged.bin)
            printf '%b' "\\x$(printf %x $((byte ^ 4)))" | dd of=damaged.bin bs=1 seek=$((ends[1] - back)) conv=notrunc status=none
            no cmp -s -n "$length" whole.bin damaged.bin
            psaug <set.ps | pstrain -b 32 -e 3 --resume damaged.bin 2>err >resumed.bin
            cmp whole.bin resumed.bin
            grep -q 'going on from iteration 5,' err
        done
    done
    # Behind the end.
    cp whole.bin longer.bin
    echo 'something else' >>longer.bin
    psaug <set.ps | pstrain -b 32 -e 3 --resume longer.bin 2>err | cmp - whole.bin
    grep -q 'going on from iteration 15,' err
}

@test "killed, and stopped in the middle of an epoch: not an iteration is lost that was saved" {
    psaug -e 20 <set.ps >epochs.ps
    train -e 20 >whole.bin
    mkfifo slow
    for signal in KILL TERM; do
        # Half of the epochs come, so that it is met alive on any machine, at work or waiting for more.
        pstrain -q -b 32 -e 20 <slow >torn.bin 3>&- &
        trainer=$!
        exec 5>slow
        head -c "$(($(stat -c %s epochs.ps) / 2))" epochs.ps >&5 3>&- &
        wait_for speaks_of 30
        kill -$signal $trainer
        exec 5>&-
        wait $trainer || status=$?
        [ "$status" = "$([ $signal = KILL ] && echo 137 || echo 4)" ]
        [ "$(stat -c %s torn.bin)" -lt "$(stat -c %s whole.bin)" ]
        psaug <set.ps | pstrain -b 32 -e 20 --resume torn.bin 2>err | cmp - whole.bin
    done
    had=$(records torn.bin | jq -r 'select(.type == "progress") | .iteration' | tail -n 1)
    grep -q "going on from iteration $had, " err
    # In the second iteration of an epoch, with checkpoints far apart.
    psaug -e 4 <set.ps >epochs.ps
    train -e 4 --checkpoint-every 3 >whole.bin
    pstrain -q -b 32 -e 4 --checkpoint-every 3 <slow >torn.bin 3>&- &
    exec 5>slow
    head -c "$(($(stat -c %s epochs.ps) * 6 / 10))" epochs.ps >&5
    wait_for speaks_of 10
    kill -TERM $!
    exec 5>&-
    wait $! || [ $? = 4 ]
    psaug <set.ps | pstrain -b 32 -e 4 --checkpoint-every 3 --resume torn.bin 2>err | cmp - whole.bin
    grep -Eq 'going on from iteration (9|1[0-3]), in epoch [23], of torn.bin' err
}

@test "stopped while it goes through what the earlier run has had" {
    train -e 4 >four.bin
    train -e 5 >five.bin
    psaug -e 5 <set.ps >epochs.ps
    mkfifo slow
    pstrain -q -b 32 -e 5 --resume four.bin <slow >again.bin 3>&- &
    exec 5>slow
    # Up to some image of the second epoch.
    head -c "$(($(stat -c %s epochs.ps) * 4 / 10))" epochs.ps >&5
    wait_for test -s again.bin
    kill -TERM $!
    exec 5>&-
    wait $! || [ $? = 4 ]
    # All that four.bin had, no checkpoint twice, and an end.
    [ "$(records again.bin | jq -r 'select(.type == "checkpoint") | .iteration' | xargs)" = "5 10 15 20" ]
    [ "$(records again.bin | tail -n 1 | jq -r .type)" = end ]
    train -e 5 --resume again.bin | cmp - five.bin
}

@test "stopped between the last iteration of an epoch and its end" {
    train -e 4 >four.bin
    psaug -e 4 <set.ps >epochs.ps
    before=$(/usr/bin/python3 -c '
import msgpack
records = msgpack.Unpacker(open("epochs.ps", "rb"), raw=False)
place = 0
for record in records:
    if record["type"] == "epoch" and record["epoch"] == 2:
        print(place)
    place = records.tell()')
    mkfifo slow
    pstrain -q -b 32 -e 4 <slow >torn.bin 3>&- &
    exec 5>slow
    head -c "$before" epochs.ps >&5
    wait_for speaks_of 12
    sleep 0.2
    kill -TERM $!
    exec 5>&-
    wait $! || [ $? = 4 ]
    [ "$(records torn.bin | jq -c 'select(.type == "checkpoint") | [.epoch, .iteration]' | xargs)" = "[1,5] [1,10]" ]
    psaug <set.ps | pstrain -b 32 -e 4 --resume torn.bin 2>err | cmp - four.bin
    grep -q 'going on from iteration 10, in epoch 2,' err
    train -e 2 --resume torn.bin | cmp - <(train -e 2)
    # One that is at the same iteration and past the epoch's end is further on.
    train -e 2 >two.bin
    psaug <set.ps | pstrain -b 32 -e 4 --resume torn.bin --resume two.bin 2>err | cmp - four.bin
    grep -q 'going on from iteration 10, in epoch 3, of two.bin' err
}

@test "of several files the one that is furthest on" {
    train -e 3 >whole.bin
    mapfile -t ends < <(checkpoints whole.bin)
    head -c $((ends[1] + 100)) whole.bin >far.bin
    # Larger, but not so far: what stands behind its first checkpoint is no record.
    { head -c "${ends[0]}" whole.bin && head -c 1000000 /dev/zero; } >near.bin
    : >empty.bin
    for order in "far near empty" "empty near far" "near far empty"; do
        read -r a b c <<<"$order"
        psaug <set.ps | pstrain -b 32 -e 3 --resume "$a.bin" --resume "$b.bin" --resume "$c.bin" 2>err | cmp - whole.bin
        grep -q 'going on from iteration 10, in epoch 3, of far.bin' err
    done
}

@test "an option given a hundred times hides none of the others" {
    psaug -e 1 <set.ps >one.ps
    : >none
    mapfile -t resumes < <(printf -- '--resume=none%.0s\n' {1..100})
    ends 1 pstrain -q -b 32 "${resumes[@]}" -e 3 <one.ps
    grep -q 'the input has 1 epoch, but 3 were asked for' err
}

@test "an input with fewer epochs than the earlier run is a failure" {
    train -e 4 >four.bin
    psaug -e 2 <set.ps >two.ps
    ends 1 pstrain -q -b 32 --resume four.bin <two.ps
    grep -q 'the input ends before the point that the resumed run had reached' err
    psaug -e 4 <set.ps | pstrain -q -b 32 --resume four.bin >same.bin
    psaug -e 4 <set.ps | pstrain -q -b 32 | cmp - same.bin
}

@test "another network, seed or data are refused, and nothing is written" {
    train -e 1 >one.bin
    refused() {
        ends 1 pstrain -q -b 32 -e 2 --resume one.bin "$@" < <(psaug <set.ps)
        [ ! -s out ]
    }
    refused -s 1
    grep -q 'cannot resume one.bin: its --seed is 0, but 1 in this run' err
    refused -d 2
    grep -q -- 'its --depth is 1, but 2 in this run' err
    refused -r 1e-7
    grep -q -- 'its --learning-rate is 0.0125, but 1e-07 in this run' err
    refused --mean 1,2,3
    grep -q 'number 1 of its mean is [0-9.]*, but 1 in this run' err
    refused --network 4-4
    grep -q -- 'its --network is unset, but "4-4" in this run' err
    refused --optimizer adam
    grep -q -- 'its --optimizer is unset, but "adam" in this run' err
    refused --weight-decay 0.1
    grep -q -- 'its --weight-decay is unset, but 0.1 in this run' err
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psaug -s 1 <set.ps)
    grep -q -- 'its --seed (psaug) is 0, but 1 in this run' err
    [ ! -s out ]
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psaug --cutout 2 <set.ps)
    grep -q -- 'its --cutout (psaug) is unset, but 2 in this run' err
    edit set.ps 'records[0]["options"]["exclude"] = "*.gif"' >excluding.ps
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psaug <excluding.ps)
    grep -q -- 'its --exclude (psfetch) is unset, but "\*.gif" in this run' err
    train -e 1 --schedule linear >linear.bin
    ends 1 pstrain -q -b 32 -e 2 --schedule linear --resume linear.bin < <(psaug <set.ps)
    grep -q -- 'its --horizon is 1, but 2 in this run; with that --horizon it can go on' err
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psfetch -q --limit 100 --split 0.8 | psaug)
    grep -q 'train in its counts is 160, but 80 in this run' err
    edit set.ps 'records[0]["classes"][9] = "zebra"' >zebra.ps
    ends 1 pstrain -q -b 32 -e 2 --resume one.bin < <(psaug <zebra.ps)
    grep -q 'number 10 of its classes is "triangle", but "zebra" in this run' err
}

# older FILE [PYTHON]: the run as other versions of all programs would have written it, without the images of
# its mini-batches, their header changed by the code, with the digests that follow from that.
older() {
    /usr/bin/python3 -c '
import msgpack, struct, subprocess, sys
def digest(*parts):
    open("digested", "wb").write(b"".join(parts))
    said = subprocess.run(["xxhsum", "-H3", "digested"], capture_output=True, text=True).stdout
    return struct.pack(">Q", int(said.split("= ")[-1].split()[0].replace("XXH3_", ""), 16))
def rename(header):
    header["tool"] = header["tool"].split()[0] + " 0.0.9-rc.1"
    for above in header.get("upstream", []): rename(above)
whole, parts, place = open(sys.argv[1], "rb").read(), [], 0
records = msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, max_buffer_size=1 << 30)
for record in records:
    part, place = whole[place:records.tell()], records.tell()
    if record["type"] == "header":
        rename(record)
        exec(sys.argv[2] if len(sys.argv) > 2 else "")
        part = msgpack.packb(record)
    if record["type"] == "progress":
        del record["images"]
        part = msgpack.packb(record)
    if record["type"] == "checkpoint":
        part = part[:-22] + digest(*parts) + part[-14:-8]
        part += digest(part)
    if record["type"] == "end":
        part = part[:-8] + digest(*parts)
    parts.append(part)
sys.stdout.buffer.write(b"".join(parts))' "$@"
}

@test "a run that other versions of the programs began goes on to the bytes of these, where they give the same bits" {
    train -e 3 >whole.bin
    older whole.bin 'record["options"]["later"] = None' >older.bin
    [ "$(psdump -k status older.bin | tail -n 1 | cut -f 2)" = "done" ]
    header=$(head -c 4000 older.bin | grep -abo 'progress' | head -n 1 | cut -d: -f1)
    mapfile -t ends < <(checkpoints older.bin)
    for size in 0 ${every:+30 60 $((header / 2)) $((header + 200)) "${ends[0]}"} $((ends[1] - 1)) ${every:+"${ends[1]}" "${ends[2]}"} "$(stat -c %s older.bin)"; do
        head -c "$size" older.bin >torn.bin
        psaug <set.ps | pstrain -b 32 -e 3 --resume torn.bin 2>err | cmp - whole.bin
        [ "$size" -le "$header" ] || grep -q 'torn.bin was begun by other versions of the programs (pstrain 0.0.9-rc.1)' err
    done
    train -e 5 --resume older.bin | cmp - <(train -e 5)
    # refused PYTHON SENTENCE
    refused() {
        older whole.bin "$1" >other.bin
        ends 1 pstrain -q -b 32 -e 3 --resume other.bin < <(psaug <set.ps)
        grep -q -- "cannot resume other.bin: $2" err
        [ ! -s out ]
    }
    refused 'record["numerics"] += 1' 'its numerics is 3, but 2 in this run'
    refused 'record["options"]["later"] = 5' 'its --later is 5, but unset in this run'
    refused 'record["later"] = 5' 'its later is 5, but unset in this run'
    refused 'record["upstream"][0]["options"]["flip"] = 0.25' 'its --flip (psaug) is 0.25, but 0.5 in this run'
    refused 'record["upstream"][0]["options"] = 5' 'it was trained on other images'
    refused 'record["upstream"][0]["digest"] = b"12345678"' 'it was trained on other images'
    # Any value, of any length, and no byte from elsewhere.
    filled=$(printf '%0122d' 0)
    for value in '"0" * 122=''"'"$filled"'"' '"0" * 123=''"'"$filled"'..."' '"0" * 70000=''"'"$filled"'..."' 'b"0" * 900=something else' \
        'list(range(900))=a list of 900' '{"a": "0" * 900}=something else' 'True=true' '-7=-7' '"\u001b[2J"="?\[2J"'; do
        refused 'record["options"]["seed"] = '"${value%%=*}" "its --seed is ${value#*=}, but 0 in this run"
        LC_ALL=C no grep -q '[^ -~]' err
    done
    refused 'record["options"][5] = record[6] = 7' 'it was trained on other images'
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
    grep -q 'set.ps is a stream of kind images; one of kind run is wanted' err
    head -c 100 /bin/sh >short.bin
    ends 3 pstrain -q --resume short.bin <set.ps
    grep -q 'short.bin is not a psweep stream' err
    sed '0,/options/s//optionz/' one.bin >renamed.bin
    ends 1 pstrain -q -b 32 --resume renamed.bin < <(psaug <set.ps)
    grep -q 'renamed.bin: its header has different fields' err
    cat one.bin one.bin >both.bin
    ends 1 pstrain -q -b 32 -e 2 --resume both.bin < <(psaug <set.ps)
    grep -q 'both.bin joins several runs: name each file by itself' err
    # The output itself would be read while it is written.
    cp one.bin same.bin
    psaug <set.ps >epochs.ps -e 2
    ends 2 bash -c 'pstrain -q -b 32 -e 2 --resume same.bin >>same.bin' <epochs.ps
    grep -q 'it is the output too' err
    cmp one.bin same.bin
}

@test "psaug --first-epoch leaves out what the earlier run has had; the result is the same" {
    for views in --views ${every:+''}; do
        from() {
            # shellcheck disable=SC2086 # none or one
            psaug $views --first-epoch "$@" <set.ps
        }
        from 1 | pstrain -q -b 32 -e 5 >whole.bin
        mapfile -t ends < <(checkpoints whole.bin)
        from 1 | cmp -n 100000 - <(from 1 -e 5)
        [ "$(from 4 -e 4 | records /dev/stdin | jq -r 'select(.type == "epoch") | "\(.epoch) \(.images)"' | xargs)" = "3 0 4 160" ]
        for done in ${every:+1 2} 3 ${every:+4} 5; do
            head -c "${ends[done - 1]}" whole.bin >torn.bin
            for first in $((done + 1)) $done 1; do
                from "$first" | pstrain -q -b 32 -e 5 --resume torn.bin | cmp - whole.bin
            done
            ends 1 pstrain -q -b 32 -e 5 --resume torn.bin < <(from $((done + 2)))
            grep -q "the input begins with epoch $((done + 2)); this run goes on from epoch $((done + 1))" err
            [ ! -s out ]
        done
        ends 1 pstrain -q -b 32 -e 5 < <(from 3)
        grep -q 'the input begins with epoch 3; this run goes on from epoch 1' err
        ends 1 pstrain -q -b 32 -e 5 --resume empty.bin < <(: >empty.bin; from 2)
        grep -q 'the input begins with epoch 2; this run goes on from epoch 1' err
        [ ! -s out ]
    done
}

@test "psaug --first-epoch and a run that was stopped in the middle of an epoch" {
    train -e 4 >whole.bin
    mkfifo slow
    pstrain -q -b 32 -e 4 <slow >torn.bin 3>&- &
    trainer=$!
    exec 4>slow
    psaug -e 4 <set.ps >epochs.ps
    head -c $(($(stat -c %s epochs.ps) * 13 / 20)) epochs.ps >&4
    wait_for speaks_of 16
    kill $trainer
    exec 4>&-
    wait $trainer || [ $? -eq 4 ]
    epoch=$(records torn.bin | jq 'select(.type == "model") | .epoch')
    [ "$(records torn.bin | jq 'select(.type == "model") | .iteration')" -gt $((5 * epoch)) ]
    psaug --first-epoch $((epoch + 1)) <set.ps | pstrain -q -b 32 -e 4 --resume torn.bin | cmp - whole.bin
}

@test "marks of epochs that are out of order are damage" {
    psaug -e 3 <set.ps >epochs.ps
    for change in 'marks[0]["epoch"] = 2' 'marks[1]["epoch"] = 1' 'records.insert(-100, dict(marks[1], images=0))'; do
        edit epochs.ps "marks = [r for r in records if r['type'] == 'epoch']; $change
for i, r in enumerate(records):
    if r['type'] == 'epoch': r['records'] = i; r['digest'] = digest(i)" >wrong.ps
        ends 3 pstrain -q -b 32 <wrong.ps
        grep -q 'the mark of epoch\|is marked as one of' err
    done
}
