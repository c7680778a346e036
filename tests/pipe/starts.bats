#!/usr/bin/env bats
# How a sweep starts: from any path, and stopped at any moment of it.
load ../helper
load ../sweeps

# Images without a test, so that nothing is longer than it needs to be.
small=(--data synth:shapes/test --limit 40 --fetch '--resize 8x8' --epochs 3 --jobs 1)

has_no_trainer() {
    [ -z "$(find /proc/[0-9]*/fd/1 -lname "$PWD/s/$1-*.part" 2>/dev/null)" ]
}

@test "a tree, a folder, images and hosts may stand anywhere" {
    # shellcheck disable=SC2016 # no shell may expand it
    odd=$'a tree\'s "{}" $(touch x) `touch y`; touch z & {#}'
    tree $'a\n'"$odd"
    for class in one two; do
        for image in 1 2 3 4; do picture "$odd/my  photos/$class/$image.png" 8 8 $((image * 20)); done
    done
    # A shell of another host is like this one.
    # shellcheck disable=SC2016 # for that
    printf '#!/bin/sh\nmkdir -p there && cd there && exec sh -c "$2"\n' >host && chmod +x host
    printf '1/%s\n' : "$PWD/host there" >"$odd/hosts"
    tree=$'a\n'$odd
    "$tree/pipelines/sweep" -d 1,2 -e 1 --split 0.5 --data "$odd/my  photos" --test "$odd/my  photos" --hosts "$odd/hosts" -o "$odd/the folder" >out
    [ "$(psdump -k status "$odd/the folder"/*.bin | cut -f 2 | paste -sd ' ')" = "state done done" ]
    tail -n 1 out | grep -F "report: $odd/the folder/report.html"
    grep "^psfetch '.*photos' --split 0.5 " "$odd/the folder/report.html"
    no compgen -G '[xyz]'
    no compgen -G '*/[xyz]'
    no compgen -G '*/*/[xyz]'
}

@test "a stop is a stop at every moment of a start, and what had been learnt before is kept" {
    # One by turns tells that a runner has reached it, and goes on when it may.
    # shellcheck disable=SC2016 # for another shell
    waits='[ "${0##*/} $(find s -name "d*.log" | wc -l)" != "$(cat stage) 1" ] || { : >at; until [ -e go ]; do sleep 0.05; done; }'
    shim flock "[[ \" \$* \" != *' --wait '* ]] || $waits; exec /usr/bin/flock \"\$@\""
    for program in psaug pstrain; do shim $program "$waits; exec \"\$real\" \"\$@\""; done
    : >stage
    PATH=$PWD/t/pipelines:$PATH trained s "${small[@]}" --depth 1
    half=$(($(stat -c %s s/d1-*.bin) - 100))
    run=$(basename s/d1-*.bin .bin)
    head -c $half "s/$run.bin" >torn && rm "s/$run.bin"
    for stage in ${PSWEEP_LONG:+flock psaug} pstrain; do
        rm -f go at
        echo "$stage" >stage
        cp torn "s/$run.torn1"
        t/pipelines/sweep start --depth 1-2 --jobs 1 -o s
        wait_for test -e at
        sweep stop d1-s0 -o s
        [ "$stage" = flock ] || wait_for has_no_trainer d1-s0
        touch go
        ends 4 in_time sweep wait -o s
        in_state stopped d1-s0
        in_state "done" d2-s0
        cmp torn "s/$run.torn1"
        grep "$run was stopped" err
        rm s/d2-*.bin s/d1-*
    done
    # All of it: parallel, which is told to start no more, lists what it still runs, to nobody.
    rm -f go at
    echo flock >stage
    t/pipelines/sweep start --depth 1-2 --jobs 1 -o s
    wait_for test -e at
    sweep stop -o s &
    sleep 2
    touch go
    wait $!
    ends 4 sweep wait -o s
    no grep parallel err
}

