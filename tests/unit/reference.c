#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* A pass over the network: x[i] enters layer i, x[layers] holds the logits; dx are their gradients.
 */
struct pass {
    const struct reference *r;
    const double *parameters;
    int training;
    double *x[NET_MAX_LAYERS + 1], *dx[NET_MAX_LAYERS + 1];
    double *mean[NET_MAX_LAYERS],
        *variance[NET_MAX_LAYERS]; /* what a normalisation used, by channel */
};

static size_t in_size(const struct layer *l)
{
    return (size_t)l->in_channels * l->in_height * l->in_width;
}

static size_t out_size(const struct layer *l)
{
    return (size_t)l->out_channels * l->out_height * l->out_width;
}

static const double *values(const struct pass *p, const struct layer *l, int number)
{
    return p->parameters + p->r->net->tensor[l->tensor + (uint32_t)number].offset;
}

static void scale_images(const struct reference *r, double *x)
{
    const struct net_shape *s = &r->net->shape;
    for (uint32_t image = 0; image < r->count; image++)
        for (uint32_t channel = 0; channel < s->channels; channel++)
            for (uint32_t row = 0; row < s->height; row++)
                for (uint32_t column = 0; column < s->width; column++) {
                    uint8_t pixel =
                        r->images[((image * s->height + row) * s->width + column) * s->channels +
                                  channel];
                    *x++ = (pixel - r->options->mean[channel]) / r->options->deviation[channel];
                }
}

/* What a convolution does, forward (gradients NULL) or backward: every product weight·pixel once.
 */
static void convolution(const struct layer *l, const double *weight, const double *x, double *y,
                        const double *dy, double *dx, double *dweight)
{
    int height = (int)l->in_height, width = (int)l->in_width;
    for (uint32_t out = 0; out < l->out_channels; out++)
        for (uint32_t in = 0; in < l->in_channels; in++)
            for (int row = 0; row < height; row++)
                for (int column = 0; column < width; column++)
                    for (int tap = 0; tap < 9; tap++) {
                        int from_row = row + tap / 3 - 1, from_column = column + tap % 3 - 1;
                        if (from_row < 0 || from_row >= height || from_column < 0 ||
                            from_column >= width)
                            continue;
                        size_t w = (out * l->in_channels + in) * 9 + (size_t)tap;
                        size_t to =
                            (out * l->in_height + (size_t)row) * l->in_width + (size_t)column;
                        size_t from = (in * l->in_height + (size_t)from_row) * l->in_width +
                                      (size_t)from_column;
                        if (dy) {
                            dx[from] += weight[w] * dy[to];
                            dweight[w] += x[from] * dy[to];
                        } else {
                            y[to] += weight[w] * x[from];
                        }
                    }
}

static void convolution_forward(struct pass *p, const struct layer *l, const double *x, double *y)
{
    size_t pixels = (size_t)l->out_height * l->out_width;
    for (uint32_t image = 0; image < p->r->count; image++, x += in_size(l), y += out_size(l)) {
        for (size_t i = 0; i < out_size(l); i++)
            y[i] = values(p, l, 1)[i / pixels];
        convolution(l, values(p, l, 0), x, y, NULL, NULL, NULL);
    }
}

static void convolution_backward(struct pass *p, const struct layer *l, const double *x, double *dx,
                                 const double *dy, double *gradient)
{
    const struct tensor *t = &p->r->net->tensor[l->tensor];
    size_t pixels = (size_t)l->out_height * l->out_width;
    for (uint32_t image = 0; image < p->r->count; image++) {
        convolution(l, values(p, l, 0), x, NULL, dy, dx, gradient + t[0].offset);
        for (size_t i = 0; i < out_size(l); i++)
            gradient[t[1].offset + i / pixels] += dy[i];
        x += in_size(l);
        dx += in_size(l);
        dy += out_size(l);
    }
}

