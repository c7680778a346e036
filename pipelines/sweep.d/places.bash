# Where points are trained. A host has places, each for one point at a time: a place is a file in the folder
# .places/free, such as host1.2, that whoever trains there holds a lock on. The file .places/host1 says how the host is
# reached ("here", or an ssh command), in a second line how many places it has and how many threads are for each, in a
# third its GPUs, in a fourth the folder of the MPS by which networks share them, and in a fifth in which folder there
# psaug and pstrain are. A host that was lost is left alone for a minute.
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
    local line asked login places cores memory gpus mps programs host=0 most=0 versions trainers digest brought question
    [ -z "$hosts" ] || ask_for_trainers
    while read -r line <&3; do
        split_host "$line" || continue
        ((host++))
        # It is a command line, so no place for other options than of its ssh.
        if [[ $login = -* ]] || ! is_plain "$login"; then
            echo "sweep: $hosts has no host in '$login': it is left out" | made_plain >&2
        elif ask_host "${login/#:/here}"; then
            [ "$login" != : ] || cores=$(cores_here)
            places=${asked:-$cores} mps=''
            [ ${#gpus[@]} = 0 ] || share_gpus "${login/#:/here}" "$cores" "$memory"
            printf '%s\n' "${login/#:/here}" "$places $((cores > places ? cores / places : 1))" "${gpus[*]}" "$mps" "$programs" >"$out/.places/host$host"
            ((most += places))
        fi
    done 3< <(host_lines)
    echo "places $((most < most_jobs ? most : most_jobs))"
}

# Sets what hosts are asked for, and are brought where they lack it: versions, what psaug and pstrain say of themselves;
# trainers, the files of these two and of the GPU engine; digest, of all that; brought, the folder there that they come
# into; question, for sh. The answer to it is the number of cores of a host, the memory of its GPUs and these, and before
# all that 0 where it has the programs in PATH, 1 where in the folder that they are in here, 2 in the one that they were
# brought to; or it is "lacks" and what system it is, in a line after the reason why those of that last folder do not run.
ask_for_trainers() {
    local file
    versions=$(psaug --version && pstrain --version)
    trainers=()
    for file in "$bin"/{,../lib/psweep/}libpsweep-cuda.so "$(command -v psaug)" "$(command -v pstrain)"; do
        [ ! -f "$file" ] || trainers+=("$file")
    done
    digest=$(cat "${trainers[@]}" | sha256sum) brought=.cache/psweep/psweep-${versions##* }-${digest:0:16}
    question="$end_mps
        number=0
        for programs in '' $(quote "$bin") \"\$PWD/$brought\"; do
            said=\$(PATH=\$programs\${programs:+:}\$PATH; { psaug --version && pstrain --version; } 2>&1)
            [ \"\$said\" != $(quote "$versions") ] || { echo \$number \$(nproc) \$($memory_here) \$($gpus_here); exit; }
            number=\$((number + 1))
        done
        echo \"\$said\" | tail -n 1
        echo lacks \$(uname -sm)"
}
# ask_host LOGIN: sets cores, memory, gpus and programs, the folder of its psaug and pstrain, if they are not in its PATH.
# 1: it is left out, which is said.
ask_host() {
    local answer last has='' why="does not answer: it is left out" version=${versions##* }
    [ "$1" != here ] || local question="$end_mps
        echo 0 \$(nproc) \$($memory_here) \$($gpus_here)"
    while reach "$1" "$question" </dev/null >"$out/.places/answer"; do
        mapfile -t answer < <(tail -n 2 "$out/.places/answer" | made_plain | cut -c 1-300)
        last=${answer[*]: -1}
        if [[ $last =~ ^([012])\ ([1-9][0-9]{0,4})\ ([0-9]{1,9})((\ [[:graph:]]+)*)$ ]]; then
            case ${BASH_REMATCH[1]} in 0) programs='' ;; 1) programs=$bin ;; 2) programs=$brought ;; esac
            cores=${BASH_REMATCH[2]} memory=${BASH_REMATCH[3]}
            read -ra gpus <<<"${BASH_REMATCH[4]}"
            return
        fi
        [[ $last = "lacks "* ]] || break
        why="is left out: it has no psweep $version, and "
        if [ "$last" != "lacks $(uname -sm)" ]; then
            why+="that of this machine, for $(uname -sm), does not run on ${last#lacks }: install it there"
        elif [ -n "$has" ]; then
            why+="that of this machine does not run there (${answer[0]}): install it there, or sweep from a bundle "
            why+="(make bundle), whose programs need only the C library"
        else
            echo "sweep: $1 has no psweep $version: bringing it" >&2
            bring "$1" && has=1 && continue
            why+="bringing it failed"
        fi
        break
    done
    echo "sweep: ${1/#here/:} $why" >&2
    return 1
}
# bring LOGIN: a name in the end is what makes a copy one; whoever else brings the same meanwhile loses nothing.
bring() {
    local file names=()
    for file in "${trainers[@]}"; do names+=(-C "${file%/*}" "${file##*/}"); done
    # Its standard output is not ours, which an ssh would make non-blocking (point.bash).
    tar -ch "${names[@]}" | reach "$1" "mkdir -p .cache/psweep && part=\$(mktemp -d $brought.XXXXXX) || exit
        tar -xo -C \$part && [ \"\$(cat \$part/* | sha256sum)\" = '$digest' ] && chmod 755 \$part &&
            mv -T \$part $brought 2>/dev/null || { rm -rf \$part; test -d $brought; }" >/dev/null
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
# threads (for it), gpus, mps and programs (the host's) and login. 1 when all hosts have been lost for half a minute, or
# when the point shall stop.
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
                { read -r login && read -r _ threads && read -ra gpus && read -r mps && read -r programs; } <"$host"
                return
            fi
            exec {place}<&-
        done
        [ -n "$alive" ] || [ $((waited++)) -lt 150 ] || return 1
        pause 0.2
    done
    return 1
}
