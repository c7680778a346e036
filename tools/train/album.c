#include "album.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

struct page {
    uint64_t id;
    size_t place; /* of the pixels */
    uint32_t label, height, width, channels;
};

struct album {
    struct page *page;
    size_t count, room;
    uint8_t *pixels; /* of all images, one behind the other */
    size_t size, capacity;
};

struct album *album_open(void)
{
    return ealloc(1, sizeof(struct album));
}

void album_close(struct album *album)
{
    if (album == NULL)
        return;
    free(album->page);
    free(album->pixels);
    free(album);
}

void album_add(struct album *album, const struct image *image)
{
    size_t size = image_bytes(image);
    if (album->count == album->room) {
        album->room = album->room ? 2 * album->room : 4096;
        album->page = egrow(album->page, album->room, sizeof *album->page);
    }
    if (album->capacity - album->size < size) {
        album->capacity = 2 * album->capacity + size;
        album->pixels = egrow(album->pixels, album->capacity, 1);
    }
    memcpy(album->pixels + album->size, image->pixels, size);
    album->page[album->count++] = (struct page){image->id,     album->size,  image->label,
                                                image->height, image->width, image->channels};
    album->size += size;
}

static int by_id(const void *left, const void *right)
{
    const struct page *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

int album_sort(struct album *album)
{
    qsort(album->page, album->count, sizeof *album->page, by_id);
    for (size_t i = 1; i < album->count; i++)
        if (album->page[i].id == album->page[i - 1].id)
            return fail_as(DAMAGED, "two training images have the id %llu",
                           (unsigned long long)album->page[i].id);
    return 0;
}

int album_image(const struct album *album, uint64_t id, struct image *image)
{
    struct page key = {.id = id};
    const struct page *page = bsearch(&key, album->page, album->count, sizeof *album->page, by_id);
    if (page == NULL)
        return fail_as(DAMAGED, "a view is of image %llu, which did not come",
                       (unsigned long long)id);
    *image = (struct image){
        .id = id,
        .label = page->label,
        .height = page->height,
        .width = page->width,
        .channels = page->channels,
        .pixels = album->pixels + page->place,
    };
    return 0;
}
