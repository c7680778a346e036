# What make and the tests do on machines that have not everything.
load ../helper

# machine ABSENT... : a PATH, in ./machine, with what this machine has but not those.
machine() {
    mkdir machine
    ln -sf /usr/sbin/* /usr/bin/* /usr/local/bin/* machine
    local program
    for program; do
        rm -f "machine/$program"
    done
}
# program NAME LINE...: in ./machine, a script instead of what is there.
program() {
    rm -f "machine/$1"
    printf '%s\n' '#!/bin/sh' "${@:2}" >"machine/$1"
    chmod +x "machine/$1"
}

@test "make help has a line for every target" {
    make -s --no-print-directory -C "$REPOSITORY" help >said
    sed -n 's/^\.PHONY://p' "$REPOSITORY/Makefile" "$REPOSITORY"/{lib/nn/cuda,packaging,tests,tests/*,tests/*/*}/*.mk "$REPOSITORY"/pipelines/pictures.mk |
        grep -oE '[a-z][a-z-]+' | grep -vx always | sort >targets
    [ "$(wc -l <targets)" -gt 10 ]
    diff targets <(cut -d ' ' -f 1 said | sort)
    no grep -vE '^[a-z-]+ +[^ ].{5,}' said
}

@test "make test and make test-all first make all that tests run, those of the GPU engine too" {
    make -C "$REPOSITORY" -npq test test-all 2>/dev/null >database || true
    for goal in test test-all; do
        grep "^$goal: " database | tr ' ' '\n' >"$goal"
        grep -x build/tests/starve.so "$goal"
        [ ! -e "$REPOSITORY/bin/libpsweep-cuda.so" ] || grep -x build/tests/cuda/parity "$goal"
        [ ! -e "$REPOSITORY/bin/libpsweep-cuda.so" ] || grep -x build/address/libcudnn.so.9 "$goal"
    done
}

@test "make install, below folders with a blank in their names" {
    make -s --no-print-directory -C "$REPOSITORY" install DESTDIR="$PWD/a root" PREFIX="/opt/my programs"
    cd "a root/opt/my programs"
    bin/psfetch --limit 20 | bin/psaug -e 1 | bin/pstrain -q -d 1 >/dev/null
    [ -x bin/sweep ]
    [ -s share/psweep/sweep.d/work.bash ]
    [ "$(find share/man -type f | wc -l)" -ge 7 ]
    [ "$(ls "$BATS_TEST_TMPDIR")" = "a root" ]
}

@test "where one of the programs of a server is absent its tests are skipped, and it is not started" {
    machine ceph-osd swift-object-server slurmd
    for name in ceph ceph-mon radosgw radosgw-admin curl swift-{proxy,account,container}-server \
        slurmctld sbatch munged; do
        program "$name" "echo $name >>'$PWD/called'; exit 1"
    done
    for file in s3:ceph-osd swift:swift-object-server slurm:slurmd; do
        PSWEEP_LONG=1 PATH=$PWD/machine in_time bats --tap -f 'odd keys|cancelled' "$REPOSITORY/tests/pipe/${file%:*}.bats" >said
        grep -q "^ok 1 .*# skip needs ${file#*:} " said
    done
    [ ! -e called ]
    # Nobody else asks for several by one command -v.
    cd "$REPOSITORY"
    # shellcheck disable=SC2016
    no grep -rnE 'command -v ([^ ;|&>)]+ +["$a-z]|"?[$][{][a-z_]+[[]@)' tests .ci pipelines --include='*.bash' --include='*.bats' --include='*.sh' \
        --include=run --include=deps --include=system --include=sweep
}

@test "packages are called what the release calls them, also before it was asked for them" {
    machine
    program pkg-config 'exit 1'
    program apt-cache 'exit 100'
    for case in 2.36:libmsgpack-dev 2.41:libmsgpack-c-dev; do
        program getconf "echo glibc ${case%:*}"
        PATH=$PWD/machine ends 1 "$REPOSITORY/.ci/deps" check
        grep -q " ${case#*:} libxxhash-dev " err
        no grep -q '|' err
    done
    # What it was told, it believes.
    # shellcheck disable=SC2016
    program apt-cache 'case $2 in libmsgpack-dev) echo Package: $2 ;; *) exit 100 ;; esac'
    PATH=$PWD/machine ends 1 "$REPOSITORY/.ci/deps" check
    grep -q ' libmsgpack-dev libxxhash-dev ' err
}

@test "make fresh says why it cannot make a system, and fails where a step on one does, leaving nothing" {
    mkdir -p mirror/dists/nowhere
    echo "Codename: nowhere" >mirror/dists/nowhere/Release
    export TMPDIR=$PWD FRESH_MIRROR=file://$PWD/mirror
    machine debootstrap
    PATH=$PWD/machine ends 0 "$REPOSITORY/tests/fresh/run"
    grep -q "NOT TRIED on fresh systems: .*" err
    # shellcheck disable=SC2016
    program debootstrap 'mkdir -p "$3"/dev "$3"/proc "$3"/sys "$3"/etc/apt/apt.conf.d "$3"/root'
    PATH=$PWD/machine "$REPOSITORY/tests/fresh/run" nowhere >out 2>err || status=$?
    if ! grep "NOT TRIED" err; then
        [ "$status" = 1 ]
        grep -q "^nowhere: make and a clone: failed with " out
        no compgen -G 'tmp.*'
        # Nor when it is stopped.
        # shellcheck disable=SC2016
        program debootstrap 'touch "$3/begun"; for i in $(seq 60); do sleep 1; done'
        PATH=$PWD/machine "$REPOSITORY/tests/fresh/run" nowhere >out 2>&1 3>&- &
        wait_for compgen -G 'tmp.*/begun'
        pgrep -f "debootstrap .*$PWD"
        kill $!
        wait_for no kill -0 $!
        status=0
        wait $! || status=$?
        [ "$status" = 1 ]
        no compgen -G 'tmp.*'
        wait_for no pgrep -f "debootstrap .*$PWD"
    fi
    no grep "$PWD" /proc/mounts
}
