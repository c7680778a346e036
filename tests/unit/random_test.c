#include "random.h"

#include "tap.h"

#include <stdlib.h>

/* The known answers that the authors of Philox publish with their implementation: counter, key,
 * result. Our counter is (epoch, purpose, id low, id high), our key (seed low, seed high). */
static void known_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], result[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        struct random random = philox((uint64_t)k[1] << 32 | k[0], c[0],
                                      (uint64_t)c[3] << 32 | c[2], (enum purpose)c[1]);
        for (int word = 0; word < 4; word++)
            assert_int_equal(random.word[word], known[i].result[word]);
    }
}

static void numbers_from_words(void **state)
{
    (void)state;
    assert_int_equal(random_below(0, 9), 0);
    assert_int_equal(random_below(UINT32_MAX, 9), 8);
    assert_true(random_unit(0) == 0);
    assert_true(random_unit(UINT32_MAX) < 1);
    assert_true((float)random_unit(UINT32_MAX) < 1);
}

/* A shuffle is a permutation that follows the ids wherever they stand, and differs between epochs.
 */
static void shuffles(void **state)
{
    enum { COUNT = 1000 };
    static uint64_t id[COUNT], turned[COUNT];
    static size_t order[COUNT], other[COUNT];
    int seen[COUNT] = {0}, moved = 0;
    (void)state;
    for (int i = 0; i < COUNT; i++)
        turned[COUNT - 1 - i] = id[i] = (uint64_t)i * 7;
    shuffle(1, 1, PURPOSE_SHUFFLE, id, COUNT, order);
    shuffle(1, 1, PURPOSE_SHUFFLE, turned, COUNT, other);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen[order[i]]++, 0);
        assert_int_equal(id[order[i]], turned[other[i]]);
    }
    shuffle(1, 2, PURPOSE_SHUFFLE, id, COUNT, other);
    for (int i = 0; i < COUNT; i++)
        moved += order[i] != other[i];
    assert_true(moved > COUNT * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(numbers_from_words),
        cmocka_unit_test(shuffles),
    };
    return RUN_TESTS(tests);
}
