#include "onnx.h"

#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IR_VERSION = 7, OPSET = 13 };

/* The fields that are used of each message, as onnx.proto numbers them. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_PRODUCER_VERSION = 3,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_METADATA = 14,

    OPSET_VERSION = 2,

    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,

    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,

    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OPERATOR = 4,
    NODE_ATTRIBUTE = 5,

    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_FLOAT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TYPE = 20,
    TYPE_IS_FLOAT = 1,
    TYPE_IS_INT = 2,
    TYPE_IS_INTS = 7,

    TENSOR_DIMENSION = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    ELEMENT_FLOAT = 1,
    ELEMENT_UINT8 = 2,

    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_TYPE_ELEMENT = 1,
    TENSOR_TYPE_SHAPE = 2,
    SHAPE_DIMENSION = 1,
    DIMENSION_VALUE = 1,
    DIMENSION_NAME = 2,
};

/* Protobuf's wire format: a number is 7 bits a byte, the lowest first, and all bytes but its last
 * have the eighth bit; a field is its number · 8 + 0 and a number, or + 2 and counted bytes. */
static void put_varint(struct bytes *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        bytes_number(to, (number & 0x7f) | 0x80, 1);
    bytes_number(to, number, 1);
}

static void put_number(struct bytes *to, uint32_t field, uint64_t number)
{
    put_varint(to, field << 3);
    put_varint(to, number);
}

static void put_bytes(struct bytes *to, uint32_t field, const void *bytes, size_t size)
{
    put_varint(to, field << 3 | 2);
    put_varint(to, size);
    bytes_add(to, bytes, size);
}

