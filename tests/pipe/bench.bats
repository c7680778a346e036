#!/usr/bin/env bats
# What benchmarks say of the machine that they ran on.
load ../helper

# measured LINE: what a Load says of that, in Python.
measured() {
    PYTHONPATH=$REPOSITORY/tests/bench /usr/bin/python3 -S -c "
import load
import time
with load.Load() as seen:
    $1
print(seen.is_heavy(), seen.sentence())"
}

@test "work of other programs, and what a hypervisor takes, make a machine a loaded one; a benchmark's own does not" {
    # /proc/stat and our own time before and behind ten seconds: all that runs, what was stolen, ours.
    figures="load.CORES = [0, 1]; clock = iter([0, 10]); load.time.perf_counter = lambda: next(clock)
    told = iter([(100, 5, 1), (%s)]); load.spent = lambda: next(told); seen.__enter__()"
    # shellcheck disable=SC2059 # a format on purpose
    of() { measured "$(printf "$figures" "$1")"; }
    of "119.5, 5, 20" | grep '^False'
    of "119.5, 5, 17" | grep '^True other programs took 18 % of the time of 2 cores (/proc/stat; of these 0 % the hypervisor)'
    of "119, 7, 20" | grep '^True other programs took 10 % of the time of 2 cores (/proc/stat; of these 10 % the hypervisor)'
}

@test "a neighbour that works is seen" {
    while :; do :; done &
    measured "time.sleep(0.5)" | grep '^True other programs took'
}
