/* Backward pass: from the last stage to the first, weight gradients as partial sums of each item.
 *
 * A constant added before a normalisation does not change what comes out, so the gradient of the
 * convolutions' biases is exactly 0 and not computed. */
#include "cpu.h"

void cpu_fold_gradient_sums(const float *sums, int channels, uint32_t live,
                            struct gradient_sums *to)
{
    for (int channel = 0; channel < channels; channel++, sums += 2 * LANES) {
        to[channel] = (struct gradient_sums){0, 0};
        for (uint32_t lane = 0; lane < live; lane++) {
            to[channel].sum += sums[lane];
            to[channel].product += sums[LANES + lane];
        }
    }
}

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

static size_t pooled_size(const struct stage *s)
{
    int pixels = s->height * s->width;
    return (size_t)s->channels * LANES *
           (size_t)(s->pool == POOL_MEAN  ? 1
                    : s->pool == POOL_MAX ? pixels / 4
                                          : pixels);
}

/* The data gradient of the item's rows, and the stage before's sums over them. */
static void pass_on(const struct cpu *cpu, int stage, int item, const struct band *gradient,
                    const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage], *before = s - 1;
    int group = item / s->bands, first = item % s->bands * BAND_ROWS;
    float *to = cpu->upstream[(stage - 1) % 2] + (size_t)group * pooled_size(before);
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    cpu->kernels->convolve(gradient, s->flipped, NULL, s->in_channels, to + (size_t)first * row,
                           plane, NULL);

    struct output o = cpu_output(before, group);
    cpu->kernels->gradient_sums(&o, to, first, gradient->rows, scratch->sums);
    cpu_fold_gradient_sums(scratch->sums, before->channels, cpu_live(cpu, group),
                           before->sums + (size_t)item * (size_t)before->channels);
}

static void backward_item(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    int stage = cpu->turn;
    const struct stage *s = &cpu->stage[stage];
    int group = item / s->bands, band = item % s->bands;
    struct output o = cpu_output(s, group);
    struct band gradient = {scratch->gradient, s->channels, cpu_band_rows(s, band), s->width};
    cpu->kernels->gradient(&o, cpu->upstream[stage % 2] + (size_t)group * pooled_size(s),
                           band * BAND_ROWS, cpu_live(cpu, group), &gradient);
    if (stage > 0)
        pass_on(cpu, stage, item, &gradient, scratch);

    struct band in = cpu_load_input(cpu, stage, group, band, scratch->in);
    size_t weights = (size_t)s->channels * (size_t)s->in_channels * 9;
    cpu->kernels->weight_gradient(&in, &gradient, s->partial + (size_t)item * weights);
}

void cpu_backward(struct cpu *cpu)
{
    for (cpu->turn = cpu->stages - 1; cpu->turn >= 0; cpu->turn--) {
        const struct stage *s = &cpu->stage[cpu->turn];
        int items = cpu->live_groups * (cpu->turn + 1 < cpu->stages ? s[1].bands : 1);
        for (int channel = 0; channel < s->channels; channel++)
            settle_channel(cpu, s, items, channel);
        team_run(cpu->team, cpu->live_groups * s->bands, backward_item, cpu);
    }
}
