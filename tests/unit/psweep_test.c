/* The library for other programs: what is written is read back, and what must not be is refused. */
#include "public/psweep.h"

#include "images.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const zoo[] = {"bird", "cat"};
static const uint8_t grey[] = {1, 2, 3, 4, 5, 6};

static struct psweep_image sample(uint64_t id, uint32_t label)
{
    return (struct psweep_image){.id = id,
                                 .key = "cat/1.png, and what is behind it",
                                 .key_size = 9,
                                 .label = label,
                                 .split = PSWEEP_TEST,
                                 .height = 2,
                                 .width = 3,
                                 .channels = 1,
                                 .pixels = grey};
}

/* A file with a set of count images, which stands at its beginning. */
static int set_of(uint64_t count)
{
    int fd = memfd_create("set", 0);
    struct psweep_output *output = psweep_create(dup(fd), "camera 1.0", zoo, 2, NULL);
    assert_non_null(output);
    for (uint64_t i = 0; i < count; i++) {
        struct psweep_image image = sample(i, i % 2);
        assert_int_equal(psweep_write(output, &image), 0);
    }
    assert_int_equal(psweep_finish(output), 0);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void what_is_written_is_read(void **state)
{
    struct psweep_image image;
    (void)state;
    int fd = set_of(3);
    struct psweep_stream *stream = psweep_open(fd, "input");
    assert_non_null(stream);
    assert_string_equal(psweep_class(stream, 1), "cat");
    assert_null(psweep_class(stream, 2));
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
        assert_int_equal(image.id, i);
        assert_int_equal(image.label, i % 2);
        assert_int_equal(image.split, PSWEEP_TEST);
        assert_int_equal(image.key_size, 9);
        assert_memory_equal(image.key, "cat/1.png", 9);
        assert_int_equal(image.height * 100 + image.width * 10 + image.channels, 231);
        assert_memory_equal(image.pixels, grey, sizeof grey);
    }
    assert_int_equal(psweep_next(stream, &image), PSWEEP_END);
    psweep_close(stream);
    close(fd);
}

/* What a filter does: the fields and the guess that it does not know stay with the image. */
static void what_goes_on_keeps_all(void **state)
{
    char *classes[] = {"bird", "cat"};
    int first = memfd_create("guessed", 0), second = memfd_create("passed", 0);
    struct image guessed = {.key = "x",
                            .key_size = 1,
                            .height = 2,
                            .width = 3,
                            .channels = 1,
                            .pixels = grey,
                            .guesses = 1,
                            .guess = {{1, 0.75}}};
    struct psweep_image image;
    (void)state;
    struct writer *writer = write_open(dup(first), "output");
    write_header(writer, "images");
    pack_texts(writer, "classes", classes, 2);
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(image_write(writer, &guessed), 0);
    assert_int_equal(write_finish(writer), 0);
    write_close(writer);

    lseek(first, 0, SEEK_SET);
    struct psweep_stream *stream = psweep_open(first, "input");
    struct psweep_output *output = psweep_create(dup(second), "filter 1.0", NULL, 0, stream);
    assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
    image.label = 1;
    assert_int_equal(psweep_write(output, &image), 0);
    assert_int_equal(psweep_next(stream, &image), PSWEEP_END);
    assert_int_equal(psweep_finish(output), 0);
    psweep_close(stream);

    struct images images;
    struct image passed;
    struct record record;
    lseek(second, 0, SEEK_SET);
    assert_int_equal(images_open(&images, second, "input", "images"), 0);
    assert_int_equal(images_next(&images, &passed, &record), IMAGES_IMAGE);
    assert_int_equal(passed.guesses, 1);
    assert_int_equal(passed.guess[0].class, 1);
    assert_true(passed.guess[0].probability == 0.75);
    assert_int_equal(passed.label, 1);
    assert_int_equal(images_next(&images, &passed, &record), IMAGES_END);
    images_close(&images);
    close(first);
    close(second);
}

