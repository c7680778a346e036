#!/usr/bin/env bats
# What make install puts where, and what others make of it: the library, completion, the manual.
load ../helper

# An installation for all tests of this file, below a folder with a blank in its name.
setup_file() {
    make -s --no-print-directory -C "$REPOSITORY" install PREFIX="$BATS_FILE_TMPDIR/my programs" >&2
}
setup() {
    enter_folder
    installed="$BATS_FILE_TMPDIR/my programs"
}
# compiled ARGUMENT...: by gcc, which knows of psweep what pkg-config tells, as a shell or a Makefile takes it.
compiled() {
    eval "gcc \"\$@\" $(PKG_CONFIG_PATH=$installed/lib/pkgconfig pkg-config --cflags --libs psweep)"
}

@test "a program outside of the tree names images as pseval does" {
    cp "$installed/share/psweep/examples/namer.c" .
    compiled -std=c17 -Wall -Wextra -Wpedantic -Werror -o namer namer.c
    export LD_LIBRARY_PATH=$installed/lib
    ldd namer | grep -F 'libpsweep.so.0'
    psfetch -q --limit 70 --resize 12x12 --split 0.8 >set.ps
    psaug -e 2 --crop 8x8 <set.ps | pstrain -q -d 1 --filters 4 >net.bin
    ./namer net.bin <set.ps >named
    [ "$(wc -l <named)" = 70 ]
    pseval -q --wrong 70 net.bin <set.ps >wrong.ps
    /usr/bin/python3 -c '
import msgpack
named = dict(line.rstrip("\n").split("\t", 1) for line in open("named"))
classes, told = [], 0
for record in msgpack.Unpacker(open("wrong.ps", "rb"), raw=False):
    if record["type"] == "header":
        classes = record["classes"]
    if record["type"] == "image":
        told += 1
        assert named[record["key"]] == "%s\t%.4f" % (classes[record["guess"]], record["probability"]), record["key"]
        del named[record["key"]]
# Those that it is not wrong about have the name of their folder.
assert told > 20 and all(key.split("/")[0] == value.split("\t")[0] for key, value in named.items())'

    # What fails is told by the program, with its status, and by nobody else.
    head -c 20000 set.ps >cut.ps
    ends 3 ./namer net.bin <cut.ps
    [[ "$(cat err)" = "namer: input ends in the middle of record "*", without an end record: the program before it failed" ]]
    ends 1 ./namer absent <set.ps
    [ "$(cat err)" = "namer: cannot read absent: No such file or directory" ]
    psfetch -q --limit 4 --resize 5x5 >small.ps
    ends 1 ./namer net.bin <small.ps
    [[ "$(cat err)" = "namer: net was trained on windows of 8x8x3 in images of 12x12, but "*" is 5x5x3 "* ]]
}

@test "the library shows what its header declares, and nothing else" {
    header=$installed/include/psweep/psweep.h
    nm -D --defined-only "$installed/lib/libpsweep.so" | sed -n 's/.* T \([a-z_]*\)@@LIBPSWEEP_0$/\1/p' | sort >shown
    nm -D --defined-only "$installed/lib/libpsweep.so" | grep -vc ' T ' | grep -x 1 # its version
    grep -v '^ \*' "$header" | grep -oE '\<psweep_[a-z_]+\(' | tr -d '(' | sort -u >declared
    [ "$(wc -l <declared)" -gt 15 ]
    diff declared shown
    # It is for any C from C99 on, and for C++.
    echo '#include <psweep.h>' >one.c
    compiled -std=c99 -Wall -Wpedantic -Werror -fsyntax-only one.c
    ! have g++ || compiled -x c++ -Wall -Wpedantic -Werror -fsyntax-only one.c
    # A copy of a lower version is not taken for it.
    readelf -d "$installed/lib/libpsweep.so" | grep -F 'soname: [libpsweep.so.0]'
}

