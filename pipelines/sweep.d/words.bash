# What others have written: the forms in which it is read, and otherwise not acted upon. A folder may come from
# anybody, and so may lines of points and of hosts.
# shellcheck shell=bash

# As extended regular expressions, in the locale C: a number of sweep's own, a point's name, and a line of the folder's
# points, which has name, epochs and options.
a_number='[1-9][0-9]{0,8}'
a_name='[dn][0-9]{1,3}-s[0-9]{1,20}-[0-9a-f]{12}'
its_options=$a_number$'\t[ -~]*'
most_jobs=50000    # networks at a time that anybody asks for,
most_on_gpu=48     # those of them on a GPU that NVIDIA's MPS takes (since Volta; with the newest drivers 60),
most_samples=50000 # and points that are drawn
# What a terminal would obey, or turn the direction of letters by, in a line: as lib/utf8.h has it, but for tabs.
unplain=$'[\x01-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf'

is_plain() {
    local LC_ALL=C
    [[ $1 != *$'\n'* && ! $1 =~ $unplain ]]
}
# Lines of others, for people: with a question mark for what is not plain.
made_plain() {
    LC_ALL=C sed -E "s/$unplain|\\x00/?/g"
}
# Whether a line can be options of a point: not those by which pstrain would write anywhere but on its standard output,
# or train nothing, or psaug leave epochs out.
is_of_a_point() {
    local LC_ALL=C
    [[ ${#1} -le 1000 && $1 =~ ^[\ -~]*$ && ! " $1" =~ \ --(pro|poi|sel|first-) ]]
}

# can_be NAME VALUE: whether an option of sweep's own, from the command line or a folder, can have that value. Otherwise
# wrong says why not.
can_be() {
    local takes='' LC_ALL=C
    case $1 in
    epochs) [[ $2 =~ ^$a_number$ ]] || takes='a whole number from 1 to 999999999' ;;
    limit) [[ $2 =~ ^($a_number)?$ ]] || takes='a whole number from 1 to 999999999' ;;
    jobs) [[ $2 =~ ^($a_number)?$ && ${2:-1} -le $most_jobs ]] || takes="a whole number from 1 to $most_jobs" ;;
    per_gpu) [[ $2 =~ ^($a_number)?$ && ${2:-1} -le $most_on_gpu ]] || takes="a whole number from 1 to $most_on_gpu" ;;
    samples) [[ $2 =~ ^($a_number)?$ && ${2:-1} -le $most_samples ]] || takes="a whole number from 1 to $most_samples" ;;
    sample_seed) [[ $2 =~ ^(0|$a_number)$ ]] || takes='a whole number from 0 to 999999999' ;;
    halving) [[ $2 =~ ^($a_number)?$ && $2 != 1 ]] || takes='a whole number from 2 to 999999999' ;;
    rank) [[ $2 =~ ^(last|mean5|best|loss)$ ]] || takes='one of last, mean5, best, loss' ;;
    data | test) [[ $2 != -* || $1$2 = data- ]] || takes="a source (./$2 for a file of that name)" ;;
    fetch) [[ ! " $2" =~ [[:blank:]]--w ]] || takes='options of psfetch without --write-shard' ;;
    esac
    [ -n "$takes" ] || return 0
    wrong="--${1/_/-} takes $takes, not '$2'"
    return 1
}

# What ends with training, as pstrain has it, and so must be told when that is, for the epochs asked for may change.
ends_with_it=' --(schedule (cosine|linear|one-cycle)|warm-up [^ ]*%|average lookahead:[^ :]*:[^ :]*:[^ ]*) '

# point_line EPOCHS LINE: of a line of options its epochs, in any spelling that pstrain takes, or EPOCHS where it has none
# of its own, and the line without them, but with --horizon where it needs that: sets asked and kept. Otherwise wrong says
# why it is no point.
point_line() {
    local words others=() value i name='--epo(c|ch|chs)?'
    asked=$1 wrong="options are up to 1000 printable characters of ASCII, without --progress, --points, --selftest and --first-epoch, not '$2'"
    is_of_a_point "$2" || return
    read -ra words <<<"$2"
    for ((i = 0; i < ${#words[@]}; i++)); do
        if [[ ${words[i]} =~ ^(-e|$name)$ ]]; then
            value=${words[++i]-}
        elif [[ ${words[i]} =~ ^(-e|$name=)(.*)$ ]]; then
            value=${BASH_REMATCH[3]}
        else
            others+=("${words[i]}") && continue
        fi
        can_be epochs "$value" || return
        asked=$value
    done
    value=" ${others[*]} " value=${value//=/ }
    [[ ! $value =~ $ends_with_it || $value = *' --horizon '* ]] || others+=(--horizon "$asked")
    kept=${others[*]:---depth 1}
}
