# Trains one point of a sweep: here, or on a host of --hosts. The run comes to this folder while it grows,
# wherever it is trained.
# shellcheck shell=bash disable=SC2154

# point NAME: what parallel and Slurm run. Says "ended NAME" on standard output. A request to stop, by a file
# or by a TERM to this process, is heeded at whatever moment it comes: the point is then stopped, not failed.
point() {
    local name=$1 run=$out/$1 log say hold='' trainer='' halted='' epochs options status words left=() reached=0 lost=0
    trap halt TERM
    [[ $name =~ ^$a_name$ ]] || die 1 "'$name' is no name of a point"
    # What is standard output here stays ours: an ssh would make its reads and writes non-blocking, for all who have it.
    exec {say}>&1 1>&2
    # Where all are being stopped, what has not begun does not begin.
    [ ! -e "$out/stop" ] || { echo "ended $name" >&"$say" && return; }
    # parallel may have died before we could hear of it.
    [ -z "${PARALLEL_PID-}" ] || [ "$PARALLEL_PID" = "$PPID" ] || exit 1
    # Where another sweep trains it already, that is enough.
    exec {log}>>"$run.log" || exit 1
    flock --wait 1 "$log" || { echo "ended $name" >&"$say" && return; }
    IFS=$'\t' read -r _ epochs options < <(points_of "$name" | tail -n 1)
    read -ra words <<<"$augment"
    is_of_a_point "$options" || epochs=''
    read -ra options <<<"$options"
    while :; do
        if [ -z "$epochs" ]; then
            echo "sweep: $out/points does not say what it is to train" >>"$run.log"
            status=1 && break
        fi
        put_aside
        printf 'begun\t%s\t%s\t%s\n' "$name" "$EPOCHSECONDS" "$reached" >"$places/begun.$name"
        if ! take_place; then
            asked_to_stop && status=4 && break
            echo "sweep: no host answers" >>"$run.log"
            status=1 && break
        fi
        train
        give_place
        # So ssh ends when it has lost its host, and a shell that has no pstrain: another host goes on.
        [[ $login != here && ($status = 255 || $status = 127) && $((lost++)) -lt 5 ]] || break
        lose_host
    done
    finish
    echo "ended $name" >&"$say"
}

asked_to_stop() {
    [ -n "$halted" ] || [ -e "$run.stop" ] || [ -e "$out/stop" ]
}

