/* The parts of a pass over a batch, and what they have in common. */
#ifndef PSWEEP_PASSES_H
#define PSWEEP_PASSES_H

#include "cpu.h"

/* Activations of all stages (forward.c), then the end of the network, which in training leaves the
 * gradient of the last activation (head.c), the gradients (backward.c), and the step (update.c). */
void forward(struct cpu *cpu);
void head(struct cpu *cpu);
void backward(struct cpu *cpu);
void update(struct cpu *cpu);

/* The pieces of work that an update is shared out in. */
int update_pieces(const struct cpu *cpu);

static inline uint32_t live_lanes(const struct cpu *cpu, int group)
{
    uint32_t rest = cpu->count - (uint32_t)group * LANES;
    return rest < LANES ? rest : LANES;
}

static inline int band_rows(const struct stage *stage, int band)
{
    int rest = stage->height - band * BAND_ROWS;
    return rest < BAND_ROWS ? rest : BAND_ROWS;
}

/* A stage's piece of work: a band of some lane groups. What is summed over the batch is summed for
 * each band of each group, number group · bands + band. */
struct item {
    int group, groups;
    int band, first, rows;
};

static inline int items_of(const struct cpu *cpu, const struct stage *s)
{
    return (cpu->live_groups + s->span - 1) / s->span * s->bands;
}

static inline struct item item_of(const struct cpu *cpu, const struct stage *s, int number)
{
    int group = number / s->bands * s->span, band = number % s->bands;
    int rest = cpu->live_groups - group;
    return (struct item){group, rest < s->span ? rest : s->span, band, band * BAND_ROWS,
                         band_rows(s, band)};
}

/* What a stage's convolution made, from a channel on. */
static inline struct output output_of(const struct stage *s, int group, int channel)
{
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    return (struct output){s->y + ((size_t)group * (size_t)s->channels + (size_t)channel) * plane,
                           s->normal + channel,
                           s->channels - channel,
                           s->height,
                           s->width,
                           s->pool};
}

/* One channel of a stage's activation. One that is kept is none of a convolution any more: it comes
 * through normalisation and ReLU as it is, for it is never negative. */
static inline struct output activation_of(const struct stage *s, int group, int channel)
{
    static const struct normal identity = {.gain = 1};
    struct output o = output_of(s, group, channel);
    if (s->kept) {
        o.y = kept_plane(s, group, channel);
        o.normal = &identity;
        o.height = pooled_height(s);
        o.width = pooled_width(s);
        o.pool = POOL_NONE;
    }
    o.channels = 1;
    return o;
}

/* Strips of an item's rows, from row first on, of each of its groups: these come one after the
 * other as tiles of Winograd's space do. */
struct strips {
    int group, groups, first, rows;
};

static inline int strips_of(const struct strips *p)
{
    return (p->rows + TILE - 1) / TILE;
}
static inline int tiles_of(const struct stage *s, const struct strips *p)
{
    return p->groups * strips_of(p) * s->across;
}

/* A stage's input into Winograd's space, in scratch->pixels. */
void transform_input(const struct cpu *cpu, int stage, const struct strips *part,
                     const struct scratch *scratch);

/* The strips that a convolution takes at once, from a row of an item on: enough tiles for the
 * product. Returns 0 after the last. */
static inline int next_strips(const struct stage *s, const struct item *item, int row,
                              struct strips *part)
{
    int rows = s->across < 4 && s->height > TILE ? BAND_ROWS : TILE, rest = item->rows - row;
    *part =
        (struct strips){item->group, item->groups, item->first + row, rest < rows ? rest : rows};
    return rest > 0;
}

/* How many filters' products are made before they go back: some for few channels, for what lies in
 * the second cache with the pixels is best; as many as there are channels, where the pixels fill
 * it. */
static inline int filters_at_once(int channels, int tiles)
{
    int some = tiles < PRODUCT_LINES ? PRODUCT_LINES / tiles : 1;
    return channels >= MANY_CHANNELS && channels > some ? channels : some;
}

/* A convolution of scratch->pixels, with out[groups][filters][height][width][LANES]. */
struct convolution {
    const float *weights;
    const float *bias; /* [filters], or NULL */
    int channels, filters;
    float *out;
    float *sums; /* NULL, or where kernels.h's output transforms leave those of the item's groups */
    /* NULL, or the outputs whose activations out is the gradient of, shaped as out, and how they
     * are normalised: then output_transform_gradient(). */
    const float *y;
    const struct normal *normal; /* [filters] */
};

/* begins: these are the first strips of an item, whose sums start anew. */
void convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c,
              const struct strips *part, int begins, const struct scratch *scratch);

/* Folds the sums that kernels.h's gradient_sums() leaves over live lanes. */
void fold_gradient_sums(const float *sums, int channels, uint32_t live, struct gradient_sums *to);

#endif
