# Which network of a sweep is the best: psdump -k ranking says it, by the figure that --rank chooses.
# shellcheck shell=bash

# What rank_points finds:
ranked=()     # a line for each finished network, the best first, by tabs: NAME FIGURE LOSS EPOCH STATE OF ENGINE EPOCHS
              # OPTIONS; of STATE and OF psdump -k ranking tells, EPOCHS are those asked for
winner=''     # the name of the first
of=''         # what the figures are of: validation, or training
over_seeds='' # the table of tables

# What has diverged comes last; else those of which the most epochs were asked come first, then those that were left
# behind.
rank_points() {
    local finished names
    ranked=() winner='' of=validation
    finished=$(states | awk -F '\t' '$2 == "done"')
    [ -n "$finished" ] || return 0
    mapfile -t names < <(cut -f 1 <<<"$finished")
    mapfile -t ranked < <(order_of "${names[@]}" | awk -F '\t' -v OFS='\t' '
        NR == FNR { engine[$1] = $7; asked[$1] = $4; options[$1] = $8; next }
        { print $5 == "diverged", asked[$1], $1, $2, $3, $4, $5, $6, engine[$1], asked[$1], options[$1] }' \
        <(printf '%s\n' "$finished") - | sort -t $'\t' -s -k 1,1n -k 2,2nr | cut -f 3-)
    IFS=$'\t' read -r winner _ _ _ _ of _ <<<"${ranked[0]-}"
}
# order_of [--epochs N] NAME...: what psdump -k ranking says of them, with names instead of files.
order_of() {
    local only=() files
    [ "$1" != --epochs ] || { only=("$1" "$2") && shift 2; }
    [ $# -gt 0 ] || return 0
    files=("${@/#/"$out/"}")
    psdump -k ranking --rank "$rank" "${only[@]}" "${files[@]/%/.bin}" | tail -n +2 | sed 's|^[^\t]*/||; s|\.bin\t|\t|'
}
# ranked_files [CONDITION]: the finished networks as files, the best first; those of which that, in awk, is true.
ranked_files() {
    printf '%s\n' "${ranked[@]}" | out=$out awk -F '\t' "NR == 1 { most = \$8 } ${1-1} { print ENVIRON[\"out\"] \"/\" \$1 \".bin\" }"
}
# What is said of their order where not all were asked for the same epochs.
left_behind() {
    [ "$(printf '%s\n' "${ranked[@]}" | cut -f 8 | sort -u | wc -l)" = 1 ] ||
        echo "; those of which fewer epochs were asked stand behind"
}

# What the figure is, for heads and sentences: "validation accuracy after the last epoch".
figure_is() {
    local when='after the last epoch'
    [[ ${ranked[*]} != *--keep[\ =]best* ]] || when='of the epoch that was kept'
    case $of-$rank in
    training-loss) echo "training loss in the last epoch" ;;
    training-*) echo "training accuracy in the last epoch" ;;
    *-loss) echo "validation loss $when" ;;
    *-mean5) echo "validation accuracy, mean of the last five" ;;
    *-best) echo "highest validation accuracy" ;;
    *) echo "validation accuracy $when" ;;
    esac
}
# Whether there is a best network, and one that has not diverged. Says so where engines differ.
need_best() {
    if [ ${#ranked[@]} = 0 ]; then
        echo "sweep: no network in $out is done" >&2 && return 1
    elif [[ ${ranked[0]} = *$'\t'diverged$'\t'* ]]; then
        echo "sweep: all networks in $out have diverged: their loss is no number; a smaller --learning-rate may help" >&2 && return 1
    fi
    [ "$(engines | wc -l)" = 1 ] ||
        echo "sweep: networks of different engines are compared: $(engines | paste -sd ";" | sed "s/;/; /g")" >&2
}
# Prints the file of the best.
sweep_best() {
    rank_points
    need_best || exit
    echo "$out/$winner.bin"
}
engines() {
    printf '%s\n' "${ranked[@]}" | cut -f 7 | sort -u
}

# What the points differ in: options.awk, of the folder's points.
in_words() {
    awk -f "$here/options.awk" -v want="$1" "$out/points" -
}
# A table of the finished networks, the best first, by tabs.
networks_table() {
    printf '%s\n' "${ranked[@]}" | awk -F '\t' -v OFS='\t' -v engines="$(engines | wc -l)" -v rank="$rank" '
        NR == 1 { print "point", rank == "loss" ? $6 " loss" : $6 " %" OFS "loss", "epochs", (engines > 1 ? "engine" OFS : "") "options" }
        { print $1, ($5 == "diverged" ? $5 : $2) (rank == "loss" ? "" : OFS $3), $4, (engines > 1 ? $7 OFS : "") $9 }' | in_words columns
}
# The finished networks, the best first, and over seeds. Where some were left behind with fewer epochs, psplot would
# rank them among the others. Sets over_seeds: where several points differ in nothing but their seeds or folds, the mean
# of each such group and its deviation; of those of which the most epochs were asked.
tables() {
    local files
    mapfile -t files < <(ranked_files)
    if [ -z "$(left_behind)" ]; then
        psplot -k table --rank "$rank" "${files[@]}" || return
    else
        printf 'The best first, by %s%s\n\n' "$(figure_is)" "$(left_behind)"
        networks_table | columns
    fi
    echo
    # shellcheck disable=SC2016 # for awk
    mapfile -t files < <(ranked_files '$5 != "diverged" && $8 == most')
    if [ ${#files[@]} -gt 1 ] && psdump -k means --rank "$rank" "${files[@]}" | awk -F '\t' '$4 + $6 > 1 { several = 1 } END { exit !several }'; then
        over_seeds=$(psplot -k summary --rank "$rank" "${files[@]}")
        printf '%s\n\n' "$over_seeds"
    fi
}
