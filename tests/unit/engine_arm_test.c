/* The same bits on Arm: the engine cross-compiled and run by an emulator. It takes too long for
 * make test, and needs a cross compiler and the emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The line that a command writes. */
static void line_of(const char *command, char line[64])
{
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, 64, f));
    assert_int_equal(pclose(f), 0);
}

static void test_same_bits_on_arm(void **state)
{
    (void)state;
    assert_int_equal(
        system("${MAKE:-make} -s build/tests/bench/engine_bits build/arm/engine_bits >&2"), 0);
    const char *isa[] = {"neon", "c"};
    char here[64], there[64], command[128];
    line_of("build/tests/bench/engine_bits auto", here);
    for (int i = 0; i < 2; i++) {
        snprintf(command, sizeof command,
                 "qemu-aarch64 -L /usr/aarch64-linux-gnu build/arm/engine_bits %s", isa[i]);
        line_of(command, there);
        printf("# here auto %s# on Arm %s %s", here, isa[i], there);
        assert_string_equal(there, here);
    }
}

int main(void)
{
    if (getenv("PSWEEP_LONG") == NULL ||
        system("command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null") != 0) {
        puts("1..1\nok 1 # SKIP belongs to make test-all, where aarch64-linux-gnu-gcc and "
             "qemu-aarch64 are");
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits_on_arm)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
