#include "balance.h"

#include "message.h"
#include "random.h"

#include <stdlib.h>

void balance_add(struct balance *balance, uint32_t label)
{
    balance->label = egrow_by_one(balance->label, balance->count, sizeof *balance->label);
    balance->label[balance->count++] = label;
}

void balance_free(struct balance *balance)
{
    free(balance->label);
    *balance = (struct balance){0};
}

struct member {
    uint32_t label;
    size_t place;
};

static int by_label(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    return a->label != b->label ? (a->label > b->label) - (a->label < b->label)
                                : (a->place > b->place) - (a->place < b->place);
}

/* Draws many images of a class, member[count], from number from of all its epochs on. */
static void draw_class(uint64_t seed, uint64_t from, size_t many, const struct member *member,
                       size_t count, const uint64_t *id, struct draw *draw)
{
    uint64_t *own = ealloc(count, sizeof *own);
    size_t *order = ealloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        own[i] = id[member[i].place];
    for (size_t i = 0; i < many; i++) {
        uint64_t at = from + i, pass = at / count;
        if (i == 0 || at % count == 0)
            shuffle(seed, (uint32_t)pass, PURPOSE_BALANCE, own, count, order);
        size_t place = member[order[at % count]].place;
        draw[i] = (struct draw){place, id[place] + ((pass - from / count) << 40)};
    }
    free(own);
    free(order);
}

void balance_draw(const struct balance *balance, uint64_t seed, uint32_t epoch, const uint64_t *id,
                  struct draw *draw)
{
    size_t count = balance->count, classes = 0, number = 0;
    struct member *member = ealloc(count, sizeof *member);
    for (size_t i = 0; i < count; i++)
        member[i] = (struct member){balance->label[i], i};
    qsort(member, count, sizeof *member, by_label);
    for (size_t i = 0; i < count; i++)
        classes += i == 0 || member[i].label != member[i - 1].label;
    for (size_t i = 0, end; i < count; i = end, number++) {
        for (end = i; end < count && member[end].label == member[i].label;)
            end++;
        size_t many = count / classes + (number < count % classes);
        draw_class(seed, (uint64_t)(epoch - 1) * many, many, member + i, end - i, id, draw);
        draw += many;
    }
    free(member);
}
