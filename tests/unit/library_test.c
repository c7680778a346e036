#include "nn/library.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "libnobody-has.so.1" /* so that what the machine has is not found */

static char root[] = "/tmp/library-XXXXXX";

static const char *below(const char *path)
{
    static char whole[4][4096];
    static int next;
    char *text = whole[next++ % 4];
    snprintf(text, sizeof whole[0], "%s/%s", root, path);
    return text;
}

/* An empty file of that path, which can be run. */
static void put(const char *path)
{
    char command[8192];
    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s')\" && : >'%s' && chmod 755 '%s'",
             below(path), below(path), below(path));
    assert_int_equal(system(command), 0);
}

static void finds(const char *expected)
{
    char path[4096] = "", *real;
    if (expected == NULL) {
        assert_int_equal(library_find(below("psweep/bin"), NAME, path, sizeof path), 0);
        return;
    }
    assert_int_equal(library_find(below("psweep/bin"), NAME, path, sizeof path), 1);
    assert_non_null(real = realpath(path, NULL));
    assert_string_equal(real, below(expected));
    free(real);
}

/* Each place that is added stands before those that were there. */
static void the_first_place_that_has_it(void **state)
{
    static const char *const place[] = {
        "home/.local/lib/python3.11/site-packages/nvidia/cu13/lib/" NAME,
        "opt/lib64/python3.12/site-packages/nvidia/cudnn/lib/" NAME, /* where the link leads */
        "tools/lib/python3/dist-packages/nvidia/cudnn/lib/" NAME,
        "env/lib/python3.9/site-packages/nvidia/cuda_runtime/lib/" NAME,
        "conda/lib/python3.10/site-packages/nvidia/cudnn/lib/" NAME,
        "conda/lib/" NAME,
        "psweep/lib/" NAME,
    };
    (void)state;
    assert_non_null(mkdtemp(root));
    put("psweep/bin/pstrain");
    put("other/bin/python"); /* it is no python3 */
    put("opt/bin/python3.12");
    put("tools/bin/none");
    assert_int_equal(symlink(below("opt/bin/python3.12"), below("tools/bin/python3")), 0);
    char path[16384];
    snprintf(path, sizeof path, "%s::%s:%s:%s", below("other/bin"), below("tools/bin"), "/usr/bin",
             "/bin");
    setenv("PATH", path, 1);
    setenv("HOME", below("home"), 1);
    setenv("VIRTUAL_ENV", below("env"), 1);
    setenv("CONDA_PREFIX", below("conda"), 1);
    finds(NULL);
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        put(place[i]);
        finds(place[i]);
    }
    unsetenv("CONDA_PREFIX");
    unsetenv("VIRTUAL_ENV");
    unsetenv("HOME");
    unsetenv("PATH");
    finds("psweep/lib/" NAME);
}

static int clean(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "/bin/rm -r %s", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_place_that_has_it, clean)};
    return RUN_TESTS(tests);
}
