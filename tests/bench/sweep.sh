#!/usr/bin/env bash
# What sweep costs beside the bare pipelines that it runs, and how to spend the cores: a thread for each
# network, or all threads for one network after the other. In turns, medians of five.
#
#   sweep.sh     in a tree that is built; takes about two minutes
set -euo pipefail
tree=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$tree/bin:$tree/pipelines:$PATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

points=100
cores=$(nproc)
seconds() {
    local began=$EPOCHREALTIME
    "$@" >log 2>&1
    awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}
median() {
    sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# One iteration each.
bare() {
    seq "$points" | parallel --will-cite --plain -j "$cores" \
        "psaug -q <data.ps | pstrain -q -d 1 -s {} -e 1 -t 1 >bare.{}"
}
swept() {
    rm -rf points && mkdir points && cp data.ps points
    sweep start -d 1 -s "1-$points" -e 1 --limit 142 -o points && sweep wait -o points
}
psfetch -q --limit 142 --split 0.9 >data.ps
for _ in 1 2 3 4 5; do
    seconds bare >>bare.times
    seconds swept >>swept.times
done
awk -v bare="$(median <bare.times)" -v swept="$(median <swept.times)" -v points=$points -v cores="$cores" 'BEGIN {
    printf "%d points of one iteration, %d at a time: bare pipelines %.2f s, sweep %.2f s: %.0f ms a point and place more\n",
        points, cores, bare, swept, (swept - bare) * 1000 * cores / points }'

# Four networks of the mission's kind.
at_a_time() {
    seq 4 | parallel --will-cite --plain -j "$1" "psaug -q <data.ps | pstrain -q -d {} -e 1 -t $2 >net.{}"
}
psfetch -q --limit 10000 --split 0.9 >data.ps
for _ in 1 2 3 4 5; do
    seconds at_a_time "$cores" 1 >>many.times
    seconds at_a_time 1 "$cores" >>one.times
done
echo "depths 1 to 4, an epoch of 9000 images: $cores at a time on a thread each $(median <many.times) s," \
    "one at a time on $cores threads $(median <one.times) s"