# What earlier runs left becomes .torn1 …; the trainer goes on from the one that came furthest. Sets left,
# reached, its epochs, and first, what psaug is told of those of which it needs no images.
put_aside() {
    put_aside_as_torn "$run.stopped" "$run.part"
    rm -f "$run.failed"
    left=() first='' reached=0
    for file in "$run.bin" "$run".torn*; do [ ! -e "$file" ] || left+=("$file"); done
    [ ${#left[@]} = 0 ] && return
    reached=$(psdump -k status "${left[@]}" | awk -F '\t' '$5 ~ /^[0-9]+$/ && length($5) < 10 && $5 + 0 > most { most = $5 } END { print most + 0 }')
    [ "$reached" = 0 ] || [ "$reached" -ge "$epochs" ] || first="--first-epoch $((reached + 1))"
}

put_aside_as_torn() {
    local file n=1
    for file; do
        while [ -e "$run.torn$n" ]; do ((n++)); done
        [ ! -s "$file" ] || mv "$file" "$run.torn$n"
        rm -f "$file"
    done
}

# Sets status. A request to stop goes to the trainer as a TERM, or, by the end of its input, to its host; where
# it came before there was a trainer, none begins.
train() {
    if [ "$login" = here ]; then train_here; else train_there; fi || return
    attend
    [ -z "$hold" ] || { exec {hold}>&-; } 2>/dev/null
    hold=
}
# Until the trainer ends, or what goes before it.
attend() {
    local watcher
    watch_for_stop &
    watcher=$!
    until wait "$trainer"; status=$?; ! kill -0 "$trainer" 2>/dev/null; do :; done
    trainer=
    kill "$watcher" 2>/dev/null
}
# A trainer is told once: a second TERM would end it at once. One that has been started at this very moment is
# told by the watcher's TERM, which follows.
halt() {
    if [ -z "$trainer" ]; then
        halted=asked
    elif [ "$halted" != told ]; then
        halted=told
        if [ -n "$hold" ]; then exec {hold}>&-; else kill -TERM "$trainer"; fi
    fi
}
# Looks twice a second, by a read of a pipe into which nobody writes, for that costs no process.
watch_for_stop() {
    local never
    [ -z "$hold" ] || exec {hold}>&-
    exec {never}<> <(:) {log}>&- {place}<&-
    # One that was killed may stay as a zombie, which has no program any more.
    while [ -e /proc/$$/exe ]; do
        asked_to_stop && kill -TERM $$ && return
        read -r -t 0.5 -u "$never"
    done
}

# The programs end when this one does, whatever ends it.
train_here() {
    local cores gpus
    cores=$(nproc)
    [[ ! ${SLURM_CPUS_ON_NODE-} =~ ^$a_number$ ]] || cores=$SLURM_CPUS_ON_NODE
    ((cores /= slots)) # of which a host has at least one
    [[ ! ${SLURM_CPUS_PER_TASK-} =~ ^$a_number$ ]] || cores=$SLURM_CPUS_PER_TASK
    mapfile -t gpus < <(sh -c "$gpus_here")
    # Slurm has chosen the device already.
    [ ${#gpus[@]} = 0 ] || [ -n "${SLURM_JOB_ID-}" ] || export CUDA_VISIBLE_DEVICES=${gpus[slot % ${#gpus[@]}]}
    ! asked_to_stop || { status=4 && return 1; }
    # shellcheck disable=SC2086 # --first-epoch N
    psaug "${words[@]}" $first <"$out/data.ps" 2>>"$run.log" |
        "${mortal[@]}" $$ pstrain "${options[@]}" --epochs "$epochs" --threads $((cores > 1 ? cores : 1)) \
            "${left[@]/#/--resume=}" >"$run.part" 2>>"$run.log" &
    trainer=$!
}

# What the trainer there reads; ssh ends when this does.
send_files() {
    send_data || return
    [ -z "$resume" ] || reach "$login" "cat >$resume" < <(furthest)
}
# The host's shell holds our end of its input: when that ends, it asks the trainer to stop.
train_there() {
    local psaug pstrain data resume=''
    data=$(data_name)
    [ ${#left[@]} = 0 ] || resume=$cache/$name.torn
    send_files 2>>"$run.log" &
    trainer=$!
    attend
    ! asked_to_stop || { status=4 && return 1; }
    [ "$status" = 0 ] || { status=255 && return 1; }
    psaug="psaug $(quote "${words[@]}")$first"
    pstrain="pstrain $(quote "${options[@]}")--epochs $epochs ${resume:+--resume $resume}"
    exec {hold}> >(reach "$login" "
        PATH=\$PATH:$(quote "$bin")
        exec 3<&0
        gpus=\$($gpus_here)
        [ -z \"\$gpus\" ] || export CUDA_VISIBLE_DEVICES=\$(echo \"\$gpus\" | sed -n \$(($slot % \$(echo \"\$gpus\" | wc -l) + 1))p)
        threads=\$((\$(nproc) / $slots))
        $psaug <$data | $pstrain --threads \$((threads > 1 ? threads : 1)) &
        trainer=\$!
        { cat <&3 >/dev/null; kill -TERM \$trainer; } 2>/dev/null &
        wait \$trainer
        status=\$?
        rm -f $resume
        exit \$status" >"$run.part" 2>>"$run.log")
    trainer=$!
}
# The one of the files left that came furthest.
furthest() {
    local line
    line=$(psdump -k status "${left[@]}" | awk -F '\t' 'NR > 1 && $6 + 0 >= most { most = $6; line = NR - 2 } END { print line }')
    cat "${left[line]}"
}

finish() {
    case $status in
    0) mv "$run.part" "$run.bin" && rm -f "$run.log" "$run.failed" "$run.stopped" "$run".torn* ;;
    # pstrain was asked to stop. Where it did not yet, or not any more, listen, it has died of that, and what
    # earlier runs left may be more than what it wrote.
    4 | 130 | 143)
        if [ -s "$run.part" ] && psdump -k status "$run.part" | grep -q $'\tstopped\t'; then
            rm -f "$run".torn* && mv "$run.part" "$run.stopped"
        else
            put_aside_as_torn "$run.part"
            : >"$run.stopped"
        fi
        rm -f "$run.log"
        ;;
    *)
        if [ "$status" = 255 ]; then
            echo "sweep: the hosts it was trained on were lost, $lost times" >>"$run.log"
        elif [ "$status" -gt 128 ]; then
            echo "sweep: pstrain was ended by signal $((status - 128))$([ "$status" != 137 ] || echo ", as when there is no memory left")" >>"$run.log"
        fi
        mv "$run.log" "$run.failed"
        ;;
    esac
    rm -f "$run.stop"
}
