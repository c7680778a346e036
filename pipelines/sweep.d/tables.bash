# The options that points may have: those of pstrain and of psaug, as the tables of their --help have them. A line of a
# point holds options of both; what psaug has and pstrain has not, by its whole long name, goes to psaug.
# shellcheck shell=bash

# know_options: sets, names with blanks around each (worker and runners have them from their environment):
#
#   known     the long names of both programs        flags    those that take no value
#   views     those that are psaug's                 texts    those in whose value 1-4 is no list
#   letters   those that have a letter: " -d--depth "
know_options() {
    local program line name value
    [ -z "$known" ] || return 0
    for program in pstrain psaug; do
        while IFS= read -r line; do
            # An option stands before the 28th letter of its line, and its help behind, or fills the line.
            [[ ${line:27:1} != ' ' ]] || line=${line:0:27}
            [[ $line =~ ^\ +(-[a-zA-Z])?,?\ +(--[a-z0-9-]+)(\ ([^ ]+))? ]] || continue
            name=${BASH_REMATCH[2]} value=${BASH_REMATCH[4]}
            [[ $known != *" $name "* ]] || continue
            known+=" $name "
            [ $program = pstrain ] || views+=" $name "
            [ -n "$value" ] || flags+=" $name "
            [ "$value" != STAGES ] || texts+=" $name "
            [ -z "${BASH_REMATCH[1]}" ] || letters+=" ${BASH_REMATCH[1]}$name "
        done < <($program --help 2>/dev/null)
    done
}

# is_flag OPTION [NEXT]: whether it takes no value of its program, and has none of sweep's: yes, no, or both.
is_flag() {
    [[ $1 = --* ]] || return
    know_options
    [[ $flags = *" $1 "* && ! ${2-} =~ ^(yes|no)(,(yes|no))*$ ]]
}

# split_point LINE: of a line of options sets training, those of pstrain, and viewing, those of psaug.
split_point() {
    local words name i
    training=() viewing=()
    read -ra words <<<"$1"
    for ((i = 0; i < ${#words[@]}; i++)); do
        name=${words[i]%%=*}
        if [[ $views != *" $name "* ]]; then
            training+=("${words[i]}")
        else
            viewing+=("${words[i]}")
            [[ ${words[i]} = *=* || $flags = *" $name "* || $((i + 1)) -eq ${#words[@]} ]] || viewing+=("${words[++i]}")
        fi
    done
}

# names_in WORD...: the long names of the options among these words, in whatever way pstrain takes them but cut short.
names_in() {
    local word
    for word; do
        case $word in
        --*) echo "${word%%=*}" ;;
        -[a-zA-Z]*) [[ $letters != *" ${word:0:2}--"* ]] || { word=${letters#*" ${word:0:2}--"} && echo "--${word%% *}"; } ;;
        esac
    done
}
