#include "classes.h"
#include "message.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct classes table(uint32_t count, const char *const *name)
{
    struct classes classes = {.count = count, .name = ealloc(count, sizeof *classes.name)};
    for (uint32_t i = 0; i < count; i++)
        classes.name[i] = ecopy(name[i]);
    return classes;
}

static void names_find_their_places(void **state)
{
    struct classes all = table(2, (const char *[]){"emu", "cat"}),
                   more = table(4, (const char *[]){"dog", "emu", "bee", "dog"});
    uint32_t place[4], moved[4], at = 99;
    (void)state;
    assert_int_equal(classes_find(&all, "dog", &at), 0);
    assert_int_equal(at, 99);
    classes_join(&all, &more, place);
    assert_int_equal(all.count, 4);
    assert_memory_equal(place, ((uint32_t[]){2, 0, 3, 2}), sizeof place);
    assert_int_equal(classes_find(&all, "bee", &at), 1);
    assert_int_equal(at, 3);
    classes_sort(&all, moved);
    assert_memory_equal(moved, ((uint32_t[]){3, 1, 2, 0}), sizeof moved);
    for (uint32_t i = 0; i < all.count; i++) {
        assert_string_equal(all.name[i], ((const char *[]){"bee", "cat", "dog", "emu"})[i]);
        assert_int_equal(classes_find(&all, all.name[i], &at), 1);
        assert_int_equal(at, i);
    }
    classes_free(&more);
    classes_free(&all);
}

/* With a search for each name in all others this would take minutes. */
static void large_tables_are_joined_too(void **state)
{
    enum { MANY = 200000 };
    struct classes all = {0}, more = {.count = MANY, .name = ealloc(MANY, sizeof *more.name)};
    uint32_t *place = ealloc(MANY, sizeof *place);
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < MANY; i++) {
            char name[16];
            snprintf(name, sizeof name, "%d", i + turn * MANY / 2);
            free(more.name[i]);
            more.name[i] = ecopy(name);
        }
        classes_join(&all, &more, place);
        assert_int_equal(place[MANY - 1], MANY - 1 + turn * MANY / 2);
    }
    assert_int_equal(all.count, 3 * MANY / 2);
    free(place);
    classes_free(&more);
    classes_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_places),
        cmocka_unit_test(large_tables_are_joined_too),
    };
    return RUN_TESTS(tests);
}
