# The images of a sweep: fetched once, and found out to be what is needed before anything is trained.
# shellcheck shell=bash

# check_options LINE...: what psaug and pstrain would refuse of their options whatever the images are, of which a
# few are drawn.
check_options() {
    local lines=("$@") epochs_of=() words i training viewing said
    local -A seen=()
    [ $# -gt 0 ] || lines=("${common:---depth 1}")
    take_epochs || exit
    read -ra words <<<"$augment"
    psaug "${words[@]}" --help >/dev/null || exit 2
    for i in "${!lines[@]}"; do
        split_point "${lines[i]}"
        lines[i]=${training[*]:---depth 1}
        [ ${#viewing[@]} -gt 0 ] && [ -z "${seen[${viewing[*]}]-}" ] || continue
        seen[${viewing[*]}]=1
        said=$(psaug "${viewing[@]}" --help 2>&1 >/dev/null) || die 2 "point $((i + 1)): ${said#psaug: }"
    done
    psfetch -q synth:shapes --limit 20 --split 0.5 | name_points "${lines[@]}" >/dev/null || exit 2
}

# Sets test_head: the header and the first of the images for the test, of which it is better known now than in the
# end that they are there.
look_at_test() {
    local words
    [ -n "$test" ] || return 0
    read -ra words <<<"$fetch"
    {
        until_stopped psfetch -q "$test" --as test --limit 1 "${words[@]}" | psdump -k json 2>/dev/null
        exit "${PIPESTATUS[0]}"
    } <&0 >"$out/test.head" &
    wait $! || no_data $? "cannot fetch the images of $test"
    test_head=$(<"$out/test.head")
    rm -f "$out/test.head"
}

# Into data.ps. psaug looks on, so that what it cannot use, such as images of several sizes, ends the fetching where
# it is met; then it tells what there is.
fetch_data() {
    local words more status header said figure=accuracy share=--split
    [ -n "${given[split]-}" ] || share=--default-split
    read -ra words <<<"$fetch"
    read -ra more <<<"$augment"
    {
        until_stopped psfetch "$data" ${split:+$share "$split"} ${limit:+--limit "$limit"} "${words[@]}" | tee "$out/data.ps.part" |
            psaug -q "${more[@]}" 2>"$out/psaug.said" | psdump -k json 2>/dev/null | head -n 1 >"$out/psaug.header"
        echo "${PIPESTATUS[@]}" >"$out/psaug.status"
    } <&0 &
    wait $!
    read -ra status <"$out/psaug.status"
    header=$(<"$out/psaug.header") said=$(<"$out/psaug.said")
    rm -f "$out"/psaug.{status,header,said}
    [ "${status[0]}" = 0 ] || no_data "${status[0]}" "cannot fetch the images of $data"
    [ "${status[2]}" = 0 ] || { echo "$said" >&2 &&
        no_data 2 'options of psfetch stand in --fetch "…", those of psaug in --augment "…"'; }
    [ "${status[1]}" = 0 ] || no_data 1 "cannot write $out/data.ps.part"
    mv "$out/data.ps.part" "$out/data.ps" || exit 1
    # The first options in there are psfetch's; where images came with some for validation, they were not divided.
    [[ ${header#*'"options":{"split":'} != null* ]] || split=''
    [[ ! $header =~ \"validation\":[1-9] ]] || return 0
    # Then accuracy says little, for it nears 100 % of images that are learnt; the loss does not stop there.
    [ -n "${given[rank]-}" ] || rank=loss
    [ "$rank" != loss ] || figure=loss
    echo "sweep: there are no images for validation${split:+ (a --split below $split sets some aside)}: networks will be ranked by their $figure on the images that they learn" >&2
}
# no_data STATUS SENTENCE
no_data() {
    rm -f "$out/data.ps.part" "$out/test.head"
    ! must_stop || die 4 "stopped while images were fetched"
    die "$@"
}

# The images for the test that have been looked at must be of classes that the networks will know, and of their size.
fits_test() {
    local head known unknown what='a class' them=it size wanted window=''
    [ -n "$test_head" ] || return 0
    [[ $test != "$data" || " $fetch" = *" --split-folders"* ]] ||
        echo "sweep: --test $test is what the networks learn from: its figures say nothing of other images" >&2
    head=$(psdump -k json "$out/data.ps" | head -n 2)
    known=$(classes_in "$head")
    [ -n "$known" ] || die 1 "cannot read the classes of $out/data.ps"
    unknown=$(classes_in "$test_head" | grep -vxF -f <(printf '%s\n' "$known"))
    size=$(size_in "$test_head") wanted=$(size_in "$head")
    # Networks that were trained on windows of images are shown the middle of others of that size, or such windows.
    [[ ! $augment =~ --crop[=\ ]([0-9]+)x([0-9]+) ]] || window="${BASH_REMATCH[1]}×${BASH_REMATCH[2]}×${wanted##*×}"
    if [ -n "$unknown" ]; then
        [[ $unknown != *$'\n'* ]] || what=classes them=them
        echo "sweep: $test has $what that $data has not, and no network can know $them: ${unknown//$'\n'/, }" >&2
        return 1
    elif [ "$size" != "$wanted" ] && [ "$size" != "$window" ]; then
        echo "sweep: the images of $test are $size, those of $data $wanted: --fetch \"--resize HxW --channels N\" makes them agree" >&2
        return 1
    fi
}
# The names of the classes in a header as JSON has them, a line each.
classes_in() {
    head -n 1 <<<"$1" | grep -oE '"classes":\[("([^"\\]|\\.)*",?)*\]' | head -n 1 | cut -d : -f 2- | grep -oE '"([^"\\]|\\.)*"'
}
# "32×32×3", of the first image behind it.
size_in() {
    sed -n '2s/.*"height":\([0-9]*\),"width":\([0-9]*\),"channels":\([0-9]*\).*/\1×\2×\3/p' <<<"$1"
}
