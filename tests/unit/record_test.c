#include "image.h"
#include "message.h"
#include "record.h"
#include "write.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

static int new_file(void)
{
    int fd = memfd_create("stream", 0);
    assert_true(fd >= 0);
    return fd;
}

static struct image sample(uint64_t id, const uint8_t *pixels)
{
    return (struct image){.id = id,
                          .key = "cat/1.png",
                          .key_size = 9,
                          .label = 1,
                          .split = SPLIT_TEST,
                          .height = 2,
                          .width = 3,
                          .channels = 1,
                          .pixels = pixels};
}

/* A whole stream of count images; returns its size. The fd stands at the stream's end. */
static size_t write_stream(int fd, uint64_t count)
{
    static const uint8_t pixels[6] = {1, 2, 3, 4, 5, 6};
    char *classes[] = {"bird", "cat"};
    struct writer *writer = write_open(dup(fd), "output");
    write_header(writer, "images");
    pack_texts(writer, "classes", classes, 2);
    assert_int_equal(write_end(writer), 0);
    for (uint64_t i = 0; i < count; i++) {
        struct image image = sample(i, pixels);
        assert_int_equal(image_write(writer, &image), 0);
    }
    assert_int_equal(write_finish(writer), 0);
    write_close(writer);
    return (size_t)lseek(fd, 0, SEEK_CUR);
}

/* Reads all records; the last result of record_next(). */
static int read_all(int fd, int how, uint64_t *images)
{
    struct reader *reader = record_open(fd, "input", how);
    struct record record;
    int got;
    *images = 0;
    while ((got = record_next(reader, &record)) == RECORD_READ)
        *images += record.type == RECORD_IMAGE;
    record_close(reader);
    return got;
}

static void round_trip(void **state)
{
    int fd = new_file();
    struct record record;
    struct image image;
    struct classes classes;
    (void)state;
    write_stream(fd, 1);
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "input", READ_STREAM);
    assert_int_equal(record_header(reader, "images epochs", &record), 0);
    assert_int_equal(classes_read(&record, &classes), 0);
    assert_string_equal(classes.name[1], "cat");
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(image_read(&record, classes.count, &image), 0);
    assert_int_equal(image.label, 1);
    assert_int_equal(image.split, SPLIT_TEST);
    assert_int_equal(image.fields.size, 9);
    assert_memory_equal(image.key, "cat/1.png", 9);
    assert_memory_equal(image.pixels, "\1\2\3\4\5\6", 6);
    assert_int_equal(image_read(&record, 1, &image), -1); /* label 1 of 1 class */
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(record.type, RECORD_END);
    assert_int_equal(record_next(reader, &record), RECORD_NONE);
    classes_free(&classes);
    record_close(reader);
    close(fd);
}

/* Fields that psweep does not know go through a read and a write, with a label or without, and with
 * so many guesses. */
static void check_unknown_field(uint32_t label, uint32_t guesses)
{
    int fd = new_file();
    struct record record;
    struct image image;
    static const uint8_t pixels[6] = {0};
    struct writer *writer = write_open(dup(fd), "output"), *again = write_open(-1, "an image");
    size_t size, plain;
    write_header(writer, "images");
    write_end(writer);
    image = sample(7, pixels);
    image.label = label;
    image.guesses = guesses;
    image.guess[0] = (struct guess){1, 0.75};
    image.guess[1] = (struct guess){0, 0.25};
    image_write(again, &image);
    const uint8_t *bytes = write_last(again, &plain);
    uint8_t *more = ealloc(plain, 1);
    memcpy(more, bytes, plain);
    more[0]++; /* fields of the map */
    write_begin_with(writer, more, plain);
    pack_text(writer, "caption", "puss");
    write_end(writer);
    assert_int_equal(write_finish(writer), 0);
    write_close(writer);
    free(more);
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "input", READ_STREAM);
    record_next(reader, &record);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    memset(&image, -1, sizeof image);
    assert_int_equal(image_read(&record, 2, &image), 0);
    assert_int_equal(image.label, label);
    assert_int_equal(image.guesses, guesses);
    assert_true(guesses == 0 || (image.guess[0].class == 1 && image.guess[0].probability == 0.75));
    assert_true(guesses < 2 || (image.guess[1].class == 0 && image.guess[1].probability == 0.25));
    assert_true(object_is(record_field(&record, "caption"), "puss"));
    assert_false(object_is(record_field(&record, "caption"), "pus"));
    assert_false(object_is(record_field(&record, "no such"), "puss"));
    image_write(again, &image);
    bytes = write_last(again, &size);
    assert_true(size > plain);
    assert_int_equal(size, record.size);
    assert_memory_equal(bytes, record.bytes, size);
    record_close(reader);
    write_close(again);
    close(fd);
}

static void unknown_fields_pass(void **state)
{
    (void)state;
    for (uint32_t guesses = 0; guesses < 3; guesses++) {
        check_unknown_field(1, guesses);
        check_unknown_field(NO_CLASS, guesses);
    }
}

