#!/usr/bin/env bats
# sweep --slurm, with a real Slurm of one node.
load ../helper
load ../sweeps

server_programs=(slurmctld slurmd sbatch munged)

few=(--limit 200 --fetch '--resize 8x8' --test '')

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
    trained s "${few[@]}" --depth 1-3 --epochs 2 --slurm "--time=60"
    trained here "${few[@]}" --depth 1-3 --epochs 2
    same_runs s here
    [ -z "$(find s -name 'slurm.*' -o -name 'd*.log')" ]
}

@test "a point in the queue is stopped and keeps what it has learnt; so do all, and none is left in the queue" {
    idle
    sweep start "${few[@]}" --depth 1-3 --epochs 100000 --slurm "--time=60" -o s
    wait_for in_state running "d1-s0 d2-s0"
    wait_for writes d1-s0
    sweep stop d1-s0 -o s
    wait_for in_state running "d2-s0 d3-s0"
    [ "$(records s/d1-s0-*.stopped | jq -r 'select(.type == "model") | .stopped')" = true ]
    in_time sweep stop -o s
    in_state stopped "d1-s0 d2-s0 d3-s0"
    [ -z "$(squeue -h -t PENDING,RUNNING)" ] # what has ended may be listed a while
}

@test "a job that is cancelled is not taken for done, and is made by the next start" {
    idle
    sweep start "${few[@]}" --depth 1 --epochs 100000 --slurm "--time=60" -o s
    wait_for in_state running d1-s0
    wait_for writes d1-s0
    scancel "$(squeue -h -o %A | head -n 1)"
    in_time sweep wait -o s || true
    no compgen -G 's/*.bin'
    awake
    trained s --epochs 2 --slurm "--time=60"
    in_state "done" d1-s0
}
