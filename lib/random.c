#include "random.h"

#include "message.h"

#include <stdlib.h>

/* Constants of the paper's table 2: two multipliers, and the Weyl steps of the key. */
static const uint64_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u;
static const uint32_t WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;

struct random philox(uint64_t seed, uint32_t epoch, uint64_t id, enum purpose purpose)
{
    uint32_t c0 = epoch, c1 = (uint32_t)purpose, c2 = (uint32_t)id, c3 = (uint32_t)(id >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = MULTIPLIER_0 * c0, p1 = MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    return (struct random){{c0, c1, c2, c3}};
}

struct card {
    uint64_t key, id;
    size_t place;
};

static int by_key(const void *left, const void *right)
{
    const struct card *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->id < b->id ? -1 : a->id > b->id;
}

void shuffle(uint64_t seed, uint32_t epoch, enum purpose purpose, const uint64_t *id, size_t count,
             size_t *order)
{
    struct card *cards = ealloc(count, sizeof *cards);
    for (size_t i = 0; i < count; i++) {
        struct random random = philox(seed, epoch, id[i], purpose);
        uint64_t key = (uint64_t)random.word[0] << 32 | random.word[1];
        cards[i] = (struct card){key, id[i], i};
    }
    qsort(cards, count, sizeof *cards, by_key);
    for (size_t i = 0; i < count; i++)
        order[i] = cards[i].place;
    free(cards);
}
