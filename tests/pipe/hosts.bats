#!/usr/bin/env bats
# sweep --hosts, with real sshd's: three hosts that are this machine.
load ../helper
load ../sweeps

server_programs=(ssh ssh-keygen)

setup() {
    enter_folder
    need "${server_programs[@]}"
    [ -x /usr/sbin/sshd ] || command -v sshd >/dev/null || skip "needs sshd (make deps-servers installs it)"
    "$REPOSITORY/tests/servers/sshd.sh" start server 3 >&2
    sed 's|^|1/|' server/hosts >hosts
}
teardown() {
    end_jobs
    end_sweep
    [ ! -d server ] || "$REPOSITORY/tests/servers/sshd.sh" stop server
}

few=(--limit 200 --fetch '--resize 8x8' --test '')
endless=("${few[@]}" --epochs 100000)

# The trainers that run on the k-th host.
trainers_on() {
    local pid
    for pid in $(pgrep -x pstrain); do
        [ "$(readlink "/proc/$pid/cwd")" != "$PWD/server/host$1" ] || echo "$pid"
    done
}
is_training() {
    [ -n "$(trainers_on "$1")" ]
}
is_idle() {
    [ -z "$(trainers_on "$1")" ]
}
goes_on_from() {
    grep "going on from iteration $1," s/*.log
}

@test "several hosts make the networks that one makes, and get the images once" {
    # One more that nobody can reach, and one that has not what it needs; the last line lacks its end.
    printf '#!/bin/sh\nexec env PATH=/nowhere /bin/sh -c "exit 1"\n' >bare && chmod +x bare
    echo "3/$PWD/bare host" >>hosts
    port=$("$REPOSITORY/tests/servers/free_ports" 1)
    printf 'ssh -p %s 127.0.0.1' "$port" >>hosts
    # shellcheck disable=SC2016 # no shell may expand it, here or there
    trained s "${few[@]}" --depth 1-4 --epochs 2 --hosts hosts -- --name '$(touch${IFS}ran);touch${IFS}ran' 2>err
    [ -z "$(find . -name ran)" ]
    [ "$(grep -c ' does not answer: it is left out$' err)" = 2 ]
    trained here "${few[@]}" --depth 1-4 --epochs 2
    same_runs s here
    no grep 'read error' err
    [ "$(find server -name '*.ps' | wc -l)" = 3 ]
    for host in server/host[123]; do cmp "$host"/.cache/psweep/*.ps s/data.ps; done
    [ -z "$(find server -name '*.torn')" ]
}

# way N COMMANDS [INPUT]: the file wayN is a way to the N-th host, on which there is no folder of our programs. The commands
# come before those asked for; INPUT is what is left of programs that are brought.
way() {
    cat >"way$1" <<END
#!/bin/bash
ways=($(sed -n "$1p" server/hosts) '$2
'"\${2//"$REPOSITORY/bin"//nowhere}")
[[ \$2 != *'tar -xo'* ]] || { ${3-cat} | "\${ways[@]}"; exit; }
exec "\${ways[@]}"
END
    chmod +x "way$1"
    echo "1/$PWD/way$1 host" >>ways
}

@test "what trains is brought once to hosts that have no psweep, or another" {
    # shellcheck disable=SC2016 # the script's
    mkdir old && printf '#!/bin/sh\necho ${0##*/} 0.0.1\n' >old/psaug && cp old/psaug old/pstrain && chmod +x old/*
    way 1 ''
    way 2 "PATH=$PWD/old:\$PATH"
    trained s "${few[@]}" --depth 1-2 --epochs 1 --hosts ways 2>err
    [ "$(grep -c 'has no psweep .*: bringing it' err)" = 2 ]
    trained here "${few[@]}" --depth 1-2 --epochs 1
    same_runs s here
    for host in server/host[12]; do cmp "$host"/.cache/psweep/psweep-*/pstrain "$REPOSITORY/bin/pstrain"; done
    sweep start --hosts ways -o s --epochs 2 --depth 3 2>err
    sweep wait -o s
    no grep . err
    [ "$(find server -name 'psweep-*' | wc -l)" = 2 ]
}

