/* The network's layout and initial values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "nn/net.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

static struct net net;

static int make(uint32_t depth, uint32_t height, uint32_t width, uint32_t channels,
                uint32_t classes)
{
    struct net_shape shape = {depth, 16, height, width, channels, classes, ""};
    return net_make(&net, &shape);
}

static void test_filters_follow_depth(void **state)
{
    (void)state;
    const uint32_t filters[] = {16, 11, 9, 8}; /* round(16 / √depth) */
    for (uint32_t depth = 1; depth <= 4; depth++) {
        assert_int_equal(make(depth, 32, 32, 3, 10), 0);
        assert_int_equal(net.layers, 3 * depth * 2 + 4);
        assert_int_equal(net.layer[0].out_channels, filters[depth - 1]);
        assert_int_equal(net.layer[net.layers - 3].in_channels, 4 * filters[depth - 1]);
        assert_int_equal(net.layer[net.layers - 3].in_height, 8);
        assert_int_equal(net.layer[net.layers - 1].kind, LAYER_CONNECTED);
    }
    assert_int_equal(make(NET_MAX_DEPTH, 32, 32, 3, 10), 0);
}

/* Depth 1 by hand: 3→16 at 32×32, 16→32 at 16×16, 32→64 at 8×8, 64→10. */
static void test_sizes_by_hand(void **state)
{
    (void)state;
    assert_int_equal(make(1, 32, 32, 3, 10), 0);
    size_t weights = 9 * (3 * 16 + 16 * 32 + 32 * 64) + 64 * 10;
    assert_int_equal(net.parameters, weights + 5 * (16 + 32 + 64) + 10);
    assert_int_equal(net_multiply_adds(&net),
                     9 * (3 * 16 * 1024 + 16 * 32 * 256 + 32 * 64 * 64) + 640);
    /* On a GPU 3 channels are 8 and 10 classes 16. */
    size_t image = 8 * 1024 + 2 * (16 * 1024 + 32 * 256 + 64 * 64) + 4 * 16 * 1024 + 2 * 10;
    weights = 9 * (8 * 16 + 16 * 32 + 32 * 64) + 64 * 16;
    assert_int_equal(net_gpu_bytes(&net, 128),
                     4 * (128 * image + 5 * weights + 16 * (16 + 32 + 64 + 3 * 64) + 1024 * 64) +
                         128 * 4 * (32 * 32 * 3 + 32) + 65536);
}

static void test_tensors_fill_the_parameters(void **state)
{
    (void)state;
    assert_int_equal(make(3, 12, 8, 5, 7), 0);
    size_t end = 0;
    for (uint32_t i = 0; i < net.tensors; i++) {
        const struct tensor *t = &net.tensor[i];
        assert_int_equal(t->offset, end);
        assert_int_equal(t->size,
                         (size_t)t->extent[0] * t->extent[1] * t->extent[2] * t->extent[3]);
        end += t->size;
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(t->name, net.tensor[j].name);
    }
    assert_int_equal(end, net.parameters);
    assert_string_equal(net.tensor[6].name, "block1.convolution2.weights");
    assert_int_equal(net.tensor[6].dimensions, 4);
    assert_string_equal(net.tensor[11].name, "block1.normalise2.variance");
    assert_string_equal(net.tensor[net.tensors - 1].name, "connected.bias");
}

static void test_impossible_shapes_are_named(void **state)
{
    (void)state;
    assert_int_equal(make(0, 32, 32, 3, 10), -1);
    assert_non_null(strstr(why(), "depth must be from 1 to 64, not 0"));
    assert_int_equal(make(NET_MAX_DEPTH + 1, 32, 32, 3, 10), -1);
    assert_int_equal(make(1, 30, 32, 3, 10), -1);
    assert_non_null(strstr(why(), "30×32"));
    assert_non_null(strstr(why(), "(psfetch --resize 32x32 makes them so)"));
    assert_int_equal(make(1, 32, 0, 3, 10), -1);
    assert_int_equal(make(1, 32, 32, 0, 10), -1);
    assert_int_equal(make(1, 32, 32, NET_MAX_CHANNELS + 1, 10), -1);
    assert_int_equal(make(1, 32, 32, 3, 1), -1);
    assert_non_null(strstr(why(), "1 class"));
}

static int make_stages(const char *stages, uint32_t side)
{
    struct net_shape shape = {1, 16, side, side, 3, 10, ""};
    snprintf(shape.stages, sizeof shape.stages, "%s", stages);
    return net_make(&net, &shape);
}

