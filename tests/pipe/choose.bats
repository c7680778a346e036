#!/usr/bin/env bats
# How the points of a sweep are chosen: from the options of both programs, at random, by recipes, by Optuna.
load ../helper
load ../sweeps

small=(--limit 100 --fetch '--resize 8x8' --test '' --epochs 1)

# rooms [OPTION LIST...]: what draws points, without a sweep; axes are these.
rooms() {
    here=$REPOSITORY/pipelines/sweep.d known='' views='' flags='' texts='' letters='' basics='' common='' samples='' sample_seed=0
    # shellcheck source=pipelines/sweep.d/words.bash
    . "$here/words.bash"
    # shellcheck source=pipelines/sweep.d/tables.bash
    . "$here/tables.bash"
    # shellcheck source=pipelines/sweep.d/points.bash
    . "$here/points.bash"
    # shellcheck source=pipelines/sweep.d/samples.bash
    . "$here/samples.bash"
    die() { echo "$2" >&2 && exit "$1"; }
    know_options
    axes=("$@")
}
# drawn N OPTION LIST...: the lines of N samples.
drawn() {
    (set +e && rooms "${@:2}" && samples=$1 && draw_points)
}

@test "samples: Philox and FNV-1a give the answers that are known of them, and the lines those of another program" {
    rooms
    is() { # EPOCH PURPOSE ID SEED SEED WORDS
        philox "$(($5 << 32 | $4))" "$1" "$3" "$2" || true
        [ "$(printf '%08x ' "${word[@]}")" = "$6 " ]
    }
    is 0 0 0 0 0 '6627e8d5 e169c58d bc57ac4c 9b00dbd8'
    is 0xffffffff 0xffffffff -1 0xffffffff 0xffffffff '408f276d 41c83b0e a20bc7c6 6d5451fd'
    is 0x243f6a88 0x85a308d3 0x0370734413198a2e 0xa4093822 0x299f31d0 'd16cfe09 94fdcceb 5001e420 24126ea1'
    for answer in =2166136261 a=3826002220 foobar=3214735720; do
        number_of "${answer%=*}" || true
        [ "$number" = "${answer#*=}" ]
    done
    drawn 40 --learning-rate log:0.001..0.3 --depth 2,5,9 --momentum uniform:-0.5..0.95 --filters int:8..64 --views yes,no >lines
    /usr/bin/python3 -S - >expected <<'END'
import math
def philox(seed, epoch, id, purpose):
    c, k, m = [epoch, purpose, id & 0xffffffff, id >> 32], [seed & 0xffffffff, seed >> 32], 0xffffffff
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & m, p >> 32 ^ c[3] ^ k[1], p & m]
        k = [k[0] + 0x9E3779B9 & m, k[1] + 0xBB67AE85 & m]
    return c[0]
def word(name, i):
    h = 0x811c9dc5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xffffffff
    return philox(0, h, i, 7)
def real(word):
    return (word >> 8) / 2**24
for i in range(40):
    rate = "%.4g" % (0.001 * math.exp(real(word("learning-rate", i)) * math.log(0.3 / 0.001)))
    depth = [2, 5, 9][word("depth", i) * 3 >> 32]
    momentum = "%.4g" % (-0.5 + real(word("momentum", i)) * 1.45)
    views = ["--views ", ""][word("views", i) * 2 >> 32]
    print(f"--learning-rate {rate} --depth {depth} --momentum {momentum} --filters {8 + (word('filters', i) * 57 >> 32)} {views}--seed 0")
END
    cmp lines expected
}

