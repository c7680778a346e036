#include "shuffle.h"

#include "message.h"

#include <stdlib.h>

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
