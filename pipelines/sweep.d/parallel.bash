# The executor on this machine and on hosts: GNU parallel takes points from its input, as places get free. It makes a
# process for each job that it may run before it begins, so there are no more than there are points to do, but for a
# few. Where points were added, another that may run more takes over, and the first ends with what it has.
# shellcheck shell=bash

executors=() # every parallel that was started, the last of them the one that takes points,
queue=''     # by this descriptor

execute_parallel() {
    [ ${#handed_out[@]} -le "$ahead" ] || widen
    printf '%s\n' "$@" 1>&"$queue" 2>/dev/null &
}
close_parallel() {
    local pid
    [ -z "$queue" ] || exec {queue}>&-
    for pid in "${executors[@]}"; do
        # Those that it has not started it shall not start.
        [ ! -e "$out/stop" ] || ! is_child "$pid" || kill -HUP "$pid" 2>/dev/null
    done
    for pid in "${executors[@]}"; do
        while is_child "$pid"; do pause 0.1; done
    done
}
# Of another process of that number the worker is not the parent.
is_child() {
    local parent
    read -r _ _ _ parent _ 2>/dev/null <"/proc/$1/stat" && [ "$parent" = $$ ]
}

# The path of this program comes to parallel by the environment, for it and a shell would see more in some paths than a
# path; so does a `sleep` of its own (parallel/sleep), beside which a bundle has parallel itself. When the worker dies, so
# does parallel, and then the runners are asked to stop. The shell that becomes a runner tells its number.
widen() {
    local wanted=${#handed_out[@]}
    ((wanted > 2 * ahead)) || wanted=$((2 * ahead))
    ((wanted > 64)) || wanted=64
    ((wanted < most)) || wanted=$most
    ((wanted > ahead)) || return 0
    make_places "$ahead" "$wanted"
    [ -z "$queue" ] || exec {queue}>&-
    export self
    # shellcheck disable=SC2016 # for that shell
    exec {queue}> >(PATH=$here/parallel:$PATH PARALLEL_SHELL=/bin/sh exec setpriv --pdeathsig KILL parallel --plain --will-cite \
        --ungroup --jobs "$wanted" 'echo "began "{}" $$"; PATH=${PATH#*:}; exec setpriv --pdeathsig TERM bash "$self" point {}' 1>&"$events" \
        2> >(sed -u '/^parallel: \(SIGHUP\|Waiting for these\|Warning: Starting\|Warning: Consider\|echo "began \)/d' >&2))
    executors+=($!) ahead=$wanted
}
