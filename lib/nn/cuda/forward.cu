/* See kernels.h. First what runs on the device, then the launches. */
#include "common.cuh"

/* From bytes to the first convolution's input: views of kept images, or a batch's pixels, scaled.
 */

/* The bytes of the pixel that a view has at (row, column), or NULL where it shows nothing. In 64
 * bits, for a view may lie anywhere. */
static __device__ inline const uint8_t *shown(const struct kept_view *view,
                                              const struct kept_image *image, const uint8_t *pixels,
                                              int width, int channels, int row, int column)
{
    const struct kept_image *of = &image[view->image];
    long long y = (long long)row + view->row;
    long long x = (long long)(view->flip ? width - 1 - column : column) + view->column;
    if (y < 0 || y >= of->height || x < 0 || x >= of->width)
        return nullptr;
    return pixels + of->place + ((size_t)y * of->width + (size_t)x) * channels;
}

/* Thread: a pixel of the batch. */
template <class T>
__global__ void gather(const struct step_values *step, const struct kept_view *view,
                       const struct kept_image *image, const uint8_t *pixels, const float *scaled,
                       int image_channels, int channels, int height, int width, int count, T *x)
{
    int i = here();
    if (i >= count)
        return;
    int column = i % width, row = i / width % height, place = i / width / height % (int)step->live;
    const uint8_t *from =
        view ? shown(&view[place], image, pixels, width, image_channels, row, column)
             : pixels + (((size_t)place * height + row) * width + column) * image_channels;
    for (int c = 0; c < channels; c += 4) {
        four<float> some;
        for (int k = 0; k < 4; k++)
            some.value[k] =
                c + k < image_channels ? scaled[(c + k) * 256 + (from ? from[c + k] : 0)] : 0;
        store(x + (size_t)i * channels + c, some);
    }
}

/* Forward: batch normalisation, ReLU, pool. */

template <class T>
__global__ void moments(const struct step_values *step, const T *y, int pixels_of_image,
                        int channels, float *parts)
{
    int channel = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
    int count = (int)step->live * pixels_of_image;
    int end = part_begin(part + 1, (int)gridDim.x, count);
    float sum[8] = {0};
    if (channel < channels) {
        four<float> pivot = load(y + channel);
        each(
            part_begin(part, (int)gridDim.x, count) + (int)threadIdx.y, end, (int)blockDim.y,
            [=](int pixel) { return load(y + pixel * channels + channel); },
            [&](const four<float> &value) {
                for (int k = 0; k < 4; k++) {
                    float d = value.value[k] - pivot.value[k];
                    sum[2 * k] += d;
                    sum[2 * k + 1] = fmaf(d, d, sum[2 * k + 1]);
                }
            });
    }
    put_sums(sum, channels, parts);
}

static __device__ void set_normal(struct channel_normal *n, double scale, double offset,
                                  double mean, double variance)
{
    double inverse = 1 / sqrt(variance + NET_EPSILON), gain = scale * inverse;
    n->gain = (float)gain;
    n->shift = (float)(offset - mean * gain);
    n->mean = (float)mean;
    n->inverse = (float)inverse;
    n->slope = n->level = 0;
}

template <class T>
__global__ void normalise(const struct step_values *step, const T *y, const float *from, int parts,
                          const float *scale, const float *offset, const float *bias,
                          float *running_mean, float *running_variance, int pixels_of_image,
                          int channels, struct channel_normal *normal)
{
    int channel = here();
    double sum[2], count = (double)step->live * pixels_of_image;
    add_parts(from, parts, channels, channel, sum);
    if (threadIdx.y > 0 || channel >= channels)
        return;
    double mean = wide(y[channel]) + sum[0] / count,
           variance = (sum[1] - sum[0] * (sum[0] / count)) / count;
    variance = variance < 0 ? 0 : variance;
    set_normal(&normal[channel], scale[channel], offset[channel], mean, variance);
    running_mean[channel] =
        (float)(NET_KEEP * running_mean[channel] + (1 - NET_KEEP) * (mean + bias[channel]));
    running_variance[channel] =
        (float)(NET_KEEP * running_variance[channel] + (1 - NET_KEEP) * variance);
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

/* What leaves a stage at place i, before a pool; added: NULL, or what is added behind the ReLU. */
template <class T>
static __device__ inline four<float> activated(const T *y, const struct channel_normal *n,
                                               const T *added, int i)
{
    four<float> value = load(y + i), more = {};
    if (added)
        more = load(added + i);
    for (int k = 0; k < 4; k++) {
        value.value[k] = rectified(normalised(&n[k], value.value[k]));
        value.value[k] = added ? value.value[k] + more.value[k] : value.value[k];
    }
    return value;
}

template <class T>
__global__ void activate(const T *__restrict__ y, const struct channel_normal *__restrict__ normal,
                         const T *__restrict__ added, int channels, int pixels, T *__restrict__ to)
{
    int channel = my_place().channel;
    four<float> value[STRIDE];
    if (channel >= channels)
        return;
    for (int j = 0; j < STRIDE; j++)
        value[j] =
            activated(y, &normal[channel], added, inside(pixel_of(j), pixels) * channels + channel);
    for (int j = 0; j < STRIDE; j++)
        if (pixel_of(j) < pixels)
            store(to + pixel_of(j) * channels + channel, value[j]);
}

/* Thread: a window. rows: of windows, those of all images one behind the other; width: of y. */
template <class T>
__global__ void activate_pooled(const T *y, const struct channel_normal *normal, int rows,
                                int width, int channels, T *to)
{
    struct place at = my_place();
    int pooled = width / 2;
    if (at.row >= rows || at.column >= pooled || at.channel >= channels)
        return;
    window w;
    look(y + (2 * at.row * width + 2 * at.column) * channels + at.channel, width, channels,
         &normal[at.channel], &w);
    for (int k = 0; k < 4; k++)
        w.highest.value[k] = rectified(w.highest.value[k]);
    store(to + (at.row * pooled + at.column) * channels + at.channel, w.highest);
}

/* A block sums an image, for a tile of the channels. */
template <class T>
__global__ void average(const T *y, const struct channel_normal *normal, const T *added, int pixels,
                        int channels, float *to)
{
    int channel = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x), image = (int)blockIdx.x;
    float sum[4] = {0};
    each((int)threadIdx.y, channel < channels ? pixels : 0, (int)blockDim.y,
         [=](int pixel) {
             return activated(y, &normal[channel], added,
                              (image * pixels + pixel) * channels + channel);
         },
         [&](const four<float> &value) {
             for (int k = 0; k < 4; k++)
                 sum[k] += value.value[k];
         });
    add_rows(sum);
    if (threadIdx.y == 0 && channel < channels)
        for (int k = 0; k < 4; k++)
            to[image * channels + channel + k] = sum[k] / (float)pixels;
}

