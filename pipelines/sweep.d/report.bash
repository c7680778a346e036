# The charts of a sweep, and one page that tells all of it and needs no other file.
# shellcheck shell=bash disable=SC2154

most_drawn=40 # networks in a chart, the best

# Charts of the networks, the best first, as PNG to look at and as SVG for the page; and that. They are made in the folder
# $made, where the scores are. Sets differs: in what the best differs from the others.
draw() {
    local kind message files differs
    mapfile -t files < <(ranked_files)
    differs=$(printf '%s\n' "${ranked[0]##*$'\t'}" | in_words words)
    charts=(curves)
    [ ${#files[@]} = 1 ] || charts+=(overlay summary)
    for kind in png svg; do
        psplot -o "$made/curves.$kind" --rank "$rank" "${files[@]:0:most_drawn}" || return
        if [ ${#files[@]} -gt 1 ]; then
            psplot -k overlay -o "$made/overlay.$kind" --rank "$rank" "${files[@]:0:most_drawn}" &&
                psplot -k summary -o "$made/summary.$kind" --rank "$rank" "${files[@]}" || return
        fi
        # There is no confusion matrix of very many classes.
        if message=$(psplot -k confusion ${differs:+--title "${differs^}"} -o "$made/confusion.$kind" "$made/best.scores" 2>&1); then
            [ $kind = png ] || charts+=(confusion)
        elif [[ $message != *'no confusion matrix'* ]]; then
            echo "$message" >&2 && return 1
        fi
    done
    page >"$made/report.html"
}

escaped() {
    made_plain | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}
# A table, from lines with tabs between their fields, the first of them the heads.
html_table() {
    escaped | awk -F '\t' '
        { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (NR > 1 && $i !~ /^[-+0-9.e]+$/) text[i] } }
        END { print "<table>"
            for (row = 1; row <= NR; row++) {
                kind = row == 1 ? "th" : "td"; line = "<tr>"
                for (i = 1; i <= NF; i++)
                    line = line "<" kind (i in text ? "" : " class=n") ">" cell[row, i] "</" kind ">"
                print line "</tr>" }
            print "</table>" }'
}
# A chart as an image of its own, since the names within two SVG files may be the same.
html_chart() {
    echo "<img alt=\"$2\" src=\"data:image/svg+xml;base64,$(base64 -w 0 "$made/$1.svg")\">"
}

page() {
    local epoch options swept shared figure alone
    IFS=$'\t' read -r _ _ _ epoch _ _ _ _ options < <(printf '%s\n' "${ranked[0]}")
    swept=$(in_words space </dev/null) shared=$(in_words shared </dev/null)
    figure=$(figure_is) alone=${shared:-$winner}
    cat <<END
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>$(escaped <<<"$(basename "$(readlink -f "$out")"): ${swept:-one network}")</title>
<style>
body { font: 15px/1.5 "DejaVu Sans", sans-serif; color: #222; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap }
th.n, td.n { text-align: right } img { max-width: 100% }
pre { background: #f5f5f5; padding: .8rem; overflow-x: auto }
</style></head><body>
<h1>$(if [ -n "$swept" ]; then echo "${swept^}: best is ${differs:-$winner} ($(won))"; else echo "${alone^} ($(won))"; fi | escaped)</h1>
<p>$(states | count_states | escaped).
$([ -z "$swept" ] || [ -z "$shared" ] || escaped <<<"All have $shared.")
The networks are ranked by ${figure}; where that is equal, the lower loss comes first$(left_behind).
$(judged_on)</p>
<h2>Networks</h2>
$(networks_table | html_table)
$(complaints=$(complain 2>&1); [ -z "$complaints" ] || echo "<pre>$(escaped <<<"$complaints")</pre>")
$(groups=$(seeds_table); [ -z "$groups" ] || { echo "<h2>Over seeds</h2><pre>" && escaped <<<"$groups" && echo "</pre>"; })
$([[ " ${charts[*]} " != *' summary '* ]] || html_chart summary "$figure against the options")
<h2>Learning curves</h2>
$([[ " ${charts[*]} " != *' overlay '* ]] || html_chart overlay 'validation accuracy of the networks in one chart')
$(html_chart curves 'accuracy of each network, by iteration')
<h2>The best network, class by class</h2>
$([[ " ${charts[*]} " != *' confusion '* ]] || { html_chart confusion 'confusion matrix' && worst_classes; })
<h2>To repeat it</h2>
<pre>
$(recipe | escaped)
</pre>
<h2>Where it comes from</h2>
<p>The header of $winner.bin: what decided its bytes. Its SHA-256 is $(sha256sum <"$out/$winner.bin" | cut -d ' ' -f 1).</p>
<pre>$(psdump -k json "$out/$winner.bin" | head -n 1 | indented | escaped)</pre>
</body></html>
END
}
# Where there are so many classes that the matrix has no room for figures: those that are found worst. (Of some there
# may be no images.)
worst_classes() {
    local rows worst=20
    mapfile -t rows < <(psplot -k confusion --size 100x40 "$made/best.scores" | grep -Ev '^[^%]* {8}- ' | escaped)
    [[ ${rows[2]} == *'most often taken for' && ${#rows[@]} -gt 53 ]] || return 0
    echo "<p>The $worst classes that are found worst:</p>"
    printf '%s\n' "<pre>${rows[2]}" "${rows[@]: -worst}" "</pre>"
}
# A line of JSON with a line for each member of its objects.
indented() {
    awk '{
        depth = 0
        for (i = 1; i <= length($0); i++) {
            c = substr($0, i, 1)
            if (quoted) {
                if (c == "\\") c = c substr($0, ++i, 1)
                else if (c == "\"") quoted = 0
            } else if (c == "\"") quoted = 1
            else if (c == "{" || c == "[") kind[++depth] = c
            else if (c == "}" || c == "]") depth--
            else if (c == ":") c = ": "
            else if (c == "," && kind[depth] == "[") c = ", "
            if (!quoted && c == "}") printf "\n%*s", 2 * depth, ""
            printf "%s", c
            if (!quoted && (c == "," || c == "{")) printf "\n%*s", 2 * depth, ""
        }
        print "" }'
}
judged_on() {
    case $part in
    test) echo "Only after it had been chosen was the best tried on the test images." ;;
    validation) echo "There are no test images: class by class the best is shown on the validation images, by which it was chosen." ;;
    *) echo "There are neither validation nor test images: the best is shown on the images that it has learnt, which says little about others." ;;
    esac
}

# The commands that make the best network and its test.
recipe() {
    local fetching augmenting training
    read -ra fetching <<<"$fetch"
    read -ra augmenting <<<"$augment"
    read -ra training <<<"$options"
    cat <<END
psfetch $(as_typed "$data" ${split:+--split "$split"} ${limit:+--limit "$limit"} "${fetching[@]}") > data.ps
$(as_typed psaug "${augmenting[@]}") < data.ps | $(as_typed pstrain "${training[@]}") --epochs $epoch > $winner.bin
END
    if [ -n "$test" ]; then
        echo "psfetch $(as_typed "$test" --as test "${fetching[@]}") | pseval --only test $winner.bin | psplot -k confusion"
    else
        echo "pseval --only $part $winner.bin < data.ps | psplot -k confusion"
    fi
}
# Words for people who type them: in quotes where a shell would see more in one than a word.
as_typed() {
    local word words=()
    for word; do
        [[ $word =~ ^[A-Za-z0-9_./:@%+=,-]+$ ]] || word=$(quote "$word") word=${word% }
        words+=("$word")
    done
    printf '%s\n' "${words[*]}"
}
