/* The way back through a stage: pool, addition, ReLU, batch normalisation; see kernels.h.
 *
 * y is stored as T, the gradient as G: float where it is that of the features. */
#include "common.cuh"

/* The gradient of z, from that of what comes of it. */
template <class G>
static __device__ inline four<float> through_relu(const four<float> &z, const G *gradient)
{
    four<float> dz = load(gradient);
    for (int k = 0; k < 4; k++)
        dz.value[k] = positive(z.value[k]) ? dz.value[k] : 0;
    return dz;
}

static __device__ inline four<float> normalised(const struct channel_normal *n,
                                                const four<float> &y)
{
    four<float> z;
    for (int k = 0; k < 4; k++)
        z.value[k] = normalised(&n[k], y.value[k]);
    return z;
}

/* What gradient_sums() goes through: pooled pixels for a maximum, be it of a window or of an image,
 * else all pixels; here the y that the gradient of pixel number pixel of these goes to, and dz. */
struct back {
    four<float> y, dz;
};
template <class T, class G, int pool>
static __device__ inline back
look_back(const T *y, const G *gradient, const struct channel_normal *n, const int *chosen,
          int width, int pixels_of_image, int channels, int channel, int pixel)
{
    back found;
    four<float> z;
    if (pool == POOL_MAX) {
        window w;
        int row = pixel / (width / 2); /* 2·pixel leaves out the lower row of each before this */
        look(y + (2 * pixel + row * width) * channels + channel, width, channels, n, &w);
        found.y = w.y[0];
        for (int k = 0; k < 4; k++)
            for (int i = 1; i < 4; i++)
                found.y.value[k] = w.best.value[k] == i ? w.y[i].value[k] : found.y.value[k];
        z = w.highest;
    } else if (pool == POOL_GLOBAL_MAX) {
        for (int k = 0; k < 4; k++) {
            int at = pixel * pixels_of_image + chosen[pixel * channels + channel + k];
            found.y.value[k] = wide(y[at * channels + channel + k]);
        }
        z = normalised(n, found.y);
    } else {
        found.y = load(y + pixel * channels + channel);
        z = normalised(n, found.y);
    }
    int from = pool == POOL_MEAN ? pixel / pixels_of_image : pixel;
    found.dz = through_relu(z, gradient + from * channels + channel);
    return found;
}

/* count: pixels gone through, of all images: gradients of images that are not live are 0. */
template <class T, class G, int pool>
__global__ void gradient_sums(const T *y, const G *gradient, const struct channel_normal *normal,
                              const int *chosen, int width, int pixels_of_image, int channels,
                              int count, float *parts)
{
    int channel = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
    int end = channel < channels ? part_begin(part + 1, (int)gridDim.x, count) : 0;
    const struct channel_normal *n = &normal[channel];
    float sum[8] = {0};
    each(
        part_begin(part, (int)gridDim.x, count) + (int)threadIdx.y, end, (int)blockDim.y,
        [=](int pixel) {
            return look_back<T, G, pool>(y, gradient, n, chosen, width, pixels_of_image, channels,
                                         channel, pixel);
        },
        [&](const back &found) {
            for (int k = 0; k < 4; k++) {
                float dz = found.dz.value[k];
                sum[2 * k] += dz;
                sum[2 * k + 1] = fmaf(dz, found.y.value[k] - n[k].mean, sum[2 * k + 1]);
            }
        });
    put_sums(sum, channels, parts);
}

/* dy = gain·(dz - Σdz/n - (y - mean)·inverse²·Σdz(y - mean)/n) (Ioffe, Szegedy, "Batch
 * normalization", 2015, section 3) */
extern "C" __global__ void settle(const struct step_values *step, const float *from, int parts,
                                  const float *scale, int pixels_of_image, int channels,
                                  float *scale_gradient, float *offset_gradient,
                                  struct channel_normal *normal)
{
    int channel = here();
    double sum[2], count = (double)step->live * pixels_of_image;
    add_parts(from, parts, channels, channel, sum);
    if (threadIdx.y > 0 || channel >= channels)
        return;
    struct channel_normal *n = &normal[channel];
    double inverse = n->inverse, gain = scale[channel] * inverse;
    double slope = -gain * inverse * inverse * sum[1] / count;
    n->slope = (float)slope;
    n->level = (float)(-gain * sum[0] / count - slope * n->mean);
    scale_gradient[channel] = (float)(sum[1] * inverse);
    offset_gradient[channel] = (float)sum[0];
}