/* Mean and population variance of a channel over images, rows and columns. */
static void statistics(const struct pass *p, const struct layer *l, const double *x,
                       uint32_t channel, double *mean, double *variance)
{
    size_t pixels = (size_t)l->in_height * l->in_width;
    double n = (double)pixels * p->r->count, sum = 0;
    for (uint32_t image = 0; image < p->r->count; image++)
        for (size_t i = 0; i < pixels; i++)
            sum += x[(image * l->in_channels + channel) * pixels + i];
    *mean = sum / n;
    sum = 0;
    for (uint32_t image = 0; image < p->r->count; image++)
        for (size_t i = 0; i < pixels; i++) {
            double d = x[(image * l->in_channels + channel) * pixels + i] - *mean;
            sum += d * d;
        }
    *variance = sum / n;
}

/* Of a decision between two values, this near to each other. */
static void decide(const struct pass *p, double distance)
{
    if (p->r->corner && fabs(distance) < *p->r->corner)
        *p->r->corner = fabs(distance);
}

static void normalise_forward(struct pass *p, uint32_t number, const double *x, double *y)
{
    const struct layer *l = &p->r->net->layer[number];
    size_t pixels = (size_t)l->in_height * l->in_width;
    for (uint32_t channel = 0; channel < l->in_channels; channel++) {
        double *mean = &p->mean[number][channel], *variance = &p->variance[number][channel];
        *mean = values(p, l, 2)[channel];
        *variance = values(p, l, 3)[channel];
        if (p->training)
            statistics(p, l, x, channel, mean, variance);
        double scale = values(p, l, 0)[channel], offset = values(p, l, 1)[channel];
        for (uint32_t image = 0; image < p->r->count; image++)
            for (size_t i = 0; i < pixels; i++) {
                size_t at = (image * l->in_channels + channel) * pixels + i;
                double z = scale * (x[at] - *mean) / sqrt(*variance + 1e-5) + offset;
                y[at] = z > 0 ? z : 0;
                decide(p, z);
            }
    }
}

static void normalise_backward(struct pass *p, uint32_t number, const double *x, double *dx,
                               const double *y, const double *dy, double *gradient)
{
    const struct layer *l = &p->r->net->layer[number];
    const struct tensor *t = &p->r->net->tensor[l->tensor];
    size_t pixels = (size_t)l->in_height * l->in_width;
    double n = (double)pixels * p->r->count;
    for (uint32_t channel = 0; channel < l->in_channels; channel++) {
        double deviation = sqrt(p->variance[number][channel] + 1e-5), sum = 0, product = 0;
        double mean = p->mean[number][channel], scale = values(p, l, 0)[channel];
        for (int turn = 0; turn < 2; turn++)
            for (uint32_t image = 0; image < p->r->count; image++)
                for (size_t i = 0; i < pixels; i++) {
                    size_t at = (image * l->in_channels + channel) * pixels + i;
                    double normal = (x[at] - mean) / deviation, dz = y[at] > 0 ? dy[at] : 0;
                    if (turn == 0) {
                        sum += dz;
                        product += dz * normal;
                    } else {
                        dx[at] = scale / deviation * (dz - sum / n - normal * product / n);
                    }
                }
        gradient[t[0].offset + channel] = product;
        gradient[t[1].offset + channel] = sum;
    }
}

/* Forward (dx NULL): y = the largest of each 2×2; backward: its gradient goes to the first largest.
 */
static void max_pool(const struct pass *p, const struct layer *l, const double *x, double *y,
                     double *dx, const double *dy)
{
    size_t planes = (size_t)p->r->count * l->in_channels, width = l->in_width;
    for (size_t plane = 0; plane < planes; plane++)
        for (uint32_t row = 0; row < l->out_height; row++)
            for (uint32_t column = 0; column < l->out_width; column++) {
                size_t corner = plane * l->in_height * width + 2 * row * width + 2 * column;
                size_t at[4] = {corner, corner + 1, corner + width, corner + width + 1},
                       best = at[0];
                size_t to = (plane * l->out_height + row) * l->out_width + column;
                for (int i = 1; i < 4; i++)
                    if (x[at[i]] > x[best])
                        best = at[i];
                for (int i = 0; i < 4; i++)
                    if (at[i] != best && x[best] > 0)
                        decide(p, x[best] - x[at[i]]);
                if (dx)
                    dx[best] += dy[to];
                else
                    y[to] = x[best];
            }
}

