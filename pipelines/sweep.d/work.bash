# The sweep at work: hands out the points that are missing, hears how they ended, and ends when nothing is
# left to do. It is in a session of its own, so that Ctrl-C is the business of whoever started it.
#
# It hears lines on the FIFO events:
#
#   line            who says it                                   what follows
#   places N        ask_hosts, when all have been asked           what is missing is handed out
#   began NAME PID  the shell that becomes a runner               it is looked after
#   ended NAME      a runner, or who waits for Slurm              NAME is no longer handed out; --points - is told
#   gone NAME PID   look_after_runners, of a runner that has      NAME has failed, unless its own words came first, or
#                   ended and holds nothing any more              another runner has it by now
#   more            who has added points (begin)                  what is missing is handed out, also a second time
#   point LINE      who reads --points -                          the point gets its name, and is handed out
#   no-more         the same, at the end of that                  the sweep ends with the last point
#   tick            once a second                                 executor and runners are looked after
#
# Before each it looks whether it is to stop, and nothing that may last runs in its foreground. (A read with a timeout
# would lose what it has of a line when its time is over.)
#
# An executor, parallel or Slurm, has a room: execute_NAME POINT..., and close_NAME, which waits for those who run.
# shellcheck shell=bash

# What the worker, the process of `sweep work`, knows besides:
declare -A handed_out=() tried=() # points that are being trained or wait for it; that have been handed out once
declare -A runner=()              # the processes that train points
events='' tokens=''               # descriptors of the FIFO, and of a pipe: a line for each that shall be read there
executor=''                       # its name, once it may begin
most=0 ahead=0                    # places there are; so many points it takes before one has ended
reading='' readers=() expected=0  # 1 while more may come from standard input; who reads there, how many lines yet
rungs=() alive=()                 # of halving: the epochs of each round, from this one on, and its points

# begin [COMMAND...]: starts a worker, under that command, unless one is at work here: then that takes what has been
# added. 1: there is nothing to do.
begin() {
    local file result=0
    lock_points || exit 1
    if take_folder; then
        if [ -n "$stream$halving" ] || [ -n "$(missing)" ]; then
            rm -rf "$out/.places" "$out/events" "$out/events.new" || exit 1
            for file in "$out"/*.log; do
                [[ ! ${file##*/} =~ ^(sweep|$a_name)\. ]] || is_locked "$file" || rm -f "$file"
            done
            mkfifo "$out/events.new" && mv "$out/events.new" "$out/events" || exit 1
            # What the worker and its runners know of this; none of it changes a byte of a network.
            export known views flags texts letters basics
            export out augment common epochs jobs hosts slurm per_gpu halving stream rank
            "$@" setsid "$self" work <&0 {planning}>&- &
        else
            result=1
        fi
        leave_folder
    elif [ -e "$out/stop" ]; then
        unlock_points
        finished
        begin "$@"
        return
    elif [ -z "$stream" ]; then
        echo "sweep: the sweep that is at work in $out takes over these points" >&2
        [ ! -p "$out/events" ] || echo more 1<>"$out/events"
    else
        die 1 "another sweep is at work in $out; wait for it, or sweep stop -o $out"
    fi
    unlock_points
    return $result
}

work() {
    local what name rest said ticker asking
    working=yes reading=$stream
    [ -p "$out/events" ] && exec {events}<>"$out/events" || exit 1
    trap 'rm -rf "$out/.places" "$out/events"' EXIT
    trap 'touch "$out/stop"' TERM INT HUP
    trap '' PIPE
    mkdir -p "$out/.places/free" || exit 1
    exec {lives}<> <(:)
    while pause 1; do echo tick; done >&"$events" &
    ticker=$!
    if [ -n "$slurm" ]; then echo "places 1000"; else ask_hosts; fi >&"$events" &
    asking=$!
    while [ ! -e "$out/stop" ]; do
        # A few more than there are places, so points do not queue up before the news of those that have ended.
        while [ -n "$tokens" ] && ((${#handed_out[@]} + expected < ahead + 2)); do echo >&"$tokens" && ((++expected)); done
        [ ${#handed_out[@]} -gt 0 ] || [ -n "$asking$reading" ] || { [ -z "$stream" ] && { submit || next_rung; }; } || break
        read -r -u "$events" what name rest || continue
        [[ $what != @(began|ended|gone) || $name =~ ^$a_name$ ]] || continue
        case $what in
        places)
            asking=''
            [[ $name =~ ^$a_number$ ]] || { echo "sweep: no host answers" >&2 && break; }
            most=$name executor=${slurm:+slurm} executor=${executor:-parallel}
            if [ -n "$stream" ]; then
                open_stream
            else
                [ -z "$halving" ] || plan_rungs
                submit
            fi
            ;;
        began) runner[$name]=$rest ;;
        ended) forget "$name" ;;
        gone)
            [ "${runner[$name]-}" = "$rest" ] || continue
            # Killed, or never begun.
            said="was killed or could not start"
            { echo "sweep: the process that was to train it $said" >>"$out/$name.log" && mv "$out/$name.log" "$out/$name.failed"; } ||
                echo "sweep: the process that was to train $name $said" >&2
            forget "$name"
            ;;
        more) [ -n "$asking" ] || { tried=() && { submit || unlock_points; }; } ;;
        no-more) reading='' ;;
        tick)
            [ -p "$out/events" ] || { echo "sweep: the folder of this sweep was taken away" && break; }
            [ ${#executors[@]} = 0 ] || kill -0 "${executors[-1]}" 2>/dev/null ||
                { echo "sweep: GNU parallel has died; the same command goes on from there" >&2 && break; }
            look_after_runners >&"$events"
            ;;
        point)
            ((--expected))
            take_point "$name $rest"
            ;;
        esac
    done
    # shellcheck disable=SC2086 # all may have been asked
    kill "$ticker" "${readers[@]}" $asking 2>/dev/null
    [ -z "$executor" ] || "close_$executor"
}

