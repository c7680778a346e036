#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "random.h"

/* A pass over the network: x[i] enters layer i, x[layers] holds the logits; dx are their gradients.
 */
struct pass {
    const struct reference *r;
    const double *parameters;
    double *narrowed; /* NULL, or the parameters with the weights of convolutions rounded */
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

/* To the nearest bfloat16, the upper half of a float, of two the one whose last bit is 0; where
 * that is asked for. */
static void narrow(const struct pass *p, double *value, size_t count)
{
    for (size_t i = 0; p->r->narrow && i < count; i++) {
        float single = (float)value[i];
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
        memcpy(&single, &bits, sizeof bits);
        value[i] = single;
    }
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
    int height = (int)l->in_height, width = (int)l->in_width, side = (int)l->kernel;
    for (uint32_t out = 0; out < l->out_channels; out++)
        for (uint32_t in = 0; in < l->in_channels; in++)
            for (int row = 0; row < height; row++)
                for (int column = 0; column < width; column++)
                    for (int tap = 0; tap < side * side; tap++) {
                        int from_row = row + tap / side - side / 2,
                            from_column = column + tap % side - side / 2;
                        if (from_row < 0 || from_row >= height || from_column < 0 ||
                            from_column >= width)
                            continue;
                        size_t w =
                            (out * l->in_channels + in) * l->kernel * l->kernel + (size_t)tap;
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
        convolution(l, values(p, l, 0), x, y, NULL, NULL, NULL);
        narrow(p, y, out_size(l));
        for (size_t i = 0; i < out_size(l); i++)
            y[i] += values(p, l, 1)[i / pixels];
    }
}

static void convolution_backward(struct pass *p, const struct layer *l, const double *x, double *dx,
                                 const double *dy, double *gradient)
{
    const struct tensor *t = &p->r->net->tensor[l->tensor];
    size_t pixels = (size_t)l->out_height * l->out_width;
    double *own = ealloc(in_size(l), sizeof *own);
    for (uint32_t image = 0; image < p->r->count; image++) {
        memset(own, 0, in_size(l) * sizeof *own);
        convolution(l, values(p, l, 0), x, NULL, dy, own, gradient + t[0].offset);
        narrow(p, own, in_size(l));
        for (size_t i = 0; i < in_size(l); i++) /* what went into an addition has its gradient */
            dx[i] += own[i];
        narrow(p, dx, in_size(l));
        /* It is 0 before a normalisation, but for what was rounded off. */
        for (size_t i = 0; i < out_size(l) && !p->r->narrow; i++)
            gradient[t[1].offset + i / pixels] += dy[i];
        x += in_size(l);
        dx += in_size(l);
        dy += out_size(l);
    }
    narrow(p, gradient + t[0].offset, t[0].size);
    free(own);
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

/* Of a decision between two values, this near to each other. Those that are rounded may be the
 * same, and then the first is taken everywhere. */
static void decide(const struct pass *p, double distance)
{
    if (p->r->narrow && distance == 0)
        return;
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
                        dx[at] += scale / deviation * (dz - sum / n - normal * product / n);
                    }
                }
        gradient[t[0].offset + channel] = product;
        gradient[t[1].offset + channel] = sum;
    }
    narrow(p, dx, p->r->count * in_size(l));
}

/* Forward: y = x + what went into layer number from; backward: both have the gradient of y. */
static void add_forward(const struct pass *p, const struct layer *l, const double *x, double *y)
{
    for (size_t i = 0; i < p->r->count * in_size(l); i++)
        y[i] = x[i] + p->x[l->from][i];
}

