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

/* Four channels, which a thread writes at once. */
template <class T>
struct alignas(4 * sizeof(T)) four {
    T value[4];
};

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
    struct four<T> *to = (struct four<T> *)(x + (size_t)i * channels);
    for (int c = 0; c < channels; c += 4, to++) {
        struct four<T> some;
        for (int k = 0; k < 4; k++)
            store(&some.value[k],
                  c + k < image_channels ? scaled[(c + k) * 256 + (from ? from[c + k] : 0)] : 0);
        *to = some;
    }
}

/* Forward: batch normalisation, ReLU, pool. */

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
    double inverse = 1 / sqrt(variance + NET_EPSILON), gain = scale * inverse;
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
static __device__ inline float activated(const T *y, const struct channel_normal *n, const T *added,
                                         size_t i)
{
    float value = rectified(normalised(n, wide(y[i])));
    return added ? value + wide(added[i]) : value;
}

template <class T>
__global__ void activate(const T *y, const struct channel_normal *normal, const T *added,
                         int channels, int count, T *to)
{
    int i = here();
    if (i < count)
        store(&to[i], activated(y, &normal[i % channels], added, (size_t)i));
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

/* Thread: a channel of an image, as in the next. */
template <class T>
__global__ void average(const T *y, const struct channel_normal *normal, const T *added, int pixels,
                        int channels, int count, float *to)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels;
    size_t at = (size_t)(i / channels) * pixels * channels + channel;
    float sum = 0;
    for (int pixel = 0; pixel < pixels; pixel++, at += channels)
        sum += activated(y, &normal[channel], added, at);
    to[i] = sum / (float)pixels;
}

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
        float value = activated(y, &normal[channel], added, at);
        if (pixel == 0 || beats(value, highest)) {
            best = pixel;
            highest = value;
        }
    }
    to[i] = highest;
    chosen[i] = best;
}

/* Backward through pool, addition, ReLU and batch normalisation. */

/* y is stored as T, the gradient as G: float where it is that of the features. */

/* What kernel_gradient_sums() goes through: pooled pixels for a maximum, be it of a window or of an
 * image, else all pixels. Sets dz and the y that it belongs to, of pixel number pixel of these. */
template <class T, class G>
static __device__ void look_back(const T *y, const G *gradient, const struct channel_normal *n,
                                 int pool, const int *chosen, int width, int pixels_of_image,
                                 int channels, int channel, int pixel, float *dz, float *value)
{
    float z;
    if (pool == POOL_MAX) {
        int pooled = width / 2, row = pixel / pooled, column = pixel % pooled;
        window(y + ((size_t)(2 * row) * width + 2 * column) * channels + channel, width, channels,
               n, &z, value);
    } else {
        size_t at = (size_t)pixel;
        if (pool == POOL_GLOBAL_MAX)
            at = at * pixels_of_image + chosen[at * channels + channel];
        *value = wide(y[at * channels + channel]);
        z = normalised(n, *value);
    }
    int from = pool == POOL_MEAN ? pixel / pixels_of_image : pixel;
    *dz = positive(z) ? wide(gradient[(size_t)from * channels + channel]) : 0;
}

