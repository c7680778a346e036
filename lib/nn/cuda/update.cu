/* What a step does to the parameters; see kernels.h. */
#include "common.cuh"

/* The gradient as it came. */
static __device__ inline float gradient_at(int i, const float *g, const struct bf16 *narrow_g,
                                           int narrow)
{
    return i < narrow ? wide(narrow_g[i]) : g[i];
}

extern "C" __global__ void squares(const float *g, const struct bf16 *narrow_g, int narrow,
                                   int first, int count, double *parts)
{
    int part = (int)blockIdx.x, end = part_begin(part + 1, SQUARES, count);
    double sum = 0;
    for (int i = part_begin(part, SQUARES, count) + (int)threadIdx.x; i < end;
         i += (int)blockDim.x) {
        double of = gradient_at(first + i, g, narrow_g, narrow);
        sum += of * of;
    }
    sum = add_block(sum);
    if (threadIdx.x == 0)
        parts[part] = sum;
}

/* One block of SQUARES threads. */
extern "C" __global__ void limit(const double *parts, double clip_norm, float *clip)
{
    double norm = sqrt(add_block(parts[threadIdx.x]));
    if (threadIdx.x == 0)
        *clip = norm > clip_norm ? (float)(clip_norm / norm) : 1;
}

extern "C" __global__ void update(const struct step_values *step, struct step_rule rule,
                                  const float *clip, float *g, float *v, float *u, float *w,
                                  const struct bf16 *narrow_g, struct bf16 *narrow_w, int narrow)
{
    int i = rule.first + here();
    if (i >= rule.end)
        return;
    float came = gradient_at(i, g, narrow_g, narrow), gradient = clip ? *clip * came : came;
    if (i < narrow)
        g[i] = came;
    float rate = i < rule.vectors   ? step->rate
                 : i < rule.offsets ? step->vector_rate
                                    : step->offset_rate;
    if (i < rule.decayed && rule.decoupled)
        w[i] = fmaf(-rate * rule.decay, w[i], w[i]);
    else if (i < rule.decayed)
        gradient = fmaf(rule.decay, w[i], gradient);
    if (rule.adam) {
        v[i] = fmaf(rule.momentum, v[i], rule.new_momentum * gradient);
        u[i] = fmaf(rule.second, u[i], rule.new_second * gradient * gradient);
        float size = sqrtf(u[i] * step->second_correction) + rule.epsilon;
        w[i] = fmaf(-rate, v[i] * step->momentum_correction / size, w[i]);
    } else {
        v[i] = fmaf(rule.momentum, v[i], gradient);
        w[i] = fmaf(-rate, rule.nesterov ? fmaf(rule.momentum, v[i], gradient) : v[i], w[i]);
    }
    if (i < narrow)
        store(&narrow_w[i], w[i]);
}

extern "C" __global__ void narrow_weights(const float *w, struct bf16 *to, int count)
{
    int i = here();
    if (i < count)
        store(&to[i], w[i]);
}

#ifdef KERNELS_ON_HOST

HOST_KERNEL_WAITS(squares)
HOST_KERNEL_WAITS(limit)
HOST_KERNEL(update)
HOST_KERNEL(narrow_weights)

#else

cudaError_t kernel_squares(const struct step_rule *rule, const float *g,
                           const struct narrow *narrow, double *parts, cudaStream_t stream)
{
    squares<<<SQUARES, THREADS, 0, stream>>>(g, narrow->g, narrow->count, rule->first,
                                             rule->end - rule->first, parts);
    return cudaGetLastError();
}

cudaError_t kernel_clip(const double *parts, double clip_norm, float *clip, cudaStream_t stream)
{
    limit<<<1, SQUARES, 0, stream>>>(parts, clip_norm, clip);
    return cudaGetLastError();
}

cudaError_t kernel_update(const struct step_values *step, const struct step_rule *rule,
                          const float *clip, float *g, float *v, float *u, float *w,
                          const struct narrow *narrow, cudaStream_t stream)
{
    update<<<blocks(rule->end - rule->first), THREADS, 0, stream>>>(
        step, *rule, clip, g, v, u, w, narrow->g, narrow->w, narrow->count);
    return cudaGetLastError();
}

cudaError_t kernel_narrow(const float *w, const struct narrow *narrow, cudaStream_t stream)
{
    narrow_weights<<<blocks(narrow->count), THREADS, 0, stream>>>(w, narrow->w, narrow->count);
    return cudaGetLastError();
}

#endif
