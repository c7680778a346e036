#!/usr/bin/env bats
# Damaged streams of all kinds, and all their readers.
load ../helper

# Every kind of stream, as small as it can be.
setup() {
    enter_folder
    psfetch -q --limit 20 --resize 8x8 --channels 1 --split 0.6 >set.ps
    psfetch -q --limit 6 --resize 8x8 --channels 1 --as test | cat set.ps - >joined.ps
    psaug -e 2 <set.ps >epochs.ps
    psaug -e 2 --views <set.ps >views.ps
    pstrain -q -d 1 --filters 2 -b 8 --progress channel --name a <epochs.ps >net.bin
    pstrain -q -d 1 --filters 2 -b 8 -s 1 --progress channel --name b <epochs.ps >other.bin
    cat net.bin other.bin >both.bin
    pseval -q net.bin <set.ps >scores
    pseval -q --wrong 9 net.bin <set.ps >wrong.ps
    echo "-d 1" >points
}

# damaged BITS <CASES: at few places; in make test-all so many bits, of which 1600 are all of the first 200 bytes.
damaged() {
    if [ -n "${PSWEEP_LONG-}" ]; then set -- "$1" 100; else set -- 5 5; fi
    /usr/bin/python3 "$REPOSITORY/tests/faults/damage.py" "$@" >said || { cat said >&2 && false; }
    [ "$(tail -n 1 said | cut -d ' ' -f 3)" -gt 20 ]
}

@test "no bit, cut or edit of a stream gives psaug or pstrain another answer with status 0" {
    sed 's/TRAIN/pstrain -q -t 1 -d 1 --filters 2 -b 8/' <<'END' | damaged 600
set.ps: psaug -e 1 <set.ps
joined.ps: psaug -e 1 --views <joined.ps
set.ps: TRAIN -e 1 <set.ps
epochs.ps: TRAIN <epochs.ps
views.ps: TRAIN <views.ps
epochs.ps: pstrain --points points <epochs.ps
net.bin: TRAIN -e 2 --resume net.bin <epochs.ps
END
}

@test "nor pseval" {
    damaged 600 <<'END'
set.ps: pseval -q -t 1 net.bin <set.ps
net.bin: pseval -q -t 1 net.bin other.bin <epochs.ps
views.ps: pseval -q -t 1 net.bin <views.ps
joined.ps: pseval -q -t 1 --wrong 5 net.bin <joined.ps
END
}

@test "nor the texts of psplot and psdump" {
    damaged 300 <<'END'
net.bin: psplot net.bin
both.bin: psplot -k overlay <both.bin
net.bin: psplot -k summary net.bin other.bin
net.bin: psplot -k table net.bin other.bin
net.bin: psdump -k ranking net.bin other.bin
net.bin: psdump -k status net.bin
scores: psplot scores
scores: psplot -k classes scores
channel: psplot channel
channel: psplot -k table channel
END
}

@test "nor what it writes for others" {
    damaged 600 <<'END'
both.bin: psdump -k csv <both.bin
net.bin: psdump -k json net.bin
scores: psdump -k csv scores
set.ps: psdump -k csv <set.ps
views.ps: psdump -k csv views.ps
wrong.ps: psdump -k json --bytes wrong.ps
channel: psdump -k csv <channel
channel: psdump -k json channel
END
}

@test "nor its pictures" {
    damaged 300 <<'END'
net.bin: psplot -o drawn.png net.bin
net.bin: psplot -k filters -o drawn.png net.bin
set.ps: psplot -k images --by order -n 3 -o drawn.png set.ps
epochs.ps: psplot -k images -n 4 -o drawn.png <epochs.ps
views.ps: psplot -k images --by image -n 4 -o drawn.png <views.ps
wrong.ps: psplot -k images -o drawn.png wrong.ps
scores: psplot -o drawn.png scores
END
}

@test "nothing but a record of the progress channel makes a file one, and nothing else stands in it" {
    # turned FILE WORD BIT [WORD BIT]: FILE with a bit of these words turned.
    turned() {
        /usr/bin/python3 -c '
import sys
data = bytearray(open(sys.argv[1], "rb").read())
for word, bit in zip(sys.argv[2::2], sys.argv[3::2]):
    data[data.index(word.encode())] ^= 1 << int(bit)
sys.stdout.buffer.write(data)' "$@"
    }
    turned net.bin header 0 >ieader.bin
    turned net.bin header 0 progress 1 loss 1 >twice.bin
    for file in ieader.bin twice.bin; do
        # shellcheck disable=SC2086 # a program and its option
        for reader in psplot 'psplot -k table' 'psdump -k csv' psdump; do
            ends 3 $reader $file
            grep -q "^${reader%% *}: $file is not a psweep stream: it does not begin with a header$" err
            [ ! -s out ]
        done
    done
    cat channel net.bin >mixed
    ends 3 psdump -k csv mixed
    grep -q '^psdump: mixed is damaged: record 15 is not one of a progress channel$' err
    cmp out <(psdump -k csv channel)
    turned channel lost 2 >changed
    ends 3 psplot changed
    grep -q '^psplot: changed is damaged: record 1 does not match its seal$' err
}

@test "a progress channel that ends before the last word of a run, and one without seals, is not passed over in silence" {
    head -c "$(LC_ALL=C grep -abo 'type.done' channel | tail -n 1 | cut -d : -f 1)" channel | head -c -2 >begun
    # shellcheck disable=SC2086 # a program and its option
    for reader in psplot 'psplot -k table' 'psdump -k csv' psdump; do
        ends 3 $reader begun
        grep -q "^${reader%% *}: begun ends before 1 run had said that it was done: it still runs, or failed$" err
    done
    psplot -k table begun 2>/dev/null | grep -q '^b .*running'
    /usr/bin/python3 -c '
import msgpack, sys
for record in msgpack.Unpacker(open("channel", "rb")):
    del record["seal"]
    sys.stdout.buffer.write(msgpack.packb(record))' >early
    # shellcheck disable=SC2086 # a program and its option
    for reader in psplot 'psdump -k csv'; do
        ends 0 $reader early
        [ "$(<err)" = "${reader%% *}: early has no seals, as early versions wrote it: nothing proves that it is undamaged" ]
        sed 's/early /channel /' out | cmp - <($reader channel)
    done
    cat early channel >both
    ends 3 psplot both
    grep -q '^psplot: both is damaged: record 15 has a seal, unlike those before it$' err
    cat channel early >both
    ends 3 psplot both
    grep -q '^psplot: both is damaged: record 15 has no seal, unlike those before it$' err
}

@test "a contact sheet that is full is proven all the same where it is of a file" {
    place=$(LC_ALL=C grep -abo pixels set.ps | head -n 1 | cut -d : -f 1)
    cp set.ps bad.ps
    printf '\x55' | dd of=bad.ps bs=1 seek=$((place + 20)) conv=notrunc status=none
    ends 3 psplot -k images --by order -n 1 -o sheet.png bad.ps
    grep -q '^psplot: bad.ps is damaged: what comes before record [0-9]* differs from the digest in it$' err
    [ -s sheet.png ]
    # Of a pipe no more is asked for than is drawn.
    head -c $((place + 300)) set.ps | psplot -k images --by order -n 1 -o sheet.png
}
