#include "label.h"

#include "tap.h"

#include <stdlib.h>

/* Bytes that anybody chose, on a terminal that obeys some of them. */
static void labels(void **state)
{
    (void)state;
    static const char dirty[] = "a\033[2Jb\x80\xc3\xa9\xed\xa0\x80\xe2\x80\xae"
                                "c";
    char *clean = label_clean(dirty, sizeof dirty - 1), *stem = label_stem("runs/net.v2.bin");
    assert_string_equal(clean, "a?[2Jb?é????c");
    assert_string_equal(stem, "net.v2");
    free(clean);
    free(stem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(labels)};
    return RUN_TESTS(tests);
}