static void test_a_text_names_the_stages(void **state)
{
    (void)state;
    assert_int_equal(make_stages("24w-64p-64-64+2-256k1p-256-max", 20), 0);
    const enum layer_kind kinds[] = {
        LAYER_CONVOLUTION, LAYER_NORMALISE, LAYER_CONVOLUTION, LAYER_NORMALISE,   LAYER_MAX_POOL,
        LAYER_CONVOLUTION, LAYER_NORMALISE, LAYER_CONVOLUTION, LAYER_NORMALISE,   LAYER_ADD,
        LAYER_CONVOLUTION, LAYER_NORMALISE, LAYER_MAX_POOL,    LAYER_CONVOLUTION, LAYER_NORMALISE,
        LAYER_GLOBAL_POOL, LAYER_CONNECTED};
    assert_int_equal(net.layers, sizeof kinds / sizeof *kinds);
    for (uint32_t i = 0; i < net.layers; i++)
        assert_int_equal(net.layer[i].kind, kinds[i]);
    assert_int_equal(net.layer[9].from, 5); /* what went into the stage before its own */
    assert_int_equal(net.layer[7].back, 2);
    assert_int_equal(net.layer[2].pool, POOL_MAX);
    assert_int_equal(net.layer[13].pool, POOL_GLOBAL_MAX);
    assert_int_equal(net.layer[13].in_height, 5);
    assert_true(net.layer[0].fixed && !net.layer[2].fixed);
    assert_int_equal(net.tensor[0].kind, TENSOR_FIXED);
    assert_int_equal(net.tensor[24].extent[3], 1);
    assert_string_equal(net.tensor[24].name, "block2.convolution3.weights");
    assert_int_equal(net_multiply_adds(&net), 9 * (3 * 24 + 24 * 64) * 400 + 9 * 64 * 64 * 2 * 100 +
                                                  64 * 256 * 100 + 9 * 256 * 256 * 25 + 2560);
}

/* The short form is the same network as the text that names its stages. */
static void test_a_text_of_the_short_form(void **state)
{
    (void)state;
    assert_int_equal(make(2, 32, 32, 3, 10), 0);
    struct net blocks = net;
    char text[NET_TEXT];
    net_text(&blocks, text);
    assert_string_equal(text, "11-11p-22-22p-44-44");
    assert_int_equal(make_stages(text, 32), 0);
    net_text(&net, text);
    assert_string_equal(text, "11-11p-22-22p-44-44");
    memset(net.shape.stages, 0, sizeof net.shape.stages);
    net.shape.depth = 2;
    assert_memory_equal(&blocks, &net, sizeof net);
    /* The longest there is. */
    struct net_shape longest = {NET_MAX_DEPTH, NET_MAX_FILTERS, 32, 32, 3, 10, ""};
    assert_int_equal(net_make(&net, &longest), 0);
    net_text(&net, text);
    assert_int_equal(strlen(text), 64 * (strlen("512-") + strlen("1024-") + strlen("2048-")) + 1);
    assert_string_equal(text + strlen(text) - 5, "-2048");
}

