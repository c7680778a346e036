#!/usr/bin/env bats
# The bundle: what is in it, and that it runs where nothing else is. (make fresh runs it on bare systems.)
load ../helper

# Unpacked as by who has downloaded it, where anybody may go. Each test makes it anew, which takes as long as its gzip.
setup() {
    enter_folder
    long
    make -s --no-print-directory -C "$REPOSITORY" bundle >said
    packed=$REPOSITORY/$(sed 's/: .*//' said)
    there=$(mktemp -d)
    mkdir "$there/a folder" && tar -xzf "$packed" -C "$there/a folder" && chmod 755 "$there"
    folder=$(echo "$there/a folder"/psweep-*)
}
teardown() {
    [ -z "${there-}" ] || rm -r "$there"
}
needs() {
    objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }'
}
# The newest of these versions of the C library.
newest() {
    grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1
}

@test "a bundle has all libraries but those of C, and CUDA's, their licences, and the same bytes each time" {
    cp "$packed" before
    make -s --no-print-directory -C "$REPOSITORY" bundle
    cmp before "$packed"
    [ "$(stat -c %s before)" -lt 25000000 ]
    cd "$folder"
    for file in bin/ps* lib/psweep/*; do
        for name in $(needs "$file"); do
            [ -e "lib/psweep/$name" ] || [[ $name =~ ^(libc|libm|libresolv|ld-linux-[a-z0-9-]*)\.so\.[0-9]$ ]] ||
                [[ $file = */libpsweep-cuda.so && $name =~ ^(libcudart|libcudnn)\.so ]]
        done
    done
    no compgen -G 'lib/psweep/libcud*'
    for program in psaug pstrain pseval psdump; do
        [ "$(needs bin/$program | grep -vE '^(libc|libm|ld-linux-[a-z0-9-]*)\.so')" = "" ]
    done
    # That of Debian 12, or of this machine where that is newer.
    [ "$({ echo GLIBC_2.36; getconf GNU_LIBC_VERSION | sed 's/glibc /GLIBC_/'; } | newest)" = \
        "$({ echo GLIBC_2.36; objdump -T bin/ps* lib/psweep/* | grep -o 'GLIBC_[0-9.]*'; } | newest)" ]
    sed '1,/^$/d; s/[:\t].*//' share/doc/psweep/licences/README >packages
    [ "$(wc -l <packages)" -gt 20 ]
    while read -r package; do [ -s "share/doc/psweep/licences/$package" ]; done <packages
    [ -s share/doc/psweep/LICENSE ]
    no grep -rlF "$REPOSITORY" .
}

@test "a bundle runs from any folder, for nobody, through links, with its own libraries, font and parallel" {
    cd "$there"
    mkdir w other
    picture images/a/1.png 8 8 20
    tar -cf images.tar images
    # What would be taken before those of the machine.
    printf '#!/bin/sh\nexit 1\n' >other/parallel && chmod +x other/parallel
    for name in libcurl.so.4 libcairo.so.2; do : >other/$name; done
    ln -s "$folder/bin/sweep" "$folder/bin/psfetch" w
    nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${nobody[@]}" sh -c 'cd w && : >/dev/null' && chown 65534 w || nobody=()
    cd w
    as_nobody() {
        "${nobody[@]}" env -i PATH="$there/other:/usr/bin:/bin" LD_LIBRARY_PATH="$there/other" "$@"
    }
    as_nobody ./psfetch ../images.tar >images.ps
    [ "$("$folder/bin/psdump" images.ps | grep -c '"type":"image"')" = 1 ]
    as_nobody ./sweep --limit 200 --epochs 1 --depth 1-2 -o s 2>err
    [ -s s/report.html ]
    [ "$(find s -name '*.bin' | wc -l)" = 2 ]
    no grep -i font err
    # A host that knows nothing of it.
    # shellcheck disable=SC2016 # the way's
    printf '#!/bin/bash\nmkdir -p host && cd host && exec env -i PATH=/usr/bin:/bin sh -c "${2//%q//nowhere}"\n' "$folder/bin" >way
    chmod +x way && echo "1/./way host" >hosts
    as_nobody ./sweep --limit 200 --epochs 1 --depth 1 --test '' --hosts hosts -o far
    cmp far/d1-*.bin s/d1-*.bin
    cmp host/.cache/psweep/psweep-*/pstrain "$folder/bin/pstrain"
}

@test "what make check-gpu-ready packs is small enough to travel, and lacks nothing but a GPU" {
    [ -e "$REPOSITORY/bin/libpsweep-cuda.so" ] || skip "needs the CUDA toolkit and cuDNN, to build the GPU engine"
    make -s --no-print-directory -C "$REPOSITORY" check-gpu-ready >said
    cp -a "$REPOSITORY/build/check-gpu" "$there/kit"
    [ "$(du -sm --apparent-size "$there/kit" | cut -f 1)" -lt 56 ]
    [ -z "$(find "$there/kit" -type l)" ]
    mkdir empty
    ends 1 env -i PATH=/usr/bin:/bin HOME="$PWD/empty" CUDA_VISIBLE_DEVICES= "$there/kit/check-gpu.sh" checked 500 \
        selftest parity-fp32 views bytes-tf32 sweep
    [ "$(grep -cE '^FAIL .*(there is no (NVIDIA driver|GPU)|the cuda engine does not load: lib)' out)" -eq 5 ]
}
