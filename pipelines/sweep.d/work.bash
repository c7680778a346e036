# The sweep at work: hands out the points that are missing, hears how they ended, and ends when nothing is
# left to do. It is in a session of its own, so that Ctrl-C is the business of whoever started it.
#
# It hears lines on the FIFO events: "places" when all hosts have been asked, "ended NAME" from the runners, "gone NAME
# PID" of those that have ended without it, "more" from who has added points, "point LINE" and "no-more" from who reads
# --points -, and once a second "tick": so it looks that often whether it is to stop, and nothing that may last runs in
# its foreground. A read with a timeout would lose what it has of a line when its time is over.
# shellcheck shell=bash disable=SC2154,SC2034 # what others have set, or read

# What a worker and its runners are told by their environment; none of it changes a byte of a network.
handed=(out augment common epochs jobs hosts slurm per_gpu halving stream rank)

# start_worker [COMMAND...]: COMMAND is what it runs under.
start_worker() {
    local file
    rm -rf "$out/.places" "$out/events" "$out/events.new" || exit 1
    for file in "$out"/*.log; do
        [[ ! ${file##*/} =~ ^(sweep|$a_name)\. ]] || is_locked "$file" || rm -f "$file"
    done
    mkfifo "$out/events.new" && mv "$out/events.new" "$out/events" || exit 1
    export "${handed[@]}"
    "$@" setsid "$self" work <&0 {lock}>&- &
}

work() {
    local -A handed_out=() tried=() orphans=()
    local what name rest executor='' readers=() ticker asking executors=() reading=$stream rungs=() working=yes
    exec {events}<>"$out/events"
    trap 'rm -rf "$places" "$out/events"' EXIT
    trap 'touch "$out/stop"' TERM INT HUP
    trap '' PIPE
    places=$out/.places
    mkdir -p "$places/slots" || exit 1
    export places bin self
    tick >&"$events" &
    ticker=$!
    { [ -n "$slurm" ] || ask_hosts; echo places; } >&"$events" &
    asking=$!
    while [ ! -e "$out/stop" ]; do
        [ ${#handed_out[@]} -gt 0 ] || [ -n "$asking$reading" ] || find_more || break
        read -r -u "$events" what name rest || continue
        case $what in
        places)
            asking=
            open_executor || break
            if [ -n "$stream" ]; then
                open_stream
            else
                [ -z "$halving" ] || plan_rungs
                submit
            fi
            ;;
        ended) [[ ! $name =~ ^$a_name$ ]] || forget "$name" ;;
        gone) [[ ! $name =~ ^$a_name$ ]] || [ -z "${handed_out[$name]-}" ] || [ "$(cat "$places/pid.$name" 2>/dev/null)" != "$rest" ] || orphans[$name]=1 ;;
        more) [ -n "$asking" ] || { tried=() && { submit || free_points; }; } ;;
        no-more) reading= ;;
        tick)
            [ -z "$executor" ] || kill -0 "$executor" 2>/dev/null || { echo "sweep: $executor_name has died; the same command goes on from there" >&2; break; }
            bury
            look_after_runners >&"$events"
            ;;
        point) take_point "$name $rest" ;;
        esac
    done
    # shellcheck disable=SC2086 # all may have been asked
    kill "$ticker" "${readers[@]}" $asking 2>/dev/null
    [ -z "$executor" ] || close_executor
}
tick() {
    local never
    exec {never}<> <(:)
    while [ -e /proc/$$/exe ]; do
        read -r -t 1 -u "$never"
        echo tick
    done
}

# With --points -, a line for a point that has ended. Nobody reads it any more: that is the end.
tell() {
    [ -n "$stream" ] || return 0
    printf '%s\n' "$(states "$1")" || touch "$out/stop"
    echo >&"$tokens"
}
# The points of standard input as events, each for a token, of which there are a few more than places: so
# points do not queue up before the news of those that have ended. Neither may outlive the worker, whoever still
# writes there.
open_stream() {
    local input
    exec {tokens}<> <(:)
    more_tokens $((ahead + 2))
    exec {input}< <(exec "${mortal[@]}" $$ cat)
    readers=($!)
    read_points <&"$input" >&"$events" &
    readers+=($!)
    exec {input}<&-
}
# A byte each, so the pipe takes one for every place there may be.
more_tokens() {
    printf "%$1s" | tr ' ' '\n' >&"$tokens"
}
read_points() {
    read_lines send_point
    echo no-more
}
send_point() {
    until read -r -t 1 -u "$tokens"; do [ -e /proc/$$/exe ] || exit; done
    echo "point ${1:0:1001}" # longer is no point, and might be cut by another's words
}

