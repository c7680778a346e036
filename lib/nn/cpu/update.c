/* From partial gradients to new parameters. */
#include "passes.h"

#include <math.h>

#include "nn/maths.h"

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
        for (int item = 0; item < items_of(cpu, s); item++, from += stride)
            for (int i = 0; i < PIECE; i++)
                sum[i] += from[i];
        for (int lane = 0; lane < LANES; lane++) {
            int at = first * QUAD, f = lane / QUAD, c = first + lane % QUAD;
            if (is_wide(s)) {
                f = at / s->in_channels;
                c = at % s->in_channels + lane;
            }
            if (f < filters && c < s->in_channels)
                for (int tap = 0; tap < taps; tap++)
                    gradient[(f * s->in_channels + c) * taps + tap] =
                        (float)sum[(first_tap + tap) * LANES + lane];
        }
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
    if (t->kind == TENSOR_OFFSET && o->offset_rate > 0)
        rate *= o->offset_rate;
    else if (t->dimensions == 1 && o->vector_rate > 0)
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
void update(struct cpu *cpu)
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
