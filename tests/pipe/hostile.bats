#!/usr/bin/env bats
# What is read is data: names, options, lines of points and hosts, names of files and of classes that somebody chose to
# do harm. Nothing of it is run, written where it says, or obeyed by a terminal, and what is refused is named.
load ../helper
load ../sweeps

# As a shell, arithmetic and a subscript would each run it.
# shellcheck disable=SC2016 # no shell may expand it
word='$(touch${IFS}ran)`touch${IFS}ran`;touch${IFS}ran;:|a[$(touch${IFS}ran)]'
# shellcheck disable=SC2016
phrase='"; touch ran; '\''; touch ran; $(touch ran) `touch ran` * a[$(touch ran)]'

# more OTHER...: with make test-all, what else is tried.
more() {
    [ -z "${PSWEEP_LONG-}" ] || printf '%s\n' "$@"
}
nothing_ran() {
    [ -z "$(find . -name ran -o -name "touch*" -o -name 'ran[;|]*')" ]
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
    lines=("$word\t3\t-d 1" "../$name\t3\t-d 1" "$name\t$word\t-d 1" "$name\t0\t-d 1" "$name\t3\t-d \033[31m1")
    [ -z "${PSWEEP_LONG-}" ] ||
        lines+=("$name$word\t3\t-d 1" "-$name\t3\t-d 1" "$name\nx\t3\t-d 1" "d1-s0-*\t3\t-d 1" "$name\t1;touch ran;:\t-d 1"
            "$name\t1234567890\t-d 1" "$name\t3" "$name\t3\t-d 1\t-d 2" "$name\t3\t-d 1\0002" "$name\t3\t-d \xc2\x9b1")
    folder s
    cp s/points points
    for line in "${lines[@]}"; do
        { cat points && printf '%b\n' "$line"; } >s/points
        for command in status $(more run start follow stop wait best report); do
            ends 1 sweep "$command" -o s
            grep -xF 'sweep: s/points is not what a sweep wrote: line 2' err
        done
    done
    for command in run start follow stop wait best report; do
        ends 1 sweep $command -o s
        grep -xF 'sweep: s/points is not what a sweep wrote: line 2' err
    done
    # What has the form, but is options of no point, fails with a sentence.
    printf '%s\n' "$name"$'\t3\t-d 1 --progress ran' "d2${name#d1}"$'\t3\t'"-d 2 --name $word $phrase" >s/points
    ends 1 in_time sweep -j 1 -o s
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
    for value in "epochs $word" "epochs 0" "limit $word" "rank $word" "fetch --write-shard ran.tar" $'fetch -q\t--w=ran.tar' \
        "data --write-shard=ran.tar" "test -n" $'data \e[31mred' $'augment a\xc2\x9bb' "$word 1" " $word"; do
        name=${value%% *}
        { sed "/^${name:-none} /d" options 2>/dev/null || cat options; } >s/options
        printf '%s\n' "$value" >>s/options # the last
        number=$(wc -l <s/options)
        for command in report $(more run start best); do
            status=0
            sweep "$command" -o s >out 2>err || status=$?
            [ "$status" = 1 ] || [ "$status" = 2 ]
            grep "^sweep: s/options.*line ${number}[,:]" err
            obeys_nobody err
        done
    done
    for command in run start best; do
        ends 1 sweep $command -o s
        grep '^sweep: s/options.*line' err
    done
    # Nobody runs these, and a page shows them as one would have to type them.
    with split "$word" augment "$phrase" data "$phrase"
    ends 0 sweep report -o s
    # shellcheck disable=SC2016
    grep -F "psfetch '&quot;; touch ran; '\'';" s/report.html
    grep -F "psaug '&quot;;' touch 'ran;' ''\'';' touch" s/report.html
    # Others are refused by the programs whose they are.
    with augment "$phrase"
    ends 2 sweep --depth 2 -o s
    with fetch "$phrase" test "$phrase"
    ends 1 sweep report -o s
    grep '^psfetch: ' err
    nothing_ran
}

