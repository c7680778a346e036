#include "wrong.h"

#include "message.h"
#include "pending.h"

#include <math.h>
#include <stdlib.h>

struct mistake {
    struct pending image;
    uint64_t order; /* which of all images it was */
    struct guess guess;
};

struct wrong {
    struct mistake *waiting[SPLITS]; /* [batch] each */
    uint32_t batch;
    struct mistake
        *heap; /* [count]: the least sure of two children's parent; the first is the least */
    size_t count, room, most;
    uint64_t seen;
};

struct wrong *wrong_open(size_t most, uint32_t batch)
{
    struct wrong *wrong = ealloc(1, sizeof *wrong);
    wrong->most = most;
    wrong->batch = batch;
    for (int split = 0; split < SPLITS; split++)
        wrong->waiting[split] = ealloc(batch, sizeof **wrong->waiting);
    return wrong;
}

void wrong_close(struct wrong *wrong)
{
    if (wrong == NULL)
        return;
    for (int split = 0; split < SPLITS; split++) {
        for (uint32_t i = 0; i < wrong->batch; i++)
            pending_free(&wrong->waiting[split][i].image);
        free(wrong->waiting[split]);
    }
    for (size_t i = 0; i < wrong->count; i++)
        pending_free(&wrong->heap[i].image);
    free(wrong->heap);
    free(wrong);
}

void wrong_wait(struct wrong *wrong, enum split split, uint32_t place, uint64_t id, uint32_t label,
                const struct record *record)
{
    struct mistake *kept = &wrong->waiting[split][place];
    pending_take(&kept->image, record, id, label);
    kept->order = wrong->seen++;
}

/* Whether a comes after b in the order of writing: less sure, or as sure and later. A probability
 * that is no number comes last. */
static int is_after(const struct mistake *a, const struct mistake *b)
{
    double pa = isnan(a->guess.probability) ? -1 : a->guess.probability;
    double pb = isnan(b->guess.probability) ? -1 : b->guess.probability;
    return pa != pb ? pa < pb : a->order > b->order;
}

static void swap(struct mistake *a, struct mistake *b)
{
    struct mistake other = *a;
    *a = *b;
    *b = other;
}

static void rise(struct mistake *heap, size_t place)
{
    for (; place > 0 && is_after(&heap[place], &heap[(place - 1) / 2]); place = (place - 1) / 2)
        swap(&heap[place], &heap[(place - 1) / 2]);
}

static void sink(struct mistake *heap, size_t count)
{
    for (size_t place = 0, child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && is_after(&heap[child + 1], &heap[child]))
            child++;
        if (!is_after(&heap[child], &heap[place]))
            break;
        swap(&heap[child], &heap[place]);
    }
}

void wrong_keep(struct wrong *wrong, enum split split, uint32_t place, uint32_t guess,
                double probability)
{
    struct mistake *kept = &wrong->waiting[split][place];
    kept->guess = (struct guess){guess, probability};
    if (wrong->count == wrong->most) {
        /* The place that waits gets the memory of the image that falls out. */
        if (is_after(&wrong->heap[0], kept)) {
            swap(&wrong->heap[0], kept);
            sink(wrong->heap, wrong->count);
        }
        return;
    }
    if (wrong->count == wrong->room) {
        wrong->room = wrong->room ? 2 * wrong->room : 64;
        wrong->heap = egrow(wrong->heap, wrong->room, sizeof *wrong->heap);
    }
    wrong->heap[wrong->count] = *kept;
    *kept = (struct mistake){0};
    rise(wrong->heap, wrong->count++);
}

static int in_order(const void *a, const void *b)
{
    return is_after(a, b) ? 1 : -1;
}

int wrong_write(struct writer *writer, struct wrong *wrong)
{
    msgpack_zone zone;
    if (!msgpack_zone_init(&zone, 8192))
        die(FAILED, "out of memory: a record");
    int result = 0;
    if (wrong->count > 0)
        qsort(wrong->heap, wrong->count, sizeof *wrong->heap, in_order);
    for (size_t i = 0; result == 0 && i < wrong->count; i++) {
        const struct mistake *kept = &wrong->heap[i];
        int is_guess = !isnan(kept->guess.probability); /* else it was taken for nothing */
        result = pending_write(writer, &kept->image, &kept->guess, (uint32_t)is_guess, &zone);
    }
    msgpack_zone_destroy(&zone);
    return result;
}
