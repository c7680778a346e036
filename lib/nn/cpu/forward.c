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

struct output cpu_output(const struct stage *s, int group)
{
    size_t size = (size_t)s->channels * (size_t)s->height * (size_t)s->width * LANES;
    return (struct output){
        s->y + (size_t)group * size, s->normal, s->channels, s->height, s->width, s->pool};
}

/* The group's images, scaled: rows first - 1 … first + to->rows, with the border. */
static void load_images(const struct cpu *cpu, int group, int first, struct band *to)
{
    int height = (int)cpu->net.shape.height, channels = to->channels;
    size_t row_bytes = (size_t)to->width * (size_t)channels,
           image_bytes = (size_t)height * row_bytes;
    uint32_t live = cpu_live(cpu, group);
    memset(to->at, 0, (size_t)channels * band_plane(to) * sizeof *to->at);
    for (int row = -1; row <= to->rows; row++) {
        if (first + row < 0 || first + row >= height)
            continue;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            size_t image = (size_t)group * LANES + (lane < live ? lane : live - 1);
            const uint8_t *pixel =
                cpu->images + image * image_bytes + (size_t)(first + row) * row_bytes;
            for (int channel = 0; channel < channels; channel++) {
                const float *scaled = cpu->scaled + channel * 256;
                float *out = band_at(to, channel, row, 0) + lane;
                for (int column = 0; column < to->width; column++)
                    out[column * LANES] = scaled[pixel[column * channels + channel]];
            }
        }
    }
}

struct band cpu_load_input(const struct cpu *cpu, int stage, int group, int band, float *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    struct band in = {scratch, s->in_channels, cpu_band_rows(s, band), s->width};
    if (stage == 0) {
        load_images(cpu, group, band * BAND_ROWS, &in);
    } else {
        struct output before = cpu_output(s - 1, group);
        cpu->kernels->activate(&before, band * BAND_ROWS, &in);
    }
    return in;
}

/* sums: [channels][3][LANES] as kernels.h's convolve() leaves them, over pixels of each live lane.
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
    struct band in = cpu_load_input(cpu, stage, group, band, scratch->in);

    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    float *out =
        s->y + (size_t)group * (size_t)s->channels * plane + (size_t)(band * BAND_ROWS) * row;
    cpu->kernels->convolve(&in, cpu->parameters + weights[0].offset,
                           cpu->parameters + weights[1].offset, s->channels, out, plane,
                           cpu->training ? scratch->sums : NULL);
    if (cpu->training)
        fold_moments(scratch->sums, s->channels, cpu_live(cpu, group), in.rows * in.width,
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
    for (cpu->turn = 0; cpu->turn < cpu->stages; cpu->turn++) {
        const struct stage *s = &cpu->stage[cpu->turn];
        team_run(cpu->team, cpu->live_groups * s->bands, convolve_item, cpu);
        for (int channel = 0; channel < s->channels; channel++)
            normalise_channel(cpu, s, channel);
    }
}
