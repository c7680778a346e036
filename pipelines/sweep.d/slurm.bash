# The executor on a cluster: a job array for each lot of points; the queue of Slurm decides what runs when, and goes on
# without us.
# shellcheck shell=bash

execute_slurm() {
    local list words name
    ahead=$most
    unset PARALLEL_PID # of one that we may run under, which no job of the cluster does
    list=$(mktemp "$out/slurm.XXXXXX") && printf '%s\n' "$@" >"$list" || exit 1
    read -ra words <<<"$slurm"
    {
        sbatch --quiet --wait --job-name="sweep-$$" --array="1-$#${jobs:+%$jobs}" --output=/dev/null \
            --signal=B:TERM@60 "${words[@]}" \
            --wrap "exec $(quote "$self") point \$(sed -n \${SLURM_ARRAY_TASK_ID}p $(quote "$list"))" >&2
        rm -f "$list"
        # A write each: a longer one might be cut by another's.
        for name; do
            # A job that never began, or was ended before it could say anything.
            if [ ! -e "$out/stop" ] && { [ ! -e "$out/.places/begun.$name" ] || [ -e "$out/$name.log" ]; }; then
                echo "began $name Slurm"
            else
                echo "ended $name"
            fi
        done >&"$events"
    } &
}
close_slurm() {
    [ ! -e "$out/stop" ] || scancel --quiet --state=PENDING --name="sweep-$$"
    wait
}
