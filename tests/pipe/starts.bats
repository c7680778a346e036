#!/usr/bin/env bats
# How a sweep starts: from any path, and stopped at any moment of it.
load ../helper
load ../sweeps

teardown() {
    [ ! -d s ] || for pid in $(find /proc/[0-9]*/fd -lname "$PWD/s*" 2>/dev/null | cut -d / -f 3 | sort -u); do
        kill -KILL "$pid" || true
    done
}

# Images without a test, so that nothing is longer than it needs to be.
small=(--data synth:shapes/test --limit 40 --fetch '--resize 8x8' --epochs 3 --jobs 1)

# tree FOLDER: this tree, copied there.
tree() {
    mkdir -p "$1/bin" && cp -r "$REPOSITORY/pipelines" "$1" && ln -s "$REPOSITORY"/bin/* "$1/bin"
}
# shim PROGRAM COMMAND: a program of that name in the tree t, in the place of the real one, which the
# command may call as "$real".
shim() {
    [ -d t ] || tree t
    rm -f "t/bin/$1"
    printf '#!/bin/bash\nreal=%q\n%s\n' "$REPOSITORY/bin/$1" "$2" >"t/bin/$1"
    chmod +x "t/bin/$1"
}

has_no_trainer() {
    [ -z "$(find /proc/[0-9]*/fd/1 -lname "$PWD/s/$1-*.part" 2>/dev/null)" ]
}

@test "a tree, a folder, images and hosts may stand anywhere" {
    # shellcheck disable=SC2016 # no shell may expand it
    odd=$'a tree\'s "{}" $(touch x) `touch y`; touch z & {#}'
    tree "$odd"
    for class in one two; do
        for image in 1 2 3 4; do picture "$odd/my  photos/$class/$image.png" 8 8 $((image * 20)); done
    done
    echo ":" >"$odd/hosts"
    "$odd/pipelines/sweep" -d 1,2 -e 1 --split 0.5 --data "$odd/my  photos" --test "$odd/my  photos" --hosts "$odd/hosts" -o "$odd/the folder" >out
    [ "$(psplot -k status "$odd/the folder"/*.bin | cut -f 2 | paste -sd ' ')" = "state done done" ]
    tail -n 1 out | grep -F "report: $odd/the folder/report.html"
    no compgen -G '[xyz]' && no compgen -G '*/[xyz]' && no compgen -G '*/*/[xyz]'
}

@test "a stop is a stop at every moment of a start, and what had been learnt before is kept" {
    # One by turns tells that a runner has reached it, and goes on when it may.
    # shellcheck disable=SC2016 # for another shell
    waits='[ "${0##*/} $(find s -name "d*.log" | wc -l)" != "$(cat stage) 1" ] || { : >at; until [ -e go ]; do sleep 0.05; done; }'
    shim nvidia-smi "$waits"
    for program in psaug pstrain; do shim $program "$waits; exec \"\$real\" \"\$@\""; done
    : >stage
    timeout 60 t/pipelines/sweep "${small[@]}" --depth 1 -o s
    half=$(($(stat -c %s s/d1-*.bin) - 100))
    run=$(basename s/d1-*.bin .bin)
    head -c $half "s/$run.bin" >torn && rm "s/$run.bin"
    for stage in nvidia-smi psaug pstrain; do
        rm -f go at
        echo $stage >stage
        cp torn "s/$run.torn1"
        env -u CUDA_VISIBLE_DEVICES t/pipelines/sweep start --depth 1-2 --jobs 1 -o s
        wait_for 30 test -e at
        sweep stop d1-s0 -o s
        [ $stage = nvidia-smi ] || wait_for 30 has_no_trainer d1-s0
        touch go
        ends 4 timeout 60 sweep wait -o s
        in_state stopped d1-s0 && in_state "done" d2-s0
        cmp torn "s/$run.torn1"
        grep "$run was stopped" err
        rm s/d2-*.bin s/d1-*
    done
}

@test "a runner that cannot begin, or is killed before it has, fails with a sentence" {
    shim setpriv '[ "$4" != point ] || { [ -e once ] && kill -KILL $$; : >once; exit 126; }; exec /usr/bin/setpriv "$@"'
    ends 1 timeout 60 t/pipelines/sweep "${small[@]}" --depth 1-2 -o s
    grep 'd1-s0-.* failed: its runner ended without a word (exit status 126)' err
    grep 'd2-s0-.* failed: its runner ended without a word (signal 9)' err
    # The same folder, when what was wrong is mended.
    timeout 60 sweep -o s
    in_state "done" "d1-s0 d2-s0"
}
