# The sweep as a Makefile, and what make install puts where.
load ../helper

# What a failed test left behind.
teardown() {
    [ -z "${make-}" ] || kill -- "-$make" 2>/dev/null || true
    end_jobs
}

sweep_make() {
    make --no-print-directory -f "$REPOSITORY/pipelines/sweep.mk" DEPTHS='1 2' EPOCHS=1 \
        FETCH='--limit 200' "$@"
}
# The recipes that a make would run, by program and file.
would() {
    sweep_make -n "$@" | grep -oE '^(psfetch|psaug)|&& mv [^ ]+' | sed 's/.*mv/mv/' | tr '\n' ' '
}

@test "a second make does nothing" {
    sweep_make
    before=$(stat -c '%i %y' ./*)
    sweep_make
    [ "$before" = "$(stat -c '%i %y' ./*)" ]
}

@test "a changed option makes again just what depends on it" {
    sweep_make net1.bin net2.bin
    sweep_make -q net1.bin net2.bin
    [ "$(would net1.bin net2.bin RATE=0.02)" = "psaug mv net1.bin.part psaug mv net2.bin.part " ]
    sweep_make net2.bin RATE=0.02
    no sweep_make -q net1.bin RATE=0.02
    [ "$(would net2.bin RATE=0.02 SPLIT=0.8)" = "psfetch mv data.ps.part psaug mv net2.bin.part " ]
    # Threads and progress are no matter of the bytes.
    sweep_make net2.bin
    sweep_make -q net2.bin THREADS=2 PROGRESS=/dev/null
}

@test "more epochs go on from the fewer, with the same bytes" {
    sweep_make net1.bin EPOCHS=2
    sweep_make net1.bin EPOCHS=4 2>err
    grep 'going on from iteration 4, in epoch 3, of net1.bin' err
    mv net1.bin longer && rm .sweep-epochs
    sweep_make net1.bin EPOCHS=4
    cmp longer net1.bin
}

@test "scores and chart" {
    sweep_make scores chart -j2
    [ "$(records scores.ps | jq -c 'select(.type == "score") | [.split, .images]' | sort -u)" = '["test",200]' ]
    [ -s curves.png ]
    sweep_make -q scores.ps curves.png
}

@test "an interrupted run is saved and not taken for done" {
    env --default-signal=INT setsid make --no-print-directory -f "$REPOSITORY/pipelines/sweep.mk" net1.bin \
        EPOCHS=100000 FETCH='--limit 200' >out 2>&1 3>&- &
    make=$!
    wait_for test -s net1.bin.part
    kill -INT -- "-$make"
    no wait "$make"
    wait_for no pgrep -g "$make"
    [ ! -e net1.bin ]
    [ -e data.ps ]
    [ "$(records net1.bin.part | jq -r 'select(.type == "model") | .stopped')" = true ]
}

@test "an interrupted run is gone on from, unless options or data have changed" {
    long
    mk() {
        sweep_make net1.bin EPOCHS=40 "$@"
    }
    mk
    mv net1.bin whole
    env --default-signal=INT setsid make --no-print-directory -f "$REPOSITORY/pipelines/sweep.mk" net1.bin \
        EPOCHS=40 FETCH='--limit 200' >out 2>&1 3>&- &
    make=$!
    wait_for grep 'epoch 10 of' out
    kill -INT -- "-$make"
    no wait "$make"
    make=
    cp -p net1.bin.part kept
    mk 2>err
    grep 'going on from iteration [0-9]*, in epoch [0-9]*, of net1.bin.torn1' err
    cmp whole net1.bin
    [ ! -e net1.bin.torn1 ]
    [ ! -e net1.bin.part ]
    # Of two files the one that has come further.
    rm net1.bin
    cp -p kept net1.bin.torn1
    head -c 100 kept >net1.bin.part
    mk 2>err
    grep 'going on from iteration [0-9]*, in epoch [0-9]*, of net1.bin.torn1' err
    cmp whole net1.bin
    mv kept net1.bin.part
    mk RATE=0.02 2>err
    no grep 'going on' err
    no cmp -s whole net1.bin
}

@test "make -n writes nothing" {
    sweep_make -n >out
    grep -q '^psfetch' out
    [ "$(find . -type f)" = ./out ]
}

@test "a failing psaug or pstrain leaves no network" {
    no sweep_make net1.bin AUGMENT='--shift x'
    no sweep_make net1.bin TRAIN='--momentum nonsense'
    [ ! -e net1.bin ]
}

@test "the kernels' loops are unrolled by a flag of gcc's, which no other compiler is given" {
    kernel=build/lib/nn/cpu/kernels/c/correlate.o
    printf '%s\n' '#!/bin/sh' 'case $* in *--param*) echo "unused argument" >&2; exit 1 ;; esac' >other
    chmod +x other
    make --no-print-directory -C "$REPOSITORY" -n -B CC=gcc "$kernel" | grep -e '--param max-completely-peeled'
    make --no-print-directory -C "$REPOSITORY" -n -B CC="$PWD/other" "$kernel" >out
    grep "$kernel" out
    no grep -e --param out
}

@test "make install" {
    make -s --no-print-directory -C "$REPOSITORY" install DESTDIR="$PWD/root" PREFIX=/opt/psweep
    cd root/opt/psweep
    for program in psfetch psaug pstrain pseval psplot psdump sweep; do
        [ -x bin/$program ]
    done
    [ -f share/psweep/sweep.mk ]
    [ -f share/psweep/FORMAT.md ]
    [ -x share/psweep/optuna_sweep.py ]
    [ -f share/psweep/psweep_net.py ]
    PATH=/usr/bin:/bin
    bin/sweep --limit 200 --recipe mission -e 1 -d 1 -o "$BATS_TEST_TMPDIR/s"
}

@test "the tree and the images may stand anywhere" {
    # shellcheck disable=SC2016 # no shell may expand it
    tree=$'a tree\'s "{}" $(touch x) `touch y`; touch z'
    mkdir -p "$tree/bin" "photos of  it's" && cp -r "$REPOSITORY/pipelines" "$tree" && ln -s "$REPOSITORY"/bin/* "$tree/bin"
    for class in one two; do
        for image in 1 2; do picture "photos of  it's/$class/$image.png" 8 8 $((image * 20)); done
    done
    mk() {
        PATH=/usr/bin:/bin make --no-print-directory -f "$tree/pipelines/sweep.mk" DATA="photos of  it's" SPLIT=0.5 EPOCHS=1 "$@"
    }
    mk net1.bin
    mk TEST="photos of  it's" NETS=net1.bin scores.ps
    mk -q net1.bin
    no compgen -G '[xyz]'
}
