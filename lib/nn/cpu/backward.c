/* The way back, from the last stage to the first, weight gradients as partial sums of each item.
 *
 * A constant added before a normalisation does not change what comes out, so the gradient of the
 * convolutions' biases is exactly 0 and not computed. */
#include "passes.h"

#include <string.h>

/* Adds the sums over the batch up: gradients of scale and offset, and how dy follows from dz
 * (Ioffe, Szegedy, "Batch normalization", 2015, section 3): dy = gain·(dz - Σdz/n - (y -
 * mean)·inverse²·Σdz(y - mean)/n) */
static void settle_channel(struct cpu *cpu, const struct stage *s, int items, int channel)
{
    double sum = 0, product = 0, n = (double)cpu->count * s->height * s->width;
    for (int item = 0; item < items; item++) {
        const struct gradient_sums *g =
            &s->sums[(size_t)item * (size_t)s->channels + (size_t)channel];
        sum += g->sum;
        product += g->product;
    }
    struct normal *normal = &s->normal[channel];
    const struct batch_normal *b = &s->batch[channel];
    product += (normal->mean - b->mean) * sum; /* it was taken about the mean as a float */

    const struct tensor *t = &cpu->net.tensor[s->tensor];
    double gain = cpu->parameters[t[2].offset + (size_t)channel] * b->inverse;
    double slope = -gain * b->inverse * b->inverse * product / n;
    normal->slope = (float)slope;
    normal->level = (float)(-gain * sum / n - slope * b->mean);
    cpu->gradient[t[2].offset + (size_t)channel] = (float)(product * b->inverse);
    cpu->gradient[t[3].offset + (size_t)channel] = (float)sum;
}

/* One channel of the gradient of a stage's pooled activation. */
static const float *upstream(const struct cpu *cpu, int stage, int group, int channel)
{
    const struct stage *s = &cpu->stage[stage];
    return cpu->upstream[stage % 2] + (size_t)group * pooled_size(s) +
           (size_t)channel * pooled_plane(s);
}

/* An item's rows of a group of the gradient of what went into a stage, as its convolution gave it,
 * in out: adds what passed the stages that it was added behind, and keeps what will pass others. */
static void add_skipped(const struct cpu *cpu, const struct stage *s, int group,
                        const struct item *item, float *out)
{
    const struct stage *before = s - 1;
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row,
           floats = (size_t)item->rows * row;
    float *skipped = cpu->skipped + (size_t)group * pooled_size(before) + (size_t)item->first * row;
    out += (size_t)item->first * row;
    for (int channel = 0; channel < before->channels; channel++, out += plane, skipped += plane) {
        if (s->begins)
            cpu->kernels->add(skipped, floats / LANES, out);
        if (before->back)
            memcpy(skipped, out, floats * sizeof *out);
    }
}

/* The gradient of some channels of a stage's output into Winograd's space, one after the other: by
 * one of the kernels input_transform_gradient() and input_transform_results(). */
static void transform_gradient(const struct cpu *cpu, int stage, const struct strips *part,
                               int channel, int channels,
                               void (*transform)(const struct output *, const float *, int,
                                                 uint32_t, const struct input_tiles *),
                               struct input_tiles to)
{
    const struct stage *s = &cpu->stage[stage];
    to.tiles = s->across;
    for (int end = channel + channels; channel < end; channel++)
        for (int group = part->group; group < part->group + part->groups; group++) {
            struct output own = output_of(s, group, channel);
            const float *gradient = upstream(cpu, stage, group, channel);
            for (int i = 0; i < strips_of(part); i++, to.at += s->across * LANES)
                transform(&own, gradient, part->first + i * TILE, live_lanes(cpu, group), &to);
        }
}

/* The data gradient of an item's rows, and the stage before's sums over them: at once, where
 * nothing is between. */
static void pass_on(const struct cpu *cpu, int stage, int number, const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage], *before = s - 1;
    struct item item = item_of(cpu, s, number);
    int skips = s->begins || before->back, at_once = before->pool == POOL_NONE && !skips;
    struct convolution convolution = {
        .sums = at_once ? scratch->sums : NULL,
        .y = at_once ? before->y : NULL,
        .normal = before->normal,
        .weights = s->flipped,
        .channels = s->channels,
        .filters = s->in_channels,
        .out = cpu->upstream[(stage - 1) % 2],
    };
    struct strips part;
    for (int row = 0; next_strips(s, &item, row, &part); row += part.rows) {
        transform_gradient(
            cpu, stage, &part, 0, s->channels, cpu->kernels->input_transform_gradient,
            (struct input_tiles){.strip = scratch->strip,
                                 .at = scratch->pixels,
                                 .place = place_floats(s->channels, tiles_of(s, &part))});
        convolve(cpu, s, &convolution, &part, row == 0, scratch);
    }
    for (int i = 0; i < item.groups; i++) {
        int group = item.group + i;
        float *out = convolution.out + (size_t)group * pooled_size(before);
        float *sums = scratch->sums + (size_t)(i * before->channels) * 2 * LANES;
        struct output o = output_of(before, group, 0);
        if (skips)
            add_skipped(cpu, s, group, &item, out);
        if (!at_once)
            cpu->kernels->gradient_sums(&o, out, item.first, item.rows, sums);
        fold_gradient_sums(sums, before->channels, live_lanes(cpu, group),
                           before->sums +
                               (size_t)(group * s->bands + item.band) * (size_t)before->channels);
    }
}