/* count: pixels gone through, of all images: gradients of images that are not live are 0. */
template <class T, class G>
__global__ void gradient_sums(const T *y, const G *gradient, const struct channel_normal *normal,
                              int pool, const int *chosen, int width, int pixels_of_image,
                              int channels, int count, float *parts)
{
    int channel = (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
    int end = part_begin(part + 1, count);
    float sum = 0, product = 0;
    for (int pixel = part_begin(part, count) + (int)threadIdx.y; pixel < end && channel < channels;
         pixel += (int)blockDim.y) {
        float dz, value;
        look_back(y, gradient, &normal[channel], pool, chosen, width, pixels_of_image, channels,
                  channel, pixel, &dz, &value);
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
                              const struct channel_normal *normal, int pool, const int *chosen,
                              int width, int pixels_of_image, int channels, int count, T *dy)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels, pixel = i / channels, image = pixel / pixels_of_image;
    const struct channel_normal *n = &normal[channel];
    float dz = 0, value = wide(y[i]);
    if ((uint32_t)image >= step->live) {
        store(&dy[i], 0);
        return;
    }
    if (pool == POOL_GLOBAL_MAX) {
        size_t feature = (size_t)image * channels + channel;
        if (chosen[feature] == pixel % pixels_of_image && positive(normalised(n, value)))
            dz = wide(gradient[feature]);
    } else if (pool != POOL_MAX) {
        look_back(y, gradient, n, pool, chosen, width, pixels_of_image, channels, channel, pixel,
                  &dz, &value);
    } else {
        int row = pixel / width, column = pixel % width;
        const T *first =
            y + ((size_t)(row - row % 2) * width + column - column % 2) * channels + channel;
        float highest, of_highest;
        int best = window(first, width, channels, n, &highest, &of_highest);
        if (best == 2 * (row % 2) + column % 2 && positive(highest))
            dz =
                wide(gradient[((size_t)(row / 2) * (width / 2) + column / 2) * channels + channel]);
    }
    store(&dy[i], fmaf(dz, n->gain, fmaf(value, n->slope, n->level)));
}

/* What went into an addition has its gradient too. */
template <class T, class G>
__global__ void add_gradient(const G *gradient, int pool, const int *chosen, int pixels_of_image,
                             int channels, int count, T *to)
{
    int i = here();
    if (i >= count)
        return;
    int channel = i % channels, pixel = i / channels;
    size_t feature = (size_t)(pixel / pixels_of_image) * channels + channel;
    if (pool == POOL_GLOBAL_MAX && chosen[feature] != pixel % pixels_of_image)
        return;
    store(&to[i], wide(to[i]) + wide(gradient[pool == POOL_NONE ? (size_t)i : feature]));
}

#ifdef KERNELS_ON_HOST

HOST_KERNEL(gather<float>)
HOST_KERNEL(gather<bf16>)
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
HOST_KERNEL(largest<float>)
HOST_KERNEL(largest<bf16>)
HOST_KERNEL_WAITS(gradient_sums<float, float>)
HOST_KERNEL_WAITS(gradient_sums<bf16, bf16>)
HOST_KERNEL_WAITS(gradient_sums<bf16, float>)
HOST_KERNEL(settle)
HOST_KERNEL(gradient_of_y<float, float>)
HOST_KERNEL(gradient_of_y<bf16, bf16>)
HOST_KERNEL(gradient_of_y<bf16, float>)
HOST_KERNEL(add_gradient<float, float>)
HOST_KERNEL(add_gradient<bf16, bf16>)
HOST_KERNEL(add_gradient<bf16, float>)

#else

cudaError_t kernel_gather(const struct step_values *step, const struct kept_view *view,
                          const struct kept_image *image, const uint8_t *pixels,
                          const float *scaled, int image_channels, const struct shape *s, void *x,
                          cudaStream_t stream)
{
    int count = s->images * s->height * s->width;
    return as_stored(s, [&](auto stored) {
        gather<<<blocks(count), THREADS, 0, stream>>>(step, view, image, pixels, scaled,
                                                      image_channels, s->channels, s->height,
                                                      s->width, count, (decltype(stored) *)x);
    });
}

cudaError_t kernel_moments(const struct step_values *step, const void *y, const struct shape *s,
                           float *parts, cudaStream_t stream)
{
    return as_stored(s, [&](auto stored) {
        moments<<<parts_of(s->channels), tile_of(s->channels), 0, stream>>>(
            step, (const decltype(stored) *)y, s->height * s->width, s->channels, parts);
    });
}

cudaError_t kernel_normalise(const struct step_values *step, const void *y, const float *parts,
                             const float *scale, const float *offset, const float *bias,
                             float *running_mean, float *running_variance, const struct shape *s,
                             struct channel_normal *normal, cudaStream_t stream)
{
    return as_stored(s, [&](auto stored) {
        normalise<<<blocks(s->channels), THREADS, 0, stream>>>(
            step, (const decltype(stored) *)y, parts, scale, offset, bias, running_mean,
            running_variance, s->height * s->width, s->channels, normal);
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
    int pixels = s->height * s->width, features = s->images * s->channels,
        count = features * pixels;
    if (s->pool == POOL_NONE)
        activate<<<blocks(count), THREADS, 0, stream>>>(y, normal, added, s->channels, count,
                                                        (T *)to);
    else if (s->pool == POOL_MAX)
        activate_pooled<<<blocks(count / 4), THREADS, 0, stream>>>(y, normal, s->width, s->channels,
                                                                   count / 4, (T *)to);
    else if (s->pool == POOL_MEAN)
        average<<<blocks(features), THREADS, 0, stream>>>(y, normal, added, pixels, s->channels,
                                                          features, (float *)to);
    else
        largest<<<blocks(features), THREADS, 0, stream>>>(y, normal, added, pixels, s->channels,
                                                          features, (float *)to, chosen);
}

cudaError_t kernel_activate(const void *y, const struct channel_normal *normal, const void *added,
                            const struct shape *s, void *to, int *chosen, cudaStream_t stream)
{
    return as_stored(s, [&](auto stored) {
        using T = decltype(stored);
        launch_activate((const T *)y, normal, (const T *)added, s, to, chosen, stream);
    });
}

/* Calls launch with values of the types of y and of the gradient. */
template <class F>
static cudaError_t as_both_stored(const struct shape *s, F launch)
{
    return as_stored(s, [&](auto stored) {
        if (makes_features(s->pool))
            launch(stored, float{});
        else
            launch(stored, stored);
    });
}

cudaError_t kernel_gradient_sums(const void *y, const void *gradient,
                                 const struct channel_normal *normal, const struct shape *s,
                                 const int *chosen, float *parts, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels;
    count = s->pool == POOL_MAX ? count / 4 : s->pool == POOL_GLOBAL_MAX ? s->images : count;
    return as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_sums<<<parts_of(s->channels), tile_of(s->channels), 0, stream>>>(
            (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal, s->pool,
            chosen, s->width, pixels, s->channels, count, parts);
    });
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
                            const struct channel_normal *normal, const struct shape *s,
                            const int *chosen, void *dy, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    return as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_of_y<<<blocks(count), THREADS, 0, stream>>>(
            step, (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal,
            s->pool, chosen, s->width, pixels, s->channels, count, (decltype(stored) *)dy);
    });
}

cudaError_t kernel_add_gradient(const void *gradient, const struct shape *s, const int *chosen,
                                void *to, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    return as_both_stored(s, [&](auto stored, auto of_gradient) {
        add_gradient<<<blocks(count), THREADS, 0, stream>>>((const decltype(of_gradient) *)gradient,
                                                            s->pool, chosen, pixels, s->channels,
                                                            count, (decltype(stored) *)to);
    });
}

#endif
