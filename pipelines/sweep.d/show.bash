# What a sweep has come to: status, the best network, the report.
# shellcheck shell=bash disable=SC2154

# Lines with tabs between their fields as columns.
columns() {
    awk -F '\t' '{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i) }
            fields[NR] = NF }
        END { for (row = 1; row <= NR; row++) { line = ""
            for (i = 1; i <= fields[row]; i++) line = line sprintf("%-*s  ", width[i], cell[row, i])
            sub(/ +$/, "", line); print line } }'
}

status() {
    need_folder
    states | awk -F '\t' -v OFS='\t' '
        BEGIN { print "point", "state", "epochs", "validation", "loss", "options" }
        { print $1, $2, $3 "/" $4, $5, $6, $8 }' | columns
    echo "$(count_states)$(is_locked "$out" || echo '; no sweep is at work')"
}
# "12 points: 4 done, 2 running, 6 missing"
count_states() {
    states | awk -F '\t' '{ count[$2]++ }
        END { printf "%d point%s:", NR, NR == 1 ? "" : "s"; split("done running stopped failed missing", state, " ")
            for (i = 1; i <= 5; i++) if (count[state[i]]) printf "%s %d %s", comma++ ? "," : "", count[state[i]], state[i] }'
}

# Names the points that are not done, with the reason; the result is the exit status of a sweep.
complain() {
    local name state result=0
    while IFS=$'\t' read -r name state _; do
        case $state in
        failed)
            echo "sweep: $name failed: $(reason "$out/$name.failed")" >&2
            result=1
            ;;
        stopped) echo "sweep: $name was stopped; what it had learnt by then is kept" >&2 ;;&
        stopped | missing | running) [ $result != 0 ] || result=4 ;;
        esac
    done < <(states)
    return $result
}
# Where psaug failed, pstrain says so too, but not why. What sweep itself wrote there needs no name before it.
reason() {
    grep -m 1 '^psaug: ' "$1" || grep . "$1" | tail -n 1 | sed "s|^sweep: ||" | grep . || echo "it ended without a word"
}

# The finished points as lines VALIDATION NAME EPOCH ENGINE OPTIONS, the best first: those of which the most
# epochs were asked, by their last validation, then those that were left behind.
ranking() {
    states | awk -F '\t' -v OFS='\t' '$2 == "done" && $5 != "-" { print $5, $1, $3, $7, $8, $4 }' |
        sort -t $'\t' -s -k 6,6nr -k 1,1gr | cut -f -5
}
# Prints the file of the first of them.
best() {
    local first engines
    need_folder
    first=$(ranking | head -n 1 | cut -f 2)
    [ -n "$first" ] || die 1 "no network in $out is done"
    mapfile -t engines < <(ranking | cut -f 4 | sort -u)
    [ ${#engines[@]} = 1 ] ||
        echo "sweep: networks of different engines are compared: $(printf '%s\n' "${engines[@]}" | paste -sd ";" | sed "s/;/; /g")" >&2
    echo "$out/$first.bin"
}

# Where several points differ only in their seed: a line for each such group, the best mean first.
seeds_rows() {
    ranking | awk -F '\t' -v OFS='\t' '
        { group = " " $5 " "
          gsub(/ (-s|--seed)[ =][0-9]+ /, " ", group)
          gsub(/^ +| +$/, "", group)
          group = group "\t" $3 "\t" $4
          n[group]++; sum[group] += $1; square[group] += $1 * $1
          if (n[group] > most) most = n[group] }
        END { if (most > 1) for (group in n) {
            mean = sum[group] / n[group]
            deviation = n[group] > 1 ? sprintf("%.2f", sqrt((square[group] - n[group] * mean * mean) / (n[group] - 1))) : "-"
            split(group, part, "\t")
            print sprintf("%.2f", mean), deviation, n[group], part[2], part[1] } }' | sort -t $'\t' -k 1,1gr |
        awk 'NR == 1 { print "mean\tdeviation\tseeds\tepochs\toptions" } { print }'
}

# What the finished networks are worth. The last validation decides which is best; only that is tested.
judge() {
    local names nets best words images=(cat "$out/data.ps") part=validation
    mapfile -t names < <(ranking | cut -f 2)
    [ ${#names[@]} -gt 0 ] || return 0
    nets=("${names[@]/#/"$out/"}")
    nets=("${nets[@]/%/.bin}")
    best=$(best) || return
    psplot -k table "${nets[@]}" && seeds_rows | columns || return
    read -ra words <<<"$fetch"
    [ -z "$test" ] || part=test images=(psfetch -q "$test" --as test "${words[@]}")
    # The data may have brought images for the test.
    if psplot -k json "$best" | head -n 1 | grep -q '"counts":{[^}]*"test":[1-9]'; then part='test'; fi
    "${images[@]}" | pseval -q --only $part "$best" >"$out/best.scores" || return
    draw "${nets[@]}" || return
    echo "best is $best: validation $(ranking | head -n 1 | cut -f 1) %$([ $part = validation ] || echo ", test $(tested) %")"
    echo "report: $out/report.html"
}
tested() {
    psplot -k table "$out/best.scores" | awk 'END { print $NF }'
}

follow() {
    need_folder
    read_options
    psplot --follow -e "$epochs" "$out"
}
report() {
    need_folder
    read_options
    complain
    [ -n "$(ranking)" ] || die 1 "no network in $out is done"
    judge
}

# stop [POINT...]: a point is named by its name or by the beginning of it, such as d3-s1; no point means all.
stop() {
    local point names
    need_folder
    is_locked "$out" || die 1 "no sweep is at work in $out"
    if [ $# = 0 ]; then
        touch "$out/stop"
        finished
        return
    fi
    for point; do
        mapfile -t names < <(states | awk -F '\t' -v point="$point" '
            ($1 == point || index($1, point "-") == 1) && $2 != "done" { print $1 }')
        [ ${#names[@]} -gt 0 ] || die 1 "no point of $out that is not done is called $point"
        for name in "${names[@]}"; do touch "$out/$name.stop"; done
        echo "sweep: ${names[*]}: to be stopped" >&2
    done
}
wait_for_all() {
    need_folder
    finished
    [ ! -s "$out/sweep.log" ] || cat "$out/sweep.log" >&2
    complain
}
