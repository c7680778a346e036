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