@test "samples: 50 are the first of 100, an option more leaves the others, all of a space comes, with all seeds, and no more" {
    drawn 50 --l2 log:1e-6..1e-2 --depth 1-3 >fifty
    drawn 100 --l2 log:1e-6..1e-2 --depth 1-3 >hundred
    cmp fifty <(head -n 50 hundred)
    drawn 50 --filters int:8..9 --depth 1-3 --l2 log:1e-6..1e-2 --seed 3,1 >longer
    cmp <(cut -d ' ' -f 1-4 fifty) <(sed -nE 's/--filters [89] (--depth .) (--l2 .*) --seed 3/\2 \1/p' longer)
    cmp <(sed -n 's/ --seed 3$//p' longer) <(sed -n 's/ --seed 1$//p' longer)
    [ "$(grep -oE -- '--filters [89]' longer | sort -u | wc -l)" = 2 ]
    (set +e && rooms --l2 log:1e-6..1e-2 --depth 1-3 && samples=50 sample_seed=1 && draw_points) >other
    [ "$(sort fifty other | uniq -d | wc -l)" = 0 ]
    # As many in each power of ten, and of each depth, as chance has it.
    awk '{ n[int(log($2 / 1e-6) / log(10))]++ } END { for (i = 0; i < 4; i++) if (n[i] < 13 || n[i] > 40) exit 1 }' hundred
    for depth in 1 2 3; do [ "$(grep -c -- "--depth $depth " hundred)" -gt 20 ]; done
    no grep -vE '^--l2 ([0-9.]+|[0-9.]{1,5}e-0[56]) --depth [123] --seed 0$' hundred
    # What is rounded stays within its ends; what there is not more of is not drawn again.
    drawn 9 --l2 log:0.123456..0.123457 2>err | grep -x -- '--depth 1 --l2 0.123457 --seed 0'
    drawn 30 --depth 1-3 --seed 0 >few 2>err
    [ "$(sort few | paste -sd ,)" = '--depth 1 --seed 0,--depth 2 --seed 0,--depth 3 --seed 0' ]
    grep -x 'sweep: 27 of the samples are no new point, and are left out' err
}

@test "samples are trained, halved, and more of them are the same and others" {
    trained s "${small[@]}" --samples 3 --learning-rate log:0.01..0.5 --shift 0,2 --depth 1 --halving 2 -- --momentum 0.5
    [ "$(cut -f 1 s/points | wc -l)" = 3 ]
    before=$(cut -f 1 s/points)
    trained s --samples 4 --learning-rate log:0.01..0.5 --shift 0,2 --depth 1 -- --momentum 0.5
    [ "$(cut -f 1 s/points | head -n 3)" = "$before" ]
    sweep status -o s >out
    grep -E '^point +state +epochs +validation +loss +learning rate +shift$' out
    [ "$(grep -cE '^d1-s0-[0-9a-f]+ +done +1/1 .* 0\.[0-9]+ +[02]$' out)" = 4 ]
    grep -x 'all: depth 1, seed 0, momentum 0.5' out
}