@test "a runner that cannot begin, or is killed before it has, fails with a sentence" {
    # shellcheck disable=SC2016 # for another shell
    shim setpriv '[ "$5" != point ] || { [ -e once ] && kill -KILL $$; : >once; exit 126; }; exec /usr/bin/setpriv "$@"'
    ends 1 in_time t/pipelines/sweep "${small[@]}" --depth 1-2 -o s
    grep 'd1-s0-.* failed: the process that was to train it was killed or could not start' err
    grep 'd2-s0-.* failed: the process that was to train it was killed or could not start' err
    # The same folder, when what was wrong is mended.
    trained s
    in_state "done" "d1-s0 d2-s0"
}

@test "a mistyped option is found before anything is fetched, and a folder in which nothing has begun takes the corrected one" {
    for wrong in "--depht 3" "--depth 1 --augment --shfit=3" "--depth 1 --fetch --resiez=8x8"; do
        # shellcheck disable=SC2086 # two words
        ends 2 sweep "${small[@]}" $wrong -o s
        no ls s/*
        wrong=${wrong##*--}
        grep -- "${wrong%%[= ]*}" err
    done
    # Images that no network can be made of are seen only when they are there.
    ends 2 sweep "${small[@]}" --fetch '--resize 10x10' --depth 1-2 -o s
    trained s "${small[@]}" --depth 1
    in_state "done" d1-s0
    # Now it is a sweep of these.
    ends 2 sweep "${small[@]}" --limit 50 --depth 1 -o s
    grep "holds a sweep with --limit '40', not '50'" err
}

@test "points that have not begun are of the options of the last command" {
    idle
    sweep start "${small[@]}" --epochs 100000 --depth 1-2 -o s
    wait_for writes d1-s0
    ends 2 sweep start --limit 50 -o s
    sweep stop -o s
    awake
    rm s/d1-*
    before=$(cut -f 1 s/points)
    trained s --limit 50 --epochs 1
    in_state "done" "d1-s0 d2-s0"
    [ "$(records s/data.ps | jq -c 'select(.type == "header") | .options.limit')" = 50 ]
    [ "$(cut -f 1 s/points)" != "$before" ]
    [ "$(wc -l <s/points)" = 2 ]
}

@test "photos that cannot be trained on end the fetching where they are met, with the way out" {
    for class in one two; do
        for image in 1 2 3; do colour photos/$class/$image.png 8 8 $((image * 20)); done
    done
    picture photos/one/2.png 8 8 30
    ends 2 sweep --data photos --split 0.5 -e 1 -d 1 -o s
    grep 'one/2.png has 1 channel,' err
    grep -e '--channels' err
    grep -e '--fetch' err
    [ ! -e s/data.ps ]
    [ ! -e s/data.ps.part ]
    sweep --data photos --split 0.5 --fetch '--channels 3' -e 1 -d 1 -o s
    in_state "done" d1-s0
    # It is the only network, and has no name but its digest.
    grep -E '<h1>Depth 1, seed 0 \(validation [0-9.]+ %\)</h1>' s/report.html
    no grep 'All have' s/report.html
}

@test "images for the test are held to the classes and the size of the others before anything is trained" {
    for class in one 'a "two", [2]' three; do
        for image in 1 2 3; do picture "photos/$class/$image.png" 8 8 $((image * 20)); done
    done
    mkdir test && cp -r photos/one test && cp -r photos/three "test/"
    sweep --data photos --test test --split 0.6 -e 1 -d 1 -o s >out
    grep 'test [0-9.]* %' out
    cp -r photos/one 'test/four, "4"'
    for folder in s new; do # trained already, or not
        ends 2 sweep --data photos --test test --split 0.6 -e 2 -d 1 -o $folder
        grep -F 'sweep: test has a class that photos has not, and no network can know it: "four, \"4\""' err
    done
    [ -z "$(find new -name '*.bin' -o -name '*.part')" ]
    picture other/one/1.png 8 12 9
    ends 2 sweep --data photos --test other --split 0.6 -e 1 -d 1 -o new
    grep 'the images of other are 8×12×1, those of photos 8×8×1' err
    # A window of images goes for a test, as they do.
    picture window/one/1.png 4 4 9
    sweep --data photos --test window --split 0.6 --augment '--crop 4x4' -e 1 -d 1 -o crop
    ends 2 sweep --data photos --test other --split 0.6 --augment '--crop 4x4' -e 1 -d 1 -o crop
}

@test "what somebody else's folder holds is not acted upon where it has another form" {
    long
    sweep "${small[@]}" --depth 1-2 -o s >out # with its report
    cp s/options options && cp s/points points
    # shellcheck disable=SC2016 # no shell may expand it
    sed 's/^epochs .*/epochs a[$(touch x)]/' options >s/options
    ends 2 sweep --halving 2 -o s
    grep -- '--epochs takes a whole number' err
    cp options s/options
    # shellcheck disable=SC2016
    for line in '$(touch x)\t3\t--depth 1' 'd1-s0-0123456789ab\t3' '../d1-s0-0123456789ab\t3\t-d 1' 'd1-s0-0123456789ab\ta[$(touch x)]\t-d 1'; do
        printf '%b\n' "$line" | cat points - >s/points
        for command in status report best run; do
            ends 1 sweep $command -o s
            grep 'points is not what a sweep wrote: line 3' err
        done
    done
    [ ! -e x ]
    # What it shows of options is text in the page, wherever it stands there.
    sed '1s/$/ --name <i>one/; 2s/$/ --name <i>two/' points >s/points
    ends 0 sweep report -o s
    grep -c '&lt;i&gt;one' s/report.html
    no grep -F '<i>' s/report.html
}

