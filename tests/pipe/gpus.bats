#!/usr/bin/env bats
# Several networks on a GPU at a time, with doubles of nvidia-smi and of the control of NVIDIA's MPS (tests/doubles/mps).
# shellcheck disable=SC2030,SC2031 # a test is a shell of its own
load ../helper
load ../sweeps

setup() {
    enter_folder
    export MPS_DOUBLE=$PWD/mps SMI_DOUBLE=80000 TMPDIR=$PWD
    unset CUDA_VISIBLE_DEVICES "${!CUDA_MPS_@}"
    : >mps
    PATH=$REPOSITORY/tests/doubles/mps:$PATH
}
teardown() {
    local pid
    end_jobs
    end_sweep
    for pid in psweep-mps.*/nvidia-cuda-mps-control.pid mine/nvidia-cuda-mps-control.pid; do
        [ ! -s "$pid" ] || kill "$(<"$pid")" || true
    done
}

few=(--limit 40 --split 0.5 --fetch '--resize 8x8' --test '' --epochs 1)

# One MPS was started, and ended once, with all that it had. Sets folder.
one_mps() {
    folder=$(sed -n 's/^start //p' mps)
    [ "$(cat mps)" = "start $folder"$'\n'"quit $folder" ] || { cat mps >&2 && false; }
    [ ! -e "$folder" ]
}
# environment DEPTH NAME: that variable of the trainer of the point.
environment() {
    local pid
    for pid in $(pgrep -x pstrain); do
        ! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q -- "--depth $1 " || tr '\0' '\n' <"/proc/$pid/environ" | sed -n "s/^$2=//p"
    done
}

