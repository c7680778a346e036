# What the best network is worth: its test, what it is wrong about, and the charts of a sweep. The page that tells all
# of it is page.bash.
# shellcheck shell=bash

most_drawn=40    # networks in a chart, and told of each by itself, the best
most_mistaken=24 # pictures of what the best is wrong about
# What judge finds:
part=''    # which images the best is tested on: test, validation, or train
made=''    # the folder where all is made that then takes the place of what was there, for several may do this at once
differs='' # in what the best differs from the others
fold=''    # of cross-validation, that validates the best: "2/5"
folds_are='Each has learnt all folds but its own: compare the means over folds, and train what you choose on all images (--split 1).'

# rank_points and tables have been called. The validations decide which is best; only that is tested.
judge() {
    local best=$out/$winner.bin words images=$out/data.ps counts kind
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
    # Each fold of images is validation for networks of its own.
    [[ ! " $augment ${ranked[0]##*$'\t'} " =~ .*\ --fold[\ =]([0-9]+/[0-9]+)\  ]] || fold=${BASH_REMATCH[1]}
    if [ -n "$test" ]; then
        part='test' images=$made/test.ps
        until_stopped psfetch -q "$test" --as test "${words[@]}" <&0 >"$images" &
        wait $! || return 1
    elif [ -n "$fold" ]; then
        images=$made/test.ps
        psfetch -q "$out/data.ps" --fold "$fold" >"$images" || return
    fi
    { pseval -q --only "$part" "$best" <"$images" >"$made/best.scores" &&
        pseval -q --only "$part" --wrong $most_mistaken "$best" <"$images" >"$made/wrong.ps"; } &
    wait $! || return 1
    draw && page >"$made/report.html" || return
    echo "best is $best: $(won)"
    [ -z "$fold" ] || echo "$folds_are"
    rm -rf "$made/test.ps" "$made/dark"
    for kind in {overlay,summary,confusion,wrong}.png {overlay,summary,confusion}.svg; do [ -e "$made/$kind" ] || rm -f "$out/$kind"; done
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

# draws NAME psplot's-words...: NAME.png to look at, NAME.svg for the page, and dark/NAME.svg, for those who read that at
# night.
draws() {
    psplot -o "$made/$1.png" "${@:2}" && psplot -o "$made/$1.svg" "${@:2}" && psplot --dark -o "$made/dark/$1.svg" "${@:2}"
}
# Charts of the networks, the best first; of the best, its confusion matrix and what it is wrong about.
draw() {
    local chart files message
    mapfile -t files < <(ranked_files)
    differs=$(printf '%s\n' "${ranked[0]##*$'\t'}" | in_words words)
    mkdir "$made/dark" && draws curves -k curves --rank "$rank" "${files[@]:0:most_drawn}" || return
    if [ ${#files[@]} -gt 1 ]; then
        draws overlay -k overlay --rank "$rank" "${files[@]:0:most_drawn}" && draws summary -k summary --rank "$rank" "${files[@]}" || return
    fi
    # There is no confusion matrix of very many classes.
    message=$(draws confusion -k confusion ${differs:+--title "${differs^}"} "$made/best.scores" 2>&1) ||
        [[ $message = *'no confusion matrix'* ]] || { echo "$message" >&2 && return 1; }
    # And a network may make no mistakes.
    if psdump -k json "$made/wrong.ps" | grep -q '"type":"image"'; then draws wrong -k images "$made/wrong.ps"; fi
}