static void add_backward(const struct pass *p, const struct layer *l, double *dx, const double *dy)
{
    for (size_t i = 0; i < p->r->count * in_size(l); i++) {
        dx[i] += dy[i];
        p->dx[l->from][i] += dy[i];
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

/* The same of a whole image. */
static void largest_pool(const struct pass *p, const struct layer *l, const double *x, double *y,
                         double *dx, const double *dy)
{
    size_t planes = (size_t)p->r->count * l->in_channels,
           pixels = (size_t)l->in_height * l->in_width;
    for (size_t plane = 0; plane < planes; plane++, x += pixels) {
        size_t best = 0;
        for (size_t i = 1; i < pixels; i++)
            if (x[i] > x[best])
                best = i;
        for (size_t i = 0; i < pixels; i++)
            if (i != best && x[best] > 0)
                decide(p, x[best] - x[i]);
        if (dx)
            dx[plane * pixels + best] += dy[plane];
        else
            y[plane] = x[best];
    }
}

static void mean_pool(const struct pass *p, const struct layer *l, const double *x, double *y,
                      double *dx, const double *dy)
{
    size_t pixels = (size_t)l->in_height * l->in_width;
    for (size_t i = 0; i < p->r->count * in_size(l); i++)
        if (dx)
            dx[i] += dy[i / pixels] / (double)pixels;
        else
            y[i / pixels] += x[i] / (double)pixels;
}

/* What a feature that goes into the connected layer is multiplied by. */
static double dropout(const struct pass *p, uint32_t image, uint32_t feature)
{
    const struct engine_options *o = p->r->options;
    if (!p->training || o->dropout == 0)
        return 1;
    uint64_t id = ((uint64_t)image << 20) + feature / 4;
    struct random r = philox(o->seed, (uint32_t)p->r->step.number, id, PURPOSE_DROPOUT);
    return random_unit(r.word[feature % 4]) < o->dropout ? 0 : 1 / (1 - o->dropout);
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
                double kept = dropout(p, image, in);
                if (dy) {
                    gradient[t[0].offset + w] += dy[to] * kept * x[from];
                    dx[from] += dy[to] * kept * values(p, l, 0)[w];
                } else {
                    y[to] += values(p, l, 0)[w] * kept * x[from];
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
    if (!r->narrow)
        return;
    p->parameters = p->narrowed = ealloc(r->net->parameters, sizeof(double));
    memcpy(p->narrowed, parameters, r->net->parameters * sizeof(double));
    for (uint32_t i = 0; i < r->net->layers; i++) {
        const struct tensor *t = &r->net->tensor[r->net->layer[i].tensor];
        if (r->net->layer[i].kind == LAYER_CONVOLUTION)
            narrow(p, p->narrowed + t->offset, t->size);
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
    free(p->narrowed);
}

static void forward(struct pass *p)
{
    scale_images(p->r, p->x[0]);
    narrow(p, p->x[0], p->r->count * in_size(&p->r->net->layer[0]));
    for (uint32_t i = 0; i < p->r->net->layers; i++) {
        const struct layer *l = &p->r->net->layer[i];
        const double *x = p->x[i];
        double *y = p->x[i + 1];
        if (l->kind == LAYER_CONVOLUTION)
            convolution_forward(p, l, x, y);
        else if (l->kind == LAYER_NORMALISE)
            normalise_forward(p, i, x, y);
        else if (l->kind == LAYER_ADD)
            add_forward(p, l, x, y);
        else if (l->kind == LAYER_MAX_POOL)
            max_pool(p, l, x, y, NULL, NULL);
        else if (l->kind == LAYER_GLOBAL_POOL && l->pool == POOL_GLOBAL_MAX)
            largest_pool(p, l, x, y, NULL, NULL);
        else if (l->kind == LAYER_GLOBAL_POOL)
            mean_pool(p, l, x, y, NULL, NULL);
        else
            connected(p, l, x, y, NULL, NULL, NULL);
        if (i + 1 < p->r->net->layers && l[1].kind == LAYER_CONVOLUTION) /* a stage ends here */
            narrow(p, y, p->r->count * out_size(l));
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
        else if (l->kind == LAYER_ADD)
            add_backward(p, l, dx, dy);
        else if (l->kind == LAYER_MAX_POOL)
            max_pool(p, l, x, NULL, dx, dy);
        else if (l->kind == LAYER_GLOBAL_POOL && l->pool == POOL_GLOBAL_MAX)
            largest_pool(p, l, x, NULL, dx, dy);
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
    double loss = 0, smoothing = p->training ? p->r->options->label_smoothing : 0;
    for (uint32_t image = 0; image < count; image++) {
        double *x = p->x[layers] + (size_t)image * classes, sum = 0;
        for (uint32_t class = 0; class < classes; class ++)
            sum += x[class] = exp(x[class]);
        for (uint32_t class = 0; class < classes; class ++) {
            double wanted = smoothing / classes;
            if (class == p->r->label[image])
                wanted += 1 - smoothing;
            x[class] /= sum;
            p->dx[layers][(size_t)image * classes + class] = (x[class] - wanted) / count;
            loss -= wanted * log(x[class]) / count;
        }
    }
    return loss;
}

/* What is set once from the images has no gradient. */
static void fix(const struct net *net, double *gradient)
{
    for (uint32_t number = 0; number < net->tensors; number++) {
        const struct tensor *t = &net->tensor[number];
        if (t->kind == TENSOR_FIXED)
            memset(gradient + t->offset, 0, t->size * sizeof *gradient);
    }
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
        fix(r->net, gradient);
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

/* What clipping leaves of the gradient, a factor. */
static double clip(const struct reference *r, const double *gradient)
{
    double square = 0;
    for (uint32_t number = 0; number < r->net->tensors; number++) {
        const struct tensor *t = &r->net->tensor[number];
        for (size_t i = t->offset; i < t->offset + t->size; i++)
            if (tensor_is_trained(t->kind))
                square += gradient[i] * gradient[i];
    }
    double limit = r->options->clip_norm, norm = sqrt(square);
    return limit > 0 && norm > limit ? limit / norm : 1;
}

/* One trained parameter w with its gradient. */
static void move(const struct reference *r, enum tensor_kind kind, double rate, double g, double *w,
                 double *v, double *u)
{
    const struct engine_options *o = r->options;
    double decay = o->decay_all || kind == TENSOR_WEIGHTS ? o->weight_decay : 0;
    if (o->decoupled)
        *w -= rate * decay * *w;
    else
        g += decay * *w;
    if (o->optimizer == OPTIMIZER_ADAM) {
        double t = (double)r->step.number;
        *v = o->momentum * *v + (1 - o->momentum) * g;
        *u = o->second * *u + (1 - o->second) * g * g;
        *w -= rate * (*v / (1 - pow(o->momentum, t))) /
              (sqrt(*u / (1 - pow(o->second, t))) + o->epsilon);
    } else {
        *v = o->momentum * *v + g;
        *w -= rate * (o->nesterov ? g + o->momentum * *v : *v);
    }
}

void reference_move(const struct reference *r, const double *gradient, double *parameters,
                    double *momentum, double *second)
{
    double factor = clip(r, gradient);
    for (uint32_t number = 0; number < r->net->tensors; number++) {
        const struct tensor *t = &r->net->tensor[number];
        double rate = r->step.rate;
        if (t->kind == TENSOR_OFFSET && r->options->offset_rate > 0)
            rate *= r->options->offset_rate;
        else if (t->dimensions == 1 && r->options->vector_rate > 0)
            rate *= r->options->vector_rate;
        for (size_t i = t->offset; i < t->offset + t->size && tensor_is_trained(t->kind); i++)
            move(r, t->kind, rate, factor * gradient[i], &parameters[i], &momentum[i], &second[i]);
    }
}

double reference_step(const struct reference *r, double *parameters, double *momentum,
                      double *second)
{
    struct pass p;
    double *gradient = ealloc(r->net->parameters, sizeof *gradient);
    begin(&p, r, parameters, 1);
    forward(&p);
    double loss = softmax(&p);
    backward(&p, gradient);
    fix(r->net, gradient);
    run_statistics(&p, parameters);
    finish(&p);
    reference_move(r, gradient, parameters, momentum, second);
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
