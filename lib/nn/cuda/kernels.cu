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

/* The end of the network: connected layer, softmax, cross entropy, and their gradients. */

/* One block an image; its threads share the classes. */
extern "C" __global__ void classify(const float *features, const float *weights, const float *bias,
                                    const uint32_t *label, int feature_channels, int classes,
                                    float *probability, float *loss, uint32_t *correct)
{
    int image = (int)blockIdx.x;
    const float *feature = features + (size_t)image * feature_channels;
    float *p = probability + (size_t)image * classes;
    for (int k = (int)threadIdx.x; k < classes; k += (int)blockDim.x) {
        double sum = bias[k];
        for (int c = 0; c < feature_channels; c++)
            sum += (double)weights[(size_t)k * feature_channels + c] * feature[c];
        p[k] = (float)sum;
    }
    __syncthreads();
    if (threadIdx.x > 0)
        return;
    /* Few operations an image: one thread does them in double. */
    double highest = p[0], sum = 0;
    for (int k = 1; k < classes; k++)
        if (p[k] > highest)
            highest = p[k];
    for (int k = 0; k < classes; k++)
        sum += exp(p[k] - highest);
    double total = highest + log(sum), own = label ? p[label[image]] : 0;
    bool right = sum == sum; /* else the probabilities are no numbers, and no class is the first */
    for (int k = 0; label && k < classes; k++)
        right = right && (k < (int)label[image] ? p[k] < own : p[k] <= own);
    for (int k = 0; k < classes; k++)
        p[k] = (float)(exp(p[k] - highest) / sum);
    if (label) {
        loss[image] = (float)(total - own);
        correct[image] = right;
    }
}

extern "C" __global__ void loss_gradient(const struct step_values *step, const uint32_t *label,
                                         int classes, int count, float *probability)
{
    int i = here();
    if (i >= count)
        return;
    uint32_t image = (uint32_t)(i / classes), own = label[image] == (uint32_t)(i % classes);
    probability[i] = image < step->live ? (probability[i] - own) / (float)step->live : 0;
}

/* Thread (class, feature); that behind the last feature makes the bias. */
extern "C" __global__ void connected_gradient(const float *features, const float *logit_gradient,
                                              int images, int feature_channels, int classes,
                                              float *weights, float *bias)
{
    int i = here(), row = feature_channels + 1;
    if (i >= classes * row)
        return;
    int k = i / row, c = i % row;
    double sum = 0;
    for (int image = 0; image < images; image++) {
        double g = logit_gradient[(size_t)image * classes + k];
        sum += c < feature_channels ? g * features[(size_t)image * feature_channels + c] : g;
    }
    if (c < feature_channels)
        weights[(size_t)k * feature_channels + c] = (float)sum;
    else
        bias[k] = (float)sum;
}

extern "C" __global__ void feature_gradient(const float *weights, const float *logit_gradient,
                                            int feature_channels, int classes, int pixels,
                                            int count, float *gradient)
{
    int i = here();
    if (i >= count)
        return;
    int image = i / feature_channels, c = i % feature_channels;
    double sum = 0;
    for (int k = 0; k < classes; k++)
        sum += (double)weights[(size_t)k * feature_channels + c] *
               logit_gradient[(size_t)image * classes + k];
    gradient[i] = (float)(sum / pixels);
}

/* Backward through pool, ReLU and batch normalisation, and the update. */

/* y is stored as T, the gradient as G: float where it is that of the features. */

/* What kernel_gradient_sums() goes through: pooled pixels for a maximum, else all pixels. Sets dz
 * and the y that it belongs to, of pixel number pixel of these. */
