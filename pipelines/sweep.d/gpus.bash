# Several networks on a GPU at a time. A small one leaves most of it idle; where NVIDIA's MPS runs, several compute at the
# same time, and without it they take turns. None of that changes a byte of a network.
#
# A sweep has an MPS of its own on each host that needs one: nvidia-cuda-mps-control -d, with pipes and logs in a folder
# /tmp/psweep-mps.XXXXXX there, because the path of a socket has at most 107 bytes and a socket wants a local disk. Who
# started it holds a lock on that folder and has a pipe as its input, into which nobody writes and whose other end all
# processes of the sweep have inherited: it ends MPS when the last of them has ended, whatever ended them. If it was killed
# itself, who called it does so then; and what both have left, a folder without a lock, is ended by the next sweep that
# asks that host.
# shellcheck shell=bash

lives='' # descriptor of that pipe

# GPUs of this machine that a network could be trained on, as CUDA_VISIBLE_DEVICES has them; and the MiB that are free on
# the fullest of them, 0 where nobody knows.
# shellcheck disable=SC2016 # for sh, also that of a host
gpus_here='
if [ -n "${CUDA_VISIBLE_DEVICES+set}" ]; then echo "$CUDA_VISIBLE_DEVICES" | tr , "\n" | grep . | grep -vx -- -1
else nvidia-smi --query-gpu=index --format=csv,noheader 2>/dev/null | grep -x "[0-9]*"; fi'
# shellcheck disable=SC2016
memory_here='
{ nvidia-smi ${CUDA_VISIBLE_DEVICES:+-i "$CUDA_VISIBLE_DEVICES"} --query-gpu=memory.free --format=csv,noheader,nounits 2>/dev/null |
    grep -x "[0-9][0-9]*" || echo 0; } | sort -n | head -n 1'

# Ends those that nobody looks after any more. Each waits for networks that still compute by it, and we some seconds for
# that; the next asks again.
# shellcheck disable=SC2016
end_mps='
tmp=${TMPDIR:-/tmp}
[ ${#tmp} -le 60 ] || tmp=/tmp
end_mps() {
    for dir in "$tmp"/psweep-mps.*; do
        [ -O "$dir" ] && [ ! -L "$dir" ] || continue
        (
            exec 8<"$dir" && flock --nonblock 8 || exit
            echo quit | CUDA_MPS_PIPE_DIRECTORY=$dir timeout 20 nvidia-cuda-mps-control 8<&- >/dev/null 2>&1
            [ $? = 124 ] || rm -rf "$dir"
        )
    done
    return 0
}
end_mps'
# Behind that: starts MPS, says "mps FOLDER", or "mps" where somebody else has started one, or what keeps it from that, and
# ends it when its input ends; signals are no reason to. A daemon whose socket has too long a path says that it has started,
# and has not; what the GPUs themselves refuse, the server does, which the daemon would start with the first network, and
# which refuses networks while it starts. Where CUDA_VISIBLE_DEVICES has numbers the daemon does not see it: it would count
# anew, and its clients not.
# shellcheck disable=SC2016
start_mps='
trap : TERM INT HUP
refuse() { echo "$1" && exit; }
ask() { echo "$1" | timeout 20 nvidia-cuda-mps-control 2>/dev/null 9<&-; }
answers() { ask get_server_list >/dev/null; }
serves() { ask get_server_list | grep -q "[0-9]"; }
try() { tries=$1; until "$2"; do [ $((tries -= 1)) -gt 0 ] && sleep 0.5 || return; done; }
command -v nvidia-cuda-mps-control >/dev/null || refuse "is not installed"
! answers || refuse mps
command -v flock >/dev/null || refuse "needs flock, which is not installed"
while dir=$(mktemp -d "$tmp/psweep-mps.XXXXXX") && exec 9<"$dir" && flock 9 && [ ! -d "$dir" ]; do :; done
[ -n "$dir" ] || refuse "finds no room in $tmp"
export CUDA_MPS_PIPE_DIRECTORY=$dir CUDA_MPS_LOG_DIRECTORY=$dir
case ${CUDA_VISIBLE_DEVICES-} in GPU-* | MIG-*) ;; *) unset CUDA_VISIBLE_DEVICES ;; esac
if timeout 20 nvidia-cuda-mps-control -d 9<&- </dev/null >/dev/null 2>&1 && try 10 answers &&
    { ask "start_server -uid $(id -u)" >/dev/null; try 60 serves; }; then
    echo "mps $dir" && cat >/dev/null 9<&-
else
    why=$(tail -qn 1 "$dir/control.log" "$dir/server.log" 2>/dev/null | tail -n 1)
    echo "does not start${why:+ ($why)}"
fi
exec 9<&-
end_mps'

# share_gpus LOGIN CORES MEMORY: how many networks a host trains at a time, by the array gpus: as many as were asked for it
# or for each GPU, or else as fit. Sets places, and mps, the folder of the MPS by which they share GPUs, if one was started.
share_gpus() {
    local said='' answer count=${#gpus[@]} instead='networks take turns on a GPU'
    mps=''
    places=${asked:-$((count * ${per_gpu:-$(fit "$2" "$3")}))}
    [ "$places" -gt "$count" ] || return 0
    if [ "$places" -gt $((count * most_on_gpu)) ]; then
        said="takes $most_on_gpu networks on a GPU at most"
    else
        exec {answer}< <(keep_mps "$1")
        read -r -u "$answer" said
        exec {answer}<&-
    fi
    if [[ $said =~ ^mps(\ (/[[:graph:]]+))?$ ]]; then
        mps=${BASH_REMATCH[2]}
        return
    elif [ -z "$asked$per_gpu" ]; then
        places=$count instead='a network at a time on each GPU (with --per-gpu N so many, which take turns)'
    fi
    echo "sweep: on ${1/#here/this machine} NVIDIA's MPS ${said:-does not answer}: $instead" | made_plain >&2
}
# keep_mps LOGIN: says what start_mps says, and ends when the sweep and its MPS have. It holds the folder as long; not so
# the daemon, which whoever comes next has to end where nobody else is left to.
keep_mps() {
    local input held
    exec {input}<"/dev/fd/$lives" {lives}>&- {events}>&-
    (
        for held in /proc/"$BASHPID"/fd/*; do
            [ ! "$held" -ef "$out" ] || { held=${held##*/} && exec {held}<&-; }
        done
        reach "$1" "$end_mps$start_mps" <&"$input"
    ) || { cat <&"$input" && reach "$1" "$end_mps" </dev/null; }
}

# fit CORES MEMORY: the networks for a GPU: those that are missing, shared among all of the array gpus, but not more than
# there is a core for, than the memory holds of the largest, and than MPS takes. 1 where that is not known.
fit() {
    local most=$most_on_gpu todo lines names takes=0
    todo=$(missing | wc -l)
    ((todo = (todo + ${#gpus[@]} - 1) / ${#gpus[@]}, most = todo < most ? todo : most))
    ((most = $1 / ${#gpus[@]} < most ? $1 / ${#gpus[@]} : most))
    if [ "$most" -gt 1 ] && [ -z "$stream" ] && [ "$2" -gt 0 ] && lock_points; then
        mapfile -t lines < <(points_of | cut -f 3)
        name_all 2>/dev/null || takes=0
        unlock_points
        # What is kept of the images lies there too, and each process has some for the driver and for cuDNN to compute in.
        ((takes == 0)) || ((takes = ($2 << 20) / (takes + $(stat -c %s "$out/data.ps") + (2 << 30))))
    fi
    ((most = takes < most ? takes : most))
    echo $((most > 1 ? most : 1))
}
