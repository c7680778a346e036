# Where points are trained. A host has places, each for one point at a time: a place is a file in the folder
# .places/free, such as host1.2, that whoever trains there holds a lock on. The file .places/host1 says how the host is
# reached ("here", or an ssh command), in a second line how many places it has and how many threads are for each, in a
# third its GPUs, and in a fourth the folder of the MPS by which networks share them. A host that was lost is left alone
# for a minute.
# shellcheck shell=bash

# The cores of this machine, or those of them that Slurm has given us.
cores_here() {
    local cores
    for cores in "${SLURM_CPUS_PER_TASK-}" "${SLURM_CPUS_ON_NODE-}" "$(nproc)"; do
        [[ ! $cores =~ ^$a_number$ ]] || break
    done
    echo "$cores"
}

# The lines of --hosts FILE (one a host: [JOBS/]HOST or [JOBS/]ssh with options, as parallel's --sshlogin; ":" is this
# machine), or one for this machine alone.
host_lines() {
    if [ -n "$hosts" ]; then read_lines printf '%s\n' <"$hosts"; else echo "${jobs:+$jobs/}:"; fi
}
# split_host LINE: sets asked, '' where there is no number, and login; 1: nobody asks for so many.
split_host() {
    asked='' login=$1
    [[ $1 =~ ^([0-9]+)/\ ?(.*)$ ]] || return 0
    asked=${BASH_REMATCH[1]} login=${BASH_REMATCH[2]}
    [[ $asked =~ ^[1-9][0-9]{0,4}$ ]] && ((asked <= most_jobs))
}
check_hosts() {
    local line asked login
    while IFS= read -r line; do
        split_host "$line" ||
            die 2 "a line of $hosts takes a whole number from 1 to $most_jobs of networks at a time before its /, not '$line'"
    done < <(host_lines)
}
# ask_hosts: writes down how each is reached and how many networks it trains at a time, of those that answer: as many as
# its GPUs hold, and without any as it has cores. Says "places N", of all, on standard output.
ask_hosts() {
    local line asked login places cores memory gpus mps count host=0 most=0
    count="PATH=\$PATH:$(quote "$bin"); command -v psaug >/dev/null && command -v pstrain >/dev/null || exit
        $end_mps
        echo \$(nproc) \$($memory_here) \$($gpus_here)"
    while read -r line <&3; do
        split_host "$line" || continue
        ((host++))
        # It is a command line, so no place for other options than of its ssh; and the host answers with the number of
        # its cores, the memory of its GPUs, and these.
        if [[ $login = -* ]] || ! is_plain "$login"; then
            echo "sweep: $hosts has no host in '$login': it is left out" | made_plain >&2
        elif reach "${login/#:/here}" "$count" </dev/null >"$out/.places/answer" &&
            [[ $(tail -n 1 "$out/.places/answer") =~ ^([1-9][0-9]{0,4})\ ([0-9]{1,9})((\ [[:graph:]]+)*)$ ]]; then
            cores=${BASH_REMATCH[1]} memory=${BASH_REMATCH[2]}
            read -ra gpus <<<"${BASH_REMATCH[3]}"
            [ "$login" != : ] || cores=$(cores_here)
            places=${asked:-$cores} mps=''
            [ ${#gpus[@]} = 0 ] || share_gpus "${login/#:/here}" "$cores" "$memory"
            printf '%s\n' "${login/#:/here}" "$places $((cores > places ? cores / places : 1))" "${gpus[*]}" "$mps" >"$out/.places/host$host"
            ((most += places))
        else
            echo "sweep: $login does not answer, or has no psaug and pstrain: it is left out" >&2
        fi
    done 3< <(host_lines)
    echo "places $((most < most_jobs ? most : most_jobs))"
}
# make_places BEFORE NUMBER: as many of each host as it has, up to that number; BEFORE: of which they have these.
make_places() {
    local host places i
    for host in "$out/.places"/host*[0-9]; do
        { read -r _ && read -r places _; } <"$host"
        for ((i = $1; i < places && i < $2; i++)); do
            : >"$out/.places/free/${host##*/}.$i"
            [ ! -e "$out/stop" ] || return
        done
    done
}

# reach LOGIN COMMAND: runs a line of sh there, wherever login shells are of another kind.
reach() {
    local words
    read -ra words <<<"$1"
    if [ "$1" = here ]; then
        words=(sh -c "$2")
    else
        [ ${#words[@]} -gt 1 ] || words=(ssh "$1")
        [ "${words[0]}" != ssh ] ||
            words=(ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 "${words[@]:1}")
        words+=("exec sh -c $(quote "$2")")
    fi
    "${mortal[@]}" "$BASHPID" "${words[@]}"
    return # as what comes last in a shell it would take that shell's place, instead of being its child
}
# quote WORD...: as sh reads them back.
quote() {
    local word
    for word; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

# take_place: holds a free one by the descriptor {place}; sets host, the path of its file, number (the place's there),
# threads (for it), gpus and mps (the host's) and login. 1 when all hosts have been lost for half a minute, or when the
# point shall stop.
take_place() {
    # On a cluster the queue has chosen one.
    if [ -n "$slurm" ]; then
        login=here host='' number=0 threads=$(cores_here)
        return
    fi
    local files file alive waited=0 first=$((PARALLEL_JOBSLOT - 1))
    until asked_to_stop; do
        files=("$out/.places/free"/*) alive=''
        for file in "${files[@]:first % ${#files[@]}}" "${files[@]:0:first % ${#files[@]}}"; do
            host=${file##*/} host=$out/.places/${host%.*} number=${file##*.}
            [ ! -e "$host.lost" ] || [ $((EPOCHSECONDS - $(<"$host.lost"))) -ge 60 ] || continue
            alive=1
            exec {place}<"$file"
            if flock --nonblock "$place"; then
                { read -r login && read -r _ threads && read -ra gpus && read -r mps; } <"$host"
                return
            fi
            exec {place}<&-
        done
        [ -n "$alive" ] || [ $((waited++)) -lt 150 ] || return 1
        pause 0.2
    done
    return 1
}
