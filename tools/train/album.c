#include "album.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct album {
    struct kept_image *image;
    uint32_t *label;
    uint64_t *id;
    size_t count, room;

    /* Of all images, one behind the other, in memory that moves by its pages: it grows without a
     * copy, and what was not written yet is address space alone. So nobody has to be believed how
     * much is still to come. */
    uint8_t *pixels;
    size_t size, capacity;

    uint32_t *index; /* [slots] place + 1 of a known image, in the first free slot from its hash */
    size_t slots, known; /* slots: a power of two, more than twice of known */
};

struct album *album_open(void)
{
    return ealloc(1, sizeof(struct album));
}

void album_forget_pixels(struct album *album)
{
    if (album->pixels)
        munmap(album->pixels, album->capacity);
    album->pixels = NULL;
    album->size = album->capacity = 0;
}

void album_close(struct album *album)
{
    if (album == NULL)
        return;
    album_forget_pixels(album);
    free(album->image);
    free(album->label);
    free(album->id);
    free(album->index);
    free(album);
}

/* Room for so many bytes more: a quarter above what there is. */
static void make_room(struct album *album, size_t size)
{
    enum { LEAST = 16 << 20, PAGE = 1 << 16 };
    if (album->capacity - album->size >= size)
        return;
    size_t capacity = album->capacity + album->capacity / 4 + size + LEAST;
    capacity = (capacity + PAGE - 1) / PAGE * PAGE;
    void *moved = album->pixels ? mremap(album->pixels, album->capacity, capacity, MREMAP_MAYMOVE)
                                : mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (moved == MAP_FAILED)
        die(FAILED, "no memory for %zu bytes of images", capacity);
    album->pixels = moved;
    album->capacity = capacity;
}

void album_add(struct album *album, const struct image *image)
{
    size_t size = image_bytes(image);
    if (album->count == album->room) {
        album->room = album->room ? 2 * album->room : 4096;
        album->image = egrow(album->image, album->room, sizeof *album->image);
        album->label = egrow(album->label, album->room, sizeof *album->label);
        album->id = egrow(album->id, album->room, sizeof *album->id);
    }
    make_room(album, size);
    memcpy(album->pixels + album->size, image->pixels, size);
    album->image[album->count] = (struct kept_image){album->size, image->height, image->width};
    album->label[album->count] = image->label;
    album->id[album->count++] = image->id;
    album->size += size;
}

/* The slot of an id: where it stands, or the free one where it belongs. */
static uint32_t *slot_of(const struct album *album, uint64_t id)
{
    uint64_t hash = id * 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio spreads what is dense */
    for (size_t slot = hash >> 32;; slot++) {
        uint32_t *at = &album->index[slot & (album->slots - 1)];
        if (*at == 0 || album->id[*at - 1] == id)
            return at;
    }
}

static void widen_index(struct album *album)
{
    uint32_t *before = album->index;
    size_t slots = album->slots;
    album->slots = slots ? 2 * slots : 8192;
    album->index = ealloc(album->slots, sizeof *album->index);
    for (size_t i = 0; i < slots; i++)
        if (before[i] > 0)
            *slot_of(album, album->id[before[i] - 1]) = before[i];
    free(before);
}

int album_add_known(struct album *album, const struct image *image)
{
    if (2 * album->known >= album->slots)
        widen_index(album);
    uint32_t *slot = slot_of(album, image->id);
    if (*slot > 0)
        return fail_as(DAMAGED, "two training images have the id %llu",
                       (unsigned long long)image->id);
    if (album->count == UINT32_MAX)
        return fail("more than %u images", UINT32_MAX);
    album_add(album, image);
    *slot = (uint32_t)album->count;
    album->known++;
    return 0;
}

int album_find(const struct album *album, uint64_t id, uint32_t *place)
{
    const uint32_t *slot = album->slots > 0 ? slot_of(album, id) : NULL;
    if (slot == NULL || *slot == 0)
        return fail_as(DAMAGED, "a view is of image %llu, which is not in the input",
                       (unsigned long long)id);
    *place = *slot - 1;
    return 0;
}

void album_relabel(struct album *album, const uint32_t *label)
{
    for (size_t i = 0; i < album->count; i++)
        album->label[i] = label[album->label[i]];
}

struct kept_images album_images(const struct album *album)
{
    return (struct kept_images){album->pixels, album->size, album->image, album->count};
}

const uint32_t *album_labels(const struct album *album)
{
    return album->label;
}

const uint64_t *album_ids(const struct album *album)
{
    return album->id;
}
