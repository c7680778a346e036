#!/usr/bin/env bats
# Everything ends: a sweep that is stopped or killed at any moment, also one at which it waits for others, leaves nothing
# behind, and several may be at work in one folder.
# shellcheck disable=SC2016,SC2030,SC2031 # words for another shell; a test is a shell of its own
load ../helper
load ../sweeps

few=(--data synth:shapes/test --limit 40 --split 0.5 --fetch '--resize 8x8' --test '' --epochs 1)

# sweep in the background, as from a terminal: with an interrupt that is not ignored. Sets $sweep.
start_sweep() {
    env --default-signal=INT sweep "$@" <&0 >out 2>err 3>&- &
    sweep=$!
}
# Sets $status of the sweep that start_sweep began, and nobody is left.
ended() {
    status=0
    wait "$sweep" || status=$?
    wait_for nobody_left
}
# lines N: as many points.
lines() {
    seq -f '--depth 1 --seed %.0f' "$1"
}
# The parallel of the sweep in s.
parallel() {
    workers s | xargs -r ps -o pid=,args= -p | awk '$3 ~ "/parallel$" { print $1; exit }'
}
# parallel makes the processes by which it counts how many there can be.
counts() {
    [ "$(ps -o pid= --ppid "$(parallel)" | wc -l)" -ge 5 ]
}
# A command that says that it was called, and does not end by itself.
endless=': >called; exec tail -f /dev/null'
# The sweep of the tree t.
start_shimmed() {
    env --default-signal=INT t/pipelines/sweep "$@" <&0 >out 2>err 3>&- &
    sweep=$!
}

@test "whoever dies while parallel counts how many processes there can be, none of them stays" {
    lines 400 >points
    for victim in worker ${PSWEEP_LONG:+sweep parallel}; do
        start_sweep "${few[@]}" --points points --jobs 400 -o s
        wait_for counts
        case $victim in
        sweep) kill -TERM "$sweep" ;;
        worker) kill -KILL "$(worker)" ;;
        parallel) kill -KILL "$(parallel)" ;;
        esac
        ended
        [ "$status" -gt 0 ]
    done
}

@test "places are made for the points there are, and nobody asks for more than a number that is said" {
    ends 2 in_time sweep -j 999999999 -o s
    grep -e 'takes a whole number from 1 to 50000, not .999999999.' err
    for many in 99999999999 50001 0; do
        echo "$many/:" >hosts
        ends 2 in_time sweep --hosts hosts -o s
        grep "a line of hosts takes a whole number from 1 to 50000 .*, not '$many/:'" err
    done
    [ ! -e s ]
    idle
    sweep start "${few[@]}" --epochs 100000 --depth 1 --jobs 20000 -o s
    wait_for writes d1-s0
    [ "$(find s/.places/free -type f | wc -l)" -le 64 ]
    sweep stop -o s
    nobody_left
}

@test "a sweep whose points grow uses all the places it was asked to" {
    long
    idle
    sweep start "${few[@]}" --epochs 100000 --depth 1 --jobs 80 -o s
    wait_for writes d1-s0
    lines 90 >points
    sweep start --points points -o s
    all_run() {
        [ "$(find s -name 'd*.part' -size +0 | wc -l)" = 80 ]
    }
    wait_for all_run
    [ "$(find s/.places/free -type f | wc -l)" = 80 ]
    in_time sweep stop -o s
    nobody_left
    in_state running ""
}

@test "a sweep that fetches, or waits for one that does, hears signals and sweep stop" {
    # It is asked for a few images before, on which options are tried.
    shim psfetch '[ "$2" != synth:shapes ] || exec "$real" "$@"; '"$endless"
    for way in stop TERM INT KILL; do
        rm -f called
        start_shimmed "${few[@]}" --depth 1 -o s
        wait_for test -e called
        env --default-signal=INT sweep "${few[@]}" --depth 1 -o s >out2 2>err2 3>&- &
        other=$!
        if [ $way = stop ]; then
            ends 1 in_time sweep stop d1-s0 -o s
            ends 0 in_time sweep stop -o s
            kill -TERM $other
        else
            sleep 0.3
            kill -"$way" $other "$sweep"
        fi
        wait $other || true
        ended
        case $way in
        stop) [ "$status" = 4 ] && grep -x 'sweep: stopped while images were fetched' err ;;
        *) [ "$status" = $((128 + $(kill -l $way))) ] ;;
        esac
    done
    # Of the images for the test, too.
    rm -f called
    start_shimmed "${few[@]}" --test synth:shapes/test --depth 1 -o s
    wait_for test -e called
    kill -TERM "$sweep"
    ended
    trained s "${few[@]}" --depth 1
    in_state "done" d1-s0
}

