# Where points are trained. A place is a slot of a host: a file in the folder $places/slots, host1.2, that
# whoever trains there holds a lock on; the file $places/host1 says how the host is reached ("here", or an ssh command)
# and, in a second line, how many slots it has. A host that was lost is left alone for a minute.
# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # what others use; words for another shell

# GPUs of this machine that a network could be trained on, as CUDA_VISIBLE_DEVICES has them.
gpus_here='
if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then echo "$CUDA_VISIBLE_DEVICES" | tr , "\n" | grep . | grep -vx -- -1
else nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | grep -x "[0-9]*"; fi'

# The lines of --hosts FILE (one a host: [SLOTS/]HOST or [SLOTS/]ssh with options, as parallel's --sshlogin; ":" is this
# machine), or one for this machine alone.
host_lines() {
    if [ -n "$hosts" ]; then read_lines printf '%s\n' <"$hosts"; else echo "${jobs:+$jobs/}:"; fi
}
# Sets asked, '' where there is no number, and login; 1: nobody asks for so many.
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
# ask_hosts: writes down how each is reached and how many networks it trains at a time, of those that answer.
ask_hosts() {
    local line asked login slots host=0
    while read -r line <&3; do
        split_host "$line" || continue
        ((host++))
        # It is a command line, so no place for other options than of its ssh; and the host answers with a number.
        if [[ $login = -* ]] || ! is_plain "$login"; then
            echo "sweep: $hosts has no host in '$login': it is left out" | made_plain >&2
        elif slots_of "${login/#:/here}" >"$places/answer" && slots=$(tail -n 1 "$places/answer") && [[ $slots =~ ^[1-9][0-9]{0,4}$ ]]; then
            printf '%s\n' "${login/#:/here}" "${asked:-$slots}" >"$places/host$host"
        else
            echo "sweep: $login does not answer, or has no psaug and pstrain: it is left out" >&2
        fi
    done 3< <(host_lines)
}
# Sets most, the slots of all hosts.
count_places() {
    local host login slots
    most=0
    for host in "$places"/host*; do
        { read -r login && read -r slots; } <"$host"
        ((most += slots))
    done
    ((most <= most_jobs)) || most=$most_jobs
}
# make_places BEFORE NUMBER: as many slots of each host as it has, up to that number; BEFORE: of which they have these.
make_places() {
    local host login slots i
    for host in "$places"/host*; do
        { read -r login && read -r slots; } <"$host"
        for ((i = $1; i < slots && i < $2; i++)); do
            : >"$places/slots/${host##*/}.$i"
            [ ! -e "$out/stop" ] || return
        done
    done
}

# As many networks at a time as a host has GPUs, times --per-gpu; without any, as it has cores.
slots_of() {
    local count
    count="PATH=\$PATH:$(quote "$bin"); command -v psaug >/dev/null && command -v pstrain >/dev/null || exit
        gpus=\$($gpus_here | wc -l); if [ \$gpus = 0 ]; then nproc; else echo \$((gpus * $per_gpu)); fi"
    if [ "$1" = here ]; then "${mortal[@]}" "$BASHPID" sh -c "$count"; else reach "$1" "$count" </dev/null; fi
}

# reach LOGIN COMMAND: runs a line of sh there, wherever login shells are of another kind.
reach() {
    local words
    read -ra words <<<"$1"
    [ ${#words[@]} -gt 1 ] || words=(ssh "$1")
    [ "${words[0]}" != ssh ] ||
        words=(ssh -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 "${words[@]:1}")
    "${mortal[@]}" "$BASHPID" "${words[@]}" "exec sh -c $(quote "$2")"
    return # as what comes last in a shell it would take that shell's place, instead of being its child
}
# quote WORD...: as sh reads them back.
quote() {
    local word
    for word; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}

# take_place: holds a free slot; sets host, slot (its number there), slots (how many) and login. 1 when all
# hosts have been lost for half a minute, or when the point shall stop.
take_place() {
    # On a cluster the queue has chosen one.
    if [ -n "$slurm" ]; then login=here host='' slot=0 slots=1 && return; fi
    local file files alive waited=0 first=$((PARALLEL_JOBSLOT - 1))
    until asked_to_stop; do
        files=("$places"/slots/*) alive=
        for file in "${files[@]:first % ${#files[@]}}" "${files[@]:0:first % ${#files[@]}}"; do
            host=${file##*/} host=$places/${host%.*} slot=${file##*.}
            [ ! -e "$host.lost" ] || [ $((EPOCHSECONDS - $(<"$host.lost"))) -ge 60 ] || continue
            alive=1
            exec {place}<"$file"
            if flock --nonblock "$place"; then
                { read -r login && read -r slots; } <"$host"
                return
            fi
            exec {place}<&-
        done
        [ -n "$alive" ] || [ $((waited++)) -lt 150 ] || return 1
        sleep 0.2
    done
    return 1
}
give_place() {
    [ -n "$slurm" ] || exec {place}<&-
}
lose_host() {
    echo "sweep: lost $login; $name goes on elsewhere" >&2
    echo "$EPOCHSECONDS" >"$host.lost"
}

# send_data: brings the images there, once; each host keeps them by their digest.
cache=.cache/psweep
data_name() {
    echo "$cache/$(tail -c 8 "$out/data.ps" | od -An -tx1 | tr -d ' \n').ps"
}
send_data() {
    local sending there size
    exec {sending}>"$host.sending" && take "$sending" || return
    there=$(data_name)
    # What is cut short ends like what is whole; the size tells.
    size=$(stat -c %s "$out/data.ps")
    reach "$login" "mkdir -p $cache && test -e $there" </dev/null ||
        reach "$login" "cat >$there.\$\$ && [ \$(wc -c <$there.\$\$) = $size ] &&
            mv $there.\$\$ $there" <"$out/data.ps" || return
    exec {sending}>&-
}
