#!/usr/bin/env bats
# psdump -k status: what run files are worth.
load ../helper

setup() {
    enter_folder
    psfetch -q synth:shapes --limit 100 --split 0.8 >set.ps
    psaug <set.ps | pstrain -q -b 32 -e 3 >net.bin
}

# status FILE...: the lines without the heading.
status() {
    ends 0 psdump -k status "$@"
    [ "$(head -n 1 out)" = $'file\tstate\tepoch\tepochs\tcheckpoint\titeration\taccuracy\tloss\tengine\treason' ]
    tail -n +2 out
}
# fields FILE: state, epoch, epochs, checkpoint and iteration.
fields() {
    status "$1" | cut -f 2-6 | tr '\t' ' '
}
# end_of TYPE N: where the N-th record of that type of net.bin ends.
end_of() {
    /usr/bin/python3 -c '
import msgpack, sys
reader, left = msgpack.Unpacker(open("net.bin", "rb"), raw=False), int(sys.argv[2])
for record in reader:
    left -= record["type"] == sys.argv[1]
    if left == 0:
        sys.exit(print(reader.tell()))' "$@"
}

@test "a whole run: done, and its figures are those of its records" {
    [ "$(fields net.bin)" = "done 3 3 3 9" ]
    want=$(records net.bin | jq -r 'select(.type == "validation") | "\(.accuracy) \(.loss)"' | tail -n 1)
    [ "$(status net.bin | cut -f 7-9)" = "$(awk '{ printf "%.2f\t%.4f\tcpu", 100 * $1, $2 }' <<<"$want")" ]
    status net.bin >file
    [ "$(psdump -k status <net.bin | tail -n 1 | cut -f 2-)" = "$(cut -f 2- file)" ]
    psfetch -q --limit 64 | pstrain -q -b 32 -e 2 >no-validation.bin
    [ "$(status no-validation.bin | cut -f 2-8 | tr '\t' ' ')" = "done 2 2 2 4 - -" ]
}

@test "stopped by a signal, torn in every record, damaged" {
    mkfifo slow
    pstrain -q -b 32 -e 3 <slow >stopped.bin 3>&- &
    trainer=$!
    exec 4>slow
    psaug -e 2 <set.ps | head -c -20 >&4
    wait_for test -s stopped.bin
    learnt() {
        [ "$(fields stopped.bin)" = "torn 2 - 2 6" ]
    }
    wait_for learnt
    kill $trainer
    exec 4>&-
    wait $trainer || [ $? -eq 4 ]
    [ "$(fields stopped.bin)" = "stopped 2 3 2 6" ]

    torn() {
        head -c "$1" net.bin >torn.bin
        [ "$(fields torn.bin)" = "$2" ]
        status torn.bin | cut -f 10 | grep -q 'without an end record'
    }
    torn "$(end_of header 1)" "torn 0 - - 0"
    torn "$(end_of progress 4)" "torn 1 - 1 4"
    torn "$(($(end_of checkpoint 1) - 1))" "torn 1 - - 3"
    torn "$(end_of validation 2)" "torn 2 - 1 6"
    torn "$(end_of model 1)" "torn 3 3 3 9"
    torn "$(($(stat -c %s net.bin) - 1))" "torn 3 3 3 9"

    # What stands behind the last good checkpoint is not believed where there is damage.
    cp net.bin damaged.bin
    printf '\377\377' | dd of=damaged.bin bs=1 seek=$(($(end_of validation 2) + 5000)) conv=notrunc status=none
    [ "$(fields damaged.bin)" = "torn 1 - 1 3" ]
    status damaged.bin | grep -q 'is damaged'
    { cat net.bin && echo more; } >longer.bin
    [ "$(fields longer.bin)" = "torn 3 3 3 9" ]
}

@test "what is no run is a line that says why, among others" {
    : >empty.bin
    head -c 50 net.bin >head.bin
    echo hello >text.bin
    cat net.bin net.bin >two.bin
    tab=$'a\tb\nc.bin'
    cp net.bin "$tab"
    mkfifo fifo
    status net.bin empty.bin head.bin text.bin two.bin set.ps none . fifo "$tab" >lines
    [ "$(cut -f 2 lines | xargs)" = "done empty empty unreadable unreadable unreadable unreadable unreadable unreadable done" ]
    [ "$(awk -F '\t' '{ print NF }' lines | sort -u)" = 10 ]
    [ "$(sed -n 4,9p lines | cut -f 3-9 | sort -u | tr -d '\t')" = ------- ]
    for reason in 'text.bin is not a psweep stream' 'two.bin joins several runs' 'stream of kind images' \
        'No such file' 'it is not a file'; do
        cut -f 10 lines | grep -q "$reason"
    done
    [ "$(tail -n 1 lines | cut -f 1)" = 'a?b?c.bin' ]
    # What only the progress channel holds says nothing here.
    edit net.bin 'records[:] = [r for r in records if r["type"] != "checkpoint"] + [{"type": "done", "status": "failed"}]' >odd.bin
    [ "$(status odd.bin | cut -f 2)" = "done" ]
    ends 1 bash -c 'psdump -k status net.bin >/dev/full'
    ends 2 psdump -k status -o x.png net.bin
}
