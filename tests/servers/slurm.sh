#!/usr/bin/env bash
# A real Slurm of one node for tests: munged, slurmctld and slurmd on 127.0.0.1, on ports that were free, with
# two CPUs and one partition.
#
#   slurm.sh start DIR    starts it with its state in DIR; then export SLURM_CONF=DIR/slurm.conf
#   slurm.sh stop DIR     ends its jobs, and the processes whose ids stand in DIR/*.pid
#
# Needs slurmctld, slurmd, sbatch, munged (make deps-servers), and root. munged, which is of another user and
# wants folders that this one can reach, has its key and socket in a folder of its own, DIR/munge leads to it.
set -euo pipefail
action=$1
servers=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/wait.bash
. "$servers/../wait.bash"
mkdir -p "$2"/{state,spool}
cd "$2"
dir=$PWD
export SLURM_CONF=$dir/slurm.conf

# background NAME COMMAND...
background() {
    local name=$1
    shift
    setsid "$@" >"$name.out" 2>&1 3>&- &
    echo $! >"$name.pid"
}

start_munge() {
    ln -s "$(mktemp -d /tmp/munge.XXXXXX)" munge
    chmod 755 munge/
    chown munge: munge/
    local munge
    munge=$(readlink munge)
    head -c 1024 /dev/urandom >munge/key
    chown munge: munge/key
    chmod 400 munge/key
    background munged setpriv --reuid munge --regid munge --clear-groups munged --foreground --force \
        --key-file "$munge/key" --socket "$munge/socket" --pid-file "$munge/pid" \
        --log-file "$munge/log" --seed-file "$munge/seed"
    wait_for test -S munge/socket || { cat munged.out munge/log >&2 && return 1; }
}

write_configuration() {
    local host
    host=$(hostname -s)
    cat >slurm.conf <<END
ClusterName=psweep
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$(readlink munge)/socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/state/ctld.id
SlurmdPidFile=$dir/state/d.id
SlurmctldPort=$1
SlurmdPort=$2
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

is_idle() {
    sinfo -h -o %t | grep idle
}

case $action in
start)
    start_munge
    read -ra ports <<<"$("$servers/free_ports" 2)"
    write_configuration "${ports[@]}"
    background slurmctld slurmctld -D -f "$SLURM_CONF"
    background slurmd slurmd -D -f "$SLURM_CONF"
    wait_for is_idle || { cat slurmctld.out slurmd.out >&2 && exit 1; }
    ;;
stop)
    scancel --quiet --state=PENDING --user=root 2>/dev/null || true
    scancel --quiet --user=root 2>/dev/null || true
    for name in slurmd slurmctld munged; do
        [ ! -s $name.pid ] || kill "$(cat $name.pid)" 2>/dev/null || true
    done
    # They write their state until they end.
    for name in slurmd slurmctld munged; do
        [ ! -s $name.pid ] || timeout 10 tail --pid="$(cat $name.pid)" -s 0.1 -f /dev/null || kill -KILL "$(cat $name.pid)"
    done
    [ ! -L munge ] || rm -rf --one-file-system "$(readlink munge)"
    ;;
esac
