# The set-up that every bats file shares: load ../helper
#
# A test runs in a fresh folder of its own ($BATS_TEST_TMPDIR) with the programs of this tree first in PATH
# and without the variables of the caller that would change what the programs do. It talks to loopback
# only, and what it starts in the background it stops by process id.

REPOSITORY=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
export PATH="$REPOSITORY/bin:$REPOSITORY/pipelines:$PATH" LC_ALL=C.UTF-8
unset "${!AWS_@}" "${!PSFETCH_@}" "${!OMP_@}" PARALLEL MAKEFLAGS MFLAGS MAKELEVEL NO_COLOR
export AWS_EC2_METADATA_DISABLED=true # what the machine may have is not asked for
# The same tests where there is a GPU; those of the GPU engine bring one of their own (cuda.bats).
export CUDA_VISIBLE_DEVICES=
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY

# The programs of build/sanitized end with a report where they do what C does not define, or keep memory that nothing
# points to (tests/run collects the reports; leaks names what is not ours). They take many times as long, so what takes
# long already is left to the others.
sanitized() {
    [ "${REPOSITORY##*/}" = sanitized ]
}
# ${every:+CASE...}: cases that make test does without; the programs of build/sanitized have them too.
# shellcheck disable=SC2034 # in tests
every=${PSWEEP_LONG-}
if sanitized; then
    unset PSWEEP_LONG
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_sigill=1:allocator_may_return_null=1:detect_stack_use_after_return=1
    export ASAN_OPTIONS LSAN_OPTIONS=print_suppressions=0:suppressions=$REPOSITORY/tests/leaks
fi

. "$REPOSITORY/tests/wait.bash"

# A file that needs more set-up than this calls enter_folder in a setup() of its own.
setup() {
    enter_folder
}
enter_folder() {
    : "${BATS_TEST_TMPDIR:=$(mktemp -d)}" # bats before 1.4 has none
    cd "$BATS_TEST_TMPDIR" || return
}
# What a test that failed in the middle has left in the background is ended; a file that has more to end calls
# end_jobs in a teardown() of its own. When a test is ended because it hangs, its folder may be gone by then.
teardown() {
    end_jobs
}
end_jobs() {
    local pid
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
}

# need_shared FILE: the test is skipped unless ../shared/FILE stands beside the checkout, as $shared/FILE.
shared=$REPOSITORY/../shared
need_shared() {
    [ -e "$shared/$1" ] || skip "needs ../shared/$1, which is absent"
}

# have PROGRAM...: all of them are here. (command -v, asked for several, is content with one.)
have() {
    local program
    for program; do
        command -v "$program" >/dev/null || return
    done
}
# need PROGRAM...: the test is skipped where one is absent; CI must have them all.
need() {
    local program
    for program; do
        have "$program" || skip "needs $program (make deps-servers installs it)"
    done
}

# For a test that takes long.
long() {
    [ -n "${PSWEEP_LONG-}" ] || skip "takes long: make test-all runs it"
}

# memory KB: this shell and what it runs have no more address space than that; AddressSanitizer wants terabytes.
memory() {
    sanitized || ulimit -v "$1"
}

# ends STATUS COMMAND...: the command must end with that status. What it said on stderr is then in the
# file err, its stdout in the file out.
ends() {
    local expected=$1 status=0
    shift
    "$@" >out 2>err || status=$?
    [ "$status" -eq "$expected" ] || {
        echo "$* ended with $status, not $expected, saying: $(cat err)" >&2
        return 1
    }
}

# no COMMAND...: the command must fail. (bats takes a plain ! for a success.)
no() {
    if "$@"; then
        echo "$* did not fail" >&2
        return 1
    fi
}

