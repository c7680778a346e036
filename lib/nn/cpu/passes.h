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

/* Rows first … of a stage's input into Winograd's space, in scratch->pixels. */
void transform_input(const struct cpu *cpu, int stage, int group, int first, int strips,
                     const struct scratch *scratch);

/* How many strips a convolution takes at once: enough tiles for the product. */
static inline int strips_at_once(const struct stage *s)
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
void convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c, int first,
              int rows, int begins, const struct scratch *scratch);

/* Folds the sums that kernels.h's gradient_sums() leaves over live lanes. */
void fold_gradient_sums(const float *sums, int channels, uint32_t live, struct gradient_sums *to);

#endif