/* Every shortening of a stream is an error with status DAMAGED, whatever byte it ends at. */
static void every_cut_is_found(void **state)
{
    int fd = new_file();
    uint64_t images;
    size_t size = write_stream(fd, 3);
    (void)state;
    for (size_t cut = size; cut-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(read_all(fd, READ_STREAM, &images), -1);
        assert_int_equal(why_status(), DAMAGED);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(read_all(fd, READ_FOLLOW, &images), RECORD_WAIT);
    }
    close(fd);
}

/* Every flipped bit is an error too, by the digest or earlier. */
static void every_flip_is_found(void **state)
{
    int fd = new_file();
    uint64_t images;
    size_t size = write_stream(fd, 2);
    (void)state;
    for (size_t place = 0; place < size; place++)
        for (int bit = 0; bit < 8; bit++) {
            uint8_t byte, wrong;
            assert_int_equal(pread(fd, &byte, 1, (off_t)place), 1);
            wrong = byte ^ (uint8_t)(1 << bit);
            assert_int_equal(pwrite(fd, &wrong, 1, (off_t)place), 1);
            lseek(fd, 0, SEEK_SET);
            assert_int_equal(read_all(fd, READ_STREAM, &images), -1);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)place), 1);
        }
    close(fd);
}

static void joined_streams(void **state)
{
    int fd = new_file();
    uint64_t images;
    (void)state;
    write_stream(fd, 2);
    write_stream(fd, 3);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(read_all(fd, READ_STREAM, &images), RECORD_NONE);
    assert_int_equal(images, 5);
    close(fd);
}

/* The last 43 bytes, as FORMAT.md spells them. */
static void tail_tells(void **state)
{
    enum { TAIL = 43 };
    static const uint8_t before[] = "\x83\xa4type\xa3"
                                    "end\xa7records\xcf\0\0\0\0\0\0\0\x05\xa6"
                                    "digest\xcf";
    int fd = new_file();
    size_t size = write_stream(fd, 4);
    uint8_t *all = ealloc(size, 1), *tail = all + size - TAIL;
    (void)state;
    assert_int_equal(pread(fd, all, size, 0), size);
    assert_memory_equal(tail, before, sizeof before - 1);
    uint64_t digest = 0;
    for (int i = 0; i < 8; i++)
        digest = digest << 8 | tail[TAIL - 8 + i];
    assert_true(digest == XXH3_64bits(all, size - TAIL));
    free(all);
    close(fd);
}

/* What a reader would refuse is not written, and what was written before it stays as it is. */
static void nothing_unreadable_is_written(void **state)
{
    int fd = new_file();
    uint64_t images;
    (void)state;
    struct writer *writer = write_open(fd, "output");
    write_header(writer, "images");
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(write_flush(writer), 0);
    off_t before = lseek(fd, 0, SEEK_CUR);
    write_begin(writer, "score");
    pack_array(writer, "confusion");
    for (int row = 0; row < 1100; row++) {
        pack_array(writer, NULL);
        for (int column = 0; column < 1100; column++)
            pack_uint(writer, NULL, 0);
        pack_close(writer);
    }
    assert_int_equal(write_end(writer), -1);
    assert_non_null(strstr(why(), "larger than any reader accepts"));
    assert_int_equal(write_finish(writer), -1);
    assert_int_equal(lseek(fd, 0, SEEK_END), before);
    write_close(writer);
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(read_all(fd, READ_STREAM, &images), -1);
    close(fd);
}

/* A record whose map has more fields than a head of one byte can tell, and in it arrays of all
 * sizes of heads: as msgpack-c writes them. */
static void heads_are_the_shortest(void **state)
{
    static const uint32_t sizes[] = {0, 1, 15, 16, 17, 65535, 65536};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct writer *writer = write_open(-1, "a record");
    msgpack_sbuffer wanted;
    msgpack_packer packer;
    (void)state;
    msgpack_sbuffer_init(&wanted);
    msgpack_packer_init(&packer, &wanted, msgpack_sbuffer_write);
    for (uint32_t fields = 0; fields < 20; fields++) {
        msgpack_sbuffer_clear(&wanted);
        msgpack_pack_map(&packer, 2 + fields);
        msgpack_pack_str_with_body(&packer, "type", 4);
        msgpack_pack_str_with_body(&packer, "score", 5);
        write_begin(writer, "score");
        for (uint32_t i = 0; i < fields; i++) {
            msgpack_pack_str_with_body(&packer, "field", 5);
            msgpack_pack_uint64(&packer, i);
            pack_uint(writer, "field", i);
        }
        msgpack_pack_str_with_body(&packer, "arrays", 6);
        msgpack_pack_array(&packer, SIZES);
        pack_array(writer, "arrays");
        for (int s = 0; s < SIZES; s++) {
            msgpack_pack_array(&packer, sizes[s]);
            pack_array(writer, NULL);
            for (uint32_t i = 0; i < sizes[s]; i++) {
                msgpack_pack_nil(&packer);
                pack_nil(writer, NULL);
            }
            pack_close(writer);
        }
        pack_close(writer);
        assert_int_equal(write_end(writer), 0);
        size_t size;
        const uint8_t *bytes = write_last(writer, &size);
        assert_int_equal(size, wanted.size);
        assert_memory_equal(bytes, wanted.data, size);
    }
    msgpack_sbuffer_destroy(&wanted);
    write_close(writer);
}

