/* Tensors as records: what is packed is read back, and a list that does not fit is refused. */
#include "message.h"
#include "nn/model.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct net net;
static float *values;

static int make_net(void **state)
{
    struct net_shape shape = {1, 4, 8, 8, 3, 5, ""};
    (void)state;
    if (net_make(&net, &shape) < 0)
        return -1;
    values = ealloc(net.parameters, sizeof *values);
    for (size_t i = 0; i < net.parameters; i++)
        values[i] = (float)i / 7;
    return 0;
}

static int free_values(void **state)
{
    (void)state;
    free(values);
    return 0;
}

/* Packs the first count tensors of the net, with instead in the place of the one after those kept
 * whole, as a record, and reads it back into got. */
static int pack_and_read(uint32_t count, uint32_t whole, uint32_t instead, float *got)
{
    int fd = memfd_create("model", 0);
    struct writer *writer = write_open(fd, "output");
    write_header(writer, "run");
    assert_int_equal(write_end(writer), 0);
    write_begin(writer, "model");
    pack_array(writer, "tensors");
    for (uint32_t i = 0; i < count; i++) {
        const struct tensor *tensor = &net.tensor[i == whole ? instead : i];
        pack_map(writer, NULL);
        pack_text(writer, "name", tensor->name);
        pack_bin(writer, "values", values + tensor->offset, tensor->size * sizeof(float));
        pack_close(writer);
    }
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(write_flush(writer), 0);
    write_close(writer);

    struct record record;
    lseek(fd, 0, SEEK_SET);
    struct reader *reader = record_open(fd, "model", READ_STREAM);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    assert_int_equal(record_next(reader, &record), RECORD_READ);
    int result = model_read_tensors(&record, "tensors", &net, got, 0);
    record_close(reader);
    close(fd);
    return result;
}

static void whole_lists_come_back(void **state)
{
    float *got = ealloc(net.parameters, sizeof *got);
    (void)state;
    assert_int_equal(pack_and_read(net.tensors, net.tensors, 0, got), 0);
    assert_memory_equal(got, values, net.parameters * sizeof *got);
    free(got);
}

static void missing_and_repeated_tensors_are_refused(void **state)
{
    float *got = ealloc(net.parameters, sizeof *got);
    (void)state;
    assert_int_equal(pack_and_read(net.tensors - 1, net.tensors, 0, got), -1);
    assert_non_null(strstr(why(), "are missing"));
    /* A bias is as large as the scale behind it: only its name tells. */
    assert_int_equal(net.tensor[1].size, net.tensor[2].size);
    assert_int_equal(pack_and_read(net.tensors, 2, 1, got), -1);
    assert_int_equal(why_status(), DAMAGED);
    assert_non_null(strstr(why(), "does not fit"));
    free(got);
}

/* A run whose model is said to be of these stages, with no values. */
static void expect_refused(const char *stages, const char *reason)
{
    static char *classes[] = {"a", "b"};
    const struct images_about about = {
        .height = 8, .width = 8, .channels = 3, .deviation = {1, 1, 1}};
    char path[] = "/tmp/psweep-model-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct writer *writer = write_open(fd, "output");
    struct model model;
    write_header(writer, "run");
    pack_texts(writer, "classes", classes, 2);
    images_pack_about(writer, &about);
    assert_int_equal(write_end(writer), 0);
    write_begin(writer, "model");
    pack_uint(writer, "epoch", 1);
    pack_uint(writer, "epochs", 1);
    pack_uint(writer, "iteration", 1);
    pack_bool(writer, "stopped", 0);
    pack_map(writer, "network");
    pack_text(writer, "stages", stages);
    pack_close(writer);
    pack_array(writer, "tensors");
    pack_close(writer);
    assert_int_equal(write_end(writer), 0);
    assert_int_equal(write_finish(writer), 0);
    write_close(writer);
    close(fd);
    assert_int_equal(model_read(&model, path), -1);
    unlink(path);
    assert_non_null(strstr(why(), reason));
    assert_int_equal(why_status(), DAMAGED);
    assert_non_null(strstr(why(), path));
}

/* Damage, before memory is taken for it; and the file has its name in the sentence. */
static void networks_that_cannot_be_are_refused(void **state)
{
    char large[NET_TEXT] = "4096";
    (void)state;
    for (int i = 1; i < NET_MAX_STAGES; i++)
        strcat(large, "-4096");
    expect_refused("", "does not say what its network is");
    expect_refused("8-", "a network that cannot be: stage 2");
    expect_refused("8p-8p-8p-8p-8", "a network that cannot be: images of 8×8");
    expect_refused("8", "is too short for");
    expect_refused(large, "is too short for");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_lists_come_back),
        cmocka_unit_test(missing_and_repeated_tensors_are_refused),
        cmocka_unit_test(networks_that_cannot_be_are_refused),
    };
    return cmocka_set_message_output(CM_OUTPUT_TAP),
           cmocka_run_group_tests(tests, make_net, free_values);
}