@test "options of the command line are words" {
    local option value values
    for option in data fetch epochs hosts points depth samples recipe $(more sample-seed split limit test augment jobs per-gpu halving rank seed learning-rate); do
        values=("$word")
        [ -z "${PSWEEP_LONG-}" ] && [ "$option" != data ] || values+=("-$phrase" $'a\e[31mb' $'a\nb')
        for value in "${values[@]}"; do
            status=0
            sweep --limit 40 --fetch '--resize 8x8' "--$option" "$value" -o s >out 2>err || status=$?
            [ "$status" = 1 ] || [ "$status" = 2 ] || { echo "--$option $value: $status" >&2 && return 1; }
            [ -s err ]
            obeys_nobody err
        done
    done
    printf '%s\n' "-d 1 --name $word$word" '-d 1 -e 0' '-d 1 -e 1234567890' '-d 1 --points x' $'-d \e[31m1' "-d 1 $phrase" >lines
    while IFS= read -r line; do
        echo "$line" >points
        ends 2 sweep --limit 40 --fetch '--resize 8x8' --points points -o s
        grep '^sweep: point 1: ' err
        obeys_nobody err
    done < <(tail -n +2 lines)
    [ ! -e s/data.ps ]
    nothing_ran
}

@test "a line of points brings epochs of its own in any spelling that pstrain takes, and is words else" {
    # shellcheck source=pipelines/sweep.d/words.bash
    . "$REPOSITORY/pipelines/sweep.d/words.bash"
    local line own asked kept wrong
    is() {
        point_line 30 "$1"
        [ "$asked: $kept" = "$2" ]
        echo "$1" >>lines
    }
    is '-d1 -e2' '2: -d1'
    is '-e 2 -d 1' '2: -d 1'
    for own in --epo --epoc --epoch --epochs; do
        is "-d 1 $own 2 -s 3" '2: -d 1 -s 3'
        is "-d 1 $own=2" '2: -d 1'
    done
    is "-d 2 -e 9 --name it's -e8 --resume \\\\" "8: -d 2 --name it's --resume \\\\"
    is '-e4' '4: --depth 1'
    is '-d 2' '30: -d 2'
    psfetch -q synth:shapes/test --limit 20 --split 0.5 | pstrain -q --points lines >names
    [ "$(wc -l <names)" = "$(wc -l <lines)" ]
    for line in '-e 0' '-e 1234567890' '-d 1 -e' '-epochs 2' '--epochs= -d 1' "-e$word" "-d 1 --progress x" $'-d\t1' "$(printf '%01001d' 1)"; do
        no point_line 30 "$line"
        [ -n "$wrong" ]
    done
    nothing_ran
}

@test "names of files in a folder are no points, no options and no patterns, whatever stands in them" {
    local name=d1-s0-0123456789ab kind command
    # shellcheck disable=SC2016
    folder=$'s $(touch ran) `touch ran`;touch ran; * a[$(touch ran)] \'" =x'
    folder "$folder"
    (
        cd "$folder"
        # Lines of what the rooms of sweep tell each other.
        for kind in failed log stopped part bin torn1 stop; do
            echo red >"x"$'\n'"point"$'\t'"$word"$'\t'"3"$'\t'"-d 2.$kind"
            echo red >$'\e[31m'"$word.$kind"
            echo red >"-$name.$kind" && echo red >"$name *.$kind" && echo red >"-rf * .$kind"
        done
        mkfifo d1-s0-ffffffffffff.log "$name.failed" "$name.part" "$name.torn1"
    )
    for command in status best 'start -d 1,2 -e 1 -j 1' wait report; do
        # shellcheck disable=SC2086 # a command and its options
        ends 0 in_time sweep $command -o "$folder"
        obeys_nobody err out
    done
    ends 1 sweep follow -o "$folder"
    ends 1 sweep stop "$word" -o "$folder"
    [ "$(wc -l <"$folder/points")" = 2 ]
    # All of them are left alone.
    [ "$(find "$folder" -type f -size 4c -printf x)" = "$(printf 'x%.0s' {1..35})" ]
    grep -F 'touch ran' "$folder/report.html"
    # What somebody wrote there is shown, and does nothing.
    printf '%s\t1\t-d 1 --name %s\n' "$name" "$word" >>"$folder/points"
    rm "$folder/$name."*
    printf 'pstrain: \e]0;x\a\e[31mred \xc2\x9b1m \xe2\x80\xae%s\0\n' "$word" | tee "$folder/sweep.log" >"$folder/$name.failed"
    ends 1 sweep wait -o "$folder"
    grep -F "red ?1m ?$word" err
    grep -F "$name failed: pstrain: ?]0;x??[31mred ?1m ?$word" err
    obeys_nobody err
    ends 0 sweep report -o "$folder"
    obeys_nobody err out "$folder/report.html"
    nothing_ran
}

