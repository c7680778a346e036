#include "store.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void store_forget_pixels(struct store *store)
{
    if (store->pixels)
        munmap(store->pixels, store->capacity);
    store->pixels = NULL;
    store->bytes = store->capacity = 0;
}

void store_free(struct store *store)
{
    store_forget_pixels(store);
    free(store->image);
    free(store->label);
    free(store->id);
    free(store->split);
    free(store->index);
}

/* Room for so many bytes more: a quarter above what there is. */
static void make_room(struct store *store, size_t size)
{
    enum { LEAST = 16 << 20, PAGE = 1 << 16 };
    if (store->capacity - store->bytes >= size)
        return;
    size_t capacity = store->capacity + store->capacity / 4 + size + LEAST;
    capacity = (capacity + PAGE - 1) / PAGE * PAGE;
    void *moved = store->pixels ? mremap(store->pixels, store->capacity, capacity, MREMAP_MAYMOVE)
                                : mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (moved == MAP_FAILED)
        die(FAILED, "no memory for %zu bytes of images", capacity);
    store->pixels = moved;
    store->capacity = capacity;
}

void store_add(struct store *store, const struct image *image)
{
    size_t size = image_bytes(image);
    if (store->count == store->room) {
        store->room = store->room ? 2 * store->room : 4096;
        store->image = egrow(store->image, store->room, sizeof *store->image);
        store->label = egrow(store->label, store->room, sizeof *store->label);
        store->id = egrow(store->id, store->room, sizeof *store->id);
        store->split = egrow(store->split, store->room, sizeof *store->split);
    }
    make_room(store, size);
    memcpy(store->pixels + store->bytes, image->pixels, size);
    store->image[store->count] = (struct kept_image){store->bytes, image->height, image->width};
    store->label[store->count] = image->label;
    store->id[store->count] = image->id;
    store->split[store->count++] = image->split;
    store->bytes += size;
}

/* The slot of an id: where it stands, or the free one where it belongs. */
static uint32_t *slot_of(const struct store *store, uint64_t id)
{
    uint64_t hash = id * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio spreads what is dense */
    for (size_t slot = hash >> 32;; slot++) {
        uint32_t *at = &store->index[slot & (store->slots - 1)];
        if (*at == 0 || store->id[*at - 1] == id)
            return at;
    }
}

static void widen_index(struct store *store)
{
    uint32_t *before = store->index;
    size_t slots = store->slots;
    store->slots = slots ? 2 * slots : 8192;
    store->index = ealloc(store->slots, sizeof *store->index);
    for (size_t i = 0; i < slots; i++)
        if (before[i] > 0)
            *slot_of(store, store->id[before[i] - 1]) = before[i];
    free(before);
}

int store_add_known(struct store *store, const struct image *image)
{
    if (2 * store->known >= store->slots)
        widen_index(store);
    uint32_t *slot = slot_of(store, image->id);
    if (*slot > 0)
        return fail_as(DAMAGED, "two training images have the id %llu",
                       (unsigned long long)image->id);
    if (store->count == UINT32_MAX)
        return fail("more than %u images", UINT32_MAX);
    store_add(store, image);
    *slot = (uint32_t)store->count;
    store->known++;
    return 0;
}

int store_find(const struct store *store, uint64_t id, uint32_t *place)
{
    const uint32_t *slot = store->slots > 0 ? slot_of(store, id) : NULL;
    if (slot == NULL || *slot == 0)
        return fail_as(DAMAGED, "a view is of image %llu, which is not in the input",
                       (unsigned long long)id);
    *place = *slot - 1;
    return 0;
}
