# What a sweep's folder holds, and what that says of its points. There is no other record:
#
#   options            what all points share: a line each, the name and what the user gave
#   data.ps            the images, fetched once for all points
#   points             a line a point: its name, the epochs asked for, its options of pstrain; by tabs
#   NAME.bin           a run that reached its epochs, or that a rule ended
#   NAME.part          one that is being written, or was when something died
#   NAME.stopped       one that was stopped: whole, and marked so; empty: it had not begun
#   NAME.torn1, 2 …    what runs that ended early left, to go on from
#   NAME.failed        what the programs of a point said that failed
#   NAME.log           the same of one that is running: its runner and its trainer hold a lock on it,
#                      so what lives is told from what died
#   NAME.stop, stop    please stop this point; please stop all
#   events             the FIFO on which the sweep at work hears what has happened
#
# Who works in a folder holds a lock on it, and so do all that it started, by the descriptor that they inherit; so a lock
# is given back when the last of them has ended. .lock is held by who changes points, or begins to work. Who has what:
#
#                            the folder   events   NAME.log   a place   ends when
#   sweep, while it fetches  x                                          the images are there, or asked to stop
#   its psfetch              x                                          sweep does
#   the worker               x            x                             all points have ended, or asked to stop
#   who ticks, reads points  x            x                             the worker does
#   parallel                 x            x                             its input does; killed when the worker ends
#   a runner                 x            x        x          x         its point has ended; asked to when parallel ends
#   psaug, pstrain, ssh      x                     x          x         asked to when the runner ends
#   who keeps MPS (gpus)     x                                          all of these have, and it has ended MPS
#
# What asks a program to end with its parent is `mortal`; parallel's own children are seen to in parallel/sleep. So
# whatever is killed, all below it ends, and nobody waits for a lock that nobody would give back.
# shellcheck shell=bash

# Whether somebody holds a lock on that file or folder.
is_locked() {
    [ -f "$1" ] || [ -d "$1" ] || return 1
    { flock --shared --nonblock --conflict-exit-code 99 9 9<"$1"; } 2>/dev/null
    [ $? = 99 ]
}
# Whether this sweep is the one that works here, and shall not any more.
must_stop() {
    [ -n "$working" ] && [ -e "$out/stop" ]
}
# take_lock DESCRIPTOR: waits for the lock on it, or until this sweep must stop. (A shell hears no signal while a command
# runs in its foreground, but while it waits.)
take_lock() {
    local status
    until { flock --timeout 1 "$1" & wait $!; }; do
        status=$?
        # A second has passed, or a signal was heard.
        [ $status = 1 ] || [ $status -gt 128 ] || return
        ! must_stop || return 1
    done
}
# lock_points: until unlock_points nobody else changes points, or begins to work.
lock_points() {
    [ -n "$planning" ] || { exec {planning}>"$out/.lock" && take_lock "$planning"; } || { unlock_points; return 1; }
}
unlock_points() {
    [ -z "$planning" ] || exec {planning}>&-
    planning=''
}
# take_folder: makes this sweep the one that works here; 1: another is. The points are locked, so no third one tries. A
# request to stop is for who works here when it comes: what earlier ones left goes before that.
take_folder() {
    [ -z "$working" ] || return 0
    ! is_locked "$out" || return 1
    local file
    rm -rf "$out/stop"
    for file in "$out"/*.stop; do [[ ! ${file##*/} =~ ^$a_name\.stop$ ]] || rm -f "$file"; done
    exec {working}<"$out"
    # Who looks whether it is locked has the lock for a moment.
    flock --timeout 1 "$working" || { leave_folder; return 1; }
}
leave_folder() {
    [ -z "$working" ] || exec {working}<&-
    working=''
}
# "${mortal[@]}" PARENT COMMAND...: COMMAND is asked to end when its parent, the process of that number, has ended, were
# it before it could ask for that.
# shellcheck disable=SC2016 # for that shell
mortal=(setpriv --pdeathsig TERM sh -c '[ "$PPID" = "$0" ] && exec "$@"')
# Until nobody works here. Signals are heard meanwhile.
finished() {
    "${mortal[@]}" $$ flock --shared "$out" true &
    wait $!
}
# pause SECONDS: by a read of a pipe into which nobody writes, for that costs no process; 1: the sweep, worker or runner
# that this is a part of has ended. (One that was killed may stay as a zombie, which has no program.)
pause() {
    [ -n "$never" ] || exec {never}<> <(:)
    read -r -t "$1" -u "$never"
    [ -e /proc/$$/exe ]
}
# until_stopped COMMAND...: which is ended when this sweep must stop, or has ended.
until_stopped() {
    local parent=$BASHPID command watcher status
    "${mortal[@]}" "$parent" "$@" <&0 &
    command=$!
    { until must_stop || ! pause 0.5; do :; done; kill "$command" 2>/dev/null; } &
    watcher=$!
    wait "$command"
    status=$?
    kill "$watcher" 2>/dev/null
    return $status
}

