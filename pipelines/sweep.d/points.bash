# The points of a sweep: lists of values span a space, each of its points is a line of pstrain's options, and has a name.
# shellcheck shell=bash

# list TEXT OPTION: 1-3,8,2 becomes the lines 1 2 3 8, and 1-3/5 1/5 2/5 3/5; other words, such as 0.05, stand for
# themselves, and so do all that an option takes as texts, such as the stages of a network, 16-32-64.
list() {
    local part parts
    [[ $1 =~ ^[^,[:blank:]]+(,[^,[:blank:]]+)*$ ]] || die 2 "$2 takes a list such as 1-4 or 2,3,8, not '$1'"
    IFS=, read -ra parts <<<"$1"
    for part in "${parts[@]}"; do
        if [[ $part =~ ^(uniform|log|int): ]]; then
            die 2 "$2 $part is a range: --samples N draws N points from it"
        elif [[ $flags = *" $2 "* && $part != @(yes|no) ]]; then
            die 2 "$2 takes yes, no, or both: yes,no; not '$part'"
        elif [[ $part =~ ^([0-9]{1,9})-([0-9]{1,9})(/[0-9]{1,4})?$ && $texts != *" $2 "* ]]; then
            seq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" | sed "s|\$|${BASH_REMATCH[3]}|" | grep . || die 2 "$2 $part runs backwards"
        else
            echo "$part"
        fi
    done | awk '!seen[$0]++'
    [ "${PIPESTATUS[0]}" = 0 ]
}
# as_option OPTION VALUE: sets option, as it stands in a line: a flag alone, or not at all.
as_option() {
    if [[ $flags != *" $1 "* ]]; then
        option="$1 $2"
    elif [ "$2" = yes ]; then
        option=$1
    else
        option=''
    fi
}

