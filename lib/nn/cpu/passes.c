/* A pass over a batch: forward, and in training backward and the update.
 *
 * A constant added before a normalisation does not change what comes out, so the gradient of the
 * convolutions' biases is exactly 0 and not computed. */
#include "cpu.h"

#include <math.h>
#include <string.h>

#include "nn/maths.h"
#include "random.h"

static uint32_t live_lanes(const struct cpu *cpu, int group)
{
    uint32_t rest = cpu->count - (uint32_t)group * LANES;
    return rest < LANES ? rest : LANES;
}

static int band_rows(const struct stage *stage, int band)
{
    int rest = stage->height - band * BAND_ROWS;
    return rest < BAND_ROWS ? rest : BAND_ROWS;
}

static struct output output_of(const struct stage *s, int group, int channel)
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

/* Rows first … of a stage's input into Winograd's space, in scratch->pixels. */
static void transform_input(const struct cpu *cpu, int stage, int group, int first, int strips,
                            const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    struct input_tiles to = {.strip = scratch->strip,
                             .at = scratch->pixels,
                             .place = place_floats(s->in_channels, strips * s->across),
                             .tiles = s->across};
    for (int channel = 0; channel < s->in_channels; channel++)
        for (int row = first; row < first + strips * TILE; row += TILE, to.at += s->across * LANES)
            if (stage == 0) {
                const float *image =
                    cpu->input + ((size_t)group * (size_t)s->in_channels + (size_t)channel) * plane;
                cpu->kernels->input_transform_image(image, s->height, s->width, row, &to);
            } else {
                struct output before = output_of(s - 1, group, channel);
                cpu->kernels->input_transform_activation(&before, row, &to);
            }
}

/* How many strips a convolution takes at once: enough tiles for the product. */
static int strips_at_once(const struct stage *s)
{
    return s->across < 4 && s->height > TILE ? BAND_STRIPS : 1;
}

/* A convolution of scratch->pixels, with out[filters][height][width][LANES] of a group. */
struct convolution {
    const float *weights;
    const float *bias; /* [filters], or NULL */
    int channels, filters;
    float *out;
    float *sums;                 /* kernels.h, output_transform(); or NULL */
    const struct output *before; /* NULL, or whose activation out is the gradient of: then
                                    output_transform_gradient() */
};