# forget NAME: a point that has ended. With --points - there is a line for it; nobody reads that any more: that is the end.
forget() {
    unset 'handed_out[$1]' 'runner[$1]'
    [ -z "$stream" ] || printf '%s\n' "$(states "$1")" || touch "$out/stop"
}
# Runners that have ended, as events: so that is heard after their own words, if there were any; not more of them at a
# time than the FIFO takes. (parallel itself may not see it for long, while it waits for its input.) One that was killed
# may stay as a zombie, without a program. What one has started may live a while, and holds the lock on its log as long.
look_after_runners() {
    local name room=100
    for name in "${!runner[@]}"; do
        [ ! -e "/proc/${runner[$name]}/exe" ] && ! is_locked "$out/$name.log" || continue
        echo "gone $name ${runner[$name]}"
        [ $((room -= 1)) -gt 0 ] || return
    done
}

# submit [NAME...]: hands out what is missing, of these or of all, each point once; 1: there is nothing, and the points
# stay locked, so that nobody adds some that a worker which ends would not see.
submit() {
    local name todo=() wanted=" $* "
    lock_points || return 1
    for name in $(missing); do
        [ $# = 0 ] || [[ $wanted == *" $name "* ]] || continue
        [ -n "${handed_out[$name]-}${tried[$name]-}" ] || todo+=("$name")
    done
    [ ${#todo[@]} -gt 0 ] || return 1
    unlock_points
    hand_out "${todo[@]}"
}
hand_out() {
    local name
    for name; do
        handed_out[$name]=1 tried[$name]=1
    done
    "execute_$executor" "$@"
}

# The points of standard input as events, each for a token. No reader may outlive the worker, whoever still writes there.
open_stream() {
    local input
    exec {tokens}<> <(:)
    exec {input}< <(exec "${mortal[@]}" $$ cat)
    readers=($!)
    { read_lines send_point; echo no-more; } <&"$input" >&"$events" &
    readers+=($!)
    exec {input}<&-
}
send_point() {
    until read -r -t 1 -u "$tokens"; do [ -e /proc/$$/exe ] || exit; done
    echo "point ${1:0:1001}" # longer is no point, and might be cut by another's words
}
# take_point LINE: a point from standard input: trained, or, if it is done already, told at once.
take_point() {
    local names=() line
    if ! line=$(with_common "$1") || ! add_points "$line"; then
        printf -- '-\tfailed\t%s\n' "$(made_plain <<<"$1")" || touch "$out/stop"
        return
    fi
    case $(states "${names[0]}" | cut -f 2) in
    done) forget "${names[0]}" ;;
    running) ;;
    *) hand_out "${names[0]}" ;;
    esac
}

# Successive halving: all points train a few epochs, the better of them (a third, with --halving 3) go on to
# so many times as many, until one lot is left that trains the epochs asked for. What is left behind is done
# for the epochs it has, and can go on one day: a start without --halving asks for all of them.
plan_rungs() {
    local count rung=$epochs
    mapfile -t alive < <(points_of | cut -f 1)
    rungs=("$epochs")
    for ((count = ${#alive[@]}; count >= halving && rung > 1; count /= halving)); do
        rung=$(((rung + halving - 1) / halving))
        rungs=("$rung" "${rungs[@]}")
    done
    set_epochs "${rungs[0]}" "${alive[@]}"
}
# The best of those that are done, were validated after the epochs of this rung and have not diverged go on to the next.
next_rung() {
    local name finished whole=()
    [ ${#rungs[@]} -gt 1 ] || return 1
    finished=" $(states | awk -F '\t' '$2 == "done" { print $1 }' | paste -sd ' ') "
    for name in "${alive[@]}"; do [[ $finished != *" $name "* ]] || whole+=("$name"); done
    mapfile -t alive < <(order_of --epochs "${rungs[0]}" "${whole[@]}" | awk -F '\t' -v most=$(((${#alive[@]} + halving - 1) / halving)) '
        $5 != "diverged" && n++ < most { print $1 }')
    rungs=("${rungs[@]:1}")
    [ ${#alive[@]} -gt 0 ] || { echo "sweep: no point goes on to more epochs: those that are done have diverged" >&2 && return 1; }
    for name in "${alive[@]}"; do unset 'tried[$name]'; done
    echo "sweep: going on to ${rungs[0]} epochs: ${alive[*]}" >&2
    set_epochs "${rungs[0]}" "${alive[@]}"
    submit "${alive[@]}" || next_rung
}
