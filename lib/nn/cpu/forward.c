/* The way forward: images into lanes, convolutions, statistics of the batch, and activations where
 * they are kept. */
#include "passes.h"

#include <math.h>

/* Both forms of a stage's weights; only training needs the flipped one. */
static void transform_stage(void *context, int stage, int thread)
{
    const struct cpu *cpu = context;
    (void)thread;
    stage = cpu->stages - 1 - stage; /* those with most weights first */
    const struct stage *s = &cpu->stage[stage];
    const float *weight = cpu->parameters + cpu->net.tensor[s->tensor].offset;
    size_t taps = (size_t)(s->side * s->side), next = (size_t)s->in_channels * taps;
    for (int channel = 0; channel < s->in_channels; channel++)
        cpu->kernels->filter_transform(weight + (size_t)channel * taps, next, s->side, 0,
                                       s->channels, s->weights + (size_t)channel * LANES,
                                       (size_t)s->in_channels * LANES,
                                       weights_place(s->channels, s->in_channels));
    for (int filter = 0; cpu->training && stage > 0 && filter < s->channels; filter++)
        cpu->kernels->filter_transform(weight + (size_t)filter * next, taps, s->side, 1,
                                       s->in_channels, s->flipped + (size_t)filter * LANES,
                                       (size_t)s->channels * LANES,
                                       weights_place(s->in_channels, s->channels));
}

/* A band of a group's images, scaled, into lanes. */
static void load_images(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    const struct stage *s = &cpu->stage[0];
    (void)thread;
    int group = item / s->bands, first = item % s->bands * BAND_ROWS, channels = s->in_channels;
    size_t row_bytes = (size_t)s->width * (size_t)channels,
           image_bytes = (size_t)s->height * row_bytes;
    size_t row_floats = (size_t)s->width * LANES, plane = (size_t)s->height * row_floats;
    float *to = cpu->input + (size_t)group * (size_t)channels * plane;
    uint32_t live = live_lanes(cpu, group);
    for (int row = first; row < first + band_rows(s, item % s->bands); row++) {
        const uint8_t *image[LANES];
        for (uint32_t lane = 0; lane < LANES; lane++)
            image[lane] = cpu->images + (size_t)row * row_bytes +
                          ((size_t)group * LANES + (lane < live ? lane : live - 1)) * image_bytes;
        cpu->kernels->load_row(image, s->width, channels, cpu->scale, to + (size_t)row * row_floats,
                               plane);
    }
}

/* sums: [channels][3][LANES] as kernels.h's output_transform() leaves them, over pixels of each
 * live lane.
 */
static void fold_moments(const float *sums, int channels, uint32_t live, int pixels,
                         struct moments *moments)
{
    for (int channel = 0; channel < channels; channel++, sums += 3 * LANES) {
        double mean[LANES], sum = 0, square = 0;
        for (uint32_t lane = 0; lane < live; lane++) {
            double distance = sums[LANES + lane] / (double)pixels;
            mean[lane] = sums[lane] + distance;
            sum += mean[lane];
            square += sums[2 * LANES + lane] - sums[LANES + lane] * distance;
        }
        double item_mean = sum / live;
        for (uint32_t lane = 0; lane < live; lane++)
            square += pixels * (mean[lane] - item_mean) * (mean[lane] - item_mean);
        moments[channel] = (struct moments){item_mean, square};
    }
}

static void convolve_item(void *context, int number, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    const struct stage *s = &cpu->stage[cpu->turn];
    struct item item = item_of(cpu, s, number);
    struct convolution convolution = {
        .weights = s->weights,
        .bias = cpu->parameters + cpu->net.tensor[s->tensor + 1].offset,
        .channels = s->in_channels,
        .filters = s->channels,
        .out = s->y,
        .sums = cpu->training ? scratch->sums : NULL,
    };
    struct strips part;
    for (int row = 0; next_strips(s, &item, row, &part); row += part.rows) {
        transform_input(cpu, cpu->turn, &part, scratch);
        convolve(cpu, s, &convolution, &part, row == 0, scratch);
    }
    for (int i = 0; cpu->training && i < item.groups; i++)
        fold_moments(scratch->sums + (size_t)(i * s->channels) * 3 * LANES, s->channels,
                     live_lanes(cpu, item.group + i), item.rows * s->width,
                     s->moments +
                         (size_t)((item.group + i) * s->bands + item.band) * (size_t)s->channels);
}

/* Moments of the whole batch (Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979), item after item. */
static struct moments batch_moments(const struct cpu *cpu, const struct stage *s, int channel)
{
    struct moments all = {0, 0};
    double count = 0;
    for (int item = 0; item < cpu->live_groups * s->bands; item++) {
        const struct moments *m = &s->moments[(size_t)item * (size_t)s->channels + (size_t)channel];
        double more =
            (double)live_lanes(cpu, item / s->bands) * band_rows(s, item % s->bands) * s->width;
        double distance = m->mean - all.mean;
        all.square += m->square + distance * distance * (count * more / (count + more));
        all.mean += distance * (more / (count + more));
        count += more;
    }
    all.square /= count;
    return all;
}

static void normalise_channel(struct cpu *cpu, const struct stage *s, int channel)
{
    const struct tensor *t = &cpu->net.tensor[s->tensor];
    float *scale = cpu->parameters + t[2].offset, *offset = cpu->parameters + t[3].offset;
    float *mean = cpu->parameters + t[4].offset, *variance = cpu->parameters + t[5].offset;

    struct moments m = {mean[channel], variance[channel]};
    if (cpu->training) {
        m = batch_moments(cpu, s, channel);
        mean[channel] = (float)(NET_KEEP * mean[channel] + (1 - NET_KEEP) * m.mean);
        variance[channel] = (float)(NET_KEEP * variance[channel] + (1 - NET_KEEP) * m.square);
    }
    double inverse = 1 / sqrt(m.square + NET_EPSILON), gain = scale[channel] * inverse;
    s->batch[channel] = (struct batch_normal){m.mean, inverse};
    s->normal[channel] = (struct normal){
        .gain = (float)gain,
        .shift = (float)(offset[channel] - m.mean * gain),
        .mean = (float)m.mean,
    };
}

/* One channel of the activation of a group, written out, with what is added to it. */
static void keep_plane(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    const struct stage *s = &cpu->stage[cpu->turn];
    (void)thread;
    int group = item / s->channels, channel = item % s->channels;
    struct output o = output_of(s, group, channel);
    o.channels = 1;
    cpu->kernels->activate(&o, s->back ? kept_plane(s - s->back, group, channel) : NULL,
                           kept_plane(s, group, channel));
}

void forward(struct cpu *cpu)
{
    team_run(cpu->team, cpu->stages, transform_stage, cpu);
    team_run(cpu->team, cpu->live_groups * cpu->stage[0].bands, load_images, cpu);
    for (cpu->turn = 0; cpu->turn < cpu->stages; cpu->turn++) {
        const struct stage *s = &cpu->stage[cpu->turn];
        team_run(cpu->team, items_of(cpu, s), convolve_item, cpu);
        for (int channel = 0; channel < s->channels; channel++)
            normalise_channel(cpu, s, channel);
        if (s->kept)
            team_run(cpu->team, cpu->live_groups * s->channels, keep_plane, cpu);
    }
}