@test "as many as are missing, have a core, and fit into the memory, up to 48; one where that is not known" {
    . "$REPOSITORY/pipelines/sweep.d/words.bash"
    . "$REPOSITORY/pipelines/sweep.d/gpus.bash"
    mkdir s && truncate -s 100000000 s/data.ps
    out=s stream='' many=100 counted=$((300 << 20))
    missing() { seq "$many"; }
    lock_points() { :; }
    unlock_points() { :; }
    points_of() { :; }
    name_all() { takes=$counted; }
    # fits NUMBER CORES MEMORY [GPU...]
    fits() {
        gpus=("${@:4}") && [ $# -gt 3 ] || gpus=(0)
        [ "$(fit "$2" "$3")" = "$1" ] || { echo "$* $(fit "$2" "$3")" >&2 && false; }
    }
    fits 48 200 140000
    fits 16 16 140000
    fits 8 16 140000 0 1
    # 300 MiB, 96 MiB of images, and 2 GiB each.
    fits 3 16 8000
    fits 1 16 1500
    fits 1 16 500
    fits 1 16 0
    fits 1 1 140000
    many=5
    fits 5 16 140000
    fits 3 16 140000 0 1
    stream=1
    fits 1 16 140000
    stream='' counted=0
    fits 1 16 140000
    name_all() { takes=5000 && return 1; }
    fits 1 16 140000
}

@test "a GPU is shared by as many as fit, by an MPS of the sweep that ends with it" {
    idle
    SMI_DOUBLE='80000 7500' SLURM_CPUS_PER_TASK=16 sweep start "${few[@]}" --epochs 100000 --depth 1-6 -o s
    wait_for in_state running 'd1-s0 d2-s0 d3-s0 d4-s0 d5-s0 d6-s0'
    for depth in 1 2 3 4 5 6; do wait_for writes d$depth-s0; done
    # The smaller GPU has room for three, which is as many as there are for each.
    [ "$(sed -n 2p s/.places/host1)" = '6 2' ]
    folder=$(sed -n 's/^start //p' mps)
    [[ $folder = "$PWD"/psweep-mps.* ]]
    for depth in 1 2 3 4 5 6; do
        [ "$(environment $depth CUDA_MPS_PIPE_DIRECTORY)" = "$folder" ]
        environment $depth CUDA_VISIBLE_DEVICES >>devices
    done
    [ "$(sort devices | uniq -c | awk '{ print $1, $2 }' | xargs)" = '3 0 3 1' ]
    # A point that is cancelled is none of the others' business.
    sweep stop d2 -o s
    wait_for in_state running 'd1-s0 d3-s0 d4-s0 d5-s0 d6-s0'
    [ "$(cat mps)" = "start $folder" ]
    in_time sweep stop -o s
    nobody_left
    one_mps
    no grep MPS s/sweep.log
}

@test "more points than a GPU trains at a time; how many is what --per-gpu says" {
    idle
    CUDA_VISIBLE_DEVICES=0 sweep start "${few[@]}" --epochs 100000 --depth 1-4 --per-gpu 2 -o s
    wait_for writes d1-s0
    wait_for writes d2-s0
    in_state running 'd1-s0 d2-s0'
    sweep stop d1 -o s
    wait_for writes d3-s0
    in_state running 'd2-s0 d3-s0'
    [ "$(environment 3 CUDA_MPS_PIPE_DIRECTORY)" = "$(environment 2 CUDA_MPS_PIPE_DIRECTORY)" ]
    in_time sweep stop -o s
    one_mps
    for wrong in 0 49 x; do
        ends 2 sweep --per-gpu $wrong -o t
        grep -x "sweep: --per-gpu takes a whole number from 1 to 48, not '$wrong'" err
    done
    ends 2 sweep --per-gpu 2 --slurm --time=60 -o t
    grep '^sweep: --per-gpu cannot be given with --slurm' err
}

@test "one network on each GPU needs no MPS" {
    CUDA_VISIBLE_DEVICES=0 trained s "${few[@]}" --depth 1
    CUDA_VISIBLE_DEVICES=0 trained s --depth 1-3 --per-gpu 1
    [ ! -s mps ]
    in_state "done" 'd1-s0 d2-s0 d3-s0'
    [ ! -s s/sweep.log ]
}

@test "where MPS is not there, or does not start, that is said: one at a time, or as many as were asked for, in turns" {
    # said SENTENCE ARGUMENT...
    said() {
        rm -rf s
        trained s "${few[@]}" --depth 1-2 "${@:2}"
        [ "$(cat s/sweep.log)" = "sweep: on this machine NVIDIA's MPS $1" ] || { cat s/sweep.log >&2 && false; }
        in_state "done" 'd1-s0 d2-s0'
    }
    one='a network at a time on each GPU (with --per-gpu N so many, which take turns)' turns='networks take turns on a GPU'
    export SLURM_CPUS_PER_TASK=2
    mkdir quick && ln -s "$(type -P true)" quick/sleep
    MPS_DOUBLE_START=fails said "does not start: $one"
    [ ! -s mps ]
    # The real daemon says nothing where its socket has too long a path. Nor does a folder stay.
    PATH=$PWD/quick:$PATH MPS_DOUBLE_START=silently said "does not start: $turns" --per-gpu 2
    [ ! -s mps ]
    [ -z "$(find . -name 'psweep-mps.*')" ]
    PATH=$PWD/quick:$PATH MPS_DOUBLE_START=alone said "does not start (Failed to start): $turns" --per-gpu 2
    one_mps
    : >mps
    said "takes 48 networks on a GPU at most: $turns" --jobs 49
    [ ! -s mps ]
    mkdir bare && ln -s "$REPOSITORY/tests/doubles/mps/nvidia-smi" bare
    PATH=$PWD/bare:${PATH#*:} said "is not installed: $one"
}

@test "an MPS that runs already is used, and stays" {
    mkdir -m 700 mine
    export CUDA_MPS_PIPE_DIRECTORY=$PWD/mine
    CUDA_MPS_LOG_DIRECTORY=$PWD/mine nvidia-cuda-mps-control -d 3>&-
    trained s "${few[@]}" --depth 1-2 --per-gpu 2
    [ "$(cat mps)" = "start $PWD/mine" ]
    [ ! -s s/sweep.log ]
    echo get_server_list | nvidia-cuda-mps-control
}

@test "however long the names of folders are, those of sockets are short" {
    deep=$PWD/$(printf 'x%.0s' {1..200})/$(printf 'y%.0s' {1..200})
    mkdir -p "$deep"
    TMPDIR=$deep trained "$deep/s" "${few[@]}" --depth 1-2 --per-gpu 2
    [[ $(cat mps) = "start /tmp/psweep-mps."* ]]
    one_mps
    [ ! -s "$deep/s/sweep.log" ]
}

# Who has started the MPS of the sweep, the shells above, which look after that, or all of these: holder, above, both.
keepers() {
    local holder
    holder=$(find /proc/[0-9]*/fd -lname "$PWD/psweep-mps.*" 2>/dev/null | cut -d / -f 3)
    [ "$1" = above ] || echo "$holder"
    [ "$1" = holder ] || for _ in 1 2; do holder=$(ps -o ppid= -p "$holder" | tr -d ' ') && echo "$holder"; done
}
both_run() {
    [ "$(find s -name 'd*.part' -size +0 | wc -l)" = 2 ]
}

@test "whatever is killed, MPS ends when the last network has" {
    idle
    for victim in worker holder ${every:+sweep above}; do
        rm -rf s && : >mps
        env --default-signal=INT sweep "${few[@]}" --epochs 100000 --depth 1-2 --per-gpu 2 -o s >out 2>err 3>&- &
        sweep=$!
        wait_for both_run
        case $victim in
        sweep) kill -KILL $sweep ;;
        worker) kill -KILL "$(worker)" ;;
        *)
            # shellcheck disable=SC2046 # one or two
            kill -KILL $(keepers "$victim")
            both_run
            [ "$(wc -l <mps)" = 1 ]
            sweep stop -o s
            ;;
        esac
        wait $sweep || true
        wait_for nobody_left
        one_mps
    done
}

