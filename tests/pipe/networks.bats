# What runs and scores of networks by text (pstrain --network) are called, beside those of a depth.
load ../helper

# text NETWORK SEED: a run of a network of that text, made of one of depth 1.
text() {
    edit net.bin "
records = [record for record in records if record['type'] != 'checkpoint']
records[0]['options'].update(depth=None, filters=None, network='$1', seed=$2)
records[-1]['network'] = {'stages': '$1'}"
}

setup() {
    enter_folder
    small_model 40 20
    for seed in 0 1; do
        text 64w-64p-256p-256-max $seed >a$seed.bin
        text 64w-64p-512p-512-256-256p-max $seed >b$seed.bin
    done
}

@test "networks of texts are told apart by what others have not, where they are long" {
    psplot -k table a?.bin b?.bin >out
    grep -q '^run  *network  *seed ' out
    grep -q '^a0  *64w-64p-256p-256-max  *0 ' out
    grep -q '^b1  *\.\.\.512p-512-256-256p\.\.\.  *1 ' out
    cat a?.bin b?.bin >joined
    psplot -k summary joined >out
    grep -q '^  *network  *mean' out
    [ "$(grep -c '^ *64w-64p-256p-256-max \|^\.\.\.512p-512-256-256p\.\.\. ' out)" -eq 2 ]
    psplot -k overlay --size 120x20 joined | grep -q '─ network \.\.\.512p-512-256-256p\.\.\. '
    psplot --size 120x50 joined | grep -q '^network 64w-64p-256p-256-max, seed 0 '
    # One that begins or ends as another does is no other's name.
    for network in 64-64-64-64-64-64-64-64-64 64-64-64-64-64-64-64-64-64-64; do text $network 0 >"${#network}.bin"; done
    [ "$(psplot -k table 26.bin 29.bin | awk 'NR > 3 { print $2 }' | sort -u | wc -l)" -eq 2 ]
    # Alone it has its text, and no depth.
    psplot -k table a0.bin | grep -q '^a0  *64w-64p-256p-256-max  *0 '
    psplot <a0.bin | grep -q '^network 64w-64p-256p-256-max '
    # Programs get it whole.
    psdump -k means joined >out
    [ "$(cut -f 1 out | tail -n +2 | sort | xargs)" = "network 64w-64p-256p-256-max network 64w-64p-512p-512-256-256p-max" ]
    psdump -k csv a0.bin b0.bin | cut -d , -f 3,11 | sort -u >out
    diff out - <<<$',64w-64p-256p-256-max\n,64w-64p-512p-512-256-256p-max\ndepth,network'
}

@test "beside networks of a depth they are all networks" {
    psplot -k table net.bin a0.bin >out
    grep -q '^run  *network ' out
    grep -q '^net  *depth 1 ' out
    cat net.bin a?.bin | psplot -k summary >out
    grep -q '^  *network  *mean' out
    grep -q '^  *depth 1 ' out
    cat net.bin a?.bin | psdump -k means | cut -f 1 | sort >out
    diff out - <<<$'depth 1\nnetwork 64w-64p-256p-256-max\nruns'
    # A text as long as texts may be is not taken for another one that begins the same.
    long=$(printf -- '4096k1-%.0s' {1..140})
    text "${long}64" 0 >c.bin
    text "${long}65" 0 >d.bin
    psplot -k table c.bin d.bin >out
    [ "$(awk 'NR > 3 { print $2 }' out | sort | xargs)" = "...64 ...65" ]
    # And where networks have nothing in common a page cuts them.
    long=$(printf -- '8k1-%.0s' {1..140})
    text "${long}64p" 0 >d.bin
    psplot -k table --size 79x20 c.bin d.bin >out
    [ "$(wc -L <out)" -le 79 ]
}

@test "scores of networks by text" {
    pseval -q net.bin <images.ps >scores
    edit scores "
records[0]['upstream'][1]['options'].update(depth=None, network='64p-128')
for record in records[1:]: record.update(depth=None, network='64p-128')" >text
    psplot -k table text >out
    grep -q '^model  *depth  *network ' out
    grep -q '^net  *-  *64p-128 ' out
    psdump -k csv text | cut -d , -f 1,4,15 | sort -u >out
    diff out - <<<$'cell,,64p-128\nclass,,64p-128\nscore,,64p-128\ntype,depth,network'
    cat scores text | psplot -k table >out
    grep -q '^net  *depth 1 ' out
    grep -q '^net  *64p-128 ' out
}
