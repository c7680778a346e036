/* The seam between the programs and what computes: a whole network at a time.
 *
 * An engine owns its memory; everything passed to it is borrowed for the call only. All functions
 * that can fail return 0, or -1 with a sentence in why(). One engine is used by one thread at a
 * time; inside it may use many. Whole-network granularity lets one engine fuse layers and another
 * replay a graph.
 *
 * Images are uint8, [image][row][column][channel], tightly packed. They are scaled by the engine:
 * x = (pixel - mean[channel]) / deviation[channel].
 *
 * Parameters are float32 in the layout of net.h's tensor table; momentum and second moments have
 * the same layout (elements of tensors that are not trained are 0 and stay 0).
 *
 * A step, with g the gradient of the mean loss, w a trained parameter, v its momentum:
 *   clipping      g ← g·min(1, clip_norm / ‖g‖), ‖g‖ over all trained parameters
 *                 (Pascanu, Mikolov, Bengio, 2013)
 *   decay         of the tensors that decay: g ← g + decay·w; or, decoupled,
 *                 w ← w - rate·decay·w first (Loshchilov, Hutter, 2019)
 *   SGD           v ← momentum·v + g, w ← w - rate·v
 *   … Nesterov's  v ← momentum·v + g, w ← w - rate·(g + momentum·v) (Sutskever et al., 2013)
 *   Adam          v ← momentum·v + (1 - momentum)·g, u ← second·u + (1 - second)·g²,
 *                 w ← w - rate·v̂ / (√û + epsilon) with v̂ = v / (1 - momentum^t), û = u / (1 -
 *                 second^t) in step t = 1, 2, … (Kingma, Ba, 2015)
 * For offsets rate is rate·offset_rate, for other tensors of one dimension rate·vector_rate.
 *
 * The loss of an image, with label smoothing s in training, is -Σ q·log p over the K classes, q =
 * s/K, and 1 - s more for the label (Szegedy et al., 2016); told is the loss that is trained on.
 *
 * Dropout (Srivastava et al., 2014) in training: each feature that goes into the connected layer
 * is 0 with probability dropout, else divided by 1 - dropout. It is 0 where random_unit() of word
 * f % 4 of philox(seed, step, image·2^20 + f / 4, PURPOSE_DROPOUT) is less than dropout; image is
 * its place in the batch, f the feature.
 */
#ifndef PSWEEP_ENGINE_H
#define PSWEEP_ENGINE_H

#include "kept.h"
#include "net.h"

enum { ENGINE_MAX_CHANNELS = NET_MAX_CHANNELS };

enum optimizer { OPTIMIZER_SGD, OPTIMIZER_ADAM };

struct engine_options {
    uint64_t batch;   /* the largest number of images a call will bring, ≥ 1 */
    uint64_t threads; /* 0: as many as the machine has (OMP_NUM_THREADS honoured) */
    const char *
        isa; /* CPU: "auto", "c", "avx2", "avx512", "neon"; changes speed, never bits. NULL: auto */
    uint64_t gpu;          /* CUDA: which, counted from 0 */
    const char *precision; /* CUDA: "tf32", "fp32" or "bf16"; NULL: tf32 */
    int direct;            /* CUDA: enqueue each step anew instead of replaying a graph of it */
    int despite_selftest;  /* CUDA: one that fails its self-test is used, and its name tells */
    double mean[ENGINE_MAX_CHANNELS], deviation[ENGINE_MAX_CHANNELS]; /* in pixel units 0 … 255 */
    int train; /* 0: only predict() will be called; gradients need no memory */

    /* Of the step, above. All 0 but momentum and weight_decay: plain SGD. */
    enum optimizer optimizer;
    double momentum;
    double second, epsilon; /* Adam */
    int nesterov;
    double weight_decay;
    int decoupled;      /* decay */
    int decay_all;      /* the decay is of all trained tensors, not of TENSOR_WEIGHTS alone */
    double vector_rate; /* a factor; 0: 1 */
    double offset_rate; /* … 0: vector_rate */
    double clip_norm;   /* 0: no clipping */
    double label_smoothing;
    double dropout;
    uint64_t seed; /* of dropout */
};

/* What differs from step to step. */
struct step {
    double rate;
    uint64_t number; /* 1, 2, … since training began */
};

struct engine;
struct engine_class;

/* Images beside each other, with their labels, each < classes. Where pixels are NULL they are views
 * of what the engine keeps. */
struct batch {
    const uint8_t *pixels;
    const struct kept_view *view; /* [count] */
    const uint32_t *label;        /* [count] */
    size_t count;                 /* to an engine: 1 … options.batch */
};