static void mean_pool(const struct pass *p, const struct layer *l, const double *x, double *y,
                      double *dx, const double *dy)
{
    size_t pixels = (size_t)l->in_height * l->in_width;
    for (size_t i = 0; i < p->r->count * in_size(l); i++)
        if (dx)
            dx[i] = dy[i / pixels] / (double)pixels;
        else
            y[i / pixels] += x[i] / (double)pixels;
}

static void connected(const struct pass *p, const struct layer *l, const double *x, double *y,
                      double *dx, const double *dy, double *gradient)
{
    const struct tensor *t = &p->r->net->tensor[l->tensor];
    for (uint32_t image = 0; image < p->r->count; image++)
        for (uint32_t out = 0; out < l->out_channels; out++) {
            size_t to = image * l->out_channels + out;
            if (dy)
                gradient[t[1].offset + out] += dy[to];
            else
                y[to] = values(p, l, 1)[out];
            for (uint32_t in = 0; in < l->in_channels; in++) {
                size_t w = out * l->in_channels + in, from = image * l->in_channels + in;
                if (dy) {
                    gradient[t[0].offset + w] += dy[to] * x[from];
                    dx[from] += dy[to] * values(p, l, 0)[w];
                } else {
                    y[to] += values(p, l, 0)[w] * x[from];
                }
            }
        }
}

static void begin(struct pass *p, const struct reference *r, const double *parameters, int training)
{
    *p = (struct pass){.r = r, .parameters = parameters, .training = training};
    for (uint32_t i = 0; i <= r->net->layers; i++) {
        size_t size = i < r->net->layers ? in_size(&r->net->layer[i]) : r->net->shape.classes;
        p->x[i] = ealloc(size * r->count, sizeof(double));
        p->dx[i] = ealloc(size * r->count, sizeof(double));
    }
    for (uint32_t i = 0; i < r->net->layers; i++) {
        p->mean[i] = ealloc(r->net->layer[i].in_channels, sizeof(double));
        p->variance[i] = ealloc(r->net->layer[i].in_channels, sizeof(double));
    }
}

static void finish(struct pass *p)
{
    for (uint32_t i = 0; i <= p->r->net->layers; i++) {
        free(p->x[i]);
        free(p->dx[i]);
    }
    for (uint32_t i = 0; i < p->r->net->layers; i++) {
        free(p->mean[i]);
        free(p->variance[i]);
    }
}

static void forward(struct pass *p)
{
    scale_images(p->r, p->x[0]);
    for (uint32_t i = 0; i < p->r->net->layers; i++) {
        const struct layer *l = &p->r->net->layer[i];
        const double *x = p->x[i];
        double *y = p->x[i + 1];
        if (l->kind == LAYER_CONVOLUTION)
            convolution_forward(p, l, x, y);
        else if (l->kind == LAYER_NORMALISE)
            normalise_forward(p, i, x, y);
        else if (l->kind == LAYER_MAX_POOL)
            max_pool(p, l, x, y, NULL, NULL);
        else if (l->kind == LAYER_GLOBAL_POOL)
            mean_pool(p, l, x, y, NULL, NULL);
        else
            connected(p, l, x, y, NULL, NULL, NULL);
    }
}

