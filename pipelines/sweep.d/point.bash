# Trains one point of a sweep: here, or on a host of --hosts. The run comes to this folder while it grows,
# wherever it is trained.
# shellcheck shell=bash

# What a runner, the process of `sweep point NAME`, knows besides:
run=''                                        # the path of the point's files, without their suffixes
asked_epochs='' training=() viewing=()        # the epochs asked for, pstrain's options, those of psaug that are the point's
augmenting=()                                 # all of psaug's
left=() reached=0                             # what earlier runs left, and the epochs of the one that came furthest,
furthest=''                                   # which is this, if any can be gone on from
log=''                                        # descriptor of NAME.log, which it holds
place='' host='' number='' login=''           # where it trains
threads='' gpus=() mps=''                     # those for it, the GPUs of that host, and where these are shared
programs=''                                   # the folder of that host's programs
trainer=''                                    # the process that trains, or brings the images to a host
hold=''                                       # descriptor of the input of a host's shell, which asks its trainer to stop when that ends
halted=''                                     # asked: a TERM came; told: the trainer knows
result=''                                     # the trainer's exit status

# point NAME: what parallel and Slurm run. Says "ended NAME" on standard output. A request to stop, by a file
# or by a TERM to this process, is heeded at whatever moment it comes: the point is then stopped, not failed.
point() {
    local name=$1 say lines options lost=0
    run=$out/$name
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
    mapfile -t lines < <(points_of "$name")
    IFS=$'\t' read -r _ asked_epochs options <<<"${lines[*]: -1}"
    split_point "$options"
    while :; do
        if [ -z "$asked_epochs" ] || ! is_of_a_point "$options"; then
            echo "sweep: $out/points does not say what it is to train" >>"$run.log"
            result=1 && break
        fi
        put_aside
        printf 'begun\t%s\t%s\t%s\n' "$name" "$EPOCHSECONDS" "$reached" >"$out/.places/begun.$name"
        if ! take_place; then
            asked_to_stop && result=4 && break
            echo "sweep: no host answers" >>"$run.log"
            result=1 && break
        fi
        if [ "$login" = here ]; then train_here; else train_there; fi
        [ -z "$place" ] || exec {place}<&-
        # So ssh ends when it has lost its host, and a shell that has no pstrain: another host goes on.
        [[ $login != here && ($result = 255 || $result = 127) && $((lost++)) -lt 5 ]] || break
        echo "sweep: lost $login; $name goes on elsewhere" >&2
        echo "$EPOCHSECONDS" >"$host.lost"
    done
    finish "$lost"
    echo "ended $name" >&"$say"
}

asked_to_stop() {
    [ -n "$halted" ] || [ -e "$run.stop" ] || [ -e "$out/stop" ]
}

