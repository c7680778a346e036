#!/usr/bin/env bats
# The filters that people start theirs from (pipelines/filters), in C and in Python, between the programs.
load ../helper

setup() {
    enter_folder
    psfetch -q --limit 60 --resize 8x8 --split 0.8 >set.ps
}
# The pixels of the images, as numbers.
pixels() {
    /usr/bin/python3 -c '
import msgpack, sys
for record in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False):
    if record["type"] == "image":
        print(*(abs(int(sys.argv[2]) - value) for value in record["pixels"]))' "$@"
}

@test "both make negatives, keep all else, and a network trains on them" {
    make -C "$REPOSITORY" -s build/pipelines/filters/negative >&2
    for filter in "$REPOSITORY"/build/pipelines/filters/negative "$REPOSITORY"/pipelines/filters/negative.py; do
        "$filter" <set.ps >negative.ps
        cmp <(pixels set.ps 255) <(pixels negative.ps 0)
        cmp <(psdump -k csv set.ps) <(psdump -k csv negative.ps)
        [ "$(records negative.ps | jq -r 'select(.type == "header") | keys | join(" ")')" = \
            "classes kind options tool type upstream version" ]
        "$filter" <negative.ps | psaug -e 1 | pstrain -q >net.bin
        [[ "$(records net.bin | jq -r 'select(.type == "header") | .upstream[0].upstream[0].tool')" = negative\ * ]]
        # What is cut short or damaged, several sets, one of no images too, and epochs are refused, and nothing whole
        # comes out.
        head -c 10000 set.ps >cut.ps
        cat set.ps set.ps >two.ps
        edit set.ps 'del records[1:]' | cat set.ps - >behind.ps
        psaug -e 1 <set.ps >epochs.ps
        cp set.ps flipped.ps
        printf X | dd of=flipped.ps bs=1 seek=9999 conv=notrunc status=none
        for bad in cut flipped two behind epochs; do
            no "$filter" <$bad.ps >out
            ends 3 pseval net.bin <out
        done
        ends 2 "$filter" set.ps
    done
}