static void put_text(struct bytes *to, uint32_t field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

/* The message ends with that. */
static void put_message(struct bytes *to, uint32_t field, struct bytes *message)
{
    put_bytes(to, field, message->at, message->size);
    free(message->at);
    *message = (struct bytes){0};
}

static void put_entry(struct bytes *model, const char *key, const char *value)
{
    struct bytes entry = {0};
    put_text(&entry, ENTRY_KEY, key);
    put_text(&entry, ENTRY_VALUE, value);
    put_message(model, MODEL_METADATA, &entry);
}

/* One of the graph's inputs or outputs: [images][size[0]] … of count sizes. */
static void put_value(struct bytes *graph, uint32_t field, const char *name, uint64_t element,
                      int count, const uint32_t *size)
{
    struct bytes value = {0}, type = {0}, tensor = {0}, shape = {0}, dimension = {0};
    put_text(&dimension, DIMENSION_NAME, "batch");
    put_message(&shape, SHAPE_DIMENSION, &dimension);
    for (int i = 0; i < count; i++) {
        put_number(&dimension, DIMENSION_VALUE, size[i]);
        put_message(&shape, SHAPE_DIMENSION, &dimension);
    }
    put_number(&tensor, TENSOR_TYPE_ELEMENT, element);
    put_message(&tensor, TENSOR_TYPE_SHAPE, &shape);
    put_message(&type, TYPE_TENSOR, &tensor);
    put_text(&value, VALUE_NAME, name);
    put_message(&value, VALUE_TYPE, &type);
    put_message(graph, field, &value);
}

static void put_tensor(struct bytes *graph, const char *name, uint32_t count,
                       const uint32_t *extent, const float *values)
{
    struct bytes tensor = {0};
    size_t size = 1;
    for (uint32_t i = 0; i < count; i++) {
        put_number(&tensor, TENSOR_DIMENSION, extent[i]);
        size *= extent[i];
    }
    put_number(&tensor, TENSOR_TYPE, ELEMENT_FLOAT);
    put_text(&tensor, TENSOR_NAME, name);
    put_bytes(&tensor, TENSOR_RAW, values, size * sizeof *values);
    put_message(graph, GRAPH_INITIALIZER, &tensor);
}

/* Attributes of a node that is being made. */
static void put_float(struct bytes *node, const char *name, float value)
{
    struct bytes attribute = {0};
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_text(&attribute, ATTRIBUTE_NAME, name);
    put_number(&attribute, ATTRIBUTE_TYPE, TYPE_IS_FLOAT);
    put_varint(&attribute, ATTRIBUTE_FLOAT << 3 | 5); /* + 5: four bytes */
    bytes_number(&attribute, bits, sizeof bits);
    put_message(node, NODE_ATTRIBUTE, &attribute);
}

static void put_int(struct bytes *node, const char *name, uint64_t value)
{
    struct bytes attribute = {0};
    put_text(&attribute, ATTRIBUTE_NAME, name);
    put_number(&attribute, ATTRIBUTE_TYPE, TYPE_IS_INT);
    put_number(&attribute, ATTRIBUTE_INT, value);
    put_message(node, NODE_ATTRIBUTE, &attribute);
}

static void put_ints(struct bytes *node, const char *name, int count, const uint32_t *values)
{
    struct bytes attribute = {0};
    put_text(&attribute, ATTRIBUTE_NAME, name);
    put_number(&attribute, ATTRIBUTE_TYPE, TYPE_IS_INTS);
    for (int i = 0; i < count; i++)
        put_number(&attribute, ATTRIBUTE_INTS, values[i]);
    put_message(node, NODE_ATTRIBUTE, &attribute);
}

/* What a node makes has the node's name. */
enum { NAME = 48 };
struct chain {
    struct bytes *graph;
    const struct model *model;
    const struct onnx_options *options;
    char last[NAME];                    /* the node whose output the next one takes */
    char entered[NET_MAX_LAYERS][NAME]; /* … that a layer took */
};

/* Begins a node that takes what the last one made; more inputs, and attributes, may follow. Then
 * put_message(chain->graph, GRAPH_NODE, node) adds it. */
static struct bytes begin_node(struct chain *chain, const char *op, const char *name)
{
    struct bytes node = {0};
    put_text(&node, NODE_OPERATOR, op);
    put_text(&node, NODE_NAME, name);
    put_text(&node, NODE_INPUT, chain->last);
    put_text(&node, NODE_OUTPUT, name);
    snprintf(chain->last, sizeof chain->last, "%s", name);
    return node;
}

/* A node without attributes, which takes another input, too, unless that is NULL. */
static void add_node(struct chain *chain, const char *op, const char *name, const char *other)
{
    struct bytes node = begin_node(chain, op, name);
    if (other)
        put_text(&node, NODE_INPUT, other);
    put_message(chain->graph, GRAPH_NODE, &node);
}

static void add_tensor(struct chain *chain, const struct tensor *t)
{
    put_tensor(chain->graph, t->name, t->dimensions, t->extent,
               chain->model->parameters + t->offset);
}

/* Pixels, scaled, as [image][channel][row][column]. */
static void add_scaling(struct chain *chain)
{
    const struct images_about *about = &chain->model->about;
    const uint32_t shape[] = {about->channels, 1, 1}, order[] = {0, 3, 1, 2};
    float mean[NET_MAX_CHANNELS], scale[NET_MAX_CHANNELS];
    double white = chain->options->floats ? 255 : 1;
    struct bytes node = {0};
    for (uint32_t c = 0; c < about->channels; c++) {
        mean[c] = (float)(about->mean[c] / white);
        scale[c] = (float)(white / about->deviation[c]);
    }
    snprintf(chain->last, sizeof chain->last, "images");
    if (!chain->options->floats) {
        node = begin_node(chain, "Transpose", "channels_first");
        put_ints(&node, "perm", 4, order);
        put_message(chain->graph, GRAPH_NODE, &node);
        node = begin_node(chain, "Cast", "pixels");
        put_int(&node, "to", ELEMENT_FLOAT);
        put_message(chain->graph, GRAPH_NODE, &node);
    }
    put_tensor(chain->graph, "mean", 3, shape, mean);
    put_tensor(chain->graph, "scale", 3, shape, scale);
    add_node(chain, "Sub", "centred", "mean");
    add_node(chain, "Mul", "scaled", "scale");
}

/* The weights and the bias of a convolution that does what follows it, too: t[0 … 5] are its
 * tensors and those of the batch normalisation. */
static void add_folded(struct chain *chain, const struct tensor *t)
{
    const float *parameters = chain->model->parameters;
    const float *scale = parameters + t[2].offset, *offset = parameters + t[3].offset;
    const float *mean = parameters + t[4].offset, *variance = parameters + t[5].offset;
    size_t filter = t[0].size / t[0].extent[0];
    float *weights = ealloc(t[0].size, sizeof *weights), *bias = ealloc(t[1].size, sizeof *bias);
    for (size_t o = 0; o < t[1].size; o++) {
        double gain = scale[o] / sqrt(variance[o] + NET_EPSILON);
        bias[o] = (float)((parameters[t[1].offset + o] - (double)mean[o]) * gain + offset[o]);
        for (size_t i = o * filter; i < (o + 1) * filter; i++)
            weights[i] = (float)(parameters[t[0].offset + i] * gain);
    }
    put_tensor(chain->graph, t[0].name, t[0].dimensions, t[0].extent, weights);
    put_tensor(chain->graph, t[1].name, t[1].dimensions, t[1].extent, bias);
    free(weights);
    free(bias);
}

/* A convolution, and batch normalisation and ReLU: the layer that follows. */
static void add_stage(struct chain *chain, const struct layer *l, uint32_t block, uint32_t number)
{
    const struct tensor *t = &chain->model->net.tensor[l->tensor];
    const uint32_t kernel[] = {l->kernel, l->kernel}, side = l->kernel / 2,
                   pads[] = {side, side, side, side};
    char name[NAME];
    if (chain->options->keep_normalise)
        for (int i = 0; i < 6; i++)
            add_tensor(chain, &t[i]);
    else
        add_folded(chain, t);
    snprintf(name, sizeof name, "block%u.convolution%u", block, number);
    struct bytes node = begin_node(chain, "Conv", name);
    put_text(&node, NODE_INPUT, t[0].name);
    put_text(&node, NODE_INPUT, t[1].name);
    put_ints(&node, "kernel_shape", 2, kernel);
    put_ints(&node, "pads", 4, pads);
    put_message(chain->graph, GRAPH_NODE, &node);
    if (chain->options->keep_normalise) {
        snprintf(name, sizeof name, "block%u.normalise%u", block, number);
        node = begin_node(chain, "BatchNormalization", name);
        for (int i = 2; i < 6; i++)
            put_text(&node, NODE_INPUT, t[i].name);
        put_float(&node, "epsilon", (float)NET_EPSILON);
        put_message(chain->graph, GRAPH_NODE, &node);
    }
    snprintf(name, sizeof name, "block%u.relu%u", block, number);
    add_node(chain, "Relu", name, NULL);
}

static void add_layers(struct chain *chain)
{
    const struct net *net = &chain->model->net;
    const uint32_t two[] = {2, 2};
    struct bytes node;
    char name[NAME];
    uint32_t block = 1, number = 0;
    for (uint32_t i = 0; i < net->layers; i++) {
        const struct layer *l = &net->layer[i];
        const struct tensor *t = &net->tensor[l->tensor];
        memcpy(chain->entered[i], chain->last, NAME);
        switch (l->kind) {
        case LAYER_CONVOLUTION:
            add_stage(chain, l, block, ++number);
            break;
        case LAYER_NORMALISE: /* came with the convolution */
            break;
        case LAYER_ADD:
            snprintf(name, sizeof name, "block%u.add%u", block, number);
            add_node(chain, "Add", name, chain->entered[l->from]);
            break;
        case LAYER_MAX_POOL:
            snprintf(name, sizeof name, "block%u.pool", block++);
            node = begin_node(chain, "MaxPool", name);
            put_ints(&node, "kernel_shape", 2, two);
            put_ints(&node, "strides", 2, two);
            put_message(chain->graph, GRAPH_NODE, &node);
            number = 0;
            break;
        case LAYER_GLOBAL_POOL:
            add_node(chain, l->pool == POOL_MEAN ? "GlobalAveragePool" : "GlobalMaxPool",
                     "global_pool", NULL);
            add_node(chain, "Flatten", "features", NULL);
            break;
        case LAYER_CONNECTED:
            add_tensor(chain, &t[0]);
            add_tensor(chain, &t[1]);
            node = begin_node(chain, "Gemm", "logits");
            put_text(&node, NODE_INPUT, t[0].name);
            put_text(&node, NODE_INPUT, t[1].name);
            put_int(&node, "transB", 1);
            put_message(chain->graph, GRAPH_NODE, &node);
            add_node(chain, "Softmax", "probabilities", NULL);
        }
    }
}

void onnx_make(struct bytes *file, const struct model *model, char *const *classes,
               const char *network, const struct onnx_options *options)
{
    struct bytes graph = {0}, opset = {0}, names = {0};
    struct chain chain = {.graph = &graph, .model = model, .options = options};
    const struct images_about *a = &model->about;
    const uint32_t rows_first[] = {a->height, a->width, a->channels},
                   channels_first[] = {a->channels, a->height, a->width};
    put_text(&graph, GRAPH_NAME, "psweep");
    put_value(&graph, GRAPH_INPUT, "images", options->floats ? ELEMENT_FLOAT : ELEMENT_UINT8, 3,
              options->floats ? channels_first : rows_first);
    put_value(&graph, GRAPH_OUTPUT, "logits", ELEMENT_FLOAT, 1, &model->classes.count);
    put_value(&graph, GRAPH_OUTPUT, "probabilities", ELEMENT_FLOAT, 1, &model->classes.count);
    add_scaling(&chain);
    add_layers(&chain);

    put_number(file, MODEL_IR_VERSION, IR_VERSION);
    put_text(file, MODEL_PRODUCER, "psweep");
    put_text(file, MODEL_PRODUCER_VERSION, PSWEEP_VERSION);
    put_number(&opset, OPSET_VERSION, OPSET);
    put_message(file, MODEL_OPSET, &opset);
    put_message(file, MODEL_GRAPH, &graph);
    bytes_json_list(&names, classes, model->classes.count);
    bytes_number(&names, 0, 1);
    put_entry(file, "classes", (const char *)names.at);
    put_entry(file, "network", network);
    free(names.at);
}
