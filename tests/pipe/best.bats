#!/usr/bin/env bats
# Which network of a sweep is the best, and that all of sweep says the same of it.
load ../helper
load ../sweeps

# Images without a test, so that nothing is longer than it needs to be.
small=(--data synth:shapes/test --limit 100 --fetch '--resize 8x8' --epochs 4)

# The best network by depth and seed.
best() {
    basename "$(sweep best -o s "$@")" | sed 's/-[0-9a-f]*.bin$//'
}

@test "a tie goes to the lower loss; --rank says by what networks are ranked, is kept, and is named everywhere" {
    long
    sweep "${small[@]}" --depth 1 --seed 1-2 -o s >out
    # The first has the same accuracy, and a higher loss.
    [ "$(psdump -k status s/*.bin | awk -F '\t' 'NR > 1 { print $7 }' | sort -u | wc -l)" = 1 ]
    [ "$(best)" = d1-s2 ]
    grep 'The best first, by validation accuracy (%), last epoch' out
    grep -E 'best is s/d1-s2-.*: validation [0-9.]+ %$' out
    grep -E '<h1>2 seeds: best is seed 2 \(validation [0-9.]+ %\)</h1>' s/report.html
    grep 'ranked by validation accuracy after the last epoch' s/report.html
    # One more, with the best accuracy, but not the lowest loss.
    sweep --depth 1 --seed 0 -o s
    [ "$(best)" = d1-s0 ]
    [ "$(best --rank loss)" = d1-s2 ]
    [ "$(best)" = d1-s0 ]
    sweep --rank loss -o s >out
    [ "$(best)" = d1-s2 ]
    grep -E 'best is s/d1-s2-.*: validation loss [0-9.]+$' out
    [ "$(grep -c 'The best first, by validation loss' out)" = 1 ]
    grep 'ranked by validation loss after the last epoch' s/report.html
    grep '<th class=n>validation loss</th><th class=n>epochs</th>' s/report.html
    [ "$(sed -n '/<h2>Networks/,/<.table>/p' s/report.html | grep -o 'd1-s[0-9]' | paste -sd ' ')" = "d1-s2 d1-s0 d1-s1" ]
    ends 0 sweep report --rank mean5 -o s
    grep -E 'best is s/d1-s0-.*: validation [0-9.]+ % in the mean of the last five$' out
    ends 2 sweep best --rank first -o s
    grep "one of last, mean5, best, loss, not 'first'" err
}