forget() {
    rm -f "$places/pid.$1"
    unset 'handed_out[$1]' 'orphans[$1]'
    tell "$1"
}
# Runners that have ended, as events: so that is heard after their own words, if there were any; not more of them at a
# time than the FIFO takes. (parallel itself may not see it for long, while it waits for its input.) One that was killed
# may stay as a zombie, without a program.
look_after_runners() {
    local file name pid left=100
    for file in "$places"/pid.*; do
        name=${file##*/pid.}
        if read -r pid <"$file" && [ ! -e "/proc/$pid/exe" ] && [ -z "${orphans[$name]-}" ]; then
            echo "gone $name $pid"
            [ $((left -= 1)) -gt 0 ] || return
        fi
    done
}
# Runners that ended without a word: killed, or never begun. What one has started may live a while, and holds
# the lock on its log as long.
bury() {
    local name log
    for name in "${!orphans[@]}"; do
        log=$out/$name.log
        ! is_locked "$log" || continue
        { echo "sweep: the process that was to train it was killed or could not start" >>"$log" && mv "$log" "$out/$name.failed"; } ||
            echo "sweep: the process that was to train $name was killed or could not start" >&2
        forget "$name"
    done
}

# When all have ended: points that were added, or the next round of halving. Who finds nothing keeps the
# lock on the points to its end, so that nobody adds some that it would not see.
find_more() {
    [ -z "$stream" ] || return 1
    submit || next_rung
}
# submit [NAME...]: hands out what is missing, of these or of all, each point once; 1: there is nothing, and
# {planning} is still held.
submit() {
    local name todo=() wanted=" $* "
    free_points
    exec {planning}>"$out/.lock" && take "$planning" || return 1
    for name in $(missing); do
        [ $# = 0 ] || [[ $wanted == *" $name "* ]] || continue
        [ -n "${handed_out[$name]-}${tried[$name]-}" ] || todo+=("$name")
    done
    [ ${#todo[@]} -gt 0 ] || return 1
    free_points
    hand_out "${todo[@]}"
}
free_points() {
    [ -z "${planning-}" ] || exec {planning}>&-
    planning=
}
hand_out() {
    local name
    for name; do
        handed_out[$name]=1 tried[$name]=1
        [ ! -e "$places/pid.$name" ] || rm -f "$places/pid.$name"
    done
    execute "$@"
}

# A point from standard input: trained, or, if it is done already, told at once.
take_point() {
    if ! add_points "$epochs" "$(with_common "$1")"; then
        printf -- '-\tfailed\t%s\n' "$(made_plain <<<"$1")" || touch "$out/stop"
        echo >&"$tokens"
        return
    fi
    case $(states "${names[0]}" | cut -f 2) in
    done) tell "${names[0]}" ;;
    running) echo >&"$tokens" ;;
    *) hand_out "${names[0]}" ;;
    esac
}

# Executors: open_executor, execute NAME..., close_executor (which waits for those who run).
open_executor() {
    if [ -n "$slurm" ]; then open_slurm; else open_parallel; fi
}

# parallel takes the points from its input, as places get free. It makes a process for each job that it may run before
# it begins, so there are no more than there are points to do, but for a few. Where points were added, another that may
# run more takes over, and the first ends with what it has.
open_parallel() {
    executor_name='GNU parallel' ahead=0
    count_places
    [ "$most" -gt 0 ] || { echo "sweep: no host answers" >&2; return 1; }
    [ -z "$stream" ] || widen
    execute() {
        [ ${#handed_out[@]} -le "$ahead" ] || widen
        printf '%s\n' "$@" 1>&"$queue" 2>/dev/null &
    }
    close_executor() {
        local pid
        exec {queue}>&-
        for pid in "${executors[@]}"; do
            # Those that it has not started it shall not start.
            [ ! -e "$out/stop" ] || ! is_child "$pid" || kill -HUP "$pid" 2>/dev/null
        done
        for pid in "${executors[@]}"; do
            while is_child "$pid"; do read -r -t 0.1 -u "$events"; done
        done
    }
}
# The path of this program comes to parallel by the environment, for it and a shell would see more in some paths than a
# path; so does a `sleep` of its own (parallel/sleep). When the worker dies, so does parallel, and then the runners are
# asked to stop. The shell that becomes a runner writes down its number.
widen() {
    local wanted=${#handed_out[@]} before=$ahead
    ((wanted > 2 * ahead)) || wanted=$((2 * ahead))
    ((wanted > 64)) || wanted=64
    ((wanted < most)) || wanted=$most
    ((wanted > ahead)) || return 0
    make_places "$ahead" "$wanted"
    [ -z "$executor" ] || exec {queue}>&-
    # shellcheck disable=SC2016 # for that shell
    exec {queue}> >(PATH=$here/parallel:$PATH PARALLEL_SHELL=/bin/sh exec setpriv --pdeathsig KILL parallel --plain --will-cite \
        --ungroup --jobs "$wanted" 'echo $$ >"$places/pid."{}; PATH=${PATH#*:}; exec setpriv --pdeathsig TERM "$self" point {}' 1>&"$events" \
        2> >(sed -u '/^parallel: \(SIGHUP\|Waiting for these\|Warning: Starting\|Warning: Consider\|echo \$\$ \)/d' >&2))
    executor=$! executors+=($!) ahead=$wanted
    [ -z "${tokens-}" ] || more_tokens $((ahead - before))
}
# Of another process of that number the worker is not the parent.
is_child() {
    local parent
    read -r _ _ _ parent _ 2>/dev/null <"/proc/$1/stat" && [ "$parent" = $$ ]
}

# A job array for each lot of points; the cluster's queue decides what runs when, and goes on without us.
open_slurm() {
    executor_name=sweep
    ahead=1000
    executor=$$
    unset PARALLEL_PID # of one that we may run under, which no job of the cluster does
    execute() {
        local list words name
        list=$(mktemp "$out/slurm.XXXXXX") && printf '%s\n' "$@" >"$list" || exit 1
        read -ra words <<<"$slurm"
        {
            sbatch --quiet --wait --job-name="sweep-$$" --array="1-$#${jobs:+%$jobs}" --output=/dev/null \
                --signal=B:TERM@60 "${words[@]}" \
                --wrap "exec $(quote "$self") point \$(sed -n \${SLURM_ARRAY_TASK_ID}p $(quote "$list"))" >&2
            rm -f "$list"
            # A write each: a longer one might be cut by another's.
            for name; do
                # A job that never began, or was ended before it could say anything.
                if [ ! -e "$out/stop" ] && { [ ! -e "$places/begun.$name" ] || [ -e "$out/$name.log" ]; }; then
                    echo Slurm >"$places/pid.$name"
                else
                    echo "ended $name"
                fi
            done >&"$events"
        } &
    }
    close_executor() {
        [ ! -e "$out/stop" ] || scancel --quiet --state=PENDING --name="sweep-$$"
        wait
    }
}

# Successive halving: all points train a few epochs, the better of them (a third, with --halving 3) go on to
# so many times as many, until one lot is left that trains the epochs asked for. What is left behind is done
# for the epochs it has, and can go on one day: a start without --halving asks for all of them.
plan_rungs() {
    local points rung=$epochs
    mapfile -t alive < <(points_of | cut -f 1)
    rungs=("$epochs")
    for ((points = ${#alive[@]}; points >= halving && rung > 1; points /= halving)); do
        rung=$(((rung + halving - 1) / halving))
        rungs=("$rung" "${rungs[@]}")
    done
    set_epochs "${rungs[0]}" "${alive[@]}"
}
next_rung() {
    [ ${#rungs[@]} -gt 1 ] || return 1
    mapfile -t alive < <(ranked_at "${rungs[0]}" "${alive[@]}" | head -n $(((${#alive[@]} + halving - 1) / halving)))
    rungs=("${rungs[@]:1}")
    [ ${#alive[@]} -gt 0 ] || { echo "sweep: no point goes on to more epochs: those that are done have diverged" >&2 && return 1; }
    free_points
    for name in "${alive[@]}"; do unset 'tried[$name]'; done
    echo "sweep: going on to ${rungs[0]} epochs: ${alive[*]}" >&2
    set_epochs "${rungs[0]}" "${alive[@]}"
    submit "${alive[@]}" || next_rung
}
# ranked_at EPOCH NAME...: the names of those that are done, were validated then and have not diverged, the best first.
ranked_at() {
    local name epoch=$1 finished whole=()
    finished=" $(states | awk -F '\t' '$2 == "done" { print $1 }' | paste -sd ' ') "
    shift
    for name; do [[ $finished != *" $name "* ]] || whole+=("$name"); done
    order_of --epochs "$epoch" "${whole[@]}" | awk -F '\t' '$5 != "diverged" { print $1 }'
}
