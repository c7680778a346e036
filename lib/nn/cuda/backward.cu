/* Backward through pool, ReLU and batch normalisation, and the update. See kernels.h. */
#include "common.cuh"

/* y is stored as T, the gradient as G: float where it is that of the features. */

/* What kernel_gradient_sums() goes through: pooled pixels for a maximum, else all pixels. Sets dz
 * and the y that it belongs to, of pixel number pixel of these. */
template <class T, class G>
static __device__ void look_back(const T *y, const G *gradient, const struct channel_normal *n,
                                 int pool, int width, int pixels_of_image, int channels,
                                 int channel, int pixel, float *dz, float *value)
{
    float z;
    if (pool == CUDA_POOL_MAX) {
        int pooled = width / 2, row = pixel / pooled, column = pixel % pooled;
        window(y + ((size_t)(2 * row) * width + 2 * column) * channels + channel, width, channels,
               n, &z, value);
    } else {
        *value = wide(y[(size_t)pixel * channels + channel]);
        z = normalised(n, *value);
    }
    int from = pool == CUDA_POOL_MEAN ? pixel / pixels_of_image : pixel;
    *dz = positive(z) ? wide(gradient[(size_t)from * channels + channel]) : 0;
}

/* count: pixels gone through, of all images: gradients of images that are not live are 0. */
template <class T, class G>
__global__ void gradient_sums(const T *y, const G *gradient, const struct channel_normal *normal,
                              int pool, int width, int pixels_of_image, int channels, int count,
                              float *parts)
{
    int channel = (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
    int end = part_begin(part + 1, count);
    float sum = 0, product = 0;
    for (int pixel = part_begin(part, count) + (int)threadIdx.y; pixel < end && channel < channels;
         pixel += (int)blockDim.y) {
        float dz, value;
        look_back(y, gradient, &normal[channel], pool, width, pixels_of_image, channels, channel,
                  pixel, &dz, &value);
        sum += dz;
        product = fmaf(dz, value - normal[channel].mean, product);
    }
    add_rows(&sum, &product);
    if (threadIdx.y == 0 && channel < channels) {
        parts[2 * (part * channels + channel)] = sum;
        parts[2 * (part * channels + channel) + 1] = product;
    }
}

/* dy = gain·(dz - Σdz/n - (y - mean)·inverse²·Σdz(y - mean)/n) (Ioffe, Szegedy, "Batch
 * normalization", 2015, section 3) */
extern "C" __global__ void settle(const struct step_values *step, const float *parts,
                                  const float *scale, int pixels_of_image, int channels,
                                  float *scale_gradient, float *offset_gradient,
                                  struct channel_normal *normal)
{
    int channel = here();
    if (channel >= channels)
        return;
    double sum, product, count = (double)step->live * pixels_of_image;
    add_parts(parts, channels, channel, &sum, &product);
    struct channel_normal *n = &normal[channel];
    double inverse = n->inverse, gain = scale[channel] * inverse;
    double slope = -gain * inverse * inverse * product / count;
    n->slope = (float)slope;
    n->level = (float)(-gain * sum / count - slope * n->mean);
    scale_gradient[channel] = (float)(product * inverse);
    offset_gradient[channel] = (float)sum;
}

template <class T, class G>
__global__ void gradient_of_y(const struct step_values *step, const T *y, const G *gradient,
                              const struct channel_normal *normal, int pool, int width,
                              int pixels_of_image, int channels, int count, T *dy)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels, pixel = i / channels;
    const struct channel_normal *n = &normal[channel];
    float dz = 0, value = wide(y[i]);
    if ((uint32_t)(pixel / pixels_of_image) >= step->live) {
        store(&dy[i], 0);
        return;
    }
    if (pool != CUDA_POOL_MAX) {
        look_back(y, gradient, n, pool, width, pixels_of_image, channels, channel, pixel, &dz,
                  &value);
    } else {
        int row = pixel / width, column = pixel % width;
        const T *first =
            y + ((size_t)(row - row % 2) * width + column - column % 2) * channels + channel;
        float highest, chosen;
        int best = window(first, width, channels, n, &highest, &chosen);
        if (best == 2 * (row % 2) + column % 2 && positive(highest))
            dz =
                wide(gradient[((size_t)(row / 2) * (width / 2) + column / 2) * channels + channel]);
    }
    store(&dy[i], fmaf(dz, n->gain, fmaf(value, n->slope, n->level)));
}

