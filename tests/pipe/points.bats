#!/usr/bin/env bats
# pstrain --points: what a run will be called, and what it takes of a GPU.
load ../helper

setup() {
    enter_folder
    psfetch -q synth:shapes --limit 100 --split 0.8 >set.ps
}

# name OPTION...: the name of the run of set.ps with these options.
name() {
    echo "-d 1 $*" >points
    psaug <set.ps | pstrain --points points | cut -f 1
}

# digest_of RUN: what a name must hold, from the header that the run has.
digest_of() {
    /usr/bin/python3 -c '
import msgpack, subprocess, sys
def reduce(value, key=None):
    if isinstance(value, dict):
        return {k: reduce(v, k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [reduce(v) for v in value]
    return value.split()[0] if key == "tool" else value
header = next(msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False))
open("reduced", "wb").write(msgpack.packb(reduce(header)))
said = subprocess.run(["xxhsum", "-H3", "reduced"], capture_output=True, text=True).stdout
print(said.split("= ")[-1].split()[0].replace("XXH3_", "")[:12])' "$1"
}

@test "a name has depth, seed and the digest of the header that the run then has" {
    options=(-d 2 -s 7 -r 0.02 -b 30 --mean 100)
    psaug --views <set.ps | pstrain -q -e 1 "${options[@]}" >net.bin
    printf '%s\n' '# three points' '' '-s 3' $'\t-s 7 --mean 100 -e 1 -t 2  --progress none' ' -d 3' >points
    ends 0 pstrain -d 2 -r 0.02 -b 30 --points points < <(psaug --views <set.ps)
    [ "$(sed 's/-[0-9a-f]\{12\}\t[1-9][0-9]*$//' out | xargs)" = "d2-s3 d2-s7 d3-s0" ]
    [ "$(sed -n 2p out | cut -f 1)" = "d2-s7-$(digest_of net.bin)" ]
    [ ! -e none ]
    pstrain -q -e 1 "${options[@]}" <set.ps >net.bin
    echo "${options[*]}" >points
    [ "$(pstrain --points points <set.ps | cut -f 1)" = "d2-s7-$(digest_of net.bin)" ]
}

@test "whatever decides the bytes of a run is in its name, and nothing else" {
    plain=$(name)
    for same in '-e 3' '-t 3' '--isa c' '-b 128' '--device cpu' '--name x --resume y'; do
        [ "$(name "$same")" = "$plain" ]
    done
    for other in '-d 2' '-s 1' '--filters 8' '-b 64' '-r 0.3' '-m 0.8' '--l2 0' '--checkpoint-every 2' '--deviation 9'; do
        [ "$(name "$other")" != "$plain" ]
    done
    echo '-d 1' >points
    [ "$(psaug -s 1 <set.ps | pstrain --points points | cut -f 1)" != "$plain" ]
    [ "$(psaug -e 1 <set.ps | pstrain --points points | cut -f 1)" = "$plain" ]
    # Other versions of the programs give the same name, other pixels of the
    # same mean give another.
    psaug <set.ps | pstrain -q -e 1 >net.bin
    edit set.ps 'records[0]["tool"] = "psfetch 99.1"' >newer.ps
    [ "$(psaug <newer.ps | pstrain --points points | cut -f 1)" = "$plain" ]
    edit set.ps 'p = records[5]["pixels"]; records[5]["pixels"] = p[960:] + p[:960]' >moved.ps
    [ "$(psaug <moved.ps | pstrain --points points | cut -f 1)" != "$plain" ]
    ends 1 pstrain -q -e 2 --resume net.bin < <(psaug <moved.ps)
    grep -q 'it was trained on other images' err
    # A set that comes straight has no psaug to tell what is in it: other images for validation.
    pstrain -q -d 1 -e 1 <set.ps >net.bin
    edit set.ps 'last = [r for r in records if r.get("split") == "validation"][-1]; last["pixels"] = last["pixels"][::-1]' >other.ps
    [ "$(pstrain --points points <newer.ps)" = "$(pstrain --points points <set.ps)" ]
    [ "$(pstrain --points points <other.ps)" != "$(pstrain --points points <set.ps)" ]
    ends 1 pstrain -q -d 1 -e 2 --resume net.bin <other.ps
    grep -q 'it was trained on other images' err
    # Its digest is the one that psaug would tell.
    [ "$(records net.bin | jq 'select(.type == "header") | .digest')" = "$(psaug -e 1 <set.ps | records /dev/stdin | jq 'select(.type == "header") | .digest')" ]
}

@test "a wrong line is named, and no name is printed" {
    refused() {
        printf '%s\n' '-d 1' '' "$1" >points
        ends 2 pstrain --points points <set.ps
        grep -q "^pstrain: points:3: $2" err
        [ ! -s out ]
    }
    refused '-d 65' '--depth takes a whole number from 1 to 64, not 65'
    refused '--depht 2' 'there is no option --depht'
    refused '-d 2 3' '3 is not an option'
    refused '-b' '-b needs a value'
    refused '--mean 1,2' '--mean has 2 numbers, but the images have 3 channels'
    refused '-d 2 --help' '-h belongs on the command line'
    refused '--device cuda' '\(there is no NVIDIA driver\|there is no GPU\|this build has no cuda engine\)'
    ends 1 pstrain --points none <set.ps
    grep -q 'cannot open none: No such file' err
    ends 2 pstrain --points - <set.ps
    ends 1 pstrain --points . <set.ps
    echo >points
    ends 0 pstrain --points points <set.ps
    [ ! -s out ]
    printf -- '-d 1\n\n-d 2\0 -s 3\n' >points
    ends 2 pstrain --points points <set.ps
    grep -q '^pstrain: points:3: there is a zero byte in it' err
    ends 1 bash -c 'echo -d 1 >points; pstrain --points points <set.ps >/dev/full'
    ends 1 bash -c 'pstrain --points points <set.ps >&-'
    grep -q 'cannot write output: Bad file descriptor' err
    head -c 100 set.ps >torn.ps
    ends 3 pstrain --points points <torn.ps
}
