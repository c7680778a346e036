# How the tests wait, for helper.bash and the servers: by what has come about, never by the clock. A machine may be ten
# times slower than another, and busy; only what has not come in so many seconds hangs.
# shellcheck shell=bash
HANGS=300

# in_time COMMAND...: the command, which is ended where it hangs.
in_time() {
    timeout "$HANGS" "$@"
}

# wait_for COMMAND...: tries the command ten times a second until it succeeds.
wait_for() {
    local end=$((SECONDS + HANGS))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "waited $HANGS seconds for: $*" >&2 && return 1; }
        sleep 0.1
    done
}

# at_once COMMAND...: the command, which is ended before psfetch itself gives up on a server that says nothing (10 s).
at_once() {
    timeout 9 "$@"
}
