#include "message.h"
#include "tools/train/store.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, CHANNELS = 3, COUNT = 40000 };

/* Every image has bytes of its own. */
static struct image image_of(uint64_t id, uint8_t *pixels)
{
    struct image image = {.id = id,
                          .label = (uint32_t)(id % 7),
                          .height = 1 + (uint32_t)(id % SIDE),
                          .width = SIDE,
                          .channels = CHANNELS,
                          .pixels = pixels};
    memset(pixels, (int)(id % 251), image_bytes(&image));
    return image;
}

/* Ids are the system's to choose: dense, with holes, and such as end on many zeros. */
static uint64_t id_of(uint32_t number)
{
    return number % 2 ? (uint64_t)number << 40 : number / 2;
}

static void images_are_found_by_their_ids(void **state)
{
    static uint8_t pixels[SIDE * SIDE * CHANNELS];
    struct store store = {0};
    uint32_t place;
    (void)state;
    assert_int_equal(store_find(&store, 0, &place), -1);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct image image = image_of(id_of(i), pixels);
        assert_int_equal(store_add_known(&store, &image), 0);
    }
    assert_int_equal(store.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct image image = image_of(id_of(i), pixels);
        assert_int_equal(store_find(&store, image.id, &place), 0);
        assert_int_equal(place, i);
        assert_int_equal(store.image[i].height, image.height);
        assert_int_equal(store.label[i], image.label);
        assert_memory_equal(store.pixels + store.image[i].place, pixels, image_bytes(&image));
    }
    assert_int_equal(store_find(&store, COUNT, &place), -1);
    assert_int_equal(why_status(), DAMAGED);
    struct image twin = image_of(id_of(5), pixels);
    assert_int_equal(store_add_known(&store, &twin), -1);
    assert_int_equal(why_status(), DAMAGED);
    store_free(&store);
}

static void others_are_kept_and_not_found(void **state)
{
    static uint8_t pixels[SIDE * SIDE * CHANNELS];
    struct store store = {0};
    struct image known = image_of(1, pixels), other = image_of(2, pixels);
    uint32_t place;
    (void)state;
    assert_int_equal(store_add_known(&store, &known), 0);
    store_add(&store, &other);
    assert_int_equal(store.count, 2);
    assert_int_equal(store_find(&store, 2, &place), -1);
    /* Whoever has the pixels now does not need them here; the rest stays. */
    store_forget_pixels(&store);
    assert_int_equal(store_find(&store, 1, &place), 0);
    assert_int_equal(store.label[place], 1);
    assert_int_equal(store.bytes, 0);
    store_free(&store);
}

/* The most memory that this process ever had, in bytes. */
static size_t most_memory(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[200];
    size_t kilobytes = 0;
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = strtoul(line + 6, NULL, 10);
    if (status)
        fclose(status);
    return kilobytes << 10;
}

static void growing_takes_no_more_than_the_pixels(void **state)
{
    enum { BIG = 1024 };
    uint8_t *pixels = ealloc(BIG * BIG * CHANNELS, 1);
    struct store store = {0};
    size_t before = most_memory();
    (void)state;
    if (before == 0)
        skip();
    for (uint32_t i = 0; i < 100; i++) {
        struct image image = {.id = i, .height = BIG, .width = BIG, .channels = CHANNELS};
        memset(pixels, (int)i, BIG * BIG * CHANNELS);
        image.pixels = pixels;
        assert_int_equal(store_add_known(&store, &image), 0);
    }
    size_t bytes = store.bytes;
    assert_int_equal(bytes, 100u * BIG * BIG * CHANNELS);
    assert_true(most_memory() - before < bytes + bytes / 16);
    store_free(&store);
    free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_found_by_their_ids),
        cmocka_unit_test(others_are_kept_and_not_found),
        cmocka_unit_test(growing_takes_no_more_than_the_pixels),
    };
    return RUN_TESTS(tests);
}