/* Of rows first … of the stage; begins: they are the first of an item, whose sums start anew. */
static void convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c,
                     int first, int rows, int begins, const struct scratch *scratch)
{
    int strips = (rows + TILE - 1) / TILE, tiles = strips * s->across;
    int room = tiles < PRODUCT_LINES ? PRODUCT_LINES / tiles : 1; /* filters at a time */
    int pieces = (c->filters + room - 1) / room;
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    for (int piece = 0, filter = 0; piece < pieces; piece++) {
        int end = c->filters * (piece + 1) / pieces; /* of nearly equal size */
        struct product product = {
            .pixels = scratch->pixels,
            .pixels_place = place_floats(c->channels, tiles),
            .weights = c->weights + filter,
            .weights_place = weights_place(c->filters, c->channels),
            .weights_next = weights_next(c->filters),
            .products = scratch->products,
            .products_place = place_floats(end - filter, tiles),
            .channels = c->channels,
            .filters = end - filter,
            .tiles = tiles,
        };
        cpu->kernels->multiply(&product);
        struct output_tiles o = {.products = scratch->products,
                                 .place = product.products_place,
                                 .columns = s->width,
                                 .ahead = plane};
        for (; filter < end; filter++)
            for (int i = 0; i < strips; i++, o.products += s->across * LANES) {
                size_t at = (size_t)filter * plane + (size_t)(first + i * TILE) * row;
                o.rows = rows - i * TILE;
                o.out = c->out + at;
                if (c->before)
                    cpu->kernels->output_transform_gradient(
                        &o, c->before->y + at, &c->before->normal[filter],
                        c->sums + filter * 2 * LANES, begins && i == 0);
                else
                    cpu->kernels->output_transform(&o, c->bias ? c->bias[filter] : 0,
                                                   c->sums ? c->sums + filter * 3 * LANES : NULL,
                                                   begins && i == 0);
            }
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

static void convolve_item(void *context, int item, int thread)
{
    const struct cpu *cpu = context;
    const struct scratch *scratch = &cpu->scratch[thread];
    int stage = cpu->turn;
    const struct stage *s = &cpu->stage[stage];
    const struct tensor *weights = &cpu->net.tensor[s->tensor];
    int group = item / s->bands, band = item % s->bands;
    int first = band * BAND_ROWS, end = first + band_rows(s, band);
    struct convolution convolution = {
        .weights = s->weights,
        .bias = cpu->parameters + weights[1].offset,
        .channels = s->in_channels,
        .filters = s->channels,
        .out = s->y +
               (size_t)group * (size_t)s->channels * (size_t)s->height * (size_t)s->width * LANES,
        .sums = cpu->training ? scratch->sums : NULL,
    };
    for (int row = first; row < end; row += strips_at_once(s) * TILE) {
        int rows = end - row < strips_at_once(s) * TILE ? end - row : strips_at_once(s) * TILE;
        transform_input(cpu, stage, group, row, (rows + TILE - 1) / TILE, scratch);
        convolve(cpu, s, &convolution, row, rows, row == first, scratch);
    }
    if (cpu->training)
        fold_moments(scratch->sums, s->channels, live_lanes(cpu, group), (end - first) * s->width,
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

static void forward(struct cpu *cpu)
{
    team_run(cpu->team, cpu->live_groups * cpu->stage[0].bands, load_images, cpu);
    for (cpu->turn = 0; cpu->turn < cpu->stages; cpu->turn++) {
        const struct stage *s = &cpu->stage[cpu->turn];
        team_run(cpu->team, cpu->live_groups * s->bands, convolve_item, cpu);
        for (int channel = 0; channel < s->channels; channel++)
            normalise_channel(cpu, s, channel);
    }
}

/* The end of the network: global pool, connected layer, softmax, cross entropy; in training, the
 * gradient of the pool. So little arithmetic that it is done in double. */

/* Folds an item's sums (kernels.h) over live lanes. */
static void fold_gradient_sums(const float *sums, int channels, uint32_t live,
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

/* What a feature of an image is multiplied by: 0 or 1 / (1 - dropout). */
static double kept_by_dropout(const struct cpu *cpu, size_t image, uint32_t feature)
{
    const struct engine_options *o = &cpu->options;
    struct random r = philox(o->seed, (uint32_t)cpu->step.number,
                             ((uint64_t)image << 20) + feature / 4, PURPOSE_DROPOUT);
    return random_unit(r.word[feature % 4]) < o->dropout ? 0 : 1 / (1 - o->dropout);
}

/* Features, or their gradients: what does not pass is 0. */
static void drop_out(const struct cpu *cpu, int group, uint32_t features, float *feature)
{
    uint32_t live = live_lanes(cpu, group);
    for (uint32_t f = 0; f < features; f++)
        for (uint32_t lane = 0; lane < live; lane++) {
            double factor = kept_by_dropout(cpu, (size_t)group * LANES + lane, f);
            float *at = &feature[f * LANES + lane];
            *at = factor > 0 ? (float)(factor * *at) : 0;
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
 * one. */
static void spread_largest(const float *gradient, const float *pixel, size_t pixels, float *plane)
{
    memset(plane, 0, pixels * LANES * sizeof *plane);
    for (int lane = 0; lane < LANES; lane++)
        plane[(size_t)pixel[lane] * LANES + (size_t)lane] = gradient[lane];
}

/* The gradient of the last stage's activation, and the sums over it. */
static void head_backward(const struct cpu *cpu, const struct layer *l, int group,
                          const struct scratch *scratch)
{
    const struct stage *last = &cpu->stage[cpu->stages - 1];
    size_t pixels = (size_t)last->height * (size_t)last->width;
    float *upstream = cpu->upstream[(cpu->stages - 1) % 2] + (size_t)group * pooled_size(last);
    float *gradient = last->pool == POOL_MEAN ? upstream : scratch->feature;
    feature_gradient(cpu, l, scratch->logit, cpu->largest ? 1 : (double)pixels, gradient);
    if (cpu->options.dropout > 0)
        drop_out(cpu, group, l->in_channels, gradient);
    for (uint32_t f = 0; last->pool != POOL_MEAN && f < l->in_channels; f++)
        spread_largest(gradient + f * LANES, scratch->pixel + f * LANES, pixels,
                       upstream + f * pixels * LANES);
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
    struct output o = output_of(&cpu->stage[cpu->stages - 1], group, 0);
    if (cpu->largest)
        cpu->kernels->largest(&o, scratch->feature, scratch->pixel);
    else
        cpu->kernels->average(&o, scratch->feature);
    if (cpu->training && cpu->options.dropout > 0)
        drop_out(cpu, group, l->in_channels, scratch->feature);
    connect(cpu, l, scratch);
    classify(cpu, group, l->out_channels, scratch->logit);
    if (cpu->training) {
        connected_gradient(cpu, l, group, scratch);
        head_backward(cpu, l, group, scratch);
    }
}

/* Backward, from the last stage to the first, weight gradients as partial sums of each item. */

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
    size_t size = pooled_size(s);
    return cpu->upstream[stage % 2] + (size_t)group * size +
           (size_t)channel * (size / (size_t)s->channels);
}

/* The data gradient of the item's rows, and the stage before's sums over them. */
static void pass_on(const struct cpu *cpu, int stage, int item, const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage], *before = s - 1;
    int group = item / s->bands, first = item % s->bands * BAND_ROWS,
        end = first + band_rows(s, item % s->bands);
    struct output o = output_of(before, group, 0);
    struct convolution convolution = {
        .sums = before->pool == POOL_NONE ? scratch->sums : NULL,
        .before = before->pool == POOL_NONE ? &o : NULL,
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
    if (before->pool == POOL_MAX)
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

static void backward(struct cpu *cpu)
{
    for (cpu->turn = cpu->stages - 1; cpu->turn >= 0; cpu->turn--) {
        const struct stage *s = &cpu->stage[cpu->turn];
        int items = cpu->live_groups * (cpu->turn + 1 < cpu->stages ? s[1].bands : 1);
        for (int channel = 0; channel < s->channels; channel++)
            settle_channel(cpu, s, items, channel);
        team_run(cpu->team, cpu->live_groups * s->bands, backward_item, cpu);
    }
}

/* From partial gradients to new parameters. */

/* gradient[i] = Σ partial[part · stride + i] over the parts in their order */
static void add_parts(const float *partial, int parts, size_t stride, float *gradient, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (int part = 0; part < parts; part++)
            sum += partial[(size_t)part * stride + i];
        gradient[i] = (float)sum;
    }
}

/* QUAD filters of a stage: their weights' gradient, summed over the items in their order. */
static void gather_quad(struct cpu *cpu, const struct stage *s, int quad)
{
    enum { PIECE = 9 * LANES };
    const struct tensor *t = &cpu->net.tensor[s->tensor];
    int filter = quad * QUAD, filters = s->channels - filter < QUAD ? s->channels - filter : QUAD;
    int taps = s->side * s->side, first_tap = s->side == 1 ? 4 : 0; /* the one in the middle */
    size_t count = (size_t)s->in_channels * (size_t)taps;
    size_t stride = (size_t)correlation_quads(s->channels) * quads_floats(s);
    float *gradient = cpu->gradient + t->offset + (size_t)filter * count;
    for (int first = 0; first < s->in_channels; first += QUAD) {
        const float *from =
            s->partial + (size_t)quad * quads_floats(s) + (size_t)(first / QUAD) * PIECE;
        double sum[PIECE] = {0};
        for (int item = 0; item < cpu->live_groups * s->bands; item++, from += stride)
            for (int i = 0; i < PIECE; i++)
                sum[i] += from[i];
        for (int f = 0; f < filters; f++)
            for (int c = first; c < first + QUAD && c < s->in_channels; c++)
                for (int tap = 0; tap < taps; tap++)
                    gradient[(f * s->in_channels + c) * taps + tap] =
                        (float)sum[(first_tap + tap) * LANES + f * QUAD + c - first];
    }
}

static void gather_class(struct cpu *cpu, size_t class)
{
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    const struct tensor *t = &cpu->net.tensor[l->tensor];
    size_t stride = t[0].size + t[1].size, features = l->in_channels, from = class * features;
    add_parts(cpu->connected + from, cpu->live_groups, stride, cpu->gradient + t[0].offset + from,
              features);
    add_parts(cpu->connected + t[0].size + class, cpu->live_groups, stride,
              cpu->gradient + t[1].offset + class, 1);
}

/* What a step moves at once, of one tensor. */
struct range {
    size_t first, count;
    const struct tensor *tensor;
};

/* A piece of the update: QUAD filters of a stage with all that is theirs, or one class. */
struct piece {
    const struct stage *stage; /* NULL: a class */
    int number;
    struct range range[4]; /* of trained tensors */
    int ranges;
};

static void add_range(struct piece *p, const struct tensor *t, size_t each, size_t from,
                      size_t count)
{
    if (tensor_is_trained(t->kind))
        p->range[p->ranges++] = (struct range){t->offset + from * each, count * each, t};
}

/* The pieces are the quads of filters of all stages, then the classes. */
static struct piece piece_of(const struct cpu *cpu, int number)
{
    struct piece p = {.number = number};
    for (int stage = 0; stage < cpu->stages; stage++) {
        const struct stage *s = &cpu->stage[stage];
        const struct tensor *t = &cpu->net.tensor[s->tensor];
        int quads = correlation_quads(s->channels), filter = p.number * QUAD;
        if (p.number < quads) {
            size_t count = (size_t)(s->channels - filter < QUAD ? s->channels - filter : QUAD);
            p.stage = s;
            add_range(&p, t, t->size / (size_t)s->channels, (size_t)filter, count);
            for (int i = 1; i <= 3; i++) /* bias, scale, offset */
                add_range(&p, &t[i], 1, (size_t)filter, count);
            return p;
        }
        p.number -= quads;
    }
    const struct layer *l = &cpu->net.layer[cpu->net.layers - 1];
    const struct tensor *t = &cpu->net.tensor[l->tensor];
    add_range(&p, t, l->in_channels, (size_t)p.number, 1);
    add_range(&p, &t[1], 1, (size_t)p.number, 1);
    return p;
}

int update_pieces(const struct cpu *cpu)
{
    int pieces = (int)cpu->net.shape.classes;
    for (int stage = 0; stage < cpu->stages; stage++)
        pieces += correlation_quads(cpu->stage[stage].channels);
    return pieces;
}

static void gather(struct cpu *cpu, const struct piece *p)
{
    if (p->stage == NULL)
        gather_class(cpu, (size_t)p->number);
    else if (!p->stage->fixed)
        gather_quad(cpu, p->stage, p->number);
}

/* engine.h's formulas for the parameters of a range. What is kept is float, all else double. */
static void move(struct cpu *cpu, const struct range *r)
{
    const struct engine_options *o = &cpu->options;
    const struct tensor *t = r->tensor;
    double momentum = o->momentum, rate = cpu->step.rate, clip = cpu->clip;
    double decay = o->decay_all || t->kind == TENSOR_WEIGHTS ? o->weight_decay : 0, kept = 1;
    if (t->dimensions == 1 && o->vector_rate > 0)
        rate *= o->vector_rate;
    if (o->decoupled) {
        kept = 1 - rate * decay;
        decay = 0;
    }
    float *w = cpu->parameters + r->first, *v = cpu->momentum + r->first;
    const float *gradient = cpu->gradient + r->first;
    if (o->optimizer == OPTIMIZER_ADAM) {
        float *u = cpu->second + r->first;
        for (size_t i = 0; i < r->count; i++) {
            double g = clip * gradient[i] + decay * w[i];
            v[i] = (float)(momentum * v[i] + (1 - momentum) * g);
            u[i] = (float)(o->second * u[i] + (1 - o->second) * g * g);
            double size = sqrt(u[i] / cpu->corrections[1]) + o->epsilon;
            w[i] = (float)(kept * w[i] - rate * (v[i] / cpu->corrections[0]) / size);
        }
    } else if (o->nesterov) {
        for (size_t i = 0; i < r->count; i++) {
            double g = clip * gradient[i] + decay * w[i];
            v[i] = (float)(momentum * v[i] + g);
            w[i] = (float)(kept * w[i] - rate * (g + momentum * v[i]));
        }
    } else {
        for (size_t i = 0; i < r->count; i++) {
            v[i] = (float)(momentum * v[i] + (clip * gradient[i] + decay * w[i]));
            w[i] = (float)(kept * w[i] - rate * v[i]);
        }
    }
}

static void move_piece(void *context, int number, int thread)
{
    struct cpu *cpu = context;
    struct piece p = piece_of(cpu, number);
    (void)thread;
    for (int i = 0; i < p.ranges; i++)
        move(cpu, &p.range[i]);
}

static void gather_and_move(void *context, int number, int thread)
{
    struct cpu *cpu = context;
    struct piece p = piece_of(cpu, number);
    gather(cpu, &p);
    move_piece(context, number, thread);
}

static void gather_and_square(void *context, int number, int thread)
{
    struct cpu *cpu = context;
    struct piece p = piece_of(cpu, number);
    double sum = 0;
    (void)thread;
    gather(cpu, &p);
    for (int i = 0; i < p.ranges; i++)
        for (size_t k = p.range[i].first; k < p.range[i].first + p.range[i].count; k++)
            sum += (double)cpu->gradient[k] * cpu->gradient[k];
    cpu->square[number] = sum;
}

/* Where there is no clipping, all in one round; it wants the whole gradient before the first move.
 */
static void update(struct cpu *cpu)
{
    const struct engine_options *o = &cpu->options;
    int pieces = update_pieces(cpu);
    cpu->clip = 1;
    cpu->corrections[0] = 1 - maths_power(o->momentum, cpu->step.number);
    cpu->corrections[1] = 1 - maths_power(o->second, cpu->step.number);
    if (o->clip_norm == 0) {
        team_run(cpu->team, pieces, gather_and_move, cpu);
        return;
    }
    double square = 0;
    team_run(cpu->team, pieces, gather_and_square, cpu);
    for (int piece = 0; piece < pieces; piece++)
        square += cpu->square[piece];
    if (sqrt(square) > o->clip_norm)
        cpu->clip = o->clip_norm / sqrt(square);
    team_run(cpu->team, pieces, move_piece, cpu);
}

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
                                       s->channels,
                                       s->weights + (size_t)channel * weights_next(s->channels),
                                       weights_place(s->channels, s->in_channels));
    for (int filter = 0; cpu->training && stage > 0 && filter < s->channels; filter++)
        cpu->kernels->filter_transform(weight + (size_t)filter * next, taps, s->side, 1,
                                       s->in_channels,
                                       s->flipped + (size_t)filter * weights_next(s->in_channels),
                                       weights_place(s->in_channels, s->channels));
}

void cpu_pass(struct cpu *cpu)
{
    team_run(cpu->team, cpu->stages, transform_stage, cpu);
    forward(cpu);
    team_run(cpu->team, cpu->live_groups, head_of_group, cpu);
    if (!cpu->training)
        return;
    backward(cpu);
    update(cpu);
}