static __device__ inline float gradient_of_y(const struct channel_normal *n, float dz, float y)
{
    return fmaf(dz, n->gain, fmaf(y, n->slope, n->level));
}

/* Of a stage without windows. */
template <class T, class G, int pool>
__global__ void gradient_of_pixels(const struct step_values *step, const T *__restrict__ y,
                                   const G *__restrict__ gradient,
                                   const struct channel_normal *__restrict__ normal,
                                   const int *__restrict__ chosen, int pixels_of_image,
                                   int channels, int pixels, T *__restrict__ dy)
{
    int channel = my_place().channel, live = (int)step->live * pixels_of_image;
    if (channel >= channels)
        return;
    const struct channel_normal *n = &normal[channel];
    four<float> value[STRIDE], dz[STRIDE];
    for (int j = 0; j < STRIDE; j++) {
        int pixel = inside(pixel_of(j), pixels);
        int image = pool == POOL_NONE ? 0 : pixel / pixels_of_image;
        int from = (pool == POOL_NONE ? pixel : image) * channels + channel;
        value[j] = load(y + pixel * channels + channel);
        dz[j] = through_relu(normalised(n, value[j]), gradient + from);
        for (int k = 0; pool == POOL_GLOBAL_MAX && k < 4; k++)
            if (chosen[from + k] != pixel - image * pixels_of_image)
                dz[j].value[k] = 0;
    }
    for (int j = 0; j < STRIDE; j++) {
        int pixel = pixel_of(j);
        for (int k = 0; k < 4; k++)
            value[j].value[k] =
                pixel < live ? gradient_of_y(&n[k], dz[j].value[k], value[j].value[k]) : 0;
        if (pixel < pixels)
            store(dy + pixel * channels + channel, value[j]);
    }
}

/* Thread: a window of a stage that has them. rows: of windows, those of all images one behind the
 * other; width: of y. */
template <class T>
__global__ void gradient_of_windows(const struct step_values *step, const T *__restrict__ y,
                                    const T *__restrict__ gradient,
                                    const struct channel_normal *__restrict__ normal, int rows,
                                    int rows_of_image, int width, int channels, T *__restrict__ dy)
{
    struct place at = my_place();
    int pooled = width / 2;
    if (at.row >= rows || at.column >= pooled || at.channel >= channels)
        return;
    int first = (2 * at.row * width + 2 * at.column) * channels + at.channel;
    bool live = at.row < (int)step->live * rows_of_image;
    const struct channel_normal *n = &normal[at.channel];
    window w;
    look(y + first, width, channels, n, &w);
    four<float> dz =
        through_relu(w.highest, gradient + (at.row * pooled + at.column) * channels + at.channel);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 4; k++) {
            float own = w.best.value[k] == i ? dz.value[k] : 0;
            w.y[i].value[k] = live ? gradient_of_y(&n[k], own, w.y[i].value[k]) : 0;
        }
        store(dy + first + ((i / 2) * width + i % 2) * channels, w.y[i]);
    }
}

/* What went into an addition has its gradient too. */
template <class T, class G, int pool>
__global__ void add_gradient(const G *gradient, const int *chosen, int pixels_of_image,
                             int channels, int pixels, T *to)
{
    int channel = my_place().channel;
    for (int j = 0; j < STRIDE; j++) {
        int pixel = pixel_of(j);
        if (pixel >= pixels || channel >= channels)
            return;
        int image = pool == POOL_NONE ? 0 : pixel / pixels_of_image;
        int from = (pool == POOL_NONE ? pixel : image) * channels + channel;
        T *own = to + pixel * channels + channel;
        four<float> sum = load(own), more = load(gradient + from);
        for (int k = 0; k < 4; k++)
            if (pool != POOL_GLOBAL_MAX || chosen[from + k] == pixel - image * pixels_of_image)
                sum.value[k] += more.value[k];
        store(own, sum);
    }
}

#ifdef KERNELS_ON_HOST

#define OF_POOLS(KIND, name)                                                                       \
    KIND(name<float, float, POOL_NONE>)                                                            \
    KIND(name<bf16, bf16, POOL_NONE>)                                                              \
    KIND(name<float, float, POOL_MEAN>)                                                            \
    KIND(name<bf16, float, POOL_MEAN>)                                                             \
    KIND(name<float, float, POOL_GLOBAL_MAX>)                                                      \
    KIND(name<bf16, float, POOL_GLOBAL_MAX>)