@test "a folder's links lead nothing that is written elsewhere, and nothing that is no file is waited for" {
    local file
    folder s
    echo mine >mine
    for file in .lock options.new curves.png $(more stop points.new points.asked data.ps.part test.head report.html.new overlay.svg best.scores wrong.ps sweep.log); do
        rm -f "s/$file" && ln -s ../mine "s/$file"
        ends 1 sweep run -d 1-2 -o s
        grep -xF "sweep: s/$file is a link, by which sweep would write elsewhere" err
        rm "s/$file"
    done
    ln -s ../mine s/d2-s0-0123456789ab.log
    ln -s ../mine s/d2-s0-0123456789ab.part
    ln -s mine s/d1-s0-0123456789ab.stop
    ends 0 sweep start -d 1-2 -e 1 -j 1 -o s
    ends 0 sweep wait -o s
    [ "$(cat mine)" = mine ]
    for file in points options data.ps .lock; do
        mv "s/$file" kept && mkfifo "s/$file"
        ends 1 in_time sweep run -o s
        grep -xF "sweep: s/$file is no file" err
        mv kept "s/$file"
    done
}

@test "hosts are held to what a host can be, and get words; so does a cluster" {
    # As ssh does: the words behind the host are a line for its shell.
    # shellcheck disable=SC2016 # for that
    printf '#!/bin/sh\nmkdir -p there && cd there && exec sh -c "$2"\n' >host
    # shellcheck disable=SC2016
    printf '#!/bin/sh\necho "$1 a[\\$(touch ran)]\033[31m"\n' >liar
    chmod +x host liar
    # shellcheck disable=SC2016
    printf '%s\n' '-oProxyCommand=touch${IFS}ran' '2/-oProxyCommand=touch ran' "1/$PWD/host "$'\e[31mred' "$PWD/liar host" "$PWD/liar lacks" "1/$PWD/host $word" >hosts
    folder s
    printf '%s\n' "-d 1 -e 1 --name $word" "-d 2 -e 1 --name *" >points
    ends 0 in_time sweep start --points points --hosts hosts -o s
    ends 0 in_time sweep wait -o s
    [ "$(grep -c 'it is left out$' err)" = 4 ]
    grep -F "sweep: hosts has no host in '-oProxyCommand=touch ran': it is left out" err
    grep "liar host does not answer" err
    grep -F 'liar lacks is left out: it has no psweep' err
    obeys_nobody err
    cmp there/.cache/psweep/*.ps s/data.ps
    # Nor is the environment of a job arithmetic.
    cat >sbatch <<'END'
#!/bin/bash
for argument; do
    case $argument in --array=1-*) count=${argument##*-} ;; esac
    printf '%s\n' "$argument" >>arguments
done
export SLURM_CPUS_ON_NODE='a[$(touch ran)]' SLURM_CPUS_PER_TASK='a[$(touch ran)]'
for ((job = 1; job <= count; job++)); do SLURM_ARRAY_TASK_ID=$job sh -c "$argument"; done
END
    chmod +x sbatch
    rm s/d2-*.bin
    mv s "$phrase"
    PATH=$PWD:$PATH PARALLEL_PID=1 ends 0 in_time sweep start --slurm "--comment $phrase" -o "$phrase"
    ends 0 in_time sweep wait -o "$phrase"
    grep -xF 'ran;' arguments
    [ "$(find "$phrase" -name '*.bin' | wc -l)" = 2 ]
    nothing_ran
}

@test "the Makefile takes names of files as they are, and a folder with a colon is in no PATH" {
    touch -d 2000-01-01 keep 'net1.bin.torn1 keep'
    make -s -f "$REPOSITORY/pipelines/sweep.mk" net1.bin EPOCHS=1 DATA=synth:shapes/test FETCH='--limit 40 --resize 8x8' SPLIT=0.5
    [ -e keep ]
    mkdir -p 'a:b/bin' 'b/bin' && cp -r "$REPOSITORY/pipelines" a:b && ln -s "$REPOSITORY"/bin/* a:b/bin
    printf '#!/bin/sh\ntouch ran\n' | tee b/bin/psfetch >b/bin/pstrain && chmod +x b/bin/*
    ends 1 a:b/pipelines/sweep --depth 1 -o s
    grep 'it has a colon in its name' err
    ends 2 make -s -f a:b/pipelines/sweep.mk
    grep 'it has a colon in its name' err
    nothing_ran
}

@test "classes, files, keys, options and what else a stream holds do nothing to a terminal, in no program" {
    local red=$'\e[31mred\xc2\x9b1m' title=$'a\e]0;x\a\xe2\x80\xae' kind
    for class in "$red" $'blue\nand\tgreen'; do
        for image in 1 2 3 4; do colour "photos/$class/$image$title.png" 8 8 $((image * 40)); done
    done
    echo no image >"photos/$red/$title.png"
    echo no image >"photos/$red/"$'a\xff\x9b'"$title.png"
    # shellcheck disable=SC2086 # a kind and its options
    {
        ends 1 psfetch photos
        cat err
        ends 0 psfetch -v --skip-bad --split 0.5 photos
        cat err
        mv out images.ps
        ends 0 psaug -v -e 2 <images.ps
        cat err
        mv out epochs.ps
        ends 0 pstrain -v --progress "channel$title" --name "$red" <epochs.ps
        cat err
        mv out "$red.bin"
        ends 0 pseval -v "$red.bin" <images.ps
        cat err
        mv out scores
        ends 0 pseval -v --wrong 4 "$red.bin" <images.ps
        cat err
        mv out "wrong$title.ps"
        # What their header and records say was made to do harm.
        edit "$red.bin" "
red, title = '$(printf %s "$red" | sed 's/\x1b/\\x1b/g')', 'a\x1b]0;x\x07\u202e'
header = records[0]
header['tool'] = 'pstrain ' + title
header['engine'] = red
header['options'].update({'l2': red, title: red})
header['upstream'][0]['tool'] = title
header['upstream'][0]['options'][red] = title
records[-1]['reason'] = red
records = [record for record in records if record['type'] != 'checkpoint']" >"odd$title.bin"
        edit images.ps "
for record in records[1:3]: record['key'] = '$title'.replace('a', '\n\x1b[2J')
records[3]['label'] = 77" >odd.ps
        for command in 'psdump -k status' 'psdump -k ranking' 'psplot -k table' 'psplot' 'psplot -k overlay' 'psplot -k summary' 'psplot -k filters' \
            'psdump -k csv' 'psdump -k json' 'psplot --follow'; do
            $command "$red.bin" "odd$title.bin" <epochs.ps 2>&1 || true
        done
        ends 1 pstrain --resume "odd$title.bin" <epochs.ps
        cat err
        for command in 'psplot -k confusion' 'psplot -k classes' 'psplot -k table' 'psdump -k csv' 'psdump -k json'; do $command scores 2>&1; done
        for command in 'psplot -k images -o sheet.svg' 'psdump -k csv' 'psdump -k json'; do $command "wrong$title.ps" 2>&1; done
        for command in psaug pstrain 'pseval odd*.bin' 'psdump -k json' 'psdump -k csv' 'psplot -k images -o odd.svg'; do $command <odd.ps 2>&1 || true; done
        psplot "channel$title" 2>&1
        psplot --title "$red" -o curves.svg "$red.bin" "odd$title.bin" 2>&1
        psplot -o confusion.svg scores 2>&1
        cat ./*.svg
    } >said
    obeys_nobody said
    grep -F '?[31mred?1m' said
    grep -F '?]0;x??' said
}