/* Thread: a channel of an image. */
template <class T>
__global__ void largest(const T *y, const struct channel_normal *normal, const T *added, int pixels,
                        int channels, int count, float *to, int *chosen)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels, best = 0;
    size_t at = (size_t)(i / channels) * pixels * channels + channel;
    float highest = 0;
    for (int pixel = 0; pixel < pixels; pixel++, at += channels) {
        float value = rectified(normalised(&normal[channel], wide(y[at])));
        value = added ? value + wide(added[at]) : value;
        if (pixel == 0 || beats(value, highest)) {
            best = pixel;
            highest = value;
        }
    }
    to[i] = highest;
    chosen[i] = best;
}

#ifdef KERNELS_ON_HOST

HOST_KERNEL(gather<float>)
HOST_KERNEL(gather<bf16>)
HOST_KERNEL_WAITS(moments<float>)
HOST_KERNEL_WAITS(moments<bf16>)
HOST_KERNEL_WAITS(normalise<float>)
HOST_KERNEL_WAITS(normalise<bf16>)
HOST_KERNEL(normalise_running)
HOST_KERNEL(activate<float>)
HOST_KERNEL(activate<bf16>)
HOST_KERNEL(activate_pooled<float>)
HOST_KERNEL(activate_pooled<bf16>)
HOST_KERNEL_WAITS(average<float>)
HOST_KERNEL_WAITS(average<bf16>)
HOST_KERNEL(largest<float>)
HOST_KERNEL(largest<bf16>)

#else

cudaError_t kernel_gather(const struct step_values *step, const struct kept_view *view,
                          const struct kept_image *image, const uint8_t *pixels,
                          const float *scaled, int image_channels, const struct shape *s, void *x,
                          cudaStream_t stream)
{
    int count = pixels_of(s);
    return as_stored(s, [&](auto stored) {
        gather<<<blocks(count), THREADS, 0, stream>>>(step, view, image, pixels, scaled,
                                                      image_channels, s->channels, s->height,
                                                      s->width, count, (decltype(stored) *)x);
    });
}

cudaError_t kernel_moments(const struct step_values *step, const void *y, const struct shape *s,
                           float *parts, cudaStream_t stream)
{
    launch l = of_parts(parts_of(pixels_of(s), s->channels), s->channels);
    return as_stored(s, [&](auto stored) {
        moments<<<l.grid, l.block, 0, stream>>>(step, (const decltype(stored) *)y,
                                                s->height * s->width, s->channels, parts);
    });
}

cudaError_t kernel_normalise(const struct step_values *step, const void *y, const float *parts,
                             const float *scale, const float *offset, const float *bias,
                             float *running_mean, float *running_variance, const struct shape *s,
                             struct channel_normal *normal, cudaStream_t stream)
{
    launch l = of_lanes(s->channels);
    return as_stored(s, [&](auto stored) {
        normalise<<<l.grid, l.block, 0, stream>>>(step, (const decltype(stored) *)y, parts,
                                                  parts_of(pixels_of(s), s->channels), scale,
                                                  offset, bias, running_mean, running_variance,
                                                  s->height * s->width, s->channels, normal);
    });
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
static void launch_activate(const T *y, const struct channel_normal *normal, const T *added,
                            const struct shape *s, void *to, int *chosen, cudaStream_t stream)
{
    int pixels = s->height * s->width, features = s->images * s->channels;
    if (s->pool == POOL_NONE) {
        launch l = over_pixels(s);
        activate<<<l.grid, l.block, 0, stream>>>(y, normal, added, s->channels, pixels_of(s),
                                                 (T *)to);
    } else if (s->pool == POOL_MAX) {
        launch l = over_windows(s);
        activate_pooled<<<l.grid, l.block, 0, stream>>>(y, normal, s->images * (s->height / 2),
                                                        s->width, s->channels, (T *)to);
    } else if (s->pool == POOL_MEAN) {
        launch l = of_parts(s->images, s->channels);
        average<<<l.grid, l.block, 0, stream>>>(y, normal, added, pixels, s->channels, (float *)to);
    } else {
        largest<<<blocks(features), THREADS, 0, stream>>>(y, normal, added, pixels, s->channels,
                                                          features, (float *)to, chosen);
    }
}

cudaError_t kernel_activate(const void *y, const struct channel_normal *normal, const void *added,
                            const struct shape *s, void *to, int *chosen, cudaStream_t stream)
{
    return as_stored(s, [&](auto stored) {
        using T = decltype(stored);
        launch_activate((const T *)y, normal, (const T *)added, s, to, chosen, stream);
    });
}

#endif