@test "an MPS that nobody is left to end is ended by the next sweep" {
    idle
    sweep start "${few[@]}" --epochs 100000 --depth 1-2 --per-gpu 2 -o s
    wait_for both_run
    # shellcheck disable=SC2046 # three
    kill -KILL $(keepers both)
    in_time sweep stop -o s
    folder=$(sed -n 's/^start //p' mps)
    [ "$(cat mps)" = "start $folder" ]
    awake
    # Whether that needs one or not, and what it trains.
    trained t "${few[@]}" --depth 1 --per-gpu 1
    one_mps
}

@test "each host has an MPS of its own, or none; images and networks are those of one" {
    # way NAME PATH: a way to a host that is this one.
    way() {
        mkdir -p "$1"
        # shellcheck disable=SC2016 # for that shell
        printf '#!/bin/bash\ncd %q && HOME=$PWD TMPDIR=$PWD PATH=%q exec sh -c "$2"\n' "$PWD/$1" "$2" >"way.$1"
        chmod +x "way.$1"
        echo "$PWD/way.$1 $1" >>hosts
    }
    mkdir bare && ln -s "$REPOSITORY/tests/doubles/mps/nvidia-smi" bare
    way a "$PATH"
    way b "$PATH"
    way c "$PWD/bare:${PATH#*:}"
    idle
    sweep start "${few[@]}" --epochs 100000 --depth 1-6 --per-gpu 2 --hosts hosts -o s
    wait_for in_state running 'd1-s0 d2-s0 d3-s0 d4-s0 d5-s0 d6-s0'
    for depth in 1 2 3 4 5 6; do
        wait_for writes d$depth-s0
        { environment $depth CUDA_MPS_PIPE_DIRECTORY | grep . || echo none; } >>folders
    done
    [ "$(sort folders | uniq -c | awk '{ print $1, $2 }' | sed 's/psweep-mps.*//' | sort | xargs)" = "2 $PWD/a/ 2 $PWD/b/ 2 none" ]
    [ "$(grep -c "MPS is not installed: networks take turns" s/sweep.log)" = 1 ]
    in_time sweep stop -o s
    nobody_left
    [ "$(sed 's|/psweep-mps.*||' mps | sort | xargs)" = "quit $PWD/a quit $PWD/b start $PWD/a start $PWD/b" ]
    [ -z "$(find a b c -name 'psweep-mps.*')" ]
}