OF_POOLS(HOST_KERNEL_WAITS, gradient_sums)
HOST_KERNEL_WAITS(gradient_sums<float, float, POOL_MAX>)
HOST_KERNEL_WAITS(gradient_sums<bf16, bf16, POOL_MAX>)
HOST_KERNEL_WAITS(settle)
OF_POOLS(HOST_KERNEL, gradient_of_pixels)
HOST_KERNEL(gradient_of_windows<float>)
HOST_KERNEL(gradient_of_windows<bf16>)
OF_POOLS(HOST_KERNEL, add_gradient)

#else

/* Calls launch with values of the types of y and of the gradient, and the pool; not POOL_MAX. */
template <class F>
static cudaError_t as_pooled(const struct shape *s, F launch)
{
    return as_stored(s, [&](auto stored) {
        if (s->pool == POOL_MEAN)
            launch(stored, float{}, std::integral_constant<int, POOL_MEAN>{});
        else if (s->pool == POOL_GLOBAL_MAX)
            launch(stored, float{}, std::integral_constant<int, POOL_GLOBAL_MAX>{});
        else
            launch(stored, stored, std::integral_constant<int, POOL_NONE>{});
    });
}

/* How much gradient_sums() goes through. */
static int looked_back(const struct shape *s)
{
    return s->pool == POOL_MAX          ? pixels_of(s) / 4
           : s->pool == POOL_GLOBAL_MAX ? s->images
                                        : pixels_of(s);
}

cudaError_t kernel_gradient_sums(const void *y, const void *gradient,
                                 const struct channel_normal *normal, const struct shape *s,
                                 const int *chosen, float *parts, cudaStream_t stream)
{
    int count = looked_back(s);
    launch l = of_parts(parts_of(count, s->channels), s->channels);
    auto sums = [&](auto stored, auto of_gradient, auto pool) {
        gradient_sums<decltype(stored), decltype(of_gradient), decltype(pool)::value>
            <<<l.grid, l.block, 0, stream>>>(
                (const decltype(stored) *)y, (const decltype(of_gradient) *)gradient, normal,
                chosen, s->width, s->height * s->width, s->channels, count, parts);
    };
    if (s->pool != POOL_MAX)
        return as_pooled(s, sums);
    return as_stored(
        s, [&](auto stored) { sums(stored, stored, std::integral_constant<int, POOL_MAX>{}); });
}

cudaError_t kernel_settle(const struct step_values *step, const float *parts, const float *scale,
                          const struct shape *s, float *scale_gradient, float *offset_gradient,
                          struct channel_normal *normal, cudaStream_t stream)
{
    launch l = of_lanes(s->channels);
    settle<<<l.grid, l.block, 0, stream>>>(step, parts, parts_of(looked_back(s), s->channels),
                                           scale, s->height * s->width, s->channels, scale_gradient,
                                           offset_gradient, normal);
    return cudaGetLastError();
}

cudaError_t kernel_gradient(const struct step_values *step, const void *y, const void *gradient,
                            const struct channel_normal *normal, const struct shape *s,
                            const int *chosen, void *dy, cudaStream_t stream)
{
    if (s->pool == POOL_MAX) {
        launch l = over_windows(s);
        return as_stored(s, [&](auto stored) {
            using T = decltype(stored);
            gradient_of_windows<<<l.grid, l.block, 0, stream>>>(
                step, (const T *)y, (const T *)gradient, normal, s->images * (s->height / 2),
                s->height / 2, s->width, s->channels, (T *)dy);
        });
    }
    launch l = over_pixels(s);
    return as_pooled(s, [&](auto stored, auto of_gradient, auto pool) {
        using T = decltype(stored);
        using G = decltype(of_gradient);
        gradient_of_pixels<T, G, decltype(pool)::value><<<l.grid, l.block, 0, stream>>>(
            step, (const T *)y, (const G *)gradient, normal, chosen, s->height * s->width,
            s->channels, pixels_of(s), (T *)dy);
    });
}

cudaError_t kernel_add_gradient(const void *gradient, const struct shape *s, const int *chosen,
                                void *to, cudaStream_t stream)
{
    launch l = over_pixels(s);
    return as_pooled(s, [&](auto stored, auto of_gradient, auto pool) {
        using T = decltype(stored);
        using G = decltype(of_gradient);
        add_gradient<T, G, decltype(pool)::value><<<l.grid, l.block, 0, stream>>>(
            (const G *)gradient, chosen, s->height * s->width, s->channels, pixels_of(s), (T *)to);
    });
}

#endif
