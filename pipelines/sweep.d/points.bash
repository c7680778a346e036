# The points of a sweep: lists of values span a space, each of its points is a line of pstrain's options, and has a name.
# shellcheck shell=bash

# list TEXT OPTION: 1-3,8,2 becomes the lines 1 2 3 8; other words, such as 0.05, stand for themselves.
list() {
    local part parts
    [[ $1 =~ ^[^,[:blank:]]+(,[^,[:blank:]]+)*$ ]] || die 2 "$2 takes a list such as 1-4 or 2,3,8, not '$1'"
    IFS=, read -ra parts <<<"$1"
    for part in "${parts[@]}"; do
        if [[ $part =~ ^([0-9]{1,9})-([0-9]{1,9})$ ]]; then
            seq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" | grep . || die 2 "$2 $part runs backwards"
        else
            echo "$part"
        fi
    done | awk '!seen[$0]++'
    [ "${PIPESTATUS[0]}" = 0 ]
}

# Lists are of options of pstrain, by their whole names: what is part of one, or none, was meant for something else,
# such as --epoch or --limits.
check_axes() {
    local known i
    known=" $(pstrain --help | sed -nE 's/^ +(-., )?(--[a-z0-9-]+).*/\2/p' | paste -sd ' ') "
    for ((i = 0; i < ${#axes[@]}; i += 2)); do
        [[ $known == *" ${axes[i]} "* ]] ||
            die 2 "there is no option ${axes[i]} (see sweep --help, and pstrain --help for more options that take a list)"
    done
}
# grid: a line of pstrain's options for each point that the lists in the array axes (OPTION LIST OPTION
# LIST …) span, the first option varying slowest, with what all have in common behind. Depth and seed are
# always among them.
grid() {
    [[ " ${axes[*]} " == *' --depth '* ]] || axes=(--depth 1-4 "${axes[@]}")
    [[ " ${axes[*]} " == *' --seed '* ]] || axes+=(--seed 0)
    local lines=("") line value values words i
    for ((i = 0; i < ${#axes[@]}; i += 2)); do
        values=$(list "${axes[i + 1]}" "${axes[i]}") || return
        mapfile -t lines < <(for line in "${lines[@]}"; do
            mapfile -t words <<<"$values"
            for value in "${words[@]}"; do printf '%s\n' "${line:+$line }${axes[i]} $value"; done
        done)
    done
    with_common "${lines[@]}"
}

# Lines of points, each with what stands behind -- for all.
with_common() {
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

# name_points LINE...: the name of each point of these lines of options, in order, for the images on standard input.
# pstrain knows its options; what it says of a line is said of the point.
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
# add_points LINE...: names points, each a line of pstrain's options, and adds them to the folder's; those that are there
# already get the new epochs and the new line. Sets the array names; 2: a line makes no network, which has been said.
add_points() {
    local lines=("$@") epochs_of=() i words
    local -A line_of=()
    take_epochs || return
    lock_points || return
    read -ra words <<<"$augment"
    mapfile -t names < <(psaug -q "${words[@]}" <"$out/data.ps" | name_points "${lines[@]}")
    [ ${#names[@]} = ${#lines[@]} ] || { unlock_points && return 2; }
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
