# Points at random: sample number i's value of an option is a function of the seed, i and the option's name alone. So 50
# samples are the first 50 of 100, and an option more leaves the values of the others as they are.
# shellcheck shell=bash

a_real='-?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]{1,2})?'
a_range="^(uniform|log|int):($a_real)\\.\\.($a_real)\$"

# philox SEED EPOCH ID PURPOSE: lib/random.h has it; sets the array word, four of 32 bits.
philox() {
    local mask=0xffffffff c0 c1 c2 c3 k0 k1 p0 p1 round
    ((c0 = $2, c1 = $4, c2 = $3 & mask, c3 = $3 >> 32 & mask, k0 = $1 & mask, k1 = $1 >> 32 & mask))
    for ((round = 0; round < 10; round++)); do
        ((p0 = 0xD2511F53 * c0, p1 = 0xCD9E8D57 * c2))
        ((c0 = (p1 >> 32 & mask) ^ c1 ^ k0, c1 = p1 & mask, c2 = (p0 >> 32 & mask) ^ c3 ^ k1, c3 = p0 & mask))
        ((k0 = (k0 + 0x9E3779B9) & mask, k1 = (k1 + 0xBB67AE85) & mask))
    done
    word=("$c0" "$c1" "$c2" "$c3")
}
# number_of NAME: sets number, its 32 bits by FNV-1a (Fowler, Noll, Vo), for the place of a word in Philox's counter.
number_of() {
    local i code
    number=2166136261
    for ((i = 0; i < ${#1}; i++)); do
        printf -v code %d "'${1:i:1}"
        ((number = ((number ^ code) * 16777619) & 0xffffffff))
    done
}

# range TEXT OPTION: sets kind, low and high of log:0.001..0.3 and the like; 1: it is none.
range() {
    [[ $1 =~ ^(uniform|log|int): ]] || return
    [[ $1 =~ $a_range ]] || die 2 "$2 takes a range such as uniform:0..0.5, log:0.001..0.3 or int:8..64, not '$1'"
    kind=${BASH_REMATCH[1]} low=${BASH_REMATCH[2]} high=${BASH_REMATCH[5]}
    [ "$kind" != int ] || [[ $low =~ ^(0|$a_number)$ && $high =~ ^(0|$a_number)$ ]] ||
        die 2 "$2 $1: int: takes two whole numbers from 0 to 999999999"
    LC_ALL=C awk -v low="$low" -v high="$high" 'BEGIN { exit !(low + 0 < high + 0) }' ||
        die 2 "$2 $1 runs backwards, or nowhere: the smaller number comes first"
    [ "$kind" != log ] || LC_ALL=C awk -v low="$low" 'BEGIN { exit !(low + 0 > 0) }' ||
        die 2 "$2 $1: log: takes numbers above 0, for 0 has no logarithm"
    [ "$kind" = int ] || ! takes_whole "$2" || die 2 "$2 takes whole numbers, which int: draws (int:8..64), not $1"
}
# takes_whole OPTION: whether its program refuses a part of one.
takes_whole() {
    local program=pstrain said
    [[ $views != *" $1 "* ]] || program=psaug
    said=$($program "$1" 0.5 --help 2>&1 >/dev/null)
    [[ $said = *' takes '*'whole number'* ]]
}

# draw_points: a line of options for each of so many samples, and each of the seeds. Of a list a value is drawn, too, but of
# that of the seeds, with all of which each sample is trained. A line that came before does not come again.
draw_points() {
    local names=() kinds=() picks=() numbers=() seeds kind low high number word values option i k at
    complete_axes
    for ((i = 0; i < ${#axes[@]}; i += 2)); do
        if [ "${axes[i]}" = --seed ]; then
            [[ ! ${axes[i + 1]} =~ ^(uniform|log|int): ]] ||
                die 2 "--seed takes a list, not ${axes[i + 1]}: every sample is trained with each of its seeds"
            seeds=$(list "${axes[i + 1]}" --seed) || return
            continue
        fi
        number_of "${axes[i]#--}"
        names+=("${axes[i]}") numbers+=("$number")
        if range "${axes[i + 1]}" "${axes[i]}"; then
            kinds+=("$kind $low $high") picks+=("")
        else
            values=$(list "${axes[i + 1]}" "${axes[i]}") || return
            mapfile -t word <<<"$values"
            for k in "${!word[@]}"; do as_option "${axes[i]}" "${word[k]}" && word[k]=$option; done
            printf -v values '%s\n' "${word[@]}"
            kinds+=("list") picks+=("$values")
        fi
    done
    [ ${#names[@]} -gt 0 ] || die 2 "--samples has nothing to draw: there is but --seed, and every sample is trained with each of its seeds"
    {
        printf '%s\n' ${#names[@]} "${names[@]}" "${kinds[@]}"
        for ((i = 0; i < samples; i++)); do
            for k in "${!names[@]}"; do
                philox "$sample_seed" "${numbers[k]}" "$i" 7 # PURPOSE_SAMPLE
                read -r kind low high <<<"${kinds[k]}"
                case $kind in
                int) echo $((low + (word[0] * (high - low + 1) >> 32))) ;;
                list) mapfile -t values <<<"${picks[k]%$'\n'}" && at=$((word[0] * ${#values[@]} >> 32)) && echo "${values[at]}" ;;
                *) echo $((word[0] >> 8)) ;;
                esac
            done
        done
    } | LC_ALL=C common=${common:+ $common} awk -v seeds="${seeds//$'\n'/ }" '
        # Of four significant digits, so that no last bit of a logarithm matters; and not beyond the ends.
        function real(part, kind, low, high,    value) {
            part /= 16777216
            value = sprintf("%.4g", kind == "log" ? low * exp(part * log(high / low)) : low + part * (high - low))
            return value + 0 < low + 0 ? low : value + 0 > high + 0 ? high : value
        }
        NR == 1 { axes = $1; next }
        NR <= 1 + axes { name[NR - 2] = $1; next }
        NR <= 1 + 2 * axes { kind[NR - 2 - axes] = $1; low[NR - 2 - axes] = $2; high[NR - 2 - axes] = $3; next }
        {
            k = (NR - 2) % axes
            if (kind[k] == "list") text = $0
            else text = name[k] " " (kind[k] == "int" ? $1 : real($1, kind[k], low[k], high[k]))
            line = line (line == "" || text == "" ? "" : " ") text
            if (k < axes - 1) next
            if (seen[line]++ == 0) {
                count = split(seeds, seed, " ")
                for (i = 1; i <= count; i++) print line (line == "" ? "" : " ") "--seed " seed[i] ENVIRON["common"]
            } else again++
            line = ""
        }
        END {
            if (again) printf "sweep: %d of the samples %s no new point, and %s left out\n",
                again, again == 1 ? "is" : "are", again == 1 ? "is" : "are" > "/dev/stderr"
        }'
    [ "${PIPESTATUS[0]}" = 0 ]
}