# bounded SECONDS MIB COMMAND...: the command with its status, or 99 where it (or one of its children) takes more
# processor time or memory: seconds of a machine on which Python starts, and counts to a million, in 40 ms; a slower one,
# or one whose cores do other work too, has more of them. AddressSanitizer, which takes more of both, is let run.
bounded() {
    if sanitized; then
        "${@:3}"
        return
    fi
    /usr/bin/python3 -S -c '
import math, resource, subprocess, sys, time
for i in range(1000000):
    pass
seconds, mib = math.ceil(int(sys.argv[1]) * max(1, time.process_time() / 0.04)), int(sys.argv[2])
status = subprocess.run(sys.argv[3:], preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
time = used.ru_utime + used.ru_stime
if time > seconds or used.ru_maxrss > mib << 10:
    print("%s took %.1f s and %d MiB, more than %d and %d" % (" ".join(sys.argv[3:]), time, used.ru_maxrss >> 10, seconds, mib),
          file=sys.stderr)
    status = 99
sys.exit(status if status >= 0 else 128 - status)' "$@"
}

# records FILE: one line of JSON a record, without pixels and weights; for jq.
records() {
    /usr/bin/python3 -c '
import json, msgpack, sys
for record in msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False, max_buffer_size=1 << 30):
    print(json.dumps(record, default=lambda value: "%d bytes" % len(value)))' "$1"
}

# serve FOLDER [NAME=VALUE...]: tests/servers/bucket.py, anew: the files of the folder are the objects of every bucket, and
# below $url. Sets $server.
serve() {
    [ -z "${server-}" ] || kill "$server"
    rm -f "$1.port" "$1.asked" "$1.faults"
    /usr/bin/python3 -S "$REPOSITORY/tests/servers/bucket.py" "$@" >server.log 2>&1 3>&- &
    server=$!
    wait_for test -s "$1.port"
    url=http://127.0.0.1:$(<"$1.port")
    export AWS_ENDPOINT_URL=$url AWS_ACCESS_KEY_ID=nobody AWS_SECRET_ACCESS_KEY=none
}

# picture FILE HEIGHT WIDTH VALUE: a grey PNG, all of one value 0 … 255; colour FILE …: a colour one.
picture() {
    draw "$@" 1
}
colour() {
    draw "$@" 3
}
draw() {
    [[ $1 != */* ]] || mkdir -p "${1%/*}"
    /usr/bin/python3 -S -c '
import struct, sys, zlib
path, height, width, value, channels = sys.argv[1], *map(int, sys.argv[2:6])
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
rows = (b"\0" + bytes([value]) * (width * channels)) * height
open(path, "wb").write(b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0 if channels == 1 else 2, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))' "$@"
}

# edit FILE PYTHON: the stream FILE as the list "records" without its end, changed by the Python code and
# ended anew; digest(n) is that of the first n records.
edit() {
    /usr/bin/python3 -c '
import msgpack, struct, subprocess, sys
def body(count):
    return b"".join(map(msgpack.packb, records[:count]))
def digest(count):
    open("body", "wb").write(body(count))
    said = subprocess.run(["xxhsum", "-H3", "body"], capture_output=True, text=True).stdout
    return int(said.split("= ")[-1].split()[0].replace("XXH3_", ""), 16)
records = list(msgpack.Unpacker(open(sys.argv[1], "rb"), raw=False))[:-1]
exec(sys.argv[2])
count = len(records)
sys.stdout.buffer.write(body(count) + b"\x83\xa4type\xa3end\xa7records\xcf" + struct.pack(">Q", count)
    + b"\xa6digest\xcf" + struct.pack(">Q", digest(count)))' "$@"
}

# small_model IMAGES BATCH: images.ps, of so many small shapes, and net.bin, which has learnt an epoch of them in
# mini-batches of that size; made once for all tests of a file.
small_model() {
    mkdir -p "$BATS_FILE_TMPDIR"
    if [ ! -e "$BATS_FILE_TMPDIR/net.bin" ]; then
        cd "$BATS_FILE_TMPDIR" || return
        psfetch -q --limit "$1" --resize 8x8 --split 0.5 >images.ps
        psaug -e 1 <images.ps | pstrain -q -d 1 -b "$2" >net.tmp
        mv net.tmp net.bin
        enter_folder
    fi
    ln -s "$BATS_FILE_TMPDIR"/* .
}
