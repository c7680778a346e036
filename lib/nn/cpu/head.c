/* The end of the network: global pool, dropout, connected layer, softmax, cross entropy; in
 * training, the gradient of the pool. So little arithmetic that it is done in double. */
#include "passes.h"

#include <string.h>

#include "nn/maths.h"
#include "random.h"

/* Features or their gradients, [features][LANES]: those that drop out are 0. */
static void drop_out(const struct cpu *cpu, int group, uint32_t features, float *feature)
{
    const struct engine_options *o = &cpu->options;
    for (uint32_t lane = 0; lane < live_lanes(cpu, group); lane++) {
        uint64_t image = (uint64_t)group * LANES + lane;
        struct random r = {{0}};
        for (uint32_t f = 0; f < features; f++) {
            float *at = &feature[f * LANES + lane];
            if (f % 4 == 0)
                r = philox(o->seed, (uint32_t)cpu->step.number, (image << 20) + f / 4,
                           PURPOSE_DROPOUT);
            *at = random_unit(r.word[f % 4]) < o->dropout ? 0 : (float)(*at / (1 - o->dropout));
        }
    }
}

/* logit[class][lane] = bias + Σ weight·feature */
static void connect(const struct cpu *cpu, const struct layer *l, const struct scratch *scratch)
{
    const struct tensor *t = &cpu->net.tensor[l->tensor];
    const float *weight = cpu->parameters + t[0].offset, *bias = cpu->parameters + t[1].offset;
    for (uint32_t class = 0; class < l->out_channels; class ++) {
        double *logit = scratch->logit + class * LANES;
        for (int lane = 0; lane < LANES; lane++)
            logit[lane] = bias[class];
        for (uint32_t channel = 0; channel < l->in_channels; channel++, weight++)
            for (int lane = 0; lane < LANES; lane++)
                logit[lane] += (double)*weight * scratch->feature[channel * LANES + lane];
    }
}

/* Turns one image's logits into probabilities, in place; returns the logarithm of the sum of their
 * exponentials, for the loss. */
static double softmax(double *logit, uint32_t classes)
{
    double highest = logit[0], sum = 0;
    for (uint32_t class = 1; class < classes; class ++)
        if (logit[class * LANES] > highest)
            highest = logit[class * LANES];
    for (uint32_t class = 0; class < classes; class ++) {
        logit[class * LANES] = maths_exp(logit[class * LANES] - highest);
        sum += logit[class * LANES];
    }
    for (uint32_t class = 0; class < classes; class ++)
        logit[class * LANES] /= sum;
    return highest + maths_log(sum);
}

/* Whether the label is the first of the most probable classes; never so for NaN, which all of them
 * are then. */
static uint8_t is_correct(const double *probability, uint32_t classes, uint32_t label)
{
    double mine = probability[label * LANES];
    for (uint32_t class = 0; class < classes; class ++) {
        double other = probability[class * LANES];
        if (!(class < label ? other < mine : other <= mine))
            return 0;
    }
    return 1;
}

/* How much of an image's label a class is, 0 … 1. */
static double wanted(const struct cpu *cpu, uint32_t class, uint32_t classes, uint32_t label)
{
    double smoothing = cpu->training ? cpu->options.label_smoothing : 0;
    return smoothing / classes + (class == label ? 1 - smoothing : 0);
}

/* Σ wanted·logit of one image: of a class that is not wanted at all the logit does not matter. */
static double wanted_logit(const struct cpu *cpu, const double *logit, uint32_t classes,
                           uint32_t label)
{
    if (!cpu->training || cpu->options.label_smoothing == 0)
        return logit[label * LANES];
    double sum = 0;
    for (uint32_t class = 0; class < classes; class ++)
        sum += wanted(cpu, class, classes, label) * logit[class * LANES];
    return sum;
}

static void classify(const struct cpu *cpu, int group, uint32_t classes, double *logit)
{
    uint32_t live = live_lanes(cpu, group);
    for (uint32_t lane = 0; lane < live; lane++) {
        size_t image = (size_t)group * LANES + lane;
        double own = cpu->label ? wanted_logit(cpu, logit + lane, classes, cpu->label[image]) : 0;
        double total = softmax(logit + lane, classes);
        if (cpu->label) {
            cpu->loss[image] = total - own;
            cpu->correct[image] = is_correct(logit + lane, classes, cpu->label[image]);
        }
        for (uint32_t class = 0; cpu->probability && class < classes; class ++)
            cpu->probability[image * classes + class] = (float)logit[class * LANES + lane];
    }
}