# Lists are of options of pstrain and psaug, by their whole names: what is part of one, or none, was meant for something
# else, such as --epoch or --limits.
check_axes() {
    local i
    for ((i = 0; i < ${#axes[@]}; i += 2)); do
        [[ $known = *" ${axes[i]} "* ]] ||
            die 2 "there is no option ${axes[i]} (see sweep --help, and pstrain --help and psaug --help for more options that take a list)"
        [[ ${axes[i]} != --first-epoch ]] || die 2 "--first-epoch is what sweep tells psaug when it goes on; it takes no list"
    done
}
# Depth, or the text of a network, and seed are always among the axes.
complete_axes() {
    [[ " ${axes[*]} $common " == *' --'@(depth|network)[\ =]* ]] || axes=(--depth 1-4 "${axes[@]}")
    [[ " ${axes[*]} " == *' --seed '* ]] || axes+=(--seed 0)
}
# grid: a line of options for each point that the lists in the array axes (OPTION LIST OPTION LIST …) span, the first
# option varying slowest, with what all have in common behind.
grid() {
    local lines=("") line value values words option i
    complete_axes
    for ((i = 0; i < ${#axes[@]}; i += 2)); do
        values=$(list "${axes[i + 1]}" "${axes[i]}") || return
        mapfile -t words <<<"$values"
        for value in "${!words[@]}"; do as_option "${axes[i]}" "${words[value]}" && words[value]=$option; done
        mapfile -t lines < <(for line in "${lines[@]}"; do
            for value in "${words[@]}"; do printf '%s\n' "$line${line:+${value:+ }}$value"; done
        done)
    done
    with_common "${lines[@]}"
}

# Lines of points, each with what the recipe has besides, and with what stands behind -- for all.
with_common() {
    local line lines=()
    if [ -n "$basics" ]; then
        for line; do lines+=("$(with_recipe "$line")") || return; done
        set -- "${lines[@]}"
    fi
    printf '%s\n' "${@/%/${common:+ $common}}"
}
# read_lines COMMAND...: calls it with each line of standard input, as people and programs write points and
# hosts: without comments, blanks that are too many, and lines that have nothing else; the last may lack its
# end.
read_lines() {
    local line words
    while IFS= read -r line || [ -n "$line" ]; do
        line=" $line" line=${line%%[[:blank:]]#*}
        read -ra words <<<"${line//$'\r'/ }"
        [ ${#words[@]} = 0 ] || "$@" "${words[*]}"
    done
}

# name_points LINE...: the name of each point of these lines of options, in order, for the images on standard input, and
# behind a tab the bytes that it takes of a GPU's memory. pstrain knows its options; what it says of a line is said of the
# point.
name_points() {
    local result asked=$out/points.asked
    printf '%s\n' "$@" >"$asked"
    pstrain -q --points "$asked" 2>"$asked.said"
    result=$?
    sed 's|^pstrain: .*points\.asked:|sweep: point |' "$asked.said" >&2
    rm -f "$asked" "$asked.said"
    return $result
}
# take_epochs: of the array lines, lines of options, sets the array epochs_of, the epochs that each brings or those of all,
# and lines, without these; 2: one cannot be of a point, which has been said.
take_epochs() {
    local i asked kept wrong
    for i in "${!lines[@]}"; do
        point_line "$epochs" "${lines[i]}" || { echo "sweep: point $((i + 1)): $wrong" | made_plain >&2 && return 2; }
        epochs_of[i]=$asked lines[i]=$kept
    done
}
# note_horizons: says how many points go on behind the end of a schedule, of the arrays lines and epochs_of. It is no error:
# so more epochs do not change those before.
note_horizons() {
    local i line besides=0 first=''
    for i in "${!lines[@]}"; do
        line=" ${lines[i]//=/ } "
        [[ $line =~ \ --schedule\ (cosine|linear|one-cycle)\  && $line =~ \ --horizon\ ($a_number)\  ]] || continue
        [ "${BASH_REMATCH[1]}" -lt "${epochs_of[i]}" ] || continue
        if [ -z "$first" ]; then first="$((i + 1)) ${BASH_REMATCH[1]}"; else ((++besides)); fi
    done
    [ -z "$first" ] || echo "sweep: point ${first% *}: from epoch $((${first#* } + 1)) on the learning rate stays as low as --horizon ${first#* } has left it$([ $besides = 0 ] || echo "; so it is with $besides more")" >&2
}
# name_all: sets the array names, of all lines, those with the same options of psaug at a time: its header is a part of
# what decides a name; and takes, the bytes that the largest network takes of a GPU's memory. 1: a line makes no network,
# which has been said.
name_all() {
    local i training viewing words of_train=() of_views=() some number bytes
    names=() takes=0
    for i in "${!lines[@]}"; do
        split_point "${lines[i]}"
        of_train[i]=${training[*]:---depth 1} of_views[i]=${viewing[*]}
    done
    for number in "${!lines[@]}"; do
        [ -z "${names[number]-}" ] || continue
        some=()
        # The others are empty lines, so that each has its number.
        for i in "${!lines[@]}"; do
            if [ "${of_views[i]}" = "${of_views[number]}" ]; then some[i]=${of_train[i]}; else some[i]=''; fi
        done
        mapfile -t words < <(name_views "$((number + 1))" "${of_views[number]}" "${some[@]}")
        for i in "${!some[@]}"; do
            [ -n "${some[i]}" ] || continue
            IFS=$'\t' read -r "names[i]" bytes <<<"${words[0]-}"
            words=("${words[@]:1}")
            ((takes = bytes > takes ? bytes : takes))
        done
        [ -n "${names[number]}" ] || return
    done
}
# name_views NUMBER VIEWS LINE...: names these, for what psaug makes of the images with those options of its own; point
# number NUMBER is the first to have them.
name_views() {
    local words more said=$out/psaug.said named status ended
    read -ra words <<<"$augment"
    read -ra more <<<"$2"
    named=$(psaug "${words[@]}" "${more[@]}" <"$out/data.ps" 2>"$said" | name_points "${@:3}" 2>"$said.last"
        ended=("${PIPESTATUS[@]}")
        # Then what name_points says is a consequence.
        [ "${ended[0]}" = 0 ] || : >"$said.last"
        exit $((ended[0] ? ended[0] : ended[1])))
    status=$?
    { sed "${2:+s/^psaug: /sweep: point $1: /}" "$said" && cat "$said.last"; } >&2
    rm -f "$said" "$said.last"
    [ $status = 0 ] && printf '%s\n' "$named"
}
# add_points LINE...: names points, each a line of pstrain's options, and adds them to the folder's; those that are there
# already get the new epochs and the new line. Sets the array names; 2: a line makes no network, which has been said.
add_points() {
    local lines=("$@") epochs_of=() i takes
    local -A line_of=()
    take_epochs || return
    note_horizons
    lock_points || return
    name_all || { unlock_points && return 2; }
    for i in "${!lines[@]}"; do
        [ -z "${line_of[${names[i]}]-}" ] || die 2 "two points are the same network: '${line_of[${names[i]}]}' and '${lines[i]}'"
        line_of[${names[i]}]=${lines[i]}
    done
    {
        [ ! -e "$out/points" ] || cat "$out/points"
        for i in "${!lines[@]}"; do printf '%s\t%s\t%s\n' "${names[i]}" "${epochs_of[i]}" "${lines[i]}"; done
    } | awk -F '\t' '!($1 in line) { order[++n] = $1 } { line[$1] = $0 }
        END { for (i = 1; i <= n; i++) print line[order[i]] }' | replace_points || exit
    unlock_points
}
# set_epochs N NAME...: asks for that many epochs of these points, which stay locked.
set_epochs() {
    lock_points || return
    printf '%s\n' "${@:2}" | awk -F '\t' -v OFS='\t' -v epochs="$1" '
        FILENAME == "-" { named[$1]; next }
        $1 in named { $2 = epochs }
        { print }' - "$out/points" | replace_points || exit
}
replace_points() {
    { cat >"$out/points.new" && mv "$out/points.new" "$out/points"; } || die 1 "cannot write $out/points"
}
