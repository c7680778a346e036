#!/usr/bin/env bats
# report.html in a real browser.
load ../helper

# in_browser WIDTH SCRIPT: what the page of s writes to its title, after that script.
in_browser() {
    { cat s/report.html && echo "<script>$2</script>"; } >page.html
    chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --window-size="$1,800" --dump-dom \
        "file://$PWD/page.html" 2>err | grep -o '<title>.*</title>' | sed 's/<[^>]*>//g'
}

@test "in a browser the page is as wide as its window, its table is sorted by a click, and all of it is shown" {
    long
    command -v chromium >/dev/null || skip "there is no chromium (make deps-servers)"
    sweep --limit 200 --fetch '--resize 8x8' --test synth:shapes/test -e 1 -d 1 --learning-rate 0.1,0.02,1e-3 -o s >out
    for width in 1280 500; do
        [ "$(in_browser $width 'document.title = document.body.scrollWidth <= innerWidth')" = true ]
    done
    [ "$(in_browser 1280 'onload = () => document.title = [...document.images].every(image => image.naturalWidth > 100)')" = true ]
    sort='const head = [...document.querySelectorAll("th")].find(head => head.innerText == "learning rate")
        const order = () => (head.click(), [...head.closest("tbody").rows].slice(1).map(row => row.cells[head.cellIndex].innerText))
        document.title = [order(), order(), head.ariaSort].join(" ")'
    [ "$(in_browser 1280 "$sort")" = '0.1,0.02,1e-3 1e-3,0.02,0.1 ascending' ]
    [ "$(in_browser 1280 'onbeforeprint(); document.title = document.querySelector("details").open')" = true ]
}

@test "of a network that makes no mistakes the page shows none" {
    long
    sweep --data synth:shapes/test --limit 40 --fetch '--resize 16x16' --test '' --split 1 -e 60 -d 1 --shift 0 --flip 0 -o s >out
    [ "$(records s/best.scores | jq 'select(.type == "score") | .accuracy')" = 1 ]
    no grep 'wrong about' s/report.html
    [ "$(grep -c '<img alt=' s/report.html)" = 2 ]
    [ ! -e s/wrong.png ]
}
