/* The CPU engine: images are the vector lanes, and only what a convolution makes is kept.
 *
 * A batch is split into lane groups of 16 images; the last may have fewer live lanes (its others
 * repeat the last image, so that they stay finite, and are left out of every sum). A stage is a
 * convolution with what follows it (normalisation, ReLU, pool). Its work is split into items, a
 * band of at most BAND_ROWS rows of one lane group each: the item copies the rows it reads into the
 * thread's scratch memory, normalised and pooled on the way, and computes from there. So the
 * activations and their gradients are never stored at full size, an item's data stays in the second
 * cache, and rows as well as groups occupy threads.
 *
 * Sums over a batch are taken per item and then over the items in their order, in double: the items
 * depend on batch and shape alone, so the number of threads cannot change a bit.
 *
 * A step is a row of team_run() calls (team.h), two for each stage in each direction; what runs in
 * between runs on the calling thread alone.
 */
#ifndef PSWEEP_CPU_H
#define PSWEEP_CPU_H

#include "kernels.h"
#include "nn/engine.h"
#include "team.h"

enum { BAND_ROWS = 8 };

/* Mean of some values, and the sum of their squared distances from it. */
struct moments {
    double mean, square;
};

/* Batch statistics of a channel while a step goes on. */
struct batch_normal {
    double mean, inverse; /* 1 / √(variance + ε) */
};

/* Sums over an item for the backward pass: Σ dz, Σ dz·(y - mean). */
struct gradient_sums {
    double sum, product;
};

struct stage {
    int in_channels, channels; /* in and out of the convolution */
    int height, width;         /* of both */
    enum pool pool;
    int bands;       /* items of a lane group */
    uint32_t tensor; /* number of the weights; bias, scale, offset, mean, variance follow */

    float *y;              /* [groups][channels][height][width][LANES] what the convolution made */
    struct normal *normal; /* [channels] */
    struct batch_normal *batch; /* [channels] */
    struct moments *moments;    /* [groups · bands][channels] */
    struct gradient_sums *sums; /* [items of the next stage, or groups][channels] */
    float *flipped;             /* [in_channels][channels][3][3] weights for the data gradient */
    float *partial;             /* [groups · bands][channels][in_channels][3][3] */
};

/* One thread's own memory. */
struct scratch {
    float *in, *gradient; /* bands */
    float *sums;          /* [channels][3][LANES] */
    float *feature;       /* [channels of the last stage][LANES] */
    double *logit;        /* [classes][LANES] */
};

struct cpu {
    struct engine engine; /* first: engine.c sees only this */
    struct net net;
    struct engine_options options;
    const struct kernels *kernels;
    struct team *team;
    int threads, groups; /* groups: of the largest batch */
    char detail[64];

    int stages;
    struct stage stage[3 * NET_MAX_DEPTH];
    float *parameters, *momentum, *gradient; /* [net.parameters]; the last two only for training */
    float *scaled;                           /* [image channels][256] the value of a pixel */
    float *upstream[2]; /* gradient of a stage's pooled activation: stage s has number s % 2 */
    float
        *connected; /* [groups][classes · features + classes] partial gradients of weights, bias */
    double *loss;   /* [batch] */
    uint8_t *correct;        /* [batch] */
    struct scratch *scratch; /* [threads] */
    void *arena;             /* everything above */

    /* of the call that goes on */
    const uint8_t *images;
    const uint32_t *label;
    uint32_t count;
    int live_groups; /* lane groups that count images fill */
    int turn;        /* the stage at work */
    int training;
    double rate;
    float *probability; /* may be NULL */
};

extern const struct engine_class cpu_class;

/* step.c: the calls of engine.h. */
int cpu_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
             double rate, struct outcome *outcome);
int cpu_predict(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                float *probability, struct outcome *outcome);

/* forward.c: live lanes of a group; rows of a band; the band's input of a stage, into scratch. */
uint32_t cpu_live(const struct cpu *cpu, int group);
int cpu_band_rows(const struct stage *stage, int band);
struct band cpu_load_input(const struct cpu *cpu, int stage, int group, int band, float *scratch);
struct output cpu_output(const struct stage *stage, int group);

/* Stage by stage up to what the last convolution made. */
void cpu_forward(struct cpu *cpu);

/* head.c: pool, connected layer, softmax, loss; in training, the gradient of the pool. */
void cpu_head(struct cpu *cpu);

/* backward.c: folds a band's sums (kernels.h) over live lanes. Gradients of all
 * stages, as partial sums. */
void cpu_fold_gradient_sums(const float *sums, int channels, uint32_t live,
                            struct gradient_sums *to);
void cpu_backward(struct cpu *cpu);

/* update.c: adds the partial sums up into gradients, moves the parameters. */
void cpu_update(struct cpu *cpu);
/* Weights as the data gradient needs them. */
void cpu_flip_weights(struct cpu *cpu);

#endif