/* Headers hold those before them, so they can grow too deep without being large. */
static void no_header_is_too_deep(void **state)
{
    (void)state;
    for (int nested = 14; nested <= 15; nested++) {
        int fd = new_file();
        struct writer *writer = write_open(fd, "output");
        char deep[16];
        memset(deep, 0x91, sizeof deep); /* arrays of one element */
        deep[nested] = 1;
        write_header(writer, "images"); /* the map is the first level, upstream the second */
        pack_array(writer, "upstream");
        pack_raw(writer, deep, (size_t)nested + 1, 1);
        assert_int_equal(write_end(writer), nested == 14 ? 0 : -1);
        write_close(writer);
        close(fd);
    }
}

/* Five bytes that tell of 4 GB must not take memory for them. */
static void lies_take_no_memory(void **state)
{
    static const uint8_t
        bin[] = "\xc6\xff\xff\xff\xff",
        array[] = "\xdd\xff\xff\xff\xff",
        deep[] = "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91",
        unused[] = "\xc1", long_but_allowed[] = "\xc6\x00\x10\x00\x00";
    (void)state;
    assert_int_equal(record_span(bin, 5), -1);
    assert_int_equal(record_span(array, 5), -1);
    assert_int_equal(record_span(deep, 18), -1);
    assert_int_equal(record_span(unused, 1), -1);
    assert_int_equal(record_span(long_but_allowed, 5), 0);
    assert_int_equal(record_span((const uint8_t *)"\x82\x01\x02\x03", 4), 0);
    assert_int_equal(record_span((const uint8_t *)"\x82\x01\x02\x03\x04", 5), 5);
}

/* Every kind of head that msgpack has, as its specification lists them: with its length, and one
 * byte short. */
static void every_head(void **state)
{
    static const struct {
        const char *bytes;
        int64_t size;
    } heads[] = {
        {"\x7f", 1},
        {"\xe0", 1},
        {"\xc0", 1},
        {"\xc2", 1},
        {"\xc3", 1},
        {"\xa1z", 2},
        {"\x91\x01", 2},
        {"\x81\x01\x02", 3},
        {"\xc4\x01z", 3},
        {"\xc5\0\1z", 4},
        {"\xc6\0\0\0\1z", 6},
        {"\xc7\1\5z", 4},
        {"\xc8\0\1\5z", 5},
        {"\xc9\0\0\0\1\5z", 7},
        {"\xca\0\0\0\0", 5},
        {"\xcb\0\0\0\0\0\0\0\0", 9},
        {"\xcc\1", 2},
        {"\xcd\0\1", 3},
        {"\xce\0\0\0\1", 5},
        {"\xcf\0\0\0\0\0\0\0\1", 9},
        {"\xd0\1", 2},
        {"\xd1\0\1", 3},
        {"\xd2\0\0\0\1", 5},
        {"\xd3\0\0\0\0\0\0\0\1", 9},
        {"\xd4\5z", 3},
        {"\xd5\5zz", 4},
        {"\xd6\5zzzz", 6},
        {"\xd7\5zzzzzzzz", 10},
        {"\xd8\5zzzzzzzzzzzzzzzz", 18},
        {"\xd9\1z", 3},
        {"\xda\0\1z", 4},
        {"\xdb\0\0\0\1z", 6},
        {"\xdc\0\1\x07", 4},
        {"\xdd\0\0\0\1\x07", 6},
        {"\xde\0\1\x07\x08", 5},
        {"\xdf\0\0\0\1\x07\x08", 7},
    };
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        const uint8_t *bytes = (const uint8_t *)heads[i].bytes;
        assert_int_equal(record_span(bytes, (size_t)heads[i].size), heads[i].size);
        assert_int_equal(record_span(bytes, (size_t)heads[i].size - 1), 0);
    }
}

static void wrong_kind(void **state)
{
    int fd = new_file();
    struct record record;
    (void)state;
    write_stream(fd, 1);
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "input", READ_STREAM);
    assert_int_equal(record_header(reader, "run scores", &record), -1);
    assert_string_equal(why(),
                        "input is a stream of kind images; one of kind run or scores is wanted");
    record_close(reader);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(unknown_fields_pass),
        cmocka_unit_test(every_cut_is_found),
        cmocka_unit_test(every_flip_is_found),
        cmocka_unit_test(joined_streams),
        cmocka_unit_test(tail_tells),
        cmocka_unit_test(nothing_unreadable_is_written),
        cmocka_unit_test(heads_are_the_shortest),
        cmocka_unit_test(no_header_is_too_deep),
        cmocka_unit_test(lies_take_no_memory),
        cmocka_unit_test(every_head),
        cmocka_unit_test(wrong_kind),
    };
    return RUN_TESTS(tests);
}
