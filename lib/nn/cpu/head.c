/* The end of the network: global pool, connected layer, softmax, cross entropy. So little
 * arithmetic that it is done in double. */
#include "cpu.h"
#include "nn/maths.h"

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

static void classify(const struct cpu *cpu, int group, uint32_t classes, double *logit)
{
    uint32_t live = cpu_live(cpu, group);
    for (uint32_t lane = 0; lane < live; lane++) {
        size_t image = (size_t)group * LANES + lane;
        double own = cpu->label ? logit[cpu->label[image] * LANES + lane] : 0;
        double total = softmax(logit + lane, classes);
        if (cpu->label) {
            cpu->loss[image] = total - own;
            cpu->correct[image] = is_correct(logit + lane, classes, cpu->label[image]);
        }
        for (uint32_t class = 0; cpu->probability && class < classes; class ++)
            cpu->probability[image * classes + class] = (float)logit[class * LANES + lane];
    }
}

/* From probabilities to the gradient of the logits of the mean loss; 0 in lanes that are not live.
 */
static void loss_gradient(const struct cpu *cpu, int group, uint32_t classes, double *logit)
{
    uint32_t live = cpu_live(cpu, group);
    for (uint32_t class = 0; class < classes; class ++)
        for (uint32_t lane = 0; lane < LANES; lane++) {
            double *p = &logit[class * LANES + lane];
            int own = lane < live && cpu->label[(size_t)group * LANES + lane] == class;
            *p = lane < live ? (*p - own) / cpu->count : 0;
        }
}

/* The group's part of the gradients of weights and bias, and the gradient of the last stage's pool.
 */
static void connect_backward(const struct cpu *cpu, const struct layer *l, int group,
                             const struct scratch *scratch)
{
    size_t weights = (size_t)l->out_channels * l->in_channels;
    float *to = cpu->connected + (size_t)group * (weights + l->out_channels), *bias = to + weights;
    for (uint32_t class = 0; class < l->out_channels; class ++) {
        const double *d = scratch->logit + class * LANES;
        double sum = 0;
        for (int lane = 0; lane < LANES; lane++)
            sum += d[lane];
        bias[class] = (float)sum;
        for (uint32_t channel = 0; channel < l->in_channels; channel++, to++) {
            sum = 0;
            for (int lane = 0; lane < LANES; lane++)
                sum += d[lane] * scratch->feature[channel * LANES + lane];
            *to = (float)sum;
        }
    }

    const struct stage *last = &cpu->stage[cpu->stages - 1];
    const float *weight = cpu->parameters + cpu->net.tensor[l->tensor].offset;
    float *pool = cpu->upstream[(cpu->stages - 1) % 2] + (size_t)group * l->in_channels * LANES;
    for (uint32_t channel = 0; channel < l->in_channels; channel++, pool += LANES) {
        double sum[LANES] = {0};
        for (uint32_t class = 0; class < l->out_channels; class ++)
            for (int lane = 0; lane < LANES; lane++)
                sum[lane] +=
                    weight[class * l->in_channels + channel] * scratch->logit[class * LANES + lane];
        for (int lane = 0; lane < LANES; lane++)
            pool[lane] = (float)(sum[lane] / (last->height * last->width));
    }
}

static void head_of_group(void *context, int group, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    const struct stage *last = &cpu->stage[cpu->stages - 1];
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    struct output o = cpu_output(last, group, 0);
    cpu->kernels->average(&o, scratch->feature);
    connect(cpu, l, scratch);
    classify(cpu, group, l->out_channels, scratch->logit);
    if (!cpu->training)
        return;

    loss_gradient(cpu, group, l->out_channels, scratch->logit);
    connect_backward(cpu, l, group, scratch);
    float *pool = cpu->upstream[(cpu->stages - 1) % 2] + (size_t)group * l->in_channels * LANES;
    cpu->kernels->gradient_sums(&o, pool, 0, last->height, scratch->sums);
    cpu_fold_gradient_sums(scratch->sums, last->channels, cpu_live(cpu, group),
                           last->sums + (size_t)group * (size_t)last->channels);
}

void cpu_head(struct cpu *cpu)
{
    team_run(cpu->team, cpu->live_groups, head_of_group, cpu);
}
