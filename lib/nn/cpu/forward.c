/* Forward pass: images into lanes, convolutions, batch statistics. */
#include <math.h>
#include <string.h>

#include "cpu.h"

static const double EPSILON = 1e-5, KEEP = 0.9; /* of batch normalisation; of running statistics */

uint32_t cpu_live(const struct cpu *cpu, int group)
{
    uint32_t rest = cpu->count - (uint32_t)group * LANES;
    return rest < LANES ? rest : LANES;
}

int cpu_band_rows(const struct stage *stage, int band)
{
    int rest = stage->height - band * BAND_ROWS;
    return rest < BAND_ROWS ? rest : BAND_ROWS;
}

struct output cpu_output(const struct stage *s, int group, int channel)
{
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    return (struct output){s->y + ((size_t)group * (size_t)s->channels + (size_t)channel) * plane,
                           s->normal + channel,
                           s->channels - channel,
                           s->height,
                           s->width,
                           s->pool};
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
    uint32_t live = cpu_live(cpu, group);
    for (int row = first; row < first + cpu_band_rows(s, item % s->bands); row++) {
        const uint8_t *image[LANES];
        for (uint32_t lane = 0; lane < LANES; lane++)
            image[lane] = cpu->images + (size_t)row * row_bytes +
                          ((size_t)group * LANES + (lane < live ? lane : live - 1)) * image_bytes;
        cpu->kernels->load_row(image, s->width, channels, cpu->scale, to + (size_t)row * row_floats,
                               plane);
    }
}

void cpu_spread_input(const struct cpu *cpu, int stage, int group, int first, int strips,
                      const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    struct spread to = {.strip = scratch->strip,
                        .at = scratch->pixels,
                        .place = place_floats(s->in_channels, strips * s->across),
                        .tiles = s->across};
    for (int channel = 0; channel < s->in_channels; channel++)
        for (int row = first; row < first + strips * TILE; row += TILE, to.at += s->across * LANES)
            if (stage == 0) {
                const float *image =
                    cpu->input + ((size_t)group * (size_t)s->in_channels + (size_t)channel) * plane;
                cpu->kernels->spread_image(image, s->height, s->width, row, &to);
            } else {
                struct output before = cpu_output(s - 1, group, channel);
                cpu->kernels->spread_activation(&before, row, &to);
            }
}

int cpu_strips(const struct stage *s)
{
    return s->across < 4 && s->height > TILE ? BAND_STRIPS : 1;
}

/* The filters from filter on that scratch->products has room for. */
static void convolve_filters(const struct cpu *cpu, const struct stage *s,
                             const struct convolution *c, int filter, int filters, int first,
                             int rows, int begins, const struct scratch *scratch)
{
    int strips = (rows + TILE - 1) / TILE, tiles = strips * s->across;
    struct product product = {
        .pixels = scratch->pixels,
        .pixels_place = place_floats(c->channels, tiles),
        .weights = c->weights + filter,
        .weights_place = weights_place(c->filters, c->channels),
        .weights_next = weights_next(c->filters),
        .products = scratch->products,
        .products_place = place_floats(filters, tiles),
        .channels = c->channels,
        .filters = filters,
        .tiles = tiles,
    };
    cpu->kernels->multiply(&product);
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    struct gathered g = {.products = scratch->products,
                         .place = product.products_place,
                         .columns = s->width,
                         .ahead = plane};
    for (int f = filter; f < filter + filters; f++)
        for (int i = 0; i < strips; i++, g.products += s->across * LANES) {
            size_t at = (size_t)f * plane + (size_t)(first + i * TILE) * row;
            g.rows = rows - i * TILE;
            g.out = c->out + at;
            if (c->before)
                cpu->kernels->gather_gradient(&g, c->before->y + at, &c->before->normal[f],
                                              c->sums + f * 2 * LANES, begins && i == 0);
            else
                cpu->kernels->gather(&g, c->bias ? c->bias[f] : 0,
                                     c->sums ? c->sums + f * 3 * LANES : NULL, begins && i == 0);
        }
}

void cpu_convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c,
                  int first, int rows, int begins, const struct scratch *scratch)
{
    int tiles = (rows + TILE - 1) / TILE * s->across;
    int room = tiles < PRODUCT_LINES ? PRODUCT_LINES / tiles : 1;
    int pieces = (c->filters + room - 1) / room;
    for (int piece = 0, filter = 0; piece < pieces; piece++) {
        int end = c->filters * (piece + 1) / pieces; /* of nearly equal size */
        convolve_filters(cpu, s, c, filter, end - filter, first, rows, begins, scratch);
        filter = end;
    }
}

/* sums: [channels][3][LANES] as kernels.h's gather() leaves them, over pixels of each live lane.
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

static void convolve_item(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    int stage = cpu->turn;
    const struct stage *s = &cpu->stage[stage];
    const struct tensor *weights = &cpu->net.tensor[s->tensor];
    int group = item / s->bands, band = item % s->bands;
    int first = band * BAND_ROWS, end = first + cpu_band_rows(s, band);
    struct convolution convolution = {
        .weights = s->weights,
        .bias = cpu->parameters + weights[1].offset,
        .channels = s->in_channels,
        .filters = s->channels,
        .out = s->y +
               (size_t)group * (size_t)s->channels * (size_t)s->height * (size_t)s->width * LANES,
        .sums = cpu->training ? scratch->sums : NULL,
    };
    for (int row = first; row < end; row += cpu_strips(s) * TILE) {
        int rows = end - row < cpu_strips(s) * TILE ? end - row : cpu_strips(s) * TILE;
        cpu_spread_input(cpu, stage, group, row, (rows + TILE - 1) / TILE, scratch);
        cpu_convolve(cpu, s, &convolution, row, rows, row == first, scratch);
    }
    if (cpu->training)
        fold_moments(scratch->sums, s->channels, cpu_live(cpu, group), (end - first) * s->width,
                     s->moments + (size_t)item * (size_t)s->channels);
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
            (double)cpu_live(cpu, item / s->bands) * cpu_band_rows(s, item % s->bands) * s->width;
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
        mean[channel] = (float)(KEEP * mean[channel] + (1 - KEEP) * m.mean);
        variance[channel] = (float)(KEEP * variance[channel] + (1 - KEEP) * m.square);
    }
    double inverse = 1 / sqrt(m.square + EPSILON), gain = scale[channel] * inverse;
    s->batch[channel] = (struct batch_normal){m.mean, inverse};
    s->normal[channel] = (struct normal){
        .gain = (float)gain,
        .shift = (float)(offset[channel] - m.mean * gain),
        .mean = (float)m.mean,
    };
}

void cpu_forward(struct cpu *cpu)
{
    team_run(cpu->team, cpu->live_groups * cpu->stage[0].bands, load_images, cpu);
    for (cpu->turn = 0; cpu->turn < cpu->stages; cpu->turn++) {
        const struct stage *s = &cpu->stage[cpu->turn];
        team_run(cpu->team, cpu->live_groups * s->bands, convolve_item, cpu);
        for (int channel = 0; channel < s->channels; channel++)
            normalise_channel(cpu, s, channel);
    }
}
