# What the best network is worth: its test, the charts of a sweep, and one page that tells all of it and needs no other
# file.
# shellcheck shell=bash

most_drawn=40 # networks in a chart, the best
# What judge finds:
part=''    # which images the best is tested on: test, validation, or train
made=''    # the folder where all is made that then takes the place of what was there, for several may do this at once
differs='' # in what the best differs from the others

# rank_points and tables have been called. The validations decide which is best; only that is tested.
judge() {
    local best=$out/$winner.bin words images=(cat "$out/data.ps") counts kind
    made=$(mktemp -d "$out/.report.XXXXXX") || return
    trap 'rm -rf "$made"' EXIT
    read -ra words <<<"$fetch"
    # Images for the test may have come with the data, too; without any, those that chose it are shown, or learnt.
    counts=$(psdump -k json "$best" | head -n 1 | grep -o -m 1 '"counts":{[^}]*}')
    case $counts in
    *'"test":'[1-9]*) part='test' ;;
    *'"validation":'[1-9]*) part=validation ;;
    *) part=train ;;
    esac
    [ -z "$test" ] || part='test' images=(until_stopped psfetch -q "$test" --as test "${words[@]}")
    { "${images[@]}" | pseval -q --only "$part" "$best"; } <&0 >"$made/best.scores" &
    wait $! || return 1
    draw && page >"$made/report.html" || return
    echo "best is $best: $(won)"
    for kind in {overlay,summary,confusion}.{png,svg}; do [ -e "$made/$kind" ] || rm -f "$out/$kind"; done
    mv -f "$made"/* "$out" || return
    echo "report: $out/report.html"
}
# "validation 77.86 %, test 76.52 %", of the best.
won() {
    local figure loss
    IFS=$'\t' read -r _ figure loss _ <<<"${ranked[0]}"
    if [ "$rank" = loss ]; then echo -n "$of loss $loss"; else echo -n "$of $figure %"; fi
    case $of-$rank in
    validation-mean5) echo -n " in the mean of the last five" ;;
    validation-best) echo -n " at its highest" ;;
    esac
    [ "$part" != test ] || psdump -k csv "$made/best.scores" | awk -F , '$1 == "score" { printf ", test %.2f %%", 100 * $(NF - 4) }'
}

# Charts of the networks, the best first, as PNG to look at and as SVG for the page.
draw() {
    local kind chart charts=(curves) message files drawn
    mapfile -t files < <(ranked_files)
    differs=$(printf '%s\n' "${ranked[0]##*$'\t'}" | in_words words)
    [ ${#files[@]} = 1 ] || charts+=(overlay summary)
    for kind in png svg; do
        for chart in "${charts[@]}"; do
            if [ "$chart" = summary ]; then drawn=("${files[@]}"); else drawn=("${files[@]:0:most_drawn}"); fi
            psplot -k "$chart" -o "$made/$chart.$kind" --rank "$rank" "${drawn[@]}" || return
        done
    done
    for kind in png svg; do
        message=$(psplot -k confusion ${differs:+--title "${differs^}"} -o "$made/confusion.$kind" "$made/best.scores" 2>&1) && continue
        # There is no confusion matrix of very many classes.
        [[ $message = *'no confusion matrix'* ]] || { echo "$message" >&2 && return 1; }
    done
}

escaped() {
    made_plain | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}
# html_chart NAME TEXT: one that has been drawn, as an image of its own, since the names within two SVG files may be the
# same.
html_chart() {
    [ ! -e "$made/$1.svg" ] || echo "<img alt=\"$2\" src=\"data:image/svg+xml;base64,$(base64 -w 0 "$made/$1.svg")\">"
}

page() {
    local swept shared figure alone judged
    swept=$(in_words space </dev/null) shared=$(in_words shared </dev/null)
    figure=$(figure_is) alone=${shared:-$winner}
    case $part in
    test) judged="Only after it had been chosen was the best tried on the test images." ;;
    validation) judged="There are no test images: class by class the best is shown on the validation images, by which it was chosen." ;;
    *) judged="There are neither validation nor test images: the best is shown on the images that it has learnt, which says little about others." ;;
    esac
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
$judged</p>
<h2>Networks</h2>
$(networks_table | escaped | columns html)
$(complaints=$(complain 2>&1); [ -z "$complaints" ] || echo "<pre>$(escaped <<<"$complaints")</pre>")
$([ -z "$over_seeds" ] || { echo "<h2>Over seeds</h2><pre>" && escaped <<<"$over_seeds" && echo "</pre>"; })
$(html_chart summary "$figure against the options")
<h2>Learning curves</h2>
$(html_chart overlay 'validation accuracy of the networks in one chart')
$(html_chart curves 'accuracy of each network, by iteration')
<h2>The best network, class by class</h2>
$(html_chart confusion 'confusion matrix'; [ ! -e "$made/confusion.svg" ] || worst_classes "$made/best.scores")
<h2>To repeat it</h2>
<pre>
$(commands | escaped)
</pre>
<h2>Where it comes from</h2>
<p>The header of $winner.bin: what decided its bytes. Its SHA-256 is $(sha256sum <"$out/$winner.bin" | cut -d ' ' -f 1).</p>
<pre>$(psdump -k json "$out/$winner.bin" | head -n 1 | indented | escaped)</pre>
</body></html>
END
}
# worst_classes SCORES: where there are so many classes that the matrix has no room for figures, those that are found
# worst. (Of some there may be no images.)
worst_classes() {
    local classes worst=20
    classes=$(psdump -k classes "$1") || return
    [ "$(wc -l <<<"$classes")" -gt 51 ] || return 0
    echo "<p>The $worst classes that are found worst:</p>"
    awk -F '\t' -v OFS='\t' -v worst=$worst '
        NR == 1 { print $3, $4, $5 " %", $6 " %", "most often taken for" }
        NR > 1 && $4 > 0 && n++ < worst { print $3, $4, $5, $6, ($8 > 0 ? $7 " (" $8 ")" : $7) }' <<<"$classes" | escaped | columns html
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
# The commands that make the best network and its test.
commands() {
    local fetching augmenting training viewing epoch options
    IFS=$'\t' read -r _ _ _ epoch _ _ _ _ options <<<"${ranked[0]}"
    read -ra fetching <<<"$fetch"
    read -ra augmenting <<<"$augment"
    split_point "$options"
    cat <<END
psfetch $(as_typed "$data" ${split:+--split "$split"} ${limit:+--limit "$limit"} "${fetching[@]}") > data.ps
$(as_typed psaug "${augmenting[@]}" "${viewing[@]}") < data.ps | $(as_typed pstrain "${training[@]}") --epochs $epoch > $winner.bin
END
    if [ -n "$test" ]; then
        echo "psfetch $(as_typed "$test" --as test "${fetching[@]}") | pseval --only test $winner.bin | psplot -k confusion"
    else
        echo "pseval --only $part $winner.bin < data.ps | psplot -k confusion"
    fi
}
# as_typed WORD...: for people who type them: in quotes where a shell would see more in one than a word.
as_typed() {
    local word words=()
    for word; do
        [[ $word =~ ^[A-Za-z0-9_./:@%+=,-]+$ ]] || word=$(quote "$word") word=${word% }
        words+=("$word")
    done
    printf '%s\n' "${words[*]}"
}
