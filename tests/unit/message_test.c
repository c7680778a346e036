/* Texts for people, and room for one more. */
#include "message.h"

#include "tap.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void losses(void **state)
{
    (void)state;
    assert_string_equal(loss_text(0.61237, 3), "0.612");
    assert_string_equal(loss_text(0.61237, 4), "0.6124");
    assert_string_equal(loss_text(999999, 4), "999999.0000");
    assert_string_equal(loss_text(3.4e38, 4), "3.4e+38");
    assert_string_equal(loss_text(INFINITY, 4), "inf");
}

static void names_do_nothing_to_a_terminal(void **state)
{
    (void)state;
    char text[] = "a\x1b[2J\nb\xc2\x9b \u202ec \u00e9 \x9b"
                  "31m\xff\ufeff \xe2\x80";
    assert_int_equal(message_clean(text), strlen("a?[2J b? ?c \u00e9 ?31m?? ??"));
    assert_string_equal(text, "a?[2J b? ?c \u00e9 ?31m?? ??");
}

static void room_for_one_more(void **state)
{
    (void)state;
    uint32_t *list = NULL;
    for (uint32_t i = 0; i < 1000; i++) {
        list = egrow_by_one(list, i, sizeof *list);
        list[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(list[i], i);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses),
                                       cmocka_unit_test(names_do_nothing_to_a_terminal),
                                       cmocka_unit_test(room_for_one_more)};
    return RUN_TESTS(tests);
}