/* What a step or a prediction found. */
struct outcome {
    double loss;      /* cross entropy summed over the images, natural logarithm */
    uint32_t correct; /* images whose most probable class (lowest number on a tie) is their label;
                         of one whose probabilities are no numbers no class is the most probable */
    uint32_t count;   /* images */
};

/* Opens an engine of that class (device.h chooses one). *engine is NULL after a failure. */
int engine_open_class(struct engine **engine, const struct engine_class *class,
                      const struct net *net, const struct engine_options *options);
void engine_close(struct engine *engine); /* NULL is allowed */

/* What decides the bytes it makes, for the stream's header: "cpu" or "cuda …". Lives as long as
 * engine. */
const char *engine_name(const struct engine *engine);
/* From here on the name ends with ", failed its self-test". */
void engine_distrust(struct engine *engine);
/* How it computes, for people: "cpu, avx512, 2 threads"; behind a semicolon what is of this
 * network. Not for the stream. */
const char *engine_detail(const struct engine *engine);

/* What a step moves: float[net->parameters] each. */
struct learnt {
    float *parameters;
    float *momentum, *second; /* second moments, of Adam alone; NULL: write clears them, read leaves
                                 them out */
};
int engine_write(struct engine *engine, const struct learnt *learnt);
int engine_read(struct engine *engine, const struct learnt *learnt);

/* Gives the engine a copy of these images, so that batches may be views of them: 1; or 0, with a
 * sentence in why(), where it has no memory for them or is better fed with pixels. Batches of
 * pixels stay as good as before. Once in an engine's life. */
int engine_keep(struct engine *engine, const struct kept_images *images);

/* Training steps and tests, one behind the other, begun without waiting for those before: the batch
 * may be overwritten when the call returns, but what it gave is told later.
 *
 * A step: forward in training mode, backward, update, running statistics. A test: forward in
 * inference mode, as engine_predict(). */
int engine_begin_step(struct engine *engine, const struct batch *batch, const struct step *step);
int engine_begin_test(struct engine *engine, const struct batch *batch);

/* The outcome of the earliest step or test whose outcome has not been told yet: 1; or 0 where all
 * have been. Without wait it is 0, too, while the engine still computes it, unless the engine has
 * no room for another batch. So who calls this after each begin, until it is 0, can always begin
 * the next; at the end, with wait, the rest comes in. engine_predict() wants everything told. */
int engine_outcome(struct engine *engine, int wait, struct outcome *outcome);

/* A step on count images, begun and waited for. */
int engine_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                const struct step *step, struct outcome *outcome);

/* Class probabilities in inference mode (running statistics): float[count][classes]; probability
 * may be NULL. Where a logit is no number or +infinity, all of the image's are NaN. label may be
 * NULL, then outcome is not touched and may be NULL. An image's result does not depend on the other
 * images of the call. */
int engine_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                   uint32_t count, float *probability, struct outcome *outcome);

/* For tests: the gradient of the mean loss of the last engine_step(), before clipping, momentum and
 * decay, float[net->parameters]; elements of tensors that are not trained are 0. */
int engine_gradient(struct engine *engine, float *gradient);

/* What an engine implementation provides (lib/nn/cpu/cpu.h, lib/nn/cuda/cuda.h): the calls above,
 * bound. Its first member must be this table's address: engine.c calls through it. */
struct engine_class {
    const char *device; /* "cpu" */
    int (*open)(struct engine **, const struct net *, const struct engine_options *);
    void (*close)(struct engine *);
    const char *(*name)(const struct engine *);
    const char *(*detail)(const struct engine *);
    int (*write)(struct engine *, const struct learnt *);
    int (*read)(struct engine *, const struct learnt *);
    int (*keep)(struct engine *, const struct kept_images *); /* NULL: it never does */
    int (*begin)(struct engine *, const struct batch *, const struct step *); /* NULL: a test */
    int (*outcome)(struct engine *, int wait, struct outcome *);
    int (*predict)(struct engine *, const uint8_t *, const uint32_t *, uint32_t, float *,
                   struct outcome *);
    int (*gradient)(struct engine *, float *);
};
struct engine {
    const struct engine_class *class;
    /* As it was opened: engine.c holds the calls to it, so that a class sees no wrong argument. */
    uint32_t batch, classes;
    int train;
    enum optimizer optimizer;
    char distrusted[448]; /* its name where it is, or "" */
};

/* What the shared object of an engine that is loaded (device.h) exports: psweep_engine_plugin. It
 * calls fail(), ealloc() and the like of the program that loads it, and must be of its version. */
struct engine_plugin {
    const char *version; /* PSWEEP_VERSION */
    const struct engine_class *class;
    void (*libraries)(char *text, size_t size); /* those that it runs on: versions and paths */
};
extern const struct engine_plugin psweep_engine_plugin;

#endif