# What earlier runs left becomes .torn1 …; the trainer goes on from the one that came furthest. Sets left, reached,
# furthest, and augmenting: psaug is told of those epochs of which no images are needed.
put_aside() {
    local file
    put_aside_as_torn "$run.stopped" "$run.part"
    [ ! -e "$run.failed" ] || rm -f "$run.failed"
    left=() reached=0 furthest=''
    read -ra augmenting <<<"$augment"
    augmenting+=("${viewing[@]}")
    [ ! -e "$run.bin" ] || left=("$run.bin")
    # A pattern goes through all of the folder, in which there may be many points.
    [ ! -e "$run.torn1" ] || left+=("$run".torn*)
    [ ${#left[@]} -gt 0 ] || return 0
    read -r reached file < <(psdump -k status "${left[@]}" | awk -F '\t' '
        $5 ~ /^[0-9]+$/ && length($5) < 10 && ($5 + 0 > epoch || $5 + 0 == epoch && $6 + 0 >= iteration) {
            epoch = $5 + 0; iteration = $6 + 0; line = NR }
        END { print epoch + 0, line }')
    [ -z "$file" ] || furthest=${left[file - 2]}
    [ "$reached" = 0 ] || [ "$reached" -ge "$asked_epochs" ] || augmenting+=(--first-epoch $((reached + 1)))
}
put_aside_as_torn() {
    local file n=1
    for file; do
        [ -e "$file" ] || continue
        while [ -e "$run.torn$n" ]; do ((n++)); done
        [ ! -s "$file" ] || mv "$file" "$run.torn$n"
        rm -f "$file"
    done
}

# Sets result, when trainer has ended, or what goes before it. A request to stop goes to it as a TERM, or, by the end of
# its input, to its host; where it came before there was a trainer, none begins.
attend() {
    local watcher
    # It ends with its input, and so with this process at the latest.
    exec {watcher}> >(
        [ -z "$hold" ] || exec {hold}>&-
        [ -z "$place" ] || exec {place}<&-
        exec {log}>&-
        until asked_to_stop; do read -r -t 0.5 || [ $? -gt 128 ] || exit; done
        kill -TERM $$
    )
    until wait "$trainer"; result=$?; ! kill -0 "$trainer" 2>/dev/null; do :; done
    trainer=''
    exec {watcher}>&-
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

# The programs end when this one does, whatever ends it.
train_here() {
    [ ${#gpus[@]} = 0 ] || export CUDA_VISIBLE_DEVICES=${gpus[number % ${#gpus[@]}]}
    [ -z "$mps" ] || export CUDA_MPS_PIPE_DIRECTORY=$mps
    ! asked_to_stop || { result=4 && return; }
    psaug "${augmenting[@]}" <"$out/data.ps" 2>>"$run.log" |
        "${mortal[@]}" $$ pstrain "${training[@]}" --epochs "$asked_epochs" --threads "$threads" \
            "${left[@]/#/--resume=}" >"$run.part" 2>>"$run.log" &
    trainer=$!
    attend
}

# The images are brought to a host once, and kept there by their digest. The host's shell holds our end of its input:
# when that ends, it asks the trainer to stop.
train_there() {
    local images resume='' gpu=''
    [ ${#gpus[@]} = 0 ] || gpu=${gpus[number % ${#gpus[@]}]}
    images=.cache/psweep/$(tail -c 8 "$out/data.ps" | od -An -tx1 | tr -d ' \n').ps
    [ -z "$furthest" ] || resume=.cache/psweep/${run##*/}.torn
    send_files "$images" "$resume" 2>>"$run.log" &
    trainer=$!
    attend
    ! asked_to_stop || { result=4 && return; }
    [ "$result" = 0 ] || { result=255 && return; }
    exec {hold}> >(reach "$login" "
        programs=$(quote "$programs")
        PATH=\$programs\${programs:+:}\$PATH
        exec 3<&0
        ${gpu:+export CUDA_VISIBLE_DEVICES=$(quote "$gpu")}
        ${mps:+export CUDA_MPS_PIPE_DIRECTORY=$(quote "$mps")}
        psaug $(quote "${augmenting[@]}") <$images |
            pstrain $(quote "${training[@]}") --epochs $asked_epochs ${resume:+--resume $resume} --threads $threads &
        trainer=\$!
        { cat <&3 >/dev/null; kill -TERM \$trainer; } 2>/dev/null &
        wait \$trainer
        status=\$?
        rm -f $resume
        exit \$status" >"$run.part" 2>>"$run.log")
    trainer=$!
    attend
    { exec {hold}>&-; } 2>/dev/null
    hold=''
}
# send_files IMAGES RESUME: what the trainer there reads; ssh ends when this does.
send_files() {
    local sending size
    exec {sending}>"$host.sending" && take_lock "$sending" || return
    # What is cut short ends like what is whole; the size tells.
    size=$(stat -c %s "$out/data.ps")
    reach "$login" "mkdir -p ${1%/*} && test -e $1" </dev/null ||
        reach "$login" "cat >$1.\$\$ && [ \$(wc -c <$1.\$\$) = $size ] && mv $1.\$\$ $1" <"$out/data.ps" || return
    exec {sending}>&-
    [ -z "$2" ] || reach "$login" "cat >$2" <"$furthest"
}

# finish LOST: what has ended becomes a run, or one that is gone on from, or a failure; of which hosts were lost so often.
finish() {
    local torn=()
    case $result in
    0)
        [ ! -e "$run.torn1" ] || torn=("$run".torn*)
        mv "$run.part" "$run.bin" && rm -f "$run.log" "$run.failed" "$run.stopped" "${torn[@]}"
        ;;
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
        if [ "$result" = 255 ]; then
            echo "sweep: the hosts it was trained on were lost, $1 times" >>"$run.log"
        elif [ "$result" -gt 128 ]; then
            echo "sweep: pstrain was ended by signal $((result - 128))$([ "$result" != 137 ] || echo ", as when there is no memory left")" >>"$run.log"
        fi
        mv "$run.log" "$run.failed"
        ;;
    esac
    [ ! -e "$run.stop" ] || rm -f "$run.stop"
}
