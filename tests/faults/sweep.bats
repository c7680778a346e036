#!/usr/bin/env bats
# kill -9 at random moments of a sweep, whatever it hits: the finished folder is that of one nobody disturbed.
load ../helper
load ../sweeps

called() {
    workers s | xargs -r ps -o pid=,args= -p | grep -E "$1" | awk '{ print $1 }' | shuf -n 1 --random-source=<(yes "$moment")
}

# begun VICTIM: one of its processes is there, or none will be any more; $pids says which.
begun() {
    if [ "$1" = sweep ]; then pids=$sweep; else pids=$(called "$1"); fi
    [ -n "$pids" ] || ! kill -0 "$sweep"
}

# disturbed MOMENTS: as many times, a victim by turns is killed after a while between 0.1 and 1.2 seconds, in a
# sweep that needs about as long as all of them, and a few seconds for each victim to be found in.
disturbed() {
    local moment victim pids
    local points=(--limit 100 --depth 1-2 --seed 0-1 --epochs $((60 * $1 + 240)) --jobs 2 -- --filters 4 --checkpoint-every 10)
    sweep -o whole "${points[@]}" >out
    RANDOM=1
    for ((moment = 0; moment < $1; moment++)); do
        sweep -o s "${points[@]}" >out 2>err 3>&- &
        sweep=$!
        sleep "$(awk -v n=$RANDOM 'BEGIN { print 0.1 + n % 1100 / 1000 }')"
        victims=('[ ]pstrain|^ *[0-9]+ pstrain' 'sweep work' 'parallel' 'sweep point' psaug sweep)
        victim=${victims[moment % 6]}
        # On a busy machine it may not have begun yet.
        wait_for begun "$victim" || true
        # shellcheck disable=SC2086 # none where the moment came too late
        [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
        echo "$moment: $victim $pids" >>moments
        [ -z "$pids" ] || killed=$((${killed:-0} + 1))
        # What is left ends by itself, or trains to the end: that is cut short.
        kill -TERM "$sweep" 2>/dev/null || true
        wait "$sweep" 2>/dev/null || true
        wait_for nobody_left
    done
    in_time sweep -o s "${points[@]}" >out
    same_runs whole s
    [ -z "$(find s -name '*.part' -o -name '*.log' -o -name '*.torn*' -o -name '*.stopped' -o -name '*.failed')" ]
    [ "$((2 * killed))" -ge "$1" ]
}

@test "a death" {
    disturbed 1
}

@test "50 deaths" {
    long
    disturbed 50
}

@test "a file that may not grow (ulimit -f) is an error with a sentence, of sweep as of the programs that it starts" {
    # said KIB SENTENCE: where a file may have so much. What is said comes through a pipe.
    said() {
        statuses=$( (ulimit -f "$1" && exec sweep -d 1 -e 2 --fetch "--resize 8x8" --limit 60 -o s 2>&1 >&3 3>&- </dev/null) 3>/dev/null |
            { grep -q "^sweep: $2\$"; echo $?; cat >/dev/null; }; echo "${PIPESTATUS[0]}")
        [ "${statuses//$'\n'/ }" = "0 1" ]
    }
    said 1 'cannot write s/data.ps.part'
    said 20 'd1-s0-[0-9a-f]* failed: pstrain: cannot write output: File too large'
}