# host PATTERN: a way to a host that is this one, on which a command with that in it does not end.
host() {
    printf '#!/bin/bash\ncase $2 in *%q*) %s ;; esac\nexec sh -c "$2"\n' "$1" "$endless" >way
    chmod +x way
    echo "1/$PWD/way host" >hosts
}

@test "a sweep whose host does not answer, or does not take the images, hears signals and sweep stop" {
    HOME=$PWD/home && mkdir home
    for step in 'psaug --version' 'mkdir -p' 'cat >'; do
        host "$step"
        for way in stop ${PSWEEP_LONG:+TERM}; do
            rm -f called
            start_sweep "${few[@]}" --depth 1 --hosts hosts -o s
            cd "$BATS_TEST_TMPDIR"
            wait_for test -e called
            if [ "$way" = stop ]; then in_time sweep stop -o s; else kill -"$way" "$sweep"; fi
            ended
            [ "$status" = "$([ "$way" = stop ] && echo 4 || echo 143)" ]
            no grep 'lost' s/*.log
        done
    done
}

@test "who drives may leave its end open: a sweep that was killed ends" {
    idle
    mkfifo points
    exec 5<>points
    for victim in worker sweep; do
        start_sweep "${few[@]}" --epochs 100000 --points - -o s <points
        echo "--depth 1" >&5
        wait_for writes d1-s0
        if [ $victim = worker ]; then kill -KILL "$(worker)"; else kill -KILL "$sweep"; fi
        ended
    done
    exec 5>&-
}

@test "points that have failed end at once, and no chart is left" {
    shim pstrain '[[ $* = *--points* ]] || { "$real" "$@" | head -c 3000; kill -KILL $$; }; exec "$real" "$@"'
    start_shimmed "${few[@]}" --depth 1-2 -o s
    status=0
    wait "$sweep" || status=$?
    nobody_left
    [ "$status" = 1 ]
    grep 'd2-s0-.* failed' err
}

# together N TIMES: so many sweeps of one folder at once, as often; each is done, and what they left is whole.
together() {
    local round i sweeps
    for ((round = 0; round < $2; round++)); do
        rm -rf s
        sweeps=()
        for ((i = 0; i < $1; i++)); do
            sweep "${few[@]}" --depth 1 --seed "0-$i" -o s >"out.$i" 2>"err.$i" 3>&- &
            sweeps+=($!)
        done
        for i in "${!sweeps[@]}"; do
            wait "${sweeps[i]}" || { cat "err.$i" && return 1; }
            [ ! -s "err.$i" ] || no grep -v 'takes over these points' "err.$i"
            grep '^best is s/d1-' "out.$i"
        done
        [ "$(find s -name '*.bin' | wc -l)" = "$1" ]
        grep -q '</html>' s/report.html
        psplot -k table s/best.scores
        [ -z "$(find s -name '.report*' -o -name '*.new' -o -name '*.part' -o -name events)" ]
    done
}

@test "two and three sweeps of one folder at once" {
    [ -z "${PSWEEP_LONG-}" ] || together 2 1
    together 3 1
}

@test "two and three sweeps of one folder at once, twenty times" {
    long
    together 2 20
    together 3 20
}

# stopped_at PLACES MOMENTS: at so many moments of a start, in turn by TERM, INT and sweep stop.
stopped_at() {
    local moment way ways=(TERM INT stop)
    for ((moment = 0; moment < $2; moment++)); do
        way=${ways[moment % 3]}
        start_sweep "${few[@]}" --epochs 100000 --points points --jobs "$1" -o s
        sleep "$(awk -v n=$RANDOM 'BEGIN { print n % 1500 / 1000 }')"
        if [ "$way" = stop ]; then
            # It may not be at work yet.
            until in_time sweep stop -o s; do
                [ $? = 1 ]
                kill -0 "$sweep"
            done
        else
            # A shell's child ignores an interrupt until it is another program.
            wait_for grep -qa /sweep "/proc/$sweep/cmdline"
            kill -"$way" "$sweep"
        fi
        ended
        case $way in
        stop) [ "$status" = 4 ] ;;
        *) [ "$status" = $((128 + $(kill -l "$way"))) ] ;;
        esac
    done
}

@test "a stop at any moment of a start, whatever number of places is asked for" {
    long
    RANDOM=1
    idle
    for places in 1 64 400 20000; do
        lines "$places" | head -n 500 >points
        stopped_at "$places" 12
    done
    rm -rf s
    lines 20000 >points
    stopped_at 20000 3
}
