/* What the options of a header are as texts: pairs of numbers, which are sizes or ranges. */
#include "runs/settings.h"

#include "tap.h"

#include <math.h>
#include <string.h>

static void pairs(void **state)
{
    /* {"options": {"crop": [24, 20], "scale": [0.5, 2.0], "odd": [1]}} */
    static const char header[] = "\x81\xa7options\x83\xa4"
                                 "crop\x92\x18\x14\xa5scale\x92"
                                 "\xcb\x3f\xe0\0\0\0\0\0\0\xcb\x40\0\0\0\0\0\0\0\xa3odd\x91\x01";
    struct settings settings = {0};
    msgpack_unpacked unpacked;
    size_t read = 0;
    (void)state;
    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, header, sizeof header - 1, &read),
                     MSGPACK_UNPACK_SUCCESS);
    settings_read(&settings, &unpacked.data, 0);
    assert_int_equal(settings.count, 2);
    assert_string_equal(settings_find(&settings, "crop")->value, "24x20");
    assert_string_equal(settings_find(&settings, "scale")->value, "0.5..2");
    assert_true(isnan(settings_find(&settings, "scale")->number));
    settings_free(&settings);
    msgpack_unpacked_destroy(&unpacked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs)};
    return RUN_TESTS(tests);
}