@test "a point more costs a sweep no more than three small programs besides its locks" {
    mkdir counted
    for program in awk cat cut dirname env grep mv nproc readlink rm sed tail tr; do
        printf '#!/bin/sh\necho %s >>%q\nexec %q "$@"\n' $program "$PWD/all" "$(command -v $program)" >counted/$program
    done
    chmod +x counted/*
    for points in 1 3; do
        : >all
        PATH=$PWD/counted:$PATH trained s$points "${small[@]}" --split 0.5 --epochs 1 --depth 1 --seed 1-$points
        sort all >of$points
    done
    comm -13 of1 of3 | uniq -c | awk '{ print $1 / 2, $2 }' >extra
    [ "$(awk '{ all += $1 } END { print all }' extra)" -le 3 ] || { cat extra >&2 && false; }
}

@test "cores beyond the number of networks become threads, and in a job of Slurm they are those that it has" {
    shim nproc 'echo 12'
    # shellcheck disable=SC2016 # for another shell
    shim pstrain 'all=$*; [[ $all != *--threads* ]] || echo "${all##*--threads }" >>threads; exec "$real" "$@"'
    PATH=$PWD/t/pipelines:$PATH trained s "${small[@]}" --epochs 1 --depth 1 --jobs 5
    PATH=$PWD/t/pipelines:$PATH SLURM_CPUS_PER_TASK=8 trained s --depth 1 --seed 0-2 --jobs 2
    [ "$(paste -sd ' ' threads)" = "2 4 4" ]
}

@test "a worker without its FIFO, or whose folder is taken away, ends" {
    mkdir s && : >s/events
    ends 1 in_time env out=s sweep work
    rm -r s
    # shellcheck disable=SC2016 # for another shell
    shim pstrain '[[ " $* " == *" --"[phv]* ]] && exec "$real" "$@"; until [ -e go ]; do sleep 0.05; done'
    t/pipelines/sweep start "${small[@]}" --depth 1 -o s
    wait_for compgen -G 's/*.part'
    mv s away
    wait_for grep -qx 'sweep: the folder of this sweep was taken away' away/sweep.log
    touch go
    end() { [ -z "$(workers away)" ]; }
    wait_for end
}