@test "two sweeps that bring it to a host at once do not disturb each other" {
    long
    # Neither sends it before both have seen that it is not there.
    # shellcheck disable=SC2016 # the way's
    way 1 '' 'mkdir come.$$; until [ "$(ls -d come.* | wc -l)" = 2 ]; do sleep 0.1; done; cat'
    sweep start "${few[@]}" --depth 1 --epochs 1 --hosts ways -o s
    trained other "${few[@]}" --depth 1 --epochs 1 --hosts ways
    in_time sweep wait -o s
    same_runs s other
    [ "$(find server -name 'psweep-*' | wc -l)" = 1 ]
}

@test "a host that does not run what it was brought is left out, and a copy that is cut short leaves nothing" {
    mkdir arm broken && printf '#!/bin/sh\necho Linux aarch64\n' >arm/uname && chmod +x arm/uname
    : >broken/libm.so.6
    way 1 "PATH=$PWD/arm:\$PATH"
    way 2 "export LD_LIBRARY_PATH=$PWD/broken"
    way 3 '' 'head -c 100000'
    ends 4 sweep run "${few[@]}" --depth 1 --epochs 1 --hosts ways -o s
    grep 'way1 host is left out: it has no psweep .*, and that of this machine, for Linux .*, does not run on Linux aarch64: install it' err
    grep 'way2 host is left out: .* does not run there (.*libm.so.6.*): install it there, or sweep from a bundle' err
    grep 'way3 host is left out: .* bringing it failed' err
    no grep 'read error' err
    [ ! -e server/host1/.cache ]
    [ -z "$(find server/host3/.cache -name 'psweep-*')" ]
}

@test "a point that is stopped on a host keeps what it has learnt, and goes on on another" {
    head -n 1 hosts >one && sed -n 2p hosts >another
    idle
    sweep start "${endless[@]}" --depth 1 --hosts one -o s
    wait_for is_training 1
    wait_for writes d1-s0
    sweep stop d1-s0 -o s
    in_time sweep wait -o s || [ $? = 4 ]
    is_idle 1
    in_state stopped d1-s0
    had=$(psdump -k status s/*.stopped | awk 'NR == 2 { print $6 }')
    [ "$had" -gt 0 ]
    sweep start --epochs 100000 --hosts another -o s
    wait_for goes_on_from "$had"
    sweep stop -o s
    is_idle 2
}

@test "what a host was training when it was lost goes on elsewhere, with the same bytes" {
    long
    idle 2
    sweep start "${few[@]}" --depth 1 --epochs 4 --hosts hosts -o s
    wait_for writes d1-s0
    awake
    for k in 1 2 3; do is_training $k && victim=$k || true; done
    # First the daemon, so that nobody is let in again, then its sessions.
    sessions=$(pgrep -P "$(cat "server/sshd$victim.pid")")
    kill -KILL "$(cat "server/sshd$victim.pid")"
    # shellcheck disable=SC2086 # many words on purpose
    kill -KILL $sessions
    wait_for is_idle "$victim"
    in_time sweep wait -o s
    in_state "done" d1-s0
    grep 'd1-s0-.* goes on elsewhere' s/sweep.log
    no grep 'read error' s/sweep.log
    trained here "${few[@]}" --depth 1 --epochs 4
    same_runs s here
}

@test "images that arrived cut short are not taken for whole" {
    long
    # A way to the first host that breaks after 100 kB, once.
    cat >flaky <<END
#!/bin/bash
[ -e broken ] || [[ \$* != *'cat >'* ]] || { touch broken; head -c 100000 | $(head -n 1 server/hosts) "\$2"; exit 255; }
exec $(head -n 1 server/hosts) "\$2"
END
    chmod +x flaky
    echo "1/$PWD/flaky host" >hosts
    echo "1/$(sed -n 2p server/hosts)" >>hosts
    trained s --limit 200 --test '' --depth 1-2 --epochs 1 --hosts hosts 2>err
    [ -e broken ]
    grep '^sweep: lost .*flaky host' err
    trained s --limit 200 --test '' --depth 1-2 --epochs 2 --hosts hosts
    cmp server/host1/.cache/psweep/*.ps s/data.ps
}

@test "a sweep that is killed leaves no trainer on its hosts" {
    long
    idle
    sweep start "${endless[@]}" --depth 1-2 --hosts hosts -o s
    wait_for writes d1-s0
    wait_for writes d2-s0
    kill -KILL "$(find /proc/[0-9]*/fd -lname "$PWD/s/events" 2>/dev/null | cut -d / -f 3 | sort -u |
        xargs ps -o pid=,args= -p | awk '$4 == "work" { print $1; exit }')"
    for k in 1 2 3; do wait_for is_idle $k; done
}