@test "of halving, those go on that --rank ranks first" {
    trained s "${small[@]}" --depth 1 --seed 0,2 --halving 2 --rank loss
    psdump -k ranking --rank loss --epochs 2 s/*.bin | awk -F '\t' 'NR == 2 { print $1 }' >first
    [ "$(sweep best -o s)" = "$(cat first)" ]
    psdump -k ranking --epochs 2 s/*.bin | awk -F '\t' 'NR == 2 { print $1 }' | no cmp -s - first
}

@test "a network that has diverged is never the best, and where all have, that is said" {
    printf '%s\n' "-d 1 -r 1e6 --l2 1e6 -e 5" "-d 1 -s 1 -r 1e6 --l2 1e6 -e 5" >points
    ends 1 sweep "${small[@]}" --points points -o s
    grep 'all networks in s have diverged' err
    ends 1 sweep best -o s
    [ ! -s out ]
    grep 'all networks in s have diverged' err
    ends 1 sweep report -o s
    grep 'all networks in s have diverged' err
    # In a table of the report that is a number, too, which is too large for its digits.
    # shellcheck source=pipelines/sweep.d/show.bash
    [ "$(. "$REPOSITORY/pipelines/sweep.d/show.bash" && printf 'loss\n2.3\n1.57e+10\n' | columns html | grep -c 'td class=n')" = 2 ]
    # More epochs were asked of those than of this one.
    sweep -d 1 -e 1 -o s >out
    [ "$(best)" = d1-s0 ]
    [[ "$(sweep best -o s)" = "$(grep -o 's/d1-s0-[0-9a-f]*.bin' out)" ]]
    [ "$(psdump -k ranking "$(sweep best -o s)" | awk -F '\t' 'NR == 2 { print $5 }')" = whole ]
    [ "$(sed -n '/<h2>Networks/,/<.table>/p' s/report.html | grep -c '>diverged<')" = 2 ]
}

@test "without images for validation that is said at the start, and the training images rank" {
    ends 0 sweep "${small[@]}" --split 1 --depth 1 --seed 0-1 -o s
    grep 'there are no images for validation (a --split below 1 sets some aside).* ranked by their loss on the images that they learn' err
    grep -E 'best is s/d1-s[01]-.*: training loss [0-9.]+$' out
    grep 'The best first, by training loss, last epoch' out
    grep 'ranked by training loss in the last epoch' s/report.html
    grep 'neither validation nor test images' s/report.html
    [ "$(records s/best.scores | jq -r 'select(.type == "score") | .split')" = train ]
    psdump -k ranking --rank loss s/*.bin | awk -F '\t' 'NR == 2 { print $1 }' | cmp - <(sweep best -o s)
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep 'pseval --only train'
    ends 0 sweep report --rank last -o s
    grep -E 'best is s/d1-s[01]-.*: training [0-9.]+ %$' out
}

@test "status shows what the points differ in, what all have in common, and the time left" {
    trained s "${small[@]}" --depth 1 --learning-rate 0.1,0.05 -- --momentum 0.5
    sweep status -o s >out
    sed 's/  */ /g' out | sed -n 1p | grep -x 'point state epochs validation loss learning rate'
    grep -x 'all: depth 1, seed 0, momentum 0.5' out
    tail -n 1 out | grep -x '2 points: 2 done'
    # Names are told apart, and no longer than that takes.
    awk '/^d1/ { print $1 }' out >names
    [ "$(sort -u names | wc -l)" = 2 ]
    no grep -vE '^d1-s0-[0-9a-f]{3}$' names
    # As if a sweep were at work: both have trained four epochs in the last hundred seconds, and four are left.
    sed -i 's/\t4\t/\t8\t/' s/points
    exec 5<s
    flock 5
    mkdir -p s/.places
    cut -f 1 s/points | while read -r name; do
        printf 'begun\t%s\t%s\t0\n' "$name" $((EPOCHSECONDS - 100)) >"s/.places/begun.$name"
    done
    sweep status -o s >out
    tail -n 1 out | grep -x '2 points: 2 to come; about 2 min left'
    # A name of that length is enough to stop a point.
    ends 0 sweep stop "$(head -n 1 names)" -o s
    [ "$(find s -name '*.stop' | wc -l)" = 1 ]
    ends 1 sweep stop d1-s -o s
    grep -x 'sweep: no point in s is called d1-s' err
    sed -i 's/\t8\t/\t4\t/' s/points
    ends 1 sweep stop "$(head -n 1 names)" -o s
    grep -x "sweep: $(head -n 1 names) is done already" err
    exec 5<&-
    # A space of three options fits a terminal.
    mkdir space
    for depth in 1 12; do
        for rate in 0.02 0.0005; do
            digest=$(md5sum <<<"$depth $rate" | head -c 12)
            printf 'd%d-s10-%s\t300\t--depth %d --seed 1%d --learning-rate %s\n' $depth "$digest" $depth $depth $rate
        done
    done >space/points
    sweep status -o space >out
    grep -Eq '^d12-s10-[0-9a-f]{3} +missing +0/300 .* 12 +112 +0.0005$' out
    [ "$(wc -L <out)" -le 80 ]
}

@test "images that come in folders for training, validation and test are not divided" {
    for split in train val test; do
        for class in one two; do
            for image in 1 2 3; do picture "photos/$split/$class/$image.png" 8 8 $((image * 20)); done
        done
    done
    sweep --data photos --fetch --split-folders --depth 1 --epochs 1 -o s >out
    [ "$(records s/data.ps | jq -r 'select(.type == "image") | .split' | sort | uniq -c | xargs)" = "6 test 6 train 6 validation" ]
    grep -E 'best is s/d1-s0-.*: validation [0-9.]+ %, test [0-9.]+ %$' out
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep 'psfetch photos --split-folders &gt; data.ps'
}
