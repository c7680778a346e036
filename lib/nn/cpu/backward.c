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

/* Rows first … end - 1 of the gradient of what went into a stage, as its convolution gave it, in
 * out: adds what passed the stages that it was added behind, and keeps what will pass others. */
static void add_skipped(const struct cpu *cpu, const struct stage *s, int group, int first, int end,
                        float *out)
{
    const struct stage *before = s - 1;
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row,
           floats = (size_t)(end - first) * row;
    float *skipped = cpu->skipped + (size_t)group * pooled_size(before) + (size_t)first * row;
    out += (size_t)first * row;
    for (int channel = 0; channel < before->channels; channel++, out += plane, skipped += plane) {
        if (s->begins)
            cpu->kernels->add(skipped, floats / LANES, out);
        if (before->back)
            memcpy(skipped, out, floats * sizeof *out);
    }
}

/* The data gradient of the item's rows, and the stage before's sums over them: at once, where
 * nothing is between. */
static void pass_on(const struct cpu *cpu, int stage, int item, const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage], *before = s - 1;
    int group = item / s->bands, first = item % s->bands * BAND_ROWS,
        end = first + band_rows(s, item % s->bands);
    int skips = s->begins || before->back, at_once = before->pool == POOL_NONE && !skips;
    struct output o = output_of(before, group, 0);
    struct convolution convolution = {
        .sums = at_once ? scratch->sums : NULL,
        .before = at_once ? &o : NULL,
        .weights = s->flipped,
        .channels = s->channels,
        .filters = s->in_channels,
        .out = cpu->upstream[(stage - 1) % 2] + (size_t)group * pooled_size(before),
    };
    struct input_tiles to = {.strip = scratch->strip, .tiles = s->across};
    for (int row = first; row < end; row += strips_at_once(s) * TILE) {
        int rows = end - row < strips_at_once(s) * TILE ? end - row : strips_at_once(s) * TILE;
        int strips = (rows + TILE - 1) / TILE;
        to.at = scratch->pixels;
        to.place = place_floats(s->channels, strips * s->across);
        for (int channel = 0; channel < s->channels; channel++) {
            struct output own = output_of(s, group, channel);
            for (int i = 0; i < strips; i++, to.at += s->across * LANES)
                cpu->kernels->input_transform_gradient(&own, upstream(cpu, stage, group, channel),
                                                       row + i * TILE, live_lanes(cpu, group), &to);
        }
        convolve(cpu, s, &convolution, row, rows, row == first, scratch);
    }
    if (skips)
        add_skipped(cpu, s, group, first, end, convolution.out);
    if (!at_once)
        cpu->kernels->gradient_sums(&o, convolution.out, first, end - first, scratch->sums);
    fold_gradient_sums(scratch->sums, before->channels, live_lanes(cpu, group),
                       before->sums + (size_t)item * (size_t)before->channels);
}

/* The gradient of the weights from the item's rows. */
static void correlate(const struct cpu *cpu, int stage, int item, const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    int group = item / s->bands, first = item % s->bands * BAND_ROWS;
    int strips = (band_rows(s, item % s->bands) + TILE - 1) / TILE;
    int tiles = strips * s->across, quads = correlation_quads(s->channels);
    float *to = s->partial + (size_t)item * (size_t)quads * quads_floats(s);
    struct input_tiles results = {
        .strip = scratch->strip, .place = place_floats(QUAD, tiles), .tiles = s->across};
    struct correlation c = {
        .gradients = scratch->gradients,
        .gradients_place = results.place,
        .pixels = scratch->pixels,
        .pixels_place = place_floats(s->in_channels, tiles),
        .channels = s->in_channels,
        .tiles = tiles,
    };
    transform_input(cpu, stage, group, first, strips, scratch);
    for (int filter = 0; filter < s->channels; filter += QUAD, to += quads_floats(s)) {
        c.filters = s->channels - filter < QUAD ? s->channels - filter : QUAD;
        results.at = scratch->gradients;
        for (int f = filter; f < filter + c.filters; f++) {
            struct output o = output_of(s, group, f);
            for (int i = 0; i < strips; i++, results.at += s->across * LANES)
                cpu->kernels->input_transform_results(&o, upstream(cpu, stage, group, f),
                                                      first + i * TILE, live_lanes(cpu, group),
                                                      &results);
        }
        cpu->kernels->correlate(&c, scratch->folded, to);
    }
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
        team_run(cpu->team, cpu->live_groups * s->bands, backward_item, cpu);
    }
}