template <class T, class G>
static __device__ void look_back(const T *y, const G *gradient, const struct channel_normal *n,
                                 int pool, int width, int pixels_of_image, int channels,
                                 int channel, int pixel, float *dz, float *value)
{
    float z;
    if (pool == POOL_MAX) {
        int pooled = width / 2, row = pixel / pooled, column = pixel % pooled;
        window(y + ((size_t)(2 * row) * width + 2 * column) * channels + channel, width, channels,
               n, &z, value);
    } else {
        *value = wide(y[(size_t)pixel * channels + channel]);
        z = normalised(n, *value);
    }
    int from = pool == POOL_MEAN ? pixel / pixels_of_image : pixel;
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
    if (pool != POOL_MAX) {
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
HOST_KERNEL_WAITS(classify)
HOST_KERNEL(loss_gradient)
HOST_KERNEL(connected_gradient)
HOST_KERNEL(feature_gradient)
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
static void launch_activate(const T *y, const struct channel_normal *normal, const struct shape *s,
                            void *to, cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    if (s->pool == POOL_NONE)
        activate<<<blocks(count), THREADS, 0, stream>>>(y, normal, s->channels, count, (T *)to);
    else if (s->pool == POOL_MAX)
        activate_pooled<<<blocks(count / 4), THREADS, 0, stream>>>(y, normal, s->width, s->channels,
                                                                   count / 4, (T *)to);
    else
        average<<<blocks(s->images * s->channels), THREADS, 0, stream>>>(
            y, normal, pixels, s->channels, s->images * s->channels, (float *)to);
}

cudaError_t kernel_activate(const void *y, const struct channel_normal *normal,
                            const struct shape *s, void *to, cudaStream_t stream)
{
    return as_stored(s, [&](auto stored) {
        launch_activate((const decltype(stored) *)y, normal, s, to, stream);
    });
}

cudaError_t kernel_classify(const float *features, const float *weights, const float *bias,
                            const uint32_t *label, int images, int feature_channels, int classes,
                            float *probability, float *loss, uint32_t *correct, cudaStream_t stream)
{
    classify<<<(unsigned)images, 32, 0, stream>>>(features, weights, bias, label, feature_channels,
                                                  classes, probability, loss, correct);
    return cudaGetLastError();
}

cudaError_t kernel_loss_gradient(const struct step_values *step, const uint32_t *label, int images,
                                 int classes, float *probability, cudaStream_t stream)
{
    loss_gradient<<<blocks(images * classes), THREADS, 0, stream>>>(step, label, classes,
                                                                    images * classes, probability);
    return cudaGetLastError();
}

cudaError_t kernel_connected_gradient(const float *features, const float *logit_gradient,
                                      int images, int feature_channels, int classes, float *weights,
                                      float *bias, cudaStream_t stream)
{
    connected_gradient<<<blocks(classes * (feature_channels + 1)), THREADS, 0, stream>>>(
        features, logit_gradient, images, feature_channels, classes, weights, bias);
    return cudaGetLastError();
}

cudaError_t kernel_feature_gradient(const float *weights, const float *logit_gradient, int images,
                                    int feature_channels, int classes, int pixels, float *gradient,
                                    cudaStream_t stream)
{
    int count = images * feature_channels;
    feature_gradient<<<blocks(count), THREADS, 0, stream>>>(
        weights, logit_gradient, feature_channels, classes, pixels, count, gradient);
    return cudaGetLastError();
}

/* Calls launch with values of the types of y and of the gradient. */
template <class F>
static cudaError_t as_both_stored(const struct shape *s, F launch)
{
    return as_stored(s, [&](auto stored) {
        if (s->pool == POOL_MEAN)
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
    return as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_sums<<<parts_of(s->channels), tile_of(s->channels), 0, stream>>>(
            (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal, s->pool,
            s->width, pixels, s->channels, s->pool == POOL_MAX ? count / 4 : count, parts);
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
                            const struct channel_normal *normal, const struct shape *s, void *dy,
                            cudaStream_t stream)
{
    int pixels = s->height * s->width, count = s->images * pixels * s->channels;
    return as_both_stored(s, [&](auto stored, auto of_gradient) {
        gradient_of_y<<<blocks(count), THREADS, 0, stream>>>(
            step, (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal,
            s->pool, s->width, pixels, s->channels, count, (decltype(stored) *)dy);
    });
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
