/* The end of the network: connected layer, softmax, cross entropy, and their gradients; see
 * kernels.h. */
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

/* One block an image; its threads share the classes. */
extern "C" __global__ void classify(const float *features, const float *weights, const float *bias,
                                    const uint32_t *label, int feature_channels, int classes,
                                    double smoothing, float *probability, float *loss,
                                    uint32_t *correct)
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
    double highest = p[0], sum = 0, all = p[0];
    for (int k = 1; k < classes; k++) {
        all += p[k];
        if (p[k] > highest)
            highest = p[k];
    }
    for (int k = 0; k < classes; k++)
        sum += exp(p[k] - highest);
    double total = highest + log(sum), own = label ? p[label[image]] : 0;
    bool right = sum == sum; /* else the probabilities are no numbers, and no class is the first */
    for (int k = 0; label && k < classes; k++)
        right = right && (k < (int)label[image] ? p[k] < own : p[k] <= own);
    for (int k = 0; k < classes; k++)
        p[k] = (float)(exp(p[k] - highest) / sum);
    if (label) {
        /* -Σ q·log p = total - Σ q·logit, for all q together are 1 */
        if (smoothing > 0)
            own = (1 - smoothing) * own + smoothing / classes * all;
        loss[image] = (float)(total - own);
        correct[image] = right;
    }
}

extern "C" __global__ void loss_gradient(const struct step_values *step, const uint32_t *label,
                                         int classes, float of_label, float of_others, int count,
                                         float *probability)
{
    int i = here();
    if (i >= count)
        return;
    uint32_t image = (uint32_t)(i / classes);
    float wanted = label[image] == (uint32_t)(i % classes) ? of_label : of_others;
    probability[i] = image < step->live ? (probability[i] - wanted) / (float)step->live : 0;
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

#ifdef KERNELS_ON_HOST

HOST_KERNEL(drop)
HOST_KERNEL_WAITS(classify)
HOST_KERNEL(loss_gradient)
HOST_KERNEL(connected_gradient)
HOST_KERNEL(feature_gradient)

#else

cudaError_t kernel_drop(const struct step_values *step, const struct dropout *dropout, int images,
                        int channels, float *values, cudaStream_t stream)
{
    int count = images * (channels / 4);
    drop<<<blocks(count), THREADS, 0, stream>>>(step, *dropout, channels, count, values);
    return cudaGetLastError();
}

cudaError_t kernel_classify(const float *features, const float *weights, const float *bias,
                            const uint32_t *label, int images, int feature_channels, int classes,
                            double smoothing, float *probability, float *loss, uint32_t *correct,
                            cudaStream_t stream)
{
    classify<<<(unsigned)images, 32, 0, stream>>>(features, weights, bias, label, feature_channels,
                                                  classes, smoothing, probability, loss, correct);
    return cudaGetLastError();
}

cudaError_t kernel_loss_gradient(const struct step_values *step, const uint32_t *label, int images,
                                 int classes, double smoothing, float *probability,
                                 cudaStream_t stream)
{
    int count = images * classes;
    double others = smoothing / classes;
    loss_gradient<<<blocks(count), THREADS, 0, stream>>>(
        step, label, classes, (float)(others + 1 - smoothing), (float)others, count, probability);
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

#endif
