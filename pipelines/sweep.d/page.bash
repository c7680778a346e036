# report.html: all that is known of a sweep on one page, which needs no other file and no network, and can be read on a
# telephone, at night, and on paper. What it shows is made by report.bash.
# shellcheck shell=bash

escaped() {
    made_plain | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'
}
# html_chart NAME TEXT: one that has been drawn, by day and by night; as an image of its own, since the names within two
# SVG files may be the same.
html_chart() {
    local night
    [ -e "$made/$1.svg" ] || return 0
    night=$(base64 -w 0 "$made/dark/$1.svg")
    cat <<END
<figure><picture><source media="(prefers-color-scheme: dark)" srcset="data:image/svg+xml;base64,$night">
<img alt="$2" src="data:image/svg+xml;base64,$(base64 -w 0 "$made/$1.svg")"></picture></figure>
END
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
    [ -z "$fold" ] || judged+=" $folds_are"
    cat <<END
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$(escaped <<<"$(basename "$(readlink -f "$out")"): ${swept:-one network}")</title>
<style>
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --box: light-dark(#f5f5f5, #262626) }
body { font: 15px/1.5 "DejaVu Sans", sans-serif; color: light-dark(#222, #ddd); background: light-dark(#fff, #191919);
       max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem } p { overflow-wrap: anywhere }
figure, .wide { margin: 1rem 0; overflow-x: auto } img { max-width: max(100%, 40rem) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
th.n, td.n { text-align: right } th[aria-sort] { cursor: pointer }
pre { background: var(--box); padding: .8rem; overflow-x: auto } summary { cursor: pointer }
@media print { pre { white-space: pre-wrap; overflow-wrap: anywhere } figure, tr, summary { break-inside: avoid } h2, summary { break-after: avoid } }
</style></head><body>
<h1>$(if [ -n "$swept" ]; then echo "${swept^}: best is ${differs:-$winner} ($(won))"; else echo "${alone^} ($(won))"; fi | escaped)</h1>
<p>$(states | count_states | escaped).
$([ -z "$swept" ] || [ -z "$shared" ] || escaped <<<"All have $shared.")
The networks are ranked by ${figure}; where that is equal, the lower loss comes first$(left_behind).
$judged</p>
<h2>Networks</h2>
<div class="wide">
$(networks_table | escaped | columns html)
</div>
$(complaints=$(complain 2>&1); [ -z "$complaints" ] || echo "<pre>$(escaped <<<"$complaints")</pre>")
$([ -z "$over_seeds" ] || { echo "<h2>Over ${fold:+folds and }seeds</h2><pre>" && escaped <<<"$over_seeds" && echo "</pre>"; })
$(html_chart summary "$figure against the options")
<h2>Learning curves</h2>
$(html_chart overlay 'validation accuracy of the networks in one chart')
$(html_chart curves 'accuracy of each network, by iteration')
<h2>The best network, class by class</h2>
$(html_chart confusion 'confusion matrix'; [ ! -e "$made/confusion.svg" ] || worst_classes "$made/best.scores")
$([ ! -e "$made/wrong.svg" ] || echo "<h2>What it is wrong about, where it is most sure</h2>")
$(html_chart wrong 'images that the best network takes for something else, with what it takes them for')
<h2>To repeat it</h2>
<pre>
$(commands | escaped)
</pre>
$(others)
<h2>Where it comes from</h2>
<p>The header of $winner.bin: what decided its bytes. Its SHA-256 is $(sha256sum <"$out/$winner.bin" | cut -d ' ' -f 1).</p>
<pre>$(psdump -k json "$out/$winner.bin" | head -n 1 | indented | escaped)</pre>
<script>
// A click on the head of a column sorts by it, the largest first, and another the other way round.
for (const head of document.querySelectorAll("th")) {
    head.ariaSort = "none"
    head.onclick = () => {
        const body = head.closest("tbody"), value = row => row.cells[head.cellIndex].innerText
        const rises = head.ariaSort == "descending"
        const order = (a, b) => isNaN(a) - isNaN(b) || (isNaN(a) ? a.localeCompare(b) : a - b)
        const rows = [...body.rows].slice(1).sort((a, b) => order(value(a), value(b)))
        for (const other of head.parentNode.cells) other.ariaSort = "none"
        head.ariaSort = rises ? "ascending" : "descending"
        body.append(...(rises ? rows : rows.reverse()))
    }
}
// On paper everything is open.
onbeforeprint = () => document.querySelectorAll("details").forEach(closed => closed.open = true)
</script>
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
    local fetching
    read -ra fetching <<<"$fetch"
    echo "psfetch $(as_typed "$data" ${split:+--split "$split"} ${limit:+--limit "$limit"} "${fetching[@]}") > data.ps"
    training_of "${ranked[0]}"
    if [ -n "$test" ]; then
        echo "psfetch $(as_typed "$test" --as test "${fetching[@]}") | pseval --only test $winner.bin | psplot -k confusion"
    else
        [ -z "$fold" ] || echo -n "psfetch data.ps --fold $fold | "
        echo "pseval --only $part $winner.bin $([ -n "$fold" ] || echo '< data.ps ')| psplot -k confusion"
    fi
}
# training_of RANKED: the command that trains it, of a line of ranked.
training_of() {
    local augmenting training viewing name epoch options
    IFS=$'\t' read -r name _ _ epoch _ _ _ _ options <<<"$1"
    read -ra augmenting <<<"$augment"
    split_point "$options"
    echo "$(as_typed psaug "${augmenting[@]}" "${viewing[@]}") < data.ps | $(as_typed pstrain "${training[@]}") --epochs $epoch > $name.bin"
}
# How the other networks are made, the best of them, in what opens at a click.
others() {
    local i
    for ((i = 1; i < ${#ranked[@]} && i < most_drawn; i++)); do
        [ $i -gt 1 ] || echo "<details><summary>The commands of the other networks</summary><pre>"
        training_of "${ranked[i]}" | escaped
    done
    [ $i = 1 ] || echo "</pre></details>"
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