/* The gradient of some filters' outputs as results, in scratch->gradients. */
static void transform_results(const struct cpu *cpu, int stage, const struct strips *part,
                              int filter, int filters, size_t place, const struct scratch *scratch)
{
    transform_gradient(
        cpu, stage, part, filter, filters, cpu->kernels->input_transform_results,
        (struct input_tiles){.strip = scratch->strip, .at = scratch->gradients, .place = place});
}

/* Few channels: quads of filters and channels, whose sums' lanes are folded. */
static void correlate_quads(const struct cpu *cpu, int stage, const struct strips *part, float *to,
                            const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    int tiles = tiles_of(s, part);
    struct correlation c = {
        .gradients = scratch->gradients,
        .gradients_place = place_floats(QUAD, tiles),
        .pixels = scratch->pixels,
        .pixels_place = place_floats(s->in_channels, tiles),
        .channels = s->in_channels,
        .tiles = tiles,
    };
    for (int filter = 0; filter < s->channels; filter += QUAD, to += quads_floats(s)) {
        c.filters = s->channels - filter < QUAD ? s->channels - filter : QUAD;
        transform_results(cpu, stage, part, filter, c.filters, c.gradients_place, scratch);
        cpu->kernels->correlate(&c, scratch->folded, to);
    }
}

/* Many: transposed, so that channels are the lanes, it is the product of a convolution, over all
 * pixels of tiles instead of channels. */
static void correlate_panels(const struct cpu *cpu, int stage, const struct strips *part, float *to,
                             const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    const struct kernels *k = cpu->kernels;
    int tiles = tiles_of(s, part), length = tiles * LANES;
    size_t pixels_place = place_floats(s->in_channels, tiles),
           gradients_place = place_floats(LANES, tiles);
    struct product p = {
        .weights = scratch->transposed_gradients,
        .weights_place = weights_place(s->channels, length),
        .panel = (size_t)length * LANES,
        .pixels = scratch->transposed_pixels,
        .products = scratch->products,
        .channels = length,
        .filters = LANES,
    };
    for (int filter = 0; filter < s->channels; filter += LANES) {
        transform_results(cpu, stage, part, filter, LANES, gradients_place, scratch);
        for (size_t place = 0; place < PLACES; place++)
            k->transpose(scratch->gradients + place * gradients_place, LANES, length,
                         scratch->transposed_gradients + place * p.weights_place +
                             (size_t)filter / LANES * p.panel);
    }
    for (int first = 0; first < s->in_channels; first += WIDE_CHANNELS) {
        int rest = s->in_channels - first, channels = rest < WIDE_CHANNELS ? rest : WIDE_CHANNELS;
        p.tiles = channels / LANES;
        p.pixels_place = place_floats(length, p.tiles);
        p.products_place = place_floats(LANES, p.tiles);
        for (size_t place = 0; place < PLACES; place++)
            k->transpose(scratch->pixels + place * pixels_place + (size_t)(first * length),
                         channels, length, scratch->transposed_pixels + place * p.pixels_place);
        for (int filter = 0; filter < s->channels; filter += LANES) {
            p.first = filter;
            k->multiply(&p);
            for (int f = 0; f < LANES; f++)
                k->sums_transform(
                    p.products + (size_t)(f * p.tiles) * LANES, p.products_place, p.tiles,
                    to + ((size_t)(filter + f) * (size_t)s->in_channels + (size_t)first) * 9);
        }
    }
}

/* The gradient of the weights from an item, in partial. */
static void correlate(const struct cpu *cpu, int stage, int number, const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    struct item item = item_of(cpu, s, number);
    struct strips part = {item.group, item.groups, item.first, item.rows};
    float *to =
        s->partial + (size_t)number * (size_t)correlation_quads(s->channels) * quads_floats(s);
    transform_input(cpu, stage, &part, scratch);
    if (is_wide(s))
        correlate_panels(cpu, stage, &part, to, scratch);
    else
        correlate_quads(cpu, stage, &part, to, scratch);
}

/* The gradients of weights and of data from one item read the same memory: one after the other they
 * find it in the second cache. */
static void backward_item(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    if (!cpu->stage[cpu->turn].fixed)
        correlate(cpu, cpu->turn, item, &cpu->scratch[thread]);
    if (cpu->turn > 0)
        pass_on(cpu, cpu->turn, item, &cpu->scratch[thread]);
}

void backward(struct cpu *cpu)
{
    for (cpu->turn = cpu->stages - 1; cpu->turn >= 0; cpu->turn--) {
        const struct stage *s = &cpu->stage[cpu->turn];
        int items = cpu->live_groups * (cpu->turn + 1 < cpu->stages ? s[1].bands : 1);
        for (int channel = 0; channel < s->channels; channel++)
            settle_channel(cpu, s, items, channel);
        team_run(cpu->team, items_of(cpu, s), backward_item, cpu);
    }
}