extern "C" __global__ void update(const struct step_values *step, float momentum, float decay,
                                  float *g, float *v, float *w, int count, int decayed,
                                  const struct bf16 *narrow_g, struct bf16 *narrow_w, int narrow)
{
    int i = here();
    if (i >= count)
        return;
    if (i < narrow)
        g[i] = wide(narrow_g[i]);
    float moved = i < decayed ? fmaf(decay, w[i], g[i]) : g[i];
    v[i] = fmaf(momentum, v[i], moved);
    w[i] = fmaf(-step->rate, v[i], w[i]);
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

HOST_KERNEL_WAITS(gradient_sums<float, float>)
HOST_KERNEL_WAITS(gradient_sums<bf16, bf16>)
HOST_KERNEL_WAITS(gradient_sums<bf16, float>)
HOST_KERNEL(settle)
HOST_KERNEL(gradient_of_y<float, float>)
HOST_KERNEL(gradient_of_y<bf16, bf16>)
HOST_KERNEL(gradient_of_y<bf16, float>)
HOST_KERNEL(update)
HOST_KERNEL(narrow_weights)

#else

/* Calls launch with values of the types of y and of the gradient. */
template <class F>
static void as_both_stored(const struct shape *s, F launch)
{
    as_stored(s, [&](auto stored) {
        if (s->pool == CUDA_POOL_MEAN)
            launch(stored, float{});
        else
            launch(stored, stored);
    });
}

cudaError_t kernel_gradient_sums(const void *y, const void *gradient,
                                 const struct channel_normal *normal, const struct shape *s,
                                 float *parts, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels;
    as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_sums<<<parts_of(s->channels), tile_of(s->channels), 0, stream>>>(
            (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal, s->pool,
            s->width, pixels, s->channels, s->pool == CUDA_POOL_MAX ? count / 4 : count, parts);
    });
    return cudaGetLastError();
}

cudaError_t kernel_settle(const struct step_values *step, const float *parts, const float *scale,
                          const struct shape *s, float *scale_gradient, float *offset_gradient,
                          struct channel_normal *normal, cudaStream_t stream)
{
    settle<<<blocks(s->channels), THREADS, 0, stream>>>(step, parts, scale, s->height * s->width,
                                                        s->channels, scale_gradient,
                                                        offset_gradient, normal);
    return cudaGetLastError();
}

cudaError_t kernel_gradient(const struct step_values *step, const void *y, const void *gradient,
                            const struct channel_normal *normal, const struct shape *s, void *dy,
                            cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_of_y<<<blocks(count), THREADS, 0, stream>>>(
            step, (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal,
            s->pool, s->width, pixels, s->channels, count, (decltype(stored) *)dy);
    });
    return cudaGetLastError();
}

cudaError_t kernel_update(const struct step_values *step, float momentum, float decay, float *g,
                          float *v, float *w, int count, int decayed, const struct narrow *narrow,
                          cudaStream_t stream)
{
    update<<<blocks(count), THREADS, 0, stream>>>(step, momentum, decay, g, v, w, count, decayed,
                                                  narrow->g, narrow->w, narrow->count);
    return cudaGetLastError();
}

cudaError_t kernel_narrow(const float *w, const struct narrow *narrow, cudaStream_t stream)
{
    narrow_weights<<<blocks(narrow->count), THREADS, 0, stream>>>(w, narrow->w, narrow->count);
    return cudaGetLastError();
}

#endif