@test "make install heeds where things belong, and make uninstall leaves nothing" {
    told=(-s --no-print-directory -C "$REPOSITORY" DESTDIR="$PWD/root" prefix=/usr libdir=/usr/lib/arm mandir=/man includedir=/headers)
    make "${told[@]}" install
    [ -e root/usr/lib/arm/libpsweep.so.0 ]
    [ -s root/man/man7/psweep.7 ]
    [ -s root/headers/psweep/psweep.h ]
    grep -x 'libdir=/usr/lib/arm' root/usr/lib/arm/pkgconfig/psweep.pc
    grep -x "Version: $(psdump --version | sed 's/.* //; q')" root/usr/lib/arm/pkgconfig/psweep.pc
    touch root/usr/bin/another
    make "${told[@]}" uninstall
    [ "$(find root ! -type d)" = root/usr/bin/another ]
    [ -z "$(find root -name '*psweep*')" ]
}

# complete WORD... : what bash would offer for the last of these words.
complete_words() {
    bash --norc -c '
        . "$1/share/bash-completion/completions/$2"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        "_$1"
        echo "${COMPREPLY[*]}"' complete "$installed" "$@"
}
@test "bash completes options, their words, and the commands of sweep" {
    [ "$(complete_words psfetch --fi)" = --fit ]
    [ "$(complete_words psfetch --fit '')" = "stretch pad crop" ]
    [ "$(complete_words pstrain --schedule = o)" = one-cycle ]
    [ "$(complete_words psplot -k cu)" = curves ]
    [ -z "$(complete_words pstrain -d '')" ]
    [ "$(complete_words sweep sta)" = "start status" ]
    [ "$(complete_words sweep --recipe f)" = fast ]
    [ "$(complete_words sweep --optimizer ada)" = "adam adamw" ]
    [ -z "$(complete_words sweep --progr)" ]
    # Whatever an option of --help is, it is offered.
    for program in psfetch psaug pstrain pseval psplot psdump sweep; do
        $program --help | sed -nE 's/^  (    |-., )(--[a-z0-9-]+).*/\2/p' | grep -vx -e --learning-rate | sort -u >has
        complete_words $program -- | tr ' ' '\n' | sort >offered
        [ -z "$(comm -23 has offered)" ]
    done
    # A file where one is wanted: bash itself looks for them.
    [ "$(bash --norc -c '. "$1"; complete -p psdump' . "$installed/share/bash-completion/completions/psdump")" = \
        "complete -o default -F _psdump psdump" ]
}

@test "zsh completes them, too" {
    need zsh
    # A shell on a terminal of its own, asked as people ask: with the tabulator.
    cat >ask <<'END'
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "PS1=; fpath=(${(q)1}/share/zsh/site-functions \$fpath); autoload -Uz compinit && compinit -u -d dump; echo rea\"\"dy"
zpty -r -m shell said "*ready*"
for typed offered in "psfetch --fit=st" retch "sweep --optimizer=adamw --sched" ule= "sweep --recipe=mis" sion "psplot --kind=overlay --rank=me" an5; do
    zpty -w -n shell "$typed"$'\t'
    zpty -r -m shell said "*$typed$offered*"
    zpty -w -n shell $'\x15'
done
zpty -d shell
END
    in_time zsh -f ask "$installed"
}

@test "the pipelines that psweep(7) opens with run as typed" {
    for class in cat dog bird; do
        for i in 1 2 3 4 5; do
            colour photos/$class/$i.png 8 8 $((i * 40))
            colour more-photos/$class/$i.png 8 8 $((i * 30))
        done
    done
    awk '/^\.Sh DESCRIPTION/ { exit } /^\.Ed/ { shown = 0 } shown; /^\.Bd/ { shown = 1; print "" }' "$installed/share/man/man7/psweep.7" >typed
    [ "$(grep -c '^$' typed)" = 10 ]
    # What the manual shows needs nothing but the programs, where they are installed.
    PATH=$installed/bin:/usr/bin:/bin bash -e -o pipefail typed >said 2>err || { cat err >&2 && false; }
    for made in net{1,2,3,4}.bin longer.bin both.bin wrong.png sheet.png pets/report.html; do
        [ -s "$made" ]
    done
    [ "$(psdump -k csv longer.bin | awk -F, '$1 == "validation"' | wc -l)" = 40 ]
}
