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
 * Parameters are float32 in the layout of net.h's tensor table; momentum has the same layout
 * (elements of tensors that are not trained are 0 and stay 0).
 */
#ifndef PSWEEP_ENGINE_H
#define PSWEEP_ENGINE_H

#include "kept.h"
#include "net.h"

enum { ENGINE_MAX_CHANNELS = NET_MAX_CHANNELS };

struct engine_options {
    uint64_t batch;   /* the largest number of images a call will bring, ≥ 1 */
    uint64_t threads; /* 0: as many as the machine has (OMP_NUM_THREADS honoured) */
    const char *
        isa; /* CPU: "auto", "c", "avx2", "avx512", "neon"; changes speed, never bits. NULL: auto */
    uint64_t gpu;          /* CUDA: which, counted from 0 */
    const char *precision; /* CUDA: "tf32", "fp32" or "bf16"; NULL: tf32 */
    int direct;            /* CUDA: enqueue each step anew instead of replaying a graph of it */
    double mean[ENGINE_MAX_CHANNELS], deviation[ENGINE_MAX_CHANNELS]; /* in pixel units 0 … 255 */
    double momentum;     /* v ← momentum·v + g;  w ← w - rate·v */
    double weight_decay; /* g ← g + decay·w, on TENSOR_WEIGHTS only */
    int train;           /* 0: only predict() will be called; gradients need no memory */
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
/* How it computes, for people: "cpu, avx512, 2 threads". Not for the stream. */
const char *engine_detail(const struct engine *engine);

/* Parameters into and out of the engine: float[net->parameters] each. momentum may be NULL: write
 * clears it, read leaves it out. */
int engine_write(struct engine *engine, const float *parameters, const float *momentum);
int engine_read(struct engine *engine, float *parameters, float *momentum);

/* Gives the engine a copy of these images, so that batches may be views of them: 1; or 0, with a
 * sentence in why(), where it has no memory for them or is better fed with pixels. Batches of
 * pixels stay as good as before. Once in an engine's life. */
int engine_keep(struct engine *engine, const struct kept_images *images);

/* Training steps and tests, one behind the other, begun without waiting for those before: the batch
 * may be overwritten when the call returns, but what it gave is told later.
 *
 * A step: forward in training mode, backward, update, running statistics. rate: the learning rate
 * of this step. A test: forward in inference mode, as engine_predict(). */
int engine_begin_step(struct engine *engine, const struct batch *batch, double rate);
int engine_begin_test(struct engine *engine, const struct batch *batch);

/* The outcome of the earliest step or test whose outcome has not been told yet: 1; or 0 where all
 * have been. Without wait it is 0, too, while the engine still computes it, unless the engine has
 * no room for another batch. So who calls this after each begin, until it is 0, can always begin
 * the next; at the end, with wait, the rest comes in. engine_predict() wants everything told. */
int engine_outcome(struct engine *engine, int wait, struct outcome *outcome);

/* A step on count images, begun and waited for. */
int engine_step(struct engine *engine, const uint8_t *images, const uint32_t *label, uint32_t count,
                double rate, struct outcome *outcome);

/* Class probabilities in inference mode (running statistics): float[count][classes]; probability
 * may be NULL. Where a logit is no number or +infinity, all of the image's are NaN. label may be
 * NULL, then outcome is not touched and may be NULL. An image's result does not depend on the other
 * images of the call. */
int engine_predict(struct engine *engine, const uint8_t *images, const uint32_t *label,
                   uint32_t count, float *probability, struct outcome *outcome);

/* For tests: the gradient of the mean loss of the last engine_step(), before momentum and decay,
 * float[net->parameters]; elements of tensors that are not trained are 0. */
int engine_gradient(struct engine *engine, float *gradient);

/* What an engine implementation provides (lib/nn/cpu/cpu.h, lib/nn/cuda/cuda.h): the calls above,
 * bound. Its first member must be this table's address: engine.c calls through it. */
struct engine_class {
    const char *device; /* "cpu" */
    int (*open)(struct engine **, const struct net *, const struct engine_options *);
    void (*close)(struct engine *);
    const char *(*name)(const struct engine *);
    const char *(*detail)(const struct engine *);
    int (*write)(struct engine *, const float *, const float *);
    int (*read)(struct engine *, float *, float *);
    int (*keep)(struct engine *, const struct kept_images *); /* NULL: it never does */
    int (*begin)(struct engine *, const struct batch *, int training, double rate);
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
};

/* What the shared object of an engine that is loaded (device.h) exports: psweep_engine_plugin. It
 * calls fail(), ealloc() and the like of the program that loads it, and must be of its version. */
struct engine_plugin {
    const char *version; /* PSWEEP_VERSION */
    const struct engine_class *class;
};
extern const struct engine_plugin psweep_engine_plugin;

#endif