static void test_impossible_texts_are_named(void **state)
{
    (void)state;
    const struct {
        const char *text, *complaint;
    } wrong[] = {
        {"-", "stage 1 of the network, '', does not begin"},
        {"64-", "stage 2 of the network, '', does not begin"},
        {"0p-64", "stage 1 of the network, '0p', does not begin"},
        {"4097", "1 to 4096"},
        {"12345678901", "1 to 4096"},
        {"64k5", "kernels are of 3×3 (k3) or 1×1 (k1)"},
        {"64-64w", "only the first stage can whiten"},
        {"64+1", "never the images"},
        {"64-64+2", "never the images"},
        {"64-64+1p-64", "an addition has no pool"},
        {"64-64pp-64", "'64pp', is not understood"},
        {"64-64 -64", "is not understood"},
        {"32-64+1", "adds what went into stage 2: 32 channels to 64"},
        {"64-64p-64-64+3", "stage 2 between them has a pool"},
        {"64-64-64+1-64+2", "stage 3 between them has an addition"},
        {"64-64p", "last stage of the network cannot have a pool"},
        {"max", "stage 1 of the network, 'max'"},
        {"64p-64p-64p-64", "multiples of 8 (psfetch --resize 24x24"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(make_stages(wrong[i].text, 20), -1);
        if (strstr(why(), wrong[i].complaint) == NULL)
            fail_msg("%s: %s", wrong[i].text, why());
    }
    char many[NET_TEXT] = "1";
    for (int i = 0; i < NET_MAX_STAGES; i++)
        strcat(many, "-1");
    assert_int_equal(make_stages(many, 20), -1);
    assert_non_null(strstr(why(), "more than 192 stages"));
}

static void test_other_initial_values(void **state)
{
    (void)state;
    assert_int_equal(make_stages("6w-4-8p-8k1", 20), 0);
    float *he = ealloc(net.parameters, sizeof *he), *dirac = ealloc(net.parameters, sizeof *he);
    net_initialise(&net, INITIAL_HE, 7, he);
    net_initialise(&net, INITIAL_DIRAC, 7, dirac);
    for (size_t i = 0; i < net.tensor[0].size; i++)
        assert_true(he[i] == 0 && dirac[i] == 0); /* fixed weights come of the images */
    const struct tensor *t = &net.tensor[6];      /* 4 filters of 6 channels */
    double limit = sqrt(6.0 / (6 * 9)), largest = 0;
    for (size_t i = 0; i < t->size; i++)
        largest = fmax(largest, fabs(he[t->offset + i]));
    assert_true(largest <= limit && largest > 0.9 * limit);
    for (size_t i = 0; i < t->size; i++)
        assert_true(dirac[t->offset + i] == (i / 54 == i % 54 / 9 && i % 9 == 4));
    t = &net.tensor[12]; /* 8 filters of 4 channels: the others are as they were */
    for (size_t i = 0; i < t->size; i++)
        assert_true((i / 36 >= 4) ==
                    (dirac[t->offset + i] != (i / 36 == i % 36 / 9 && i % 9 == 4)));
    free(he);
    free(dirac);
}

static void test_initial_values(void **state)
{
    (void)state;
    assert_int_equal(make(2, 32, 32, 3, 10), 0);
    float *one = ealloc(net.parameters, sizeof *one), *other = ealloc(net.parameters, sizeof *one);
    net_initialise(&net, INITIAL_GLOROT, 7, one);
    net_initialise(&net, INITIAL_GLOROT, 8, other);
    for (uint32_t i = 0; i < net.tensors; i++) {
        const struct tensor *t = &net.tensor[i];
        double limit = sqrt(6.0 / (t->fan_in + t->fan_out)), square = 0, sum = 0;
        for (size_t e = t->offset; e < t->offset + t->size; e++) {
            if (t->kind == TENSOR_ONE || t->kind == TENSOR_VARIANCE)
                assert_true(one[e] == 1);
            else if (t->kind != TENSOR_WEIGHTS)
                assert_true(one[e] == 0);
            assert_true(t->kind != TENSOR_WEIGHTS || fabs(one[e]) <= limit);
            sum += one[e];
            square += (double)one[e] * one[e];
        }
        if (t->kind == TENSOR_WEIGHTS) { /* a uniform number has variance limit²/3 */
            double n = (double)t->size;
            assert_true(fabs(sum / n) < 4 * limit / sqrt(3 * n));
            assert_true(fabs(square / n / (limit * limit / 3) - 1) < 4 * sqrt(0.8 / n));
            assert_memory_not_equal(one + t->offset, other + t->offset, t->size * sizeof *one);
        }
    }
    /* a value depends on its place alone */
    struct net deeper;
    struct net_shape shape = net.shape;
    shape.classes = 11;
    assert_int_equal(net_make(&deeper, &shape), 0);
    float *more = ealloc(deeper.parameters, sizeof *more);
    net_initialise(&deeper, INITIAL_GLOROT, 7, more);
    assert_memory_equal(one, more, net.tensor[net.tensors - 2].offset * sizeof *one);
    free(one);
    free(other);
    free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_follow_depth),
        cmocka_unit_test(test_sizes_by_hand),
        cmocka_unit_test(test_tensors_fill_the_parameters),
        cmocka_unit_test(test_impossible_shapes_are_named),
        cmocka_unit_test(test_a_text_names_the_stages),
        cmocka_unit_test(test_a_text_of_the_short_form),
        cmocka_unit_test(test_impossible_texts_are_named),
        cmocka_unit_test(test_initial_values),
        cmocka_unit_test(test_other_initial_values),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
