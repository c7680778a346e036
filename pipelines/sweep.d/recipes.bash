# Recipes: files of options, in ../recipes or of one's own. What the command line says goes before what a recipe says.
#
# A line of a recipe is an option of pstrain or psaug by its whole long name, or --epochs, with its value or list of values.
# What stands behind a blank and # is a comment, and the first line is one that says what the recipe is. All of it is data:
# words, which no shell sees.
# shellcheck shell=bash

# What take_recipe finds for --points, NAME VALUE NAME VALUE …, in the worker from its environment (begin): basics

# Options of which one makes no sense beside the other.
rivals=' --network/--depth --network/--filters --l2/--weight-decay --crop/--shift '

# recipe_names: those that come with psweep, a line each with what it is.
recipe_names() {
    local file
    for file in "$here/../recipes"/*; do
        printf '%-10s  %s\n' "${file##*/}" "$(sed -n '1s/^# *//p' "$file")"
    done
}

# take_recipe: puts the options of the recipe before those of the command line, but for those that it has itself, in a list,
# behind -- or in --augment. Sets axes, or with --points basics, and epochs.
take_recipe() {
    local file=$recipe name value line number=0 words told own=()
    [[ $file = */* ]] || file=$here/../recipes/$recipe
    if [[ ! -f $file || ! -r $file ]]; then
        [[ $recipe != */* ]] || die 2 "there is no file $recipe, or it cannot be read"
        die 2 "there is no recipe $recipe: there is $(recipe_names | awk '{ print $1 }' | paste -sd ' '), and a file of your own is ./$recipe"
    fi
    read -ra words <<<"$common $augment"
    told=$(names_in "${axes[@]}" "${words[@]}")
    while IFS= read -r line || [ -n "$line" ]; do
        ((++number))
        line=" ${line//$'\r'/}" line=${line%%[[:blank:]]#*}
        read -ra words <<<"${line/=/ }"
        [ ${#words[@]} -gt 0 ] || continue
        name=${words[0]} value=${words[1]-}
        check_recipe
        if [ "$name" = --epochs ]; then
            [ -n "${given[epochs]-}" ] || { epochs=$value && given[epochs]=1; }
        elif ! is_told "$name" "$told"; then
            own+=("$name" "$value")
        fi
    done <"$file"
    if [ -n "$points" ]; then basics=${own[*]}; else axes=("${own[@]}" "${axes[@]}"); fi
}
# check_recipe: dies with the number of the line where that is no option or no value of it; a flag gets its value.
check_recipe() {
    local said where="$file, line $number" values program=pstrain
    if ! is_plain "$line" || [[ $name != --* || ${#words[@]} -gt 2 ]]; then
        die 2 "$where: '${line# }' is not an option with its value, such as --depth 3"
    elif [ "$name" = --epochs ]; then
        can_be epochs "$value" || die 2 "$where: $wrong"
        return
    fi
    [[ $known = *" $name "* ]] || die 2 "$where: pstrain and psaug have no option $name"
    [[ -n $value || $flags != *" $name "* ]] || value=yes
    [ -n "$value" ] || die 2 "$where: $name needs a value"
    [[ ! $value =~ ^(uniform|log|int): ]] || return 0
    said=$(list "$value" "$name" 2>&1) || die 2 "$where: ${said#sweep: }"
    [[ $flags != *" $name "* ]] || return 0
    [[ $views != *" $name "* ]] || program=psaug
    mapfile -t values <<<"$said"
    for value in "${values[@]}"; do
        said=$($program "$name" "$value" --help 2>&1 >/dev/null) || die 2 "$where: ${said#"$program: "}"
    done
    value=${words[1]}
}
# is_told NAME NAMES: whether that option, or a rival of it, is among these, a line each.
is_told() {
    local other
    while read -r other; do
        [[ $other != "$1" && $rivals != *" $1/$other "* && $rivals != *" $other/$1 "* ]] || return 0
    done <<<"$2"
    return 1
}

# with_recipe LINE: that line of options, behind those of the recipe that it has not itself.
with_recipe() {
    local words told values option line='' i
    read -ra words <<<"$1"
    told=$(names_in "${words[@]}")
    read -ra words <<<"$basics"
    for ((i = 0; i < ${#words[@]}; i += 2)); do
        ! is_told "${words[i]}" "$told" || continue
        values=$(list "${words[i + 1]}" "${words[i]}") || return
        [[ $values != *$'\n'* ]] || die 2 "the recipe has a list, ${words[i]} ${words[i + 1]}: with --points a line has a value of its own"
        as_option "${words[i]}" "$values"
        line+="$option "
    done
    echo "$line$1"
}