/* The gradient of the logits of the mean loss, in place of the probabilities, 0 in lanes that are
 * not live; the group's part of the gradients of weights and bias. */
static void connected_gradient(const struct cpu *cpu, const struct layer *l, int group,
                               const struct scratch *scratch)
{
    size_t weights = (size_t)l->out_channels * l->in_channels;
    float *to = cpu->connected + (size_t)group * (weights + l->out_channels), *bias = to + weights;
    uint32_t live = live_lanes(cpu, group);
    for (uint32_t class = 0; class < l->out_channels; class ++) {
        double *d = scratch->logit + class * LANES, sum = 0;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            double q = lane < live ? wanted(cpu, class, l->out_channels,
                                            cpu->label[(size_t)group * LANES + lane])
                                   : 0;
            d[lane] = lane < live ? (d[lane] - q) / cpu->count : 0;
            sum += d[lane];
        }
        bias[class] = (float)sum;
        for (uint32_t channel = 0; channel < l->in_channels; channel++, to++) {
            sum = 0;
            for (int lane = 0; lane < LANES; lane++)
                sum += d[lane] * scratch->feature[channel * LANES + lane];
            *to = (float)sum;
        }
    }
}

/* gradient[feature][lane] of the features, divided by share, from that of the logits */
static void feature_gradient(const struct cpu *cpu, const struct layer *l, const double *logit,
                             double share, float *gradient)
{
    const float *weight = cpu->parameters + cpu->net.tensor[l->tensor].offset;
    for (uint32_t channel = 0; channel < l->in_channels; channel++, gradient += LANES) {
        double sum[LANES] = {0};
        for (uint32_t class = 0; class < l->out_channels; class ++)
            for (int lane = 0; lane < LANES; lane++)
                sum[lane] += weight[class * l->in_channels + channel] * logit[class * LANES + lane];
        for (int lane = 0; lane < LANES; lane++)
            gradient[lane] = (float)(sum[lane] / share);
    }
}

/* Writes out what each pixel of a plane has of a feature's gradient: all of it that is the largest
 * one, or each pixel the same. */
static void spread(const float *gradient, const float *largest, size_t pixels, float *plane)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t lane = 0; lane < LANES; lane++)
            plane[i * LANES + lane] =
                largest == NULL || (size_t)largest[lane] == i ? gradient[lane] : 0;
}

/* The gradient of the last stage's activation, and the sums over it. */
static void head_backward(const struct cpu *cpu, const struct layer *l, int group,
                          const struct scratch *scratch)
{
    const struct stage *last = &cpu->stage[cpu->stages - 1];
    size_t pixels = (size_t)last->height * (size_t)last->width, size = pooled_size(last);
    float *upstream = cpu->upstream[(cpu->stages - 1) % 2] + (size_t)group * size;
    float *gradient = last->pool == POOL_MEAN ? upstream : scratch->feature;
    feature_gradient(cpu, l, scratch->logit, cpu->largest ? 1 : (double)pixels, gradient);
    if (cpu->options.dropout > 0)
        drop_out(cpu, group, l->in_channels, gradient);
    for (uint32_t f = 0; last->pool != POOL_MEAN && f < l->in_channels; f++)
        spread(gradient + f * LANES, cpu->largest ? scratch->pixel + f * LANES : NULL, pixels,
               upstream + f * pixels * LANES);
    if (last->back)
        memcpy(cpu->skipped + (size_t)group * size, upstream, size * sizeof *upstream);
    struct output o = output_of(last, group, 0);
    cpu->kernels->gradient_sums(&o, upstream, 0, last->height, scratch->sums);
    fold_gradient_sums(scratch->sums, last->channels, live_lanes(cpu, group),
                       last->sums + (size_t)group * (size_t)last->channels);
}

static void head_of_group(void *context, int group, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    for (int channel = 0; channel < (int)l->in_channels; channel++) {
        struct output o = activation_of(&cpu->stage[cpu->stages - 1], group, channel);
        float *feature = scratch->feature + channel * LANES;
        if (cpu->largest)
            cpu->kernels->largest(&o, feature, scratch->pixel + channel * LANES);
        else
            cpu->kernels->average(&o, feature);
    }
    if (cpu->training && cpu->options.dropout > 0)
        drop_out(cpu, group, l->in_channels, scratch->feature);
    connect(cpu, l, scratch);
    classify(cpu, group, l->out_channels, scratch->logit);
    if (cpu->training) {
        connected_gradient(cpu, l, group, scratch);
        head_backward(cpu, l, group, scratch);
    }
}

void head(struct cpu *cpu)
{
    team_run(cpu->team, cpu->live_groups, head_of_group, cpu);
}
