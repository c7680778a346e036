#!/usr/bin/env bats
# What make test shows of a test that fails (tests/run).
load ../helper

# ran FILE...: prove with tests/run, two files at a time; its status in $status, what is seen in the file seen.
ran() {
    status=0
    prove -j2 --exec "$REPOSITORY/tests/run" "$@" >seen 2>&1 || status=$?
}
# planted FILE: what it reads, with %test for what bats would take for a test of this file.
planted() {
    sed 's/^%/@/' >"$1"
}
# shows LINE...: these lines stand in the file seen, one directly below the other.
shows() {
    printf '%s\n' "$@" >wanted
    /usr/bin/python3 -c '
import sys
wanted, seen = (open(name).read() for name in ("wanted", "seen"))
sys.exit("\n" + wanted not in seen and "this is not seen:\n" + wanted + "in:\n" + seen)'
}

@test "a failed test of bats is named with what it said, beside others that run" {
    planted bad.bats <<'END'
%test "good" { echo nobody needs this; }
%test "bad" {
    echo said
    echo "said as an error" >&2
    [ 1 = 2 ]
}
%test "not here" { skip "needs a thing"; }
%test "slow" { skip "takes long: make test-all runs it"; }
END
    cp bad.bats worse.bats
    ran bad.bats worse.bats
    [ $status -ne 0 ]
    for file in bad worse; do
        shows "  $file.bats: not ok 2 bad" "    # (in test file $file.bats, line 5)" "    #   \`[ 1 = 2 ]' failed" \
            "    # said" "    # said as an error"
        shows "  $file.bats: skipped: not here # skip needs a thing"
        shows "  $file.bats: 1 skipped, which take long: make test-all runs them"
    done
    no grep 'nobody needs this' seen
    sed -i 's/1 = 2/1 = 1/' bad.bats
    CI='' ran bad.bats
    [ $status -eq 0 ]
    no grep said seen
    CI=true ran bad.bats
    [ $status -ne 0 ]
    shows "  bad.bats: skipped: not here # skip needs a thing" "" "  bad.bats: CI must run this test"
}

@test "a set-up that fails is named with what it said, and a hang is ended" {
    planted bad.bats <<'END'
setup_file() {
    echo "the server does not start"
    false
}
%test "one" { true; }
%test "two" { true; }
END
    planted hang.bats <<'END'
%test "one" { true; }
%test "hangs" { exec sleep 600 3>&-; }
END
    CI=true PSWEEP_LIMIT=4 ran bad.bats hang.bats
    [ $status -ne 0 ]
    shows "  bad.bats: not ok 1 setup_file failed" "    # (from function \`setup_file' in test file bad.bats, line 3)" \
        "    #   \`false' failed" "    # the server does not start"
    shows "  hang.bats: 1 of 2 tests did not run; the last that did: ok 1 one"
    shows "  hang.bats: ended because it took more than 4 seconds"
}

@test "so are a failed unit test and a crash, with its last words" {
    cat >fails.c <<END
#include "$REPOSITORY/tests/unit/tap.h"
#include <stdio.h>
#include <stdlib.h>
static void good(void **state) { (void)state; fprintf(stderr, "last words\n"); }
static void bad(void **state) { (void)state; print_message("on the way\n"); assert_int_equal(3, 4); }
static void crash(void **state) { (void)state; abort(); }
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(crash)};
    return RUN_TESTS(tests);
}
END
    gcc -o fails fails.c -lcmocka
    ran ./fails
    [ $status -ne 0 ]
    shows "  ./fails: not ok 2 - bad" "    on the way" "    # 0x3 != 0x4" "    # fails.c:5: error: Failure!"
    shows "  ./fails: 1 of 3 tests did not run; the last that did: not ok 2 - bad"
    shows "  ./fails said:" "    last words" "  ./fails: ended by SIGABRT"
}

@test "no test expects something before &&, where bats does not look" {
    no grep -nE '^ {4,}(ends|no|in_state|cmp|grep) [^|]* && ' "$REPOSITORY"/tests/*/*.bats
}

@test "a sanitizer's report fails the file, whichever program of a pipe it is of" {
    mkdir -p build/sanitized
    planted build/sanitized/quiet.bats <<<'%test "good" { true; }'
    # shellcheck disable=SC2016
    planted build/sanitized/leaks.bats <<<'%test "good" { echo "leaked 5 bytes" >"${ASAN_OPTIONS#log_path=}.7"; }'
    ran build/sanitized/quiet.bats
    [ $status -eq 0 ]
    ran build/sanitized/quiet.bats build/sanitized/leaks.bats
    [ $status -ne 0 ]
    shows "  build/sanitized/leaks.bats: a sanitizer said:" "    leaked 5 bytes"
    no grep -q 'quiet.bats: a sanitizer' seen
}