# points_of [NAME]: the folder's points, or that one. A line of another form, such as one that is only being added, is
# none.
points_of() {
    LC_ALL=C grep -aE "^${1-$a_name}"$'\t'"$its_options\$" "$out/points"
}
# states [NAME]: a line a point, or that of one, in order: NAME STATE EPOCH EPOCHS ACCURACY LOSS ENGINE OPTIONS, by tabs.
# done: the run is whole, its digests fit, and it reached its epochs or a rule ended it; else it is running, failed,
# stopped or missing. Of several files of a point, the one that came furthest tells the figures.
states() {
    local file name files=() held=() all=("$out"/[dn]*)
    [ $# = 0 ] || all=("$out/$1"*)
    for file in "${all[@]}"; do
        name=${file##*/} name=${name%.*}
        [[ $name =~ ^$a_name$ ]] || continue
        case $file in
        *.bin | *.part | *.stopped | *.torn*) files+=("$file") ;;
        *.log) ! is_locked "$file" || held+=("running"$'\t'"$name") ;;
        *.failed) held+=("failed"$'\t'"$name") ;;
        esac
    done
    {
        points_of "$@" | sed $'s/^/point\t/'
        [ ${#held[@]} = 0 ] || printf '%s\n' "${held[@]}"
        [ ${#files[@]} = 0 ] || printf '%s\0' "${files[@]}" | xargs -0 psdump -k status
    } | awk -F '\t' -v OFS='\t' '
        $1 == "point" { if (!($2 in epochs)) order[++points] = $2; epochs[$2] = $3; options[$2] = $4; next }
        $1 == "running" || $1 == "failed" { is[$1, $2]; next }
        { name = $1; sub(/.*\//, "", name); sub(/\..*/, "", name)
          if (!(name in epochs)) next
          if ($1 ~ /\.stopped$/) is["stopped", name]
          if ($1 ~ /\.bin$/ && $2 == "done" && ($3 + 0 >= epochs[name] + 0 || $10 == "patience")) is["done", name]
          if (!(name in epoch) || $3 + 0 > epoch[name]) { epoch[name] = $3 + 0; figures[name] = $7 OFS $8 OFS $9 } }
        END {
            split("stopped failed done running", state, " ")
            for (i = 1; i <= points; i++) {
                name = order[i]; now = "missing"
                for (k = 1; k <= 4; k++) if ((state[k], name) in is) now = state[k]
                print name, now, epoch[name] + 0, epochs[name], (name in figures ? figures[name] : "-" OFS "-" OFS "-"), options[name] } }'
}

# The names of the points that are neither done nor being trained.
missing() {
    states | awk -F '\t' '$2 != "done" && $2 != "running" { print $1 }'
}

# The options that all points of a folder share: what decides the images, and three that may change.
shared=(data split limit fetch augment test epochs rank)
write_options() {
    local name
    for name in "${shared[@]}"; do printf '%s %s\n' "$name" "${!name}"; done >"$out/options.new" &&
        mv "$out/options.new" "$out/options"
}
# Those of the folder, for all that the user did not give this time; another value than the folder's is
# refused, but for those three. As long as nothing has been trained here all may change: changed is then set, and
# refetch, where the images are no longer those asked for. A folder without points knows but its images.
read_options() {
    local line name value wrong number=0
    [ -e "$out/options" ] || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        name=${line%% *} value=${line#* }
        ((++number))
        if [[ " ${shared[*]} " != *" $name "* ]] || ! is_plain "$line"; then
            die 1 "$out/options is not what a sweep wrote: line $number, '$line'"
        elif ! can_be "$name" "$value"; then
            die 2 "$out/options, line $number: $wrong"
        elif [ -z "${given[$name]-}" ] && [ -s "$out/points" ]; then
            declare -g "$name=$value"
        elif [[ $name != test && $name != epochs && $name != rank && ${!name} != "$value" ]]; then
            [ ! -s "$out/points" ] || ! has_begun ||
                die 2 "$out holds a sweep with --$name '$value', not '${!name}': choose another folder with -o"
            changed=1
            [ "$name" = augment ] || refetch=1
        fi
    done <"$out/options"
}
# Whether anything has been learnt here, or is being learnt.
has_begun() {
    local file
    for file in "$out"/[dn]*-s*.{bin,part,stopped,torn*}; do [ ! -s "$file" ] || return 0; done
    [ -z "$working" ] && is_locked "$out"
}
# A folder of another form than a sweep's is not acted upon: what is written there stays there, what is read there ends,
# and points are points.
check_folder() {
    local file line
    for file in "$out"/{.lock,stop,sweep.log,options.new,points.*,data.ps.part,test.head,psaug.*,best.scores,wrong.ps,*.png,*.svg,report.html*}; do
        [ ! -L "$file" ] || die 1 "$file is a link, by which sweep would write elsewhere"
    done
    for file in "$out"/{.lock,points,options,data.ps}; do
        [ ! -e "$file" ] || [ -f "$file" ] || die 1 "$file is no file"
    done
    [ -e "$out/points" ] || return 0
    line=$(LC_ALL=C grep -avnE -m 1 "^$a_name"$'\t'"$its_options\$" "$out/points" | cut -d : -f 1)
    [ -z "$line" ] || die 1 "$out/points is not what a sweep wrote: line $line"
}
need_folder() {
    [ -e "$out/points" ] || die 1 "there is no sweep in $out (-o names its folder)"
}
