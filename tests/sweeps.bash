# What the tests of sweep share: load ../sweeps, after ../helper. The sweep is in the folder s.

teardown() {
    end_jobs
    end_sweep
}
# What is left of the sweep of a test that failed.
end_sweep() {
    local pid
    # A second time for what one of them was just about to start.
    for pid in $(workers s) $(sleep 0.1 && workers s); do
        [ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null || true
    done
}

# The processes that hold a file of this folder open, or the folder, also one that was removed.
workers() {
    find /proc/[0-9]*/fd -lname "$PWD/$1*" 2>/dev/null | cut -d / -f 3 | sort -u
}
# The worker of the sweep in s.
worker() {
    workers s | xargs -r ps -o pid=,args= -p | awk '$4 == "work" { print $1; exit }'
}
nobody_left() {
    [ -z "$(workers s)" ]
}

# The run of that point (d2-s0) is being written.
writes() {
    [ -n "$(find s -name "$1-*.part" -size +0)" ]
}
# The points in that state, by depth and seed.
state() {
    sweep status -o s | awk -v state="$1" '$2 == state { sub(/-[0-9a-f]*$/, "", $1); print $1 }' | paste -sd ' '
}
in_state() {
    [ "$(state "$1")" = "$2" ]
}
# trained FOLDER ARGUMENT...: a sweep there comes to its end; without its report, which takes as long as all the rest.
trained() {
    sweep start -o "$@" >/dev/null && in_time sweep wait -o "$1"
}
# The finished runs of two folders are the same, to the byte.
same_runs() {
    local file
    [ "$(cd "$1" && echo *.bin)" = "$(cd "$2" && echo *.bin)" ]
    for file in "$1"/*.bin; do cmp "$file" "$2/${file##*/}"; done
}

# tree FOLDER: this tree, copied there.
tree() {
    mkdir -p "$1/bin" && cp -r "$REPOSITORY/pipelines" "$1" && ln -s "$REPOSITORY"/bin/* "$1/bin"
}
# shim PROGRAM COMMAND: a program of that name in the tree t, in the place of the real one, which the
# command may call as "$real".
shim() {
    [ -d t ] || tree t
    rm -f "t/bin/$1"
    printf '#!/bin/bash\nreal=%q\n%s\n' "$REPOSITORY/bin/$1" "$2" >"t/bin/$1"
    chmod +x "t/bin/$1"
}

# idle [EPOCHS]: from here on, until awake, points learn one epoch, or so many, and then wait for the next, which does not
# come. They run until somebody stops or kills them, and take no time of a processor. sweep is that of the tree t.
idle() {
    # tail ends when its reader has ended; what stands before it is no option of the points.
    # shellcheck disable=SC2016 # for that script
    [ -e t/bin/psaug.idle ] || shim psaug '[[ -e $0.idle && $(readlink /dev/fd/2) != */psaug.said && " $* " != *" --"@(help|version)" "* ]] || exec "$real" "$@"
first=1
[[ " $* " != *" --first-epoch "* ]] || first=${@: -1}
"$real" "$@" --epochs $((first - 1 + $(<"$0.idle"))) | head -c -43 # without an end
exec tail -c 0 -f "$0"'
    echo "${1-1}" >t/bin/psaug.idle
    PATH=$PWD/t/pipelines:$PATH
}
awake() {
    rm t/bin/psaug.idle
}
