/* The end of the network: connected layer, softmax, cross entropy, and their gradients; see
 * kernels.h. Sums are double. */
#include "common.cuh"
#include "random.h"

/* Philox4x32-10, as lib/random.c has it. */
static __device__ void philox(uint64_t seed, uint32_t epoch, uint64_t id, uint32_t purpose,
                              uint32_t word[4])
{
    uint32_t c0 = epoch, c1 = purpose, c2 = (uint32_t)id, c3 = (uint32_t)(id >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

/* Thread: four channels of an image, which share their random words. */
extern "C" __global__ void drop(const struct step_values *step, struct dropout dropout,
                                int channels, int count, float *values)
{
    int i = here();
    if (i >= count)
        return;
    int fours = channels / 4;
    uint64_t image = (uint64_t)(i / fours), four = (uint64_t)(i % fours);
    uint32_t word[4];
    philox(dropout.seed, step->number, (image << 20) + four, PURPOSE_DROPOUT, word);
    float *value = values + 4 * (size_t)i;
    for (int k = 0; k < 4; k++)
        value[k] = word[k] >> 8 < dropout.below ? 0 : value[k] * dropout.scale;
}

/* p[classes] = bias + Σ weights[class][channels]·feature: several threads a class, four features
 * each time, so that they read the weights in rows; one of them adds up what they have. */
static __device__ void logits(const float *feature, const float *weights, const float *bias,
                              int channels, int classes, float *p)
{
    __shared__ double part[THREADS];
    int thread = my_number(), lanes = 4;
    while (2 * lanes * classes <= my_block() && lanes < 16)
        lanes *= 2;
    int at_once = my_block() / lanes, lane = thread % lanes;
    for (int first = 0; first < classes; first += at_once) {
        int k = thread / lanes < at_once ? first + thread / lanes : classes;
        const float *row = weights + (size_t)k * channels;
        double sum = 0;
        for (int c = 4 * lane; k < classes && c < channels; c += 4 * lanes) {
            four<float> w = load(row + c), x = load(feature + c);
            for (int i = 0; i < 4; i++)
                sum += (double)w.value[i] * x.value[i];
        }
        part[thread] = sum;
        __syncthreads();
        if (thread < at_once && first + thread < classes) {
            sum = bias[first + thread];
            for (int i = 0; i < lanes; i++)
                sum += part[thread * lanes + i];
            p[first + thread] = (float)sum;
        }
        __syncthreads();
    }
}

/* gradient[channels] = Σ weights[class][channels]·p[class] / pixels: the rows of a block share the
 * classes. */
static __device__ void back_to_features(const float *weights, const float *p, int channels,
                                        int classes, int pixels, float *gradient)
{
    for (int first = 0; first < channels; first += 4 * (int)blockDim.x) {
        int c = first + 4 * (int)threadIdx.x;
        double sum[4] = {0};
        for (int k = (int)threadIdx.y; k < classes && c < channels; k += (int)blockDim.y) {
            four<float> w = load(weights + (size_t)k * channels + c);
            for (int i = 0; i < 4; i++)
                sum[i] += (double)w.value[i] * p[k];
        }
        add_rows(sum);
        for (int i = 0; threadIdx.y == 0 && c < channels && i < 4; i++)
            gradient[c + i] = (float)(sum[i] / pixels);
        __syncthreads(); /* what add_rows() shares is read */
    }
}

/* A block an image. */
extern "C" __global__ void classify(const struct step_values *step, const float *features,
                                    const float *weights, const float *bias, const uint32_t *label,
                                    int channels, int classes, double smoothing, float *probability,
                                    float *loss, uint32_t *correct, int pixels, float *gradient)
{
    int image = (int)blockIdx.x, own = (int)label[image], begin = my_number(), step_by = my_block();
    float *p = probability + (size_t)image * classes;
    logits(features + (size_t)image * channels, weights, bias, channels, classes, p);

    double highest = -INFINITY, sum = 0, all = 0, better = 0, logit = p[own];
    for (int k = begin; k < classes; k += step_by)
        highest = p[k] > highest ? p[k] : highest;
    highest = over_block(highest, [](double a, double b) { return a > b ? a : b; });
    for (int k = begin; k < classes; k += step_by) {
        sum += exp(p[k] - highest);
        all += p[k];
        better += k < own ? p[k] >= logit : k > own && p[k] > logit;
    }
    sum = add_block(sum);
    better = add_block(better);
    all = smoothing > 0 ? add_block(all) : 0;

    double live = gradient ? step->live : 1, others = smoothing / classes;
    for (int k = begin; k < classes; k += step_by) {
        double of = exp(p[k] - highest) / sum;
        if (gradient)
            of = image < live ? (of - others - (k == own ? 1 - smoothing : 0)) / live : 0;
        p[k] = (float)of;
    }
    if (begin == 0) {
        /* -Σ q·log p = log Σ exp(logit) - Σ q·logit, for all q together are 1. */
        loss[image] = (float)(highest + log(sum) - (1 - smoothing) * logit - others * all);
        /* Else the probabilities are no numbers, and no class is the first. */
        correct[image] = sum == sum && better == 0;
    }
    __syncthreads();
    if (gradient)
        back_to_features(weights, p, channels, classes, pixels,
                         gradient + (size_t)image * channels);
}

/* A block a class, for a tile of the features; its rows share the images. */
extern "C" __global__ void connected_gradient(const float *features, const float *logit_gradient,
                                              int images, int channels, int classes, float *weights,
                                              float *bias)
{
    int k = (int)blockIdx.x, c = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x);
    struct pair {
        four<float> feature;
        float g;
    };
    double sum[5] = {0}; /* that of the bias is the last */
    each((int)threadIdx.y, c < channels ? images : 0, (int)blockDim.y,
         [=](int image) {
             return pair{load(features + (size_t)image * channels + c),
                         logit_gradient[(size_t)image * classes + k]};
         },
         [&](const pair &of) {
             for (int i = 0; i < 4; i++)
                 sum[i] += (double)of.g * of.feature.value[i];
             sum[4] += of.g;
         });
    add_rows(sum);
    if (threadIdx.y > 0 || c >= channels)
        return;
    for (int i = 0; i < 4; i++)
        weights[(size_t)k * channels + c + i] = (float)sum[i];
    if (c == 0)
        bias[k] = (float)sum[4];
}

#ifdef KERNELS_ON_HOST

HOST_KERNEL(drop)
HOST_KERNEL_WAITS(classify)
HOST_KERNEL_WAITS(connected_gradient)

#else

cudaError_t kernel_drop(const struct step_values *step, const struct dropout *dropout, int images,
                        int channels, float *values, cudaStream_t stream)
{
    int count = images * (channels / 4);
    drop<<<blocks(count), THREADS, 0, stream>>>(step, *dropout, channels, count, values);
    return cudaGetLastError();
}

cudaError_t kernel_classify(const struct step_values *step, const float *features,
                            const float *weights, const float *bias, const uint32_t *label,
                            int images, int channels, int classes, double smoothing,
                            float *probability, float *loss, uint32_t *correct, int pixels,
                            float *gradient, cudaStream_t stream)
{
    launch l = of_parts(images, channels);
    classify<<<(unsigned)images, l.block, 0, stream>>>(step, features, weights, bias, label,
                                                       channels, classes, smoothing, probability,
                                                       loss, correct, pixels, gradient);
    return cudaGetLastError();
}

cudaError_t kernel_connected_gradient(const float *features, const float *logit_gradient,
                                      int images, int channels, int classes, float *weights,
                                      float *bias, cudaStream_t stream)
{
    launch l = of_parts(classes, channels);
    connected_gradient<<<l.grid, l.block, 0, stream>>>(features, logit_gradient, images, channels,
                                                       classes, weights, bias);
    return cudaGetLastError();
}

#endif
