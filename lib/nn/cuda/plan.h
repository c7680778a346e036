/* Convolutions by cuDNN's graph API (its C backend), planned once and run often.
 *
 * Tensors are NHWC (a filter is [out][kernel][kernel][in]), stride 1, padded to the same size; of
 * float32, or with PRECISION_BF16 all three of bfloat16, whose sums are float32. An engine is taken
 * only when it is deterministic and needs no compiler at run time; with PRECISION_FP32 it must also
 * compute in float32 proper: no tensor cores, FFT, Winograd or shortened inputs. Among those that
 * remain cuDNN's own ranking decides, never a measurement, so that the same device and versions
 * give the same bits. For the same reason how much workspace a plan may want is a constant: those
 * that want more are passed over, however much memory there is.
 *
 * The device is described by a DEVICEPROP descriptor. That comes from a handle, or from a JSON text
 * where there is no device: then everything here works but plan_run().
 *
 * Functions return 0, or -1 with a sentence.
 */
#ifndef PSWEEP_CUDA_PLAN_H
#define PSWEEP_CUDA_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <cudnn.h>

enum precision { PRECISION_TF32, PRECISION_FP32, PRECISION_BF16, PRECISIONS };
extern const char *const precision_names[PRECISIONS];
/* Tensors want multiples of so many channels: 16 bytes of them. */
static inline int precision_unit(enum precision precision)
{
    return precision == PRECISION_BF16 ? 8 : 4;
}

/* Which of its three tensors a convolution makes: y of x and w; dx of dy and w; dw of x and dy. */
enum direction { FORWARD, DATA_GRADIENT, WEIGHT_GRADIENT };

struct convolution {
    enum direction direction;
    int64_t images, in_channels, channels, height, width; /* x: in_channels; y: channels */
    int64_t kernel;                                       /* odd */
};

struct planner {
    cudnnHandle_t handle; /* NULL without a device */
    cudnnBackendDescriptor_t device;
    enum precision precision;
    int64_t most_workspace; /* bytes: MOST_WORKSPACE, until it is set to something else */
};
#define MOST_WORKSPACE 1000000000

/* One of handle and json is NULL. */
int planner_open(struct planner *planner, cudnnHandle_t handle, const char *json,
                 enum precision precision);
void planner_close(struct planner *planner);

/* The descriptors that a plan is made from. */
struct graph {
    cudnnBackendDescriptor_t x, w, y, geometry, operation, graph;
};

struct plan {
    struct graph graph; /* kept, with config, as long as the plan that comes of them */
    cudnnBackendDescriptor_t config, plan, pack; /* pack: the pointers that it runs on */
    int64_t workspace;                           /* bytes that it needs */
    int64_t passed_over; /* … that the least of those needs that were passed over; -1: none was */
    int64_t engine;      /* its number in cuDNN */
    bool tensor_cores;
};

/* Finds a plan. */
int plan_make(const struct planner *planner, const struct convolution *convolution,
              struct plan *plan);
/* Names the memory that it will run on: x, w, y as in the first lines, whichever is made, and
 * plan->workspace bytes, all aligned to 16 bytes. */
int plan_bind(struct plan *plan, void *x, void *w, void *y, void *workspace);
/* Enqueues it on the handle's stream. */
int plan_run(cudnnHandle_t handle, const struct plan *plan);
void plan_free(struct plan *plan);

#endif
