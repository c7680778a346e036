#!/usr/bin/env bats
# sweep --slurm, with a real Slurm of one node.
load ../helper
load ../sweeps

server_programs=(slurmctld slurmd sbatch munged)

setup_file() {
    have "${server_programs[@]}" && [ "$(id -u)" = 0 ] || return 0
    "$REPOSITORY/tests/servers/slurm.sh" start "$BATS_FILE_TMPDIR/slurm" >&2
}
teardown_file() {
    [ ! -d "$BATS_FILE_TMPDIR/slurm" ] || "$REPOSITORY/tests/servers/slurm.sh" stop "$BATS_FILE_TMPDIR/slurm"
}
setup() {
    enter_folder
    need "${server_programs[@]}"
    [ "$(id -u)" = 0 ] || skip "needs root: Slurm's daemons do"
    export SLURM_CONF=$BATS_FILE_TMPDIR/slurm/slurm.conf
}

@test "a cluster's queue makes the networks that one machine makes" {
    timeout 120 sweep --limit 200 --test '' --depth 1-3 --epochs 2 --slurm "--time=5" -o s
    sweep --limit 200 --test '' --depth 1-3 --epochs 2 -o here
    for file in here/*.bin; do cmp "$file" "s/${file##*/}"; done
    [ -z "$(find s -name 'slurm.*' -o -name '*.log')" ]
}

@test "a point in the queue is stopped and keeps what it has learnt; so do all, and none is left in the queue" {
    sweep start --limit 200 --test '' --depth 1-3 --epochs 100000 --slurm "--time=5" -o s
    wait_for 60 in_state running "d1-s0 d2-s0"
    wait_for 30 writes d1-s0
    sweep stop d1-s0 -o s
    wait_for 60 in_state running "d2-s0 d3-s0"
    [ "$(records s/d1-s0-*.stopped | jq -r 'select(.type == "model") | .stopped')" = true ]
    timeout 60 sweep stop -o s
    in_state stopped "d1-s0 d2-s0 d3-s0"
    [ -z "$(squeue -h)" ]
}

@test "a job that is cancelled is not taken for done, and is made by the next start" {
    sweep start --limit 200 --test '' --depth 1 --epochs 100000 --slurm "--time=5" -o s
    wait_for 60 in_state running d1-s0
    wait_for 30 writes d1-s0
    scancel "$(squeue -h -o %A | head -n 1)"
    timeout 60 sweep wait -o s || true
    no compgen -G 's/*.bin'
    timeout 120 sweep --epochs 2 --slurm "--time=5" -o s
    in_state "done" d1-s0
}