static void a_label_may_lack(void **state)
{
    struct psweep_image image = sample(0, PSWEEP_NO_LABEL), labelled = sample(1, 0);
    (void)state;
    int fd = memfd_create("set", 0);
    struct psweep_output *output = psweep_create(dup(fd), "camera 1.0", NULL, 0, NULL);
    assert_int_equal(psweep_write(output, &image), 0);
    assert_int_equal(psweep_write(output, &labelled), -1);
    assert_int_equal(psweep_finish(output), 0);
    lseek(fd, 0, SEEK_SET);
    struct psweep_stream *stream = psweep_open(fd, "input");
    assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
    assert_true(image.label == PSWEEP_NO_LABEL);
    assert_null(psweep_class(stream, image.label));
    assert_int_equal(psweep_next(stream, &image), PSWEEP_END);
    psweep_close(stream);
    close(fd);
}

static void what_cannot_be_is_refused(void **state)
{
    struct psweep_image image = sample(0, 2), wide = sample(0, 0), odd = sample(0, 0);
    (void)state;
    struct psweep_output *output = psweep_create(memfd_create("x", 0), "camera 1.0", zoo, 2, NULL);
    assert_int_equal(psweep_write(output, &image), -1);
    assert_string_equal(psweep_why(),
                        "image cat/1.png has label 2, but the header names 2 classes");
    wide.width = 65536;
    odd.split = (enum psweep_split)3;
    assert_int_equal(psweep_write(output, &wide), -1);
    assert_int_equal(psweep_write(output, &odd), -1);
    psweep_discard(output);
    psweep_discard(NULL);
    psweep_close(NULL);
    psweep_unload(NULL);
}

static void half_a_set_is_not_whole(void **state)
{
    struct psweep_image image;
    (void)state;
    int fd = set_of(3);
    assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 43), 0);
    lseek(fd, 0, SEEK_SET);
    struct psweep_stream *stream = psweep_open(fd, "input");
    int made = memfd_create("made", 0);
    struct psweep_output *output = psweep_create(dup(made), "filter 1.0", NULL, 0, stream);
    assert_non_null(output);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
        assert_int_equal(psweep_write(output, &image), 0);
    }
    assert_int_equal(psweep_next(stream, &image), -1);
    assert_int_equal(psweep_status(), 3);
    assert_int_equal(psweep_finish(output), -1);
    psweep_close(stream);
    assert_true(lseek(made, 0, SEEK_END) == 0);
    close(made);
    close(fd);
}

/* Two sets that were joined are read as one, and no filter writes them as one. */
static void joined(void **state)
{
    struct psweep_image image;
    char bytes[4096];
    (void)state;
    int fd = set_of(1);
    ssize_t size = read(fd, bytes, sizeof bytes);
    assert_int_equal(write(fd, bytes, (size_t)size), size);
    lseek(fd, 0, SEEK_SET);
    struct psweep_stream *stream = psweep_open(fd, "input");
    struct psweep_output *output =
        psweep_create(memfd_create("x", 0), "filter 1.0", NULL, 0, stream);
    assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
    assert_int_equal(psweep_write(output, &image), 0);
    assert_int_equal(psweep_next(stream, &image), PSWEEP_IMAGE);
    assert_int_equal(image.id, 1);
    assert_int_equal(psweep_write(output, &image), -1);
    assert_int_equal(psweep_finish(output), -1);
    psweep_close(stream);
    close(fd);
}

/* A record that takes more memory than there is: the program is told so, and goes on. */
static void memory_ends(void **state)
{
    struct rlimit before, none;
    struct psweep_image image = sample(0, 0);
    (void)state;
    getrlimit(RLIMIT_AS, &before);
    none = before;
    none.rlim_cur = 64 << 20;
    image.height = image.width = 10000;
    image.pixels = mmap(NULL, 100000000, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct psweep_output *output = psweep_create(memfd_create("x", 0), "camera 1.0", zoo, 2, NULL);
    setrlimit(RLIMIT_AS, &none);
    int result = psweep_write(output, &image);
    setrlimit(RLIMIT_AS, &before);
    assert_int_equal(result, -1);
    assert_non_null(strstr(psweep_why(), "out of memory"));
    assert_int_equal(psweep_finish(output), -1);
    munmap((void *)(uintptr_t)image.pixels, 100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_goes_on_keeps_all),
        cmocka_unit_test(a_label_may_lack),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(half_a_set_is_not_whole),
        cmocka_unit_test(joined),
        cmocka_unit_test(memory_ends),
    };
    return RUN_TESTS(tests);
}