@test "options of psaug are axes: their points are what the programs make of them, and the report tells how" {
    trained s "${small[@]}" --depth 1 --augment '--shift 3 --seed 5' --flip 0,1 --views yes,no --no-cuda-graph
    [ "$(cut -f 3 s/points | sed 's/ --seed 0$//')" = '--depth 1 --flip 0 --views --no-cuda-graph
--depth 1 --flip 0 --no-cuda-graph
--depth 1 --flip 1 --views --no-cuda-graph
--depth 1 --flip 1 --no-cuda-graph' ]
    echo -d 1 >points
    for options in '--flip 0 --views' '--flip 0' '--flip 1 --views' '--flip 1'; do
        # shellcheck disable=SC2086 # words
        psaug --shift 3 --seed 5 $options <s/data.ps | pstrain --points points
    done | cut -f 1 >names
    cmp names <(cut -f 1 s/points)
    sweep status -o s >out
    grep -E ' 0 +yes$' out
    grep -E ' 1 +no$' out
    grep -x 'all: depth 1, no cuda graph yes, seed 0' out
    sweep report -o s >out
    grep -E '^ *psaug flip +psaug views ' out
    grep -E 'Flip 0, 1 × views yes, no: best is flip [01], views (yes|no) ' s/report.html
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep -v '^<' | sed 's/&gt;/>/g; s/&lt;/</g' >commands
    grep -E '^psaug --shift 3 --seed 5 --flip [01] .*pstrain --depth 1 ' commands
    mkdir anew && (cd anew && bash -o pipefail -e ../commands)
    cmp "$(sweep best -o s)" anew/d1-s0-*.bin
    # They come from a file of points too, and are called what they were.
    printf '%s\n' '--flip=1 -d 1 --no-cuda-graph' '-d1 --views --flip 0 --seed 1' >lines
    trained s --points lines
    [ "$(wc -l <s/points)" = 5 ]
    in_state "done" "d1-s0 d1-s0 d1-s0 d1-s0 d1-s1"
}

@test "wrong options, lists and ranges are told by the point or the option, before anything is fetched" {
    # said SENTENCE OPTION...
    said() {
        ends 2 sweep "${small[@]}" "${@:2}" -o s
        grep -xF "sweep: $1" err
        [ ! -e s/data.ps ]
    }
    said 'point 2: --shift takes N or HxW, whole numbers from 0 to 1024, not many' --depth 1 --shift 2,many
    said '--views takes yes, no, or both: yes,no; not '\''2'\' --depth 1 --views=2
    said '--first-epoch is what sweep tells psaug when it goes on; it takes no list' --depth 1 --first-epoch 2
    said '--l2 log:0.1..1 is a range: --samples N draws N points from it' --l2 log:0.1..1
    said '--l2 log:0..1: log: takes numbers above 0, for 0 has no logarithm' --samples 3 --l2 log:0..1
    said '--l2 uniform:1..1 runs backwards, or nowhere: the smaller number comes first' --samples 3 --l2 uniform:1..1
    said '--filters takes whole numbers, which int: draws (int:8..64), not uniform:8..16' --samples 3 --filters uniform:8..16
    said '--cutout takes whole numbers, which int: draws (int:8..64), not log:1..4' --samples 3 --cutout log:1..4
    said '--filters int:08..9: int: takes two whole numbers from 0 to 999999999' --samples 3 --filters int:08..9
    # shellcheck disable=SC2016 # no shell may expand it
    said "--l2 takes a range such as uniform:0..0.5, log:0.001..0.3 or int:8..64, not 'log:1..a[\$(touch ran)]'" \
        --samples 3 --l2 'log:1..a[$(touch ran)]'
    said "--samples takes a whole number from 1 to 50000, not '0'" --samples 0
    # Asked of the trainer itself they are none of its, and it says whose they are.
    for value in uniform: int:8..64 8,16; do
        ends 2 pstrain --filters "$value"
        grep -xF "pstrain: --filters takes a whole number from 1 to 4096, not $value (lists and ranges of values are for sweep)" err
    done
    ends 2 pstrain --optimizer sgd,adam
    grep -q 'not sgd,adam (lists and ranges of values are for sweep)$' err
    said '--sample-seed is that of --samples N, which is not there' --sample-seed 1
    said '--points and --samples cannot both say what the points are' --points x --samples 3
    said '--seed takes a list, not int:1..9: every sample is trained with each of its seeds' --samples 3 --seed int:1..9
    [ ! -e ran ]
    # What only the images tell.
    ends 2 sweep "${small[@]}" --depth 1 --crop 4x4,64x64 -o t
    grep -E '^sweep: point 2: image .* smaller than --crop 64x64$' err
    # What can be, but is hardly meant, is said; these two are one network, so that nothing is trained.
    ends 2 sweep "${small[@]}" --depth 1 --cutout 0,100 --threads 1,2 --schedule cosine --horizon 3 --epochs 9 -o u
    grep -x 'sweep: point 1: from epoch 4 on the learning rate stays as low as --horizon 3 has left it; so it is with 3 more' err
    grep -x 'sweep: point 3: --cutout 100 paints some images, which are 8x8, over entirely' err
    no grep -E 'psaug|pstrain' err
}

@test "a recipe's options stand before those of the command line, which win wherever they stand" {
    cat >mine <<'END'
# for this test
--epochs 1 # a comment
	--depth  1-2
--batch-size=64
--momentum   0.5

--views
--no-cuda-graph
--shift 1
--flip 0
END
    printf -- '--l2 0.1\r' >>mine
    trained s "${small[@]:0:6}" --recipe ./mine --depth 1 --views no --augment '--shift 2' -- -b 50 --momentum=0.25
    [ "$(cut -f 2- s/points)" = $'1\t--no-cuda-graph --flip 0 --l2 0.1 --depth 1 --seed 0 -b 50 --momentum=0.25' ]
    # With points, each line wins.
    printf '%s\n' '-d 2' '--depth=1 -b64 --flip 1' '-d3 --crop 4x4' >lines
    trained t "${small[@]:0:6}" --recipe ./mine --points lines
    [ "$(cut -f 2- t/points)" = $'1\t--batch-size 64 --momentum 0.5 --views --no-cuda-graph --shift 1 --flip 0 --l2 0.1 -d 2
1\t--momentum 0.5 --views --no-cuda-graph --shift 1 --l2 0.1 --depth=1 -b64 --flip 1
1\t--batch-size 64 --momentum 0.5 --views --no-cuda-graph --flip 0 --l2 0.1 -d3 --crop 4x4' ]
    in_time sweep "${small[@]:0:6}" --recipe ./mine --points - -o t < <(printf '%s\n' '-d 2' '-b 9') 2>err >out
    grep -q "^d2-s0-.*--l2 0.1 -d 2$" out
    grep -qx -- $'-\tfailed\t-b 9' out
    grep -x 'sweep: the recipe has a list, --depth 1-2: with --points a line has a value of its own' err
}

@test "networks as texts, averages and ranges are axes: names, columns and pages stay readable" {
    long
    trained s "${small[@]}" --network 4p-4+1,4-4-4 --average ema:0.9,lookahead:2:0.5:3 --schedule cosine --nesterov --scale 0.8..1.2
    no grep -vE $'^n[23]-s0-[0-9a-f]{12}\t1\t--network 4[-p+14]+ --average [a-z]+:[0-9.:]+ --schedule cosine --nesterov --scale 0.8..1.2 --seed 0 --horizon 1$' s/points
    [ "$(find s -name 'n[23]-s0-*.bin' | wc -l)" = 4 ]
    sweep status -o s >out
    grep -E '^point +state +epochs +validation +loss +network +average$' out
    grep -E '^n2-s0-[0-9a-f]+ +done +1/1 .* 4p-4[+]1 +lookahead:2:0.5:3$' out
    grep -x 'all: schedule cosine, nesterov yes, scale 0.8..1.2, seed 0, horizon 1' out
    sweep report -o s >out
    grep -E '^ *4p-4[+]1 +ema:0.9 ' out
    grep -E '<h1>Network 4p-4[+]1, 4-4-4 × average ema:0.9, lookahead:2:0.5:3: best is network 4' s/report.html
    sed -n '/To repeat it/,/<.pre>/p' s/report.html | grep -v '^<' | sed 's/&gt;/>/g; s/&lt;/</g' >commands
    mkdir anew && (cd anew && bash -o pipefail -e ../commands)
    cmp "$(sweep best -o s)" anew/n*-s0-*.bin
    # Halving and more epochs leave the names: the horizon is that of the first command.
    trained t "${small[@]}" --epochs 4 --network 4,4-4 --schedule linear --halving 2
    before=$(cut -f 1,3 t/points)
    [ "$(cut -f 2 t/points | sort | paste -sd ' ')" = '2 4' ]
    trained t --epochs 5
    [ "$(cut -f 1,3 t/points)" = "$before" ]
    [ "$(sweep status -o t | grep -cE '^n[12]-s0 +done +5/5 ')" = 2 ]
}

@test "what ends with training gets the epochs that are asked for as its horizon, and keeps that" {
    rooms
    is() {
        point_line 30 "$1"
        [ "$asked: $kept" = "$2" ]
    }
    for ending in '--schedule cosine' --schedule=linear '--schedule one-cycle' '--warm-up 20%' --warm-up=5% '--average lookahead:5:0.5:3'; do
        is "-d 1 $ending -s 2" "30: -d 1 $ending -s 2 --horizon 30"
        is "-e 9 $ending" "9: $ending --horizon 9"
        is "$ending --horizon 3" "30: $ending --horizon 3"
        is "--horizon=3 $ending" "30: --horizon=3 $ending"
    done
    for other in '--schedule step' '--warm-up 2' '--average ema:0.99' '--average lookahead:5:0.5' '--name cosine' '-d 1'; do
        is "$other" "30: $other"
    done
    # Where others have none it is no difference of its own; two are.
    printf 'd1-s0-00000000000%d\t30\t--schedule %s\n' 1 'cosine --horizon 30' 2 step >points
    awk -f "$here/options.awk" -v want=space points >said && [ "$(cat said)" = 'schedule cosine, step' ]
    awk -f "$here/options.awk" -v want=shared points >said && [ "$(cat said)" = '' ]
    printf 'd1-s0-000000000003\t30\t--schedule cosine --horizon 60\n' >>points
    awk -f "$here/options.awk" -v want=space points >said && [ "$(cat said)" = 'schedule cosine, step; horizon 30, default, 60' ]
}

@test "the recipes that come along; that of the mission makes what is made without one" {
    long
    rooms
    ends 0 sweep --recipe help
    grep -E '^mission +what ' out
    for file in "$REPOSITORY"/pipelines/recipes/*; do
        [[ $(head -n 1 "$file") = '# '* ]]
        while read -r name value; do
            [[ $name = --epochs || $known = *" $name "* ]]
        done < <(grep -v '^ *\(#\|$\)' "$file")
    done
    # The names of its points tell that.
    idle
    sweep start "${small[@]}" -j 1 -o s
    wait_for writes d1-s0
    sweep stop -o s
    sweep start "${small[@]:0:6}" -e 1 --recipe mission -j 1 -o t
    wait_for test -e t/.places/begun."$(sed -n '1s/\t.*//p' t/points)"
    sweep stop -o t
    cmp <(cut -f 1 s/points) <(cut -f 1 t/points)
    [ "$(wc -l <t/points)" = 4 ]
    awake
    # Points are named with fewer images than a mini-batch of theirs has.
    trained u "${small[@]:0:6}" --recipe fast --batch-size 16
    [ "$(find u -name 'n7-s0-*.bin' | wc -l)" = 1 ]
}

@test "a recipe is data: a line that is no option is told by its number, and nothing of it is run" {
    long
    # shellcheck disable=SC2016
    for line in '--depht 2' 'depth 2' '--depth' '--depth 1 2' '--depth 99999' '--depth 1,4-2' '--views 3' '--epochs 0' '--shift many' \
        '-d 2' '--points x' '--depth $(touch${IFS}ran)' '`touch${IFS}ran`' $'--depth 1\e[31m' '--name a[$(touch${IFS}ran)]'; do
        printf '%s\n' '# a recipe' '' "$line" >mine
        status=0
        sweep "${small[@]}" --recipe ./mine -o s >out 2>err || status=$?
        [ $status = 2 ] || [ "$line" = "--name a[\$(touch\${IFS}ran)]" ]
        [[ $line = --points* || $line = --name* ]] || grep '^sweep: ./mine, line 3: ' err
    done
    [ -z "$(find . -name 'ran*')" ]
    for name in none ../sweep /dev/null .; do
        ends 2 sweep --recipe $name -o t
        grep -E "^sweep: (there is no recipe $name: there is .*mission.*, and a file of your own is ./$name|there is no file $name, or|$name, line 1: )" err
    done
    echo '--split 0.5' >mine
    ends 2 sweep --recipe ./mine -o t
    grep -x 'sweep: ./mine, line 1: pstrain and psaug have no option --split' err
    # What is forgotten is not the next option.
    for name in --recipe --learning-rate --limit; do
        ends 2 sweep $name -j 1 -o t
        grep "^sweep: $name needs a value" err
    done
    [ ! -e t ]
}

@test "Optuna drives a sweep, and asks the same again" {
    long
    python=/usr/bin/python3
    $python -c 'import optuna' 2>/dev/null || python=python3
    $python -c 'import optuna' 2>/dev/null || skip "needs Optuna (make deps-servers installs it)"
    for round in 1 2; do
        in_time $python "$REPOSITORY/pipelines/optuna_sweep.py" --trials 5 --at-once 2 -o s "${small[@]}" -- --momentum 0.5 >"said$round"
    done
    cmp said1 said2
    [ "$(grep -cE '^[0-4]'$'\t''[0-9.]+'$'\t''--depth [1-4] --filters ' said1)" = 5 ]
    grep "^best: {'depth': " said1
    [ "$(wc -l <s/points)" = 5 ]
    no grep -v ' --momentum 0.5$' s/points
    [ "$(psdump -k status s/*.bin | awk -F '\t' '$2 == "done"' | wc -l)" = 5 ]
    # Where none is done there is no best one.
    mkdir failing
    # shellcheck disable=SC2016 # for another shell
    printf '%s\n' '#!/bin/bash' 'while read -r line; do printf "d1\tfailed\t0\t1\t\t\tcpu\t%s\n" "$line"; done' >failing/sweep
    chmod +x failing/sweep
    PATH=$PWD/failing:$PATH in_time $python "$REPOSITORY/pipelines/optuna_sweep.py" --trials 2 >said
    grep -x 'best: none, for no trial was done' said
}
