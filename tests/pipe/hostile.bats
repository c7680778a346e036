#!/usr/bin/env bats
# What is read is data: names, options, lines of points and hosts, names of files and of classes that somebody chose to
# do harm. Nothing of it is run, written where it says, or obeyed by a terminal, and what is refused is named.
load ../helper
load ../sweeps

# As a shell, arithmetic and a subscript would each run it.
# shellcheck disable=SC2016 # no shell may expand it
word='$(touch${IFS}ran)`touch${IFS}ran`;touch${IFS}ran;:|a[$(touch${IFS}ran)]'
# shellcheck disable=SC2016
words='"; touch ran; '\''; touch ran; $(touch ran) `touch ran` * a[$(touch ran)]'

nothing_ran() {
    [ -z "$(find . -name ran -o -name "touch*" -o -name 'ran*')" ]
}
# No byte of a file is a terminal's to obey.
obeys_nobody() {
    no grep -aqP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]' "$@"
}

# folder NAME: a sweep with a network, as somebody else might have made it; made once for all tests of the file.
folder() {
    local made=$BATS_FILE_TMPDIR/made
    if [ ! -d "$made" ]; then
        mkdir -p "$BATS_FILE_TMPDIR"
        sweep start --data synth:shapes/test --limit 40 --split 0.5 --fetch '--resize 8x8' -d 1 -e 1 -j 1 -o "$made" >&2
        sweep wait -o "$made" >&2
    fi
    rm -rf "$1" && cp -r "$made" "$1"
}

@test "a line of points that has not its form is refused by every command" {
    local name=d1-s0-0123456789ab lines=() line command
    lines=("$word\t3\t-d 1" "$name$word\t3\t-d 1" "../$name\t3\t-d 1" "-$name\t3\t-d 1" "$name\nx\t3\t-d 1" "d1-s0-*\t3\t-d 1"
        "$name\t$word\t-d 1" "$name\t1;touch ran;:\t-d 1" "$name\t0\t-d 1" "$name\t1234567890\t-d 1" "$name\t3"
        "$name\t3\t-d 1\t-d 2" "$name\t3\t-d \033[31m1" "$name\t3\t-d 1\0002" "$name\t3\t-d \xc2\x9b1")
    folder s
    cp s/points points
    for line in "${lines[@]}"; do
        { cat points && printf '%b\n' "$line"; } >s/points
        for command in status run; do
            ends 1 sweep $command -o s
            grep -xF 'sweep: s/points is not what a sweep wrote: line 2' err
        done
    done
    for command in start status follow stop wait best report; do
        ends 1 sweep $command -o s
        grep -xF 'sweep: s/points is not what a sweep wrote: line 2' err
    done
    # What has the form, but is options of no point, fails with a sentence.
    printf '%s\n' "$name"$'\t3\t-d 1 --progress ran' "d2${name#d1}"$'\t3\t'"-d 2 --name $word $words" >s/points
    ends 1 timeout 60 sweep -j 1 -o s
    grep "$name failed: s/points does not say what it is to train" err
    grep "d2${name#d1} failed: pstrain: " err
    sweep status -o s >out
    grep -qF "$word" out
    nothing_ran
}

@test "a folder's options are held to their form, and what has none is a word of its program" {
    local name value number command
    folder s
    cp s/options options
    # with NAME VALUE...: the folder's options, but these.
    with() {
        local -A other=()
        while [ $# -gt 0 ]; do other[$1]=$2 && shift 2; done
        while read -r name value; do echo "$name ${other[$name]-$value}"; done <options >s/options
    }
    for value in "epochs $word" "epochs 0" "limit $word" "rank $word" "fetch --write-shard ran.tar" "fetch -q --w=ran.tar" \
        "data --write-shard=ran.tar" "test -n" $'data \e[31mred' $'augment a\xc2\x9bb' "$word 1" " $word"; do
        name=${value%% *}
        { sed "/^${name:-none} /d" options 2>/dev/null || cat options; } >s/options
        printf '%s\n' "$value" >>s/options # the last
        number=$(wc -l <s/options)
        for command in run report; do
            status=0
            sweep $command -o s >out 2>err || status=$?
            [ "$status" = 1 ] || [ "$status" = 2 ]
            grep "^sweep: s/options.*line $number[,:]" err
            obeys_nobody err
        done
    done
    for command in start best; do
        ends 1 sweep $command -o s
        grep '^sweep: s/options.*line' err
    done
    # Nobody runs these, and a page shows them as one would have to type them.
    with split "$word" augment "$words" data "$words"
    ends 0 sweep report -o s
    # shellcheck disable=SC2016
    grep -F "psfetch '&quot;; touch ran; '\'';" s/report.html
    grep -F "psaug '&quot;;' touch 'ran;' ''\'';' touch" s/report.html
    # Others are refused by the programs whose they are.
    with augment "$words"
    ends 2 sweep --depth 2 -o s
    with fetch "$words" test "$words"
    ends 1 sweep report -o s
    grep '^psfetch: ' err
    nothing_ran
}

@test "options of the command line are words" {
    local option
    for option in data split limit test fetch augment epochs jobs hosts per-gpu halving points rank depth seed learning-rate; do
        for value in "$word" "-$words" $'a\e[31mb' $'a\nb'; do
            status=0
            sweep --limit 40 --fetch '--resize 8x8' "--$option" "$value" -o s >out 2>err || status=$?
            [ "$status" = 1 ] || [ "$status" = 2 ] || { echo "--$option $value: $status" >&2 && return 1; }
            [ -s err ]
            obeys_nobody err
        done
    done
    printf '%s\n' "-d 1 --name $word$word" '-d 1 -e 0' '-d 1 -e 1234567890' '-d 1 --points x' $'-d \e[31m1' "-d 1 $words" >lines
    while IFS= read -r line; do
        echo "$line" >points
        ends 2 sweep --limit 40 --fetch '--resize 8x8' --points points -o s
        grep '^sweep: point 1: ' err
        obeys_nobody err
    done < <(tail -n +2 lines)
    [ ! -e s/data.ps ]
    nothing_ran
}
