#!/usr/bin/env bats
# Programs that get no memory: every allocation by their own code fails in turn (tests/doubles/memory).
load ../helper

setup() {
    enter_folder
    psfetch -q --limit 20 --resize 8x8 --split 0.6 >set.ps
    psaug -e 2 <set.ps >epochs.ps
    pstrain -q -d 1 --filters 2 -b 8 --progress channel --name a <epochs.ps >net.bin
    pstrain -q -d 1 --filters 2 -b 8 -s 1 --progress channel --name b <epochs.ps >other.bin
    pseval -q net.bin <set.ps >scores
    pseval -q --wrong 9 net.bin <set.ps >wrong.ps
    printf '%s\n' '-d 1' '-d 2' >points
}

# starved MOST <CASES: at most so many allocations of each; in make test-all 200, which is nearly all.
starved() {
    /usr/bin/python3 "$REPOSITORY/tests/faults/starve.py" "$REPOSITORY/build/tests/starve.so" "${PSWEEP_LONG:+20}$1" >said ||
        { cat said >&2 && false; }
}

@test "psfetch and psaug without memory say so" {
    for i in 1 2 3; do
        picture zoo/cat/$i.png 8 8 $i
        picture zoo/dog/$i$i.png 8 8 $((9 * i))
    done
    tar cf zoo.tar zoo
    tar czf zoo.tar.gz zoo
    starved 5 <<'END'
psfetch -q zoo
psfetch -q zoo.tar
psfetch -q zoo.tar.gz --fit pad --resize 4x4
psfetch -q synth:shapes --limit 4 --resize 8x8
psfetch -q zoo --write-shard made.tar
psaug -q -e 2 <set.ps
psaug -q -e 2 --views <set.ps
END
}

@test "pstrain and pseval" {
    sed 's/TRAIN/pstrain -q -d 1 --filters 2 -b 8/' <<'END' | starved 5
TRAIN -t 2 <epochs.ps
TRAIN -t 1 --progress told <epochs.ps
TRAIN -t 1 -e 1 <set.ps
TRAIN -t 1 --resume net.bin <epochs.ps
pseval -q -t 2 net.bin other.bin <set.ps
pseval -q -t 1 --wrong 5 net.bin <set.ps
pseval --export made.onnx net.bin
pseval --export made.npz net.bin
pseval --export made.safetensors net.bin
END
}

@test "pstrain --points, which prints all names or none" {
    starved 40 <<'END'
pstrain --points points <epochs.ps
END
    starved 9 <<'END'
pstrain --points points <set.ps
END
}

@test "psplot and psdump" {
    starved 4 <<'END'
psplot net.bin other.bin
psplot -k overlay net.bin other.bin
psplot -k summary net.bin other.bin
psplot -k table net.bin other.bin
psdump -k ranking net.bin other.bin
psdump -k csv net.bin
psdump -k json net.bin
psdump -k status net.bin
psplot scores
psplot -k classes scores
psplot --follow net.bin
psplot -o made.png net.bin
psplot -k overlay -o made.svg net.bin other.bin
psplot -k filters -o made.pdf net.bin
psplot -k images -o made.png wrong.ps
psplot -k confusion -o made.png scores
END
    mkdir s
    cp net.bin s/d1-s0-0123456789aa.part
    printf 'd1-s0-0123456789aa\t2\t--depth 1 --seed 0\n' >s/points
    starved 9 <<'END'
psplot channel
psdump -k csv channel
psplot --follow s
END
}

@test "a program that uses the library is told, not ended" {
    make -s --no-print-directory -C "$REPOSITORY" install DESTDIR="$PWD/root" PREFIX=/ >&2
    gcc -o namer "$REPOSITORY/pipelines/examples/namer.c" -Iroot/include/psweep -Lroot/lib -lpsweep
    export LD_LIBRARY_PATH=$PWD/root/lib PATH=$PWD:$PATH
    starved 9 <<'END'
namer net.bin <set.ps
namer net.bin <epochs.ps
END
}
