# What a sweep has come to, and how it is asked to stop.
# shellcheck shell=bash

# columns [html]: lines with tabs between their fields, the first of them heads, as columns, or as a table of the page;
# numbers with their ends below each other.
columns() {
    awk -F '\t' -v html="${1-}" '
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > width[i]) width[i] = length($i)
              if (NR > 1 && $i !~ /^[-+0-9.e\/]+$/) text[i] } }
        END { if (html) print "<table>"
            for (row = 1; row <= NR; row++) {
                kind = row == 1 ? "th" : "td"; line = ""
                for (i = 1; i <= NF; i++)
                    if (html) line = line "<" kind (i in text ? "" : " class=n") ">" cell[row, i] "</" kind ">"
                    else line = line sprintf(i in text ? "%-*s  " : "%*s  ", width[i], cell[row, i])
                sub(/ +$/, "", line)
                print html ? "<tr>" line "</tr>" : line }
            if (html) print "</table>" }'
}

sweep_status() {
    local now shared
    now=$(states)
    [ -z "$now" ] || awk -F '\t' -v OFS='\t' '
        BEGIN { print "point", "state", "epochs", "validation", "loss", "options" }
        { print $1, $2, $3 "/" $4, $5, $6, $8 }' <<<"$now" | in_words columns | columns
    shared=$(in_words shared </dev/null)
    [ -z "$shared" ] || echo "all: $shared"
    count_states <<<"$now"
}
# "12 points: 4 done, 2 running, 6 to come; about 5 min left", of the lines of states. The time is that which those that
# train now, or that have ended since a sweep is at work, took for each epoch.
count_states() {
    local at_work='' begun=()
    if is_locked "$out"; then at_work=1 begun=("$out/.places"/begun.*); fi
    cat "${begun[@]}" - 2>/dev/null | awk -F '\t' -v at_work="$at_work" -v now="$EPOCHSECONDS" '
        $1 == "begun" { since[$2] = $3; before[$2] = $4; if (!first || $3 < first) first = $3; next }
        NF < 8 { next }
        { points++
          # What stopped or failed before this sweep was at work is to come.
          if (at_work && $2 != "done" && $2 != "running" && !($1 in since)) $2 = "missing"
          count[$2]++
          if ($1 in since) gained += $3 - before[$1]
          if ($2 == "running" || $2 == "missing") left += $3 < $4 ? $4 - $3 : 0
          if ($2 == "running" && $3 > before[$1] && now > since[$1]) {
              own = ($4 - $3) * (now - since[$1]) / ($3 - before[$1])
              if (own > longest) longest = own } }
        END {
            if (!points) printf "no points yet"
            else printf "%d point%s:", points, points == 1 ? "" : "s"
            split("done running stopped failed missing", state, " ")
            for (i = 1; i <= 5; i++) if (count[state[i]])
                printf "%s %d %s", comma++ ? "," : "", count[state[i]], at_work && i == 5 ? "to come" : state[i]
            if (!at_work) { print (points && count["done"] == points ? "" : "; no sweep is at work"); exit }
            seconds = gained > 0 ? left * (now - first) / gained : 0
            if (seconds < longest) seconds = longest
            if (seconds <= 0) print ""
            else if (seconds < 90) printf "; about %d s left\n", seconds + 1
            else if (seconds < 5400) printf "; about %d min left\n", seconds / 60 + 0.5
            else printf "; about %.1f h left\n", seconds / 3600
        }'
}

# Names the points that are not done, with the reason; the result is the exit status of a sweep.
complain() {
    local name state epoch result=0 waiting=0
    while IFS=$'\t' read -r name state epoch _; do
        case $state in
        failed)
            echo "sweep: $name failed: $(reason "$out/$name.failed")" >&2
            result=1
            ;;
        stopped)
            if [ "$epoch" != 0 ]; then
                echo "sweep: $name was stopped after epoch $epoch; what it had learnt is kept" >&2
            elif [ -s "$out/$name.stopped" ]; then
                echo "sweep: $name was stopped in its first epoch; what it had learnt is kept" >&2
            else
                echo "sweep: $name was stopped before it had learnt anything" >&2
            fi
            ;;&
        missing) ((++waiting)) ;;&
        stopped | missing | running) [ $result != 0 ] || result=4 ;;
        esac
    done < <(states)
    [ $waiting = 0 ] || echo "sweep: $waiting point$([ $waiting = 1 ] || echo s) not begun" >&2
    return $result
}
# Where psaug failed, pstrain says so too, but not why. What sweep itself wrote there needs no name before it.
reason() {
    { grep -a -m 1 '^psaug: ' "$1" || grep -a . "$1" | tail -n 1 | sed "s|^sweep: ||" | grep -a . || echo "it ended without a word"; } |
        made_plain
}

sweep_follow() {
    [ "$command" != follow ] || is_locked "$out" ||
        die 1 "no sweep is at work in $out: sweep status and sweep report -o $out show what it has come to"
    exec psplot --follow --rank "$rank" -e "$epochs" "$out"
}
sweep_report() {
    complain
    rank_points
    [ ${#ranked[@]} = 0 ] || tables
    need_best && judge
}

# sweep_stop [POINT...]: a point is named by its name or by the beginning of it, such as d3-s1 or d3-s1-8f2c, as status shows
# it; no point means all.
sweep_stop() {
    local point name names
    is_locked "$out" || { need_folder; die 1 "no sweep is at work in $out"; }
    if [ $# = 0 ]; then
        touch "$out/stop"
        finished
        return
    fi
    need_folder
    for point; do
        mapfile -t names < <(states | awk -F '\t' -v point="$point" '
            index($1 "-", point (point ~ /-.*-/ ? "" : "-")) == 1 { if ($2 != "done") print $1; else ++done }
            END { if (done) print "done" }')
        [ ${#names[@]} -gt 0 ] || die 1 "no point in $out is called $point"
        [ "${names[-1]}" != "done" ] || unset 'names[-1]'
        [ ${#names[@]} -gt 0 ] || die 1 "$point is done already"
        for name in "${names[@]}"; do touch "$out/$name.stop"; done
        echo "sweep: stopping ${names[*]}" >&2
    done
}
sweep_wait() {
    finished
    [ ! -s "$out/sweep.log" ] || made_plain <"$out/sweep.log" >&2
    complain
}