static void backward(struct pass *p, double *gradient)
{
    for (uint32_t i = p->r->net->layers; i-- > 0;) {
        const struct layer *l = &p->r->net->layer[i];
        const double *x = p->x[i], *dy = p->dx[i + 1];
        double *dx = p->dx[i];
        if (l->kind == LAYER_CONVOLUTION)
            convolution_backward(p, l, x, dx, dy, gradient);
        else if (l->kind == LAYER_NORMALISE)
            normalise_backward(p, i, x, dx, p->x[i + 1], dy, gradient);
        else if (l->kind == LAYER_MAX_POOL)
            max_pool(p, l, x, NULL, dx, dy);
        else if (l->kind == LAYER_GLOBAL_POOL)
            mean_pool(p, l, x, NULL, dx, dy);
        else
            connected(p, l, x, NULL, dx, dy, gradient);
    }
}

/* Mean cross entropy; the logits become probabilities, and their gradient is left in dx[layers]. */
static double softmax(struct pass *p)
{
    uint32_t classes = p->r->net->shape.classes, count = p->r->count, layers = p->r->net->layers;
    double loss = 0;
    for (uint32_t image = 0; image < count; image++) {
        double *x = p->x[layers] + (size_t)image * classes, sum = 0;
        for (uint32_t class = 0; class < classes; class ++)
            sum += x[class] = exp(x[class]);
        for (uint32_t class = 0; class < classes; class ++) {
            x[class] /= sum;
            int own = class == p->r->label[image];
            p->dx[layers][(size_t)image * classes + class] = (x[class] - own) / count;
        }
        loss -= log(x[p->r->label[image]]) / count;
    }
    return loss;
}

double reference_loss(const struct reference *r, const double *parameters, double *gradient)
{
    struct pass p;
    begin(&p, r, parameters, 1);
    forward(&p);
    double loss = softmax(&p);
    if (gradient) {
        memset(gradient, 0, r->net->parameters * sizeof *gradient);
        backward(&p, gradient);
    }
    finish(&p);
    return loss;
}

static void run_statistics(const struct pass *p, double *parameters)
{
    for (uint32_t i = 0; i < p->r->net->layers; i++) {
        const struct layer *l = &p->r->net->layer[i];
        if (l->kind != LAYER_NORMALISE)
            continue;
        double *mean = parameters + p->r->net->tensor[l->tensor + 2].offset;
        double *variance = parameters + p->r->net->tensor[l->tensor + 3].offset;
        for (uint32_t channel = 0; channel < l->in_channels; channel++) {
            mean[channel] = 0.9 * mean[channel] + 0.1 * p->mean[i][channel];
            variance[channel] = 0.9 * variance[channel] + 0.1 * p->variance[i][channel];
        }
    }
}

double reference_step(const struct reference *r, double *parameters, double *momentum, double rate)
{
    struct pass p;
    double *gradient = ealloc(r->net->parameters, sizeof *gradient);
    begin(&p, r, parameters, 1);
    forward(&p);
    double loss = softmax(&p);
    backward(&p, gradient);
    run_statistics(&p, parameters);
    finish(&p);

    for (uint32_t number = 0; number < r->net->tensors; number++) {
        const struct tensor *t = &r->net->tensor[number];
        double decay = t->kind == TENSOR_WEIGHTS ? r->options->weight_decay : 0;
        if (t->kind == TENSOR_MEAN || t->kind == TENSOR_VARIANCE)
            continue;
        for (size_t i = t->offset; i < t->offset + t->size; i++) {
            momentum[i] = r->options->momentum * momentum[i] + gradient[i] + decay * parameters[i];
            parameters[i] -= rate * momentum[i];
        }
    }
    free(gradient);
    return loss;
}

double reference_predict(const struct reference *r, const double *parameters, double *probability)
{
    struct pass p;
    begin(&p, r, parameters, 0);
    forward(&p);
    double loss = softmax(&p);
    memcpy(probability, p.x[r->net->layers],
           (size_t)r->count * r->net->shape.classes * sizeof *probability);
    finish(&p);
    return loss;
}
