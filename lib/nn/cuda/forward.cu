/* Forward: batch normalisation, ReLU, pool. See kernels.h. */
#include "common.cuh"

#define EPSILON 1e-5
#define KEEP    0.9

template <class T>
__global__ void moments(const struct step_values *step, const T *y, int pixels_of_image,
                        int channels, float *parts)
{
    int channel = (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
    int count = (int)step->live * pixels_of_image, end = part_begin(part + 1, count);
    float sum = 0, square = 0;
    if (channel < channels) {
        float pivot = wide(y[channel]);
        for (int pixel = part_begin(part, count) + (int)threadIdx.y; pixel < end;
             pixel += (int)blockDim.y) {
            float d = wide(y[(size_t)pixel * channels + channel]) - pivot;
            sum += d;
            square = fmaf(d, d, square);
        }
    }
    add_rows(&sum, &square);
    if (threadIdx.y == 0 && channel < channels) {
        parts[2 * (part * channels + channel)] = sum;
        parts[2 * (part * channels + channel) + 1] = square;
    }
}

static __device__ void set_normal(struct channel_normal *n, double scale, double offset,
                                  double mean, double variance)
{
    double inverse = 1 / sqrt(variance + EPSILON), gain = scale * inverse;
    n->gain = (float)gain;
    n->shift = (float)(offset - mean * gain);
    n->mean = (float)mean;
    n->inverse = (float)inverse;
    n->slope = n->level = 0;
}

template <class T>
__global__ void normalise(const struct step_values *step, const T *y, const float *parts,
                          const float *scale, const float *offset, const float *bias,
                          float *running_mean, float *running_variance, int pixels_of_image,
                          int channels, struct channel_normal *normal)
{
    int channel = here();
    if (channel >= channels)
        return;
    double sum, square, count = (double)step->live * pixels_of_image;
    add_parts(parts, channels, channel, &sum, &square);
    double mean = wide(y[channel]) + sum / count, variance = (square - sum * (sum / count)) / count;
    variance = variance < 0 ? 0 : variance;
    set_normal(&normal[channel], scale[channel], offset[channel], mean, variance);
    running_mean[channel] =
        (float)(KEEP * running_mean[channel] + (1 - KEEP) * (mean + bias[channel]));
    running_variance[channel] = (float)(KEEP * running_variance[channel] + (1 - KEEP) * variance);
}

extern "C" __global__ void normalise_running(const float *scale, const float *offset,
                                             const float *bias, const float *running_mean,
                                             const float *running_variance, int channels,
                                             struct channel_normal *normal)
{
    int channel = here();
    if (channel < channels)
        set_normal(&normal[channel], scale[channel], offset[channel],
                   (double)running_mean[channel] - bias[channel], running_variance[channel]);
}

template <class T>
__global__ void activate(const T *y, const struct channel_normal *normal, int channels, int count,
                         T *to)
{
    int i = here();
    if (i < count)
        store(&to[i], rectified(normalised(&normal[i % channels], wide(y[i]))));
}

/* width: of y; count: of the pooled pixels' values. */
template <class T>
__global__ void activate_pooled(const T *y, const struct channel_normal *normal, int width,
                                int channels, int count, T *to)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels, pixel = i / channels, pooled = width / 2;
    int row = pixel / pooled,
        column = pixel % pooled; /* rows of all images, one behind the other */
    float highest, chosen;
    window(y + ((size_t)(2 * row) * width + 2 * column) * channels + channel, width, channels,
           &normal[channel], &highest, &chosen);
    store(&to[i], rectified(highest));
}

template <class T>
__global__ void average(const T *y, const struct channel_normal *normal, int pixels, int channels,
                        int count, float *to)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels;
    const T *at = y + (size_t)(i / channels) * pixels * channels + channel;
    float sum = 0;
    for (int pixel = 0; pixel < pixels; pixel++)
        sum += rectified(normalised(&normal[channel], wide(at[(size_t)pixel * channels])));
    to[i] = sum / (float)pixels;
}

#ifdef KERNELS_ON_HOST

HOST_KERNEL_WAITS(moments<float>)
HOST_KERNEL_WAITS(moments<bf16>)
HOST_KERNEL(normalise<float>)
HOST_KERNEL(normalise<bf16>)
HOST_KERNEL(normalise_running)
HOST_KERNEL(activate<float>)
HOST_KERNEL(activate<bf16>)
HOST_KERNEL(activate_pooled<float>)
HOST_KERNEL(activate_pooled<bf16>)
HOST_KERNEL(average<float>)
HOST_KERNEL(average<bf16>)

#else

cudaError_t kernel_moments(const struct step_values *step, const void *y, const struct shape *s,
                           float *parts, cudaStream_t stream)
{
    as_stored(s, [&](auto stored) {
        moments<<<parts_of(s->channels), tile_of(s->channels), 0, stream>>>(
            step, (const decltype(stored) *)y, s->height * s->width, s->channels, parts);
    });
    return cudaGetLastError();
}

cudaError_t kernel_normalise(const struct step_values *step, const void *y, const float *parts,
                             const float *scale, const float *offset, const float *bias,
                             float *running_mean, float *running_variance, const struct shape *s,
                             struct channel_normal *normal, cudaStream_t stream)
{
    as_stored(s, [&](auto stored) {
        normalise<<<blocks(s->channels), THREADS, 0, stream>>>(
            step, (const decltype(stored) *)y, parts, scale, offset, bias, running_mean,
            running_variance, s->height * s->width, s->channels, normal);
    });
    return cudaGetLastError();
}

cudaError_t kernel_normalise_running(const float *scale, const float *offset, const float *bias,
                                     const float *running_mean, const float *running_variance,
                                     int channels, struct channel_normal *normal,
                                     cudaStream_t stream)
{
    normalise_running<<<blocks(channels), THREADS, 0, stream>>>(scale, offset, bias, running_mean,
                                                                running_variance, channels, normal);
    return cudaGetLastError();
}

template <class T>
static void launch_activate(const T *y, const struct channel_normal *normal, const struct shape *s,
                            void *to, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    if (s->pool == CUDA_POOL_NONE)
        activate<<<blocks(count), THREADS, 0, stream>>>(y, normal, s->channels, count, (T *)to);
    else if (s->pool == CUDA_POOL_MAX)
        activate_pooled<<<blocks(count / 4), THREADS, 0, stream>>>(y, normal, s->width, s->channels,
                                                                   count / 4, (T *)to);
    else
        average<<<blocks(s->images * s->channels), THREADS, 0, stream>>>(
            y, normal, pixels, s->channels, s->images * s->channels, (float *)to);
}

cudaError_t kernel_activate(const void *y, const struct channel_normal *normal,
                            const struct shape *s, void *to, cudaStream_t stream)
{
    as_stored(s, [&](auto stored) {
        launch_activate((const decltype(stored) *)y, normal, s, to, stream);
    });
    return cudaGetLastError();
}

#endif
