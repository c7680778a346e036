/* The end of the network: connected layer, softmax, cross entropy, and their gradients. See
 * kernels.h. */
#include "common.cuh"

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

#ifdef KERNELS_ON_HOST

HOST_KERNEL_WAITS(classify)
HOST_KERNEL(loss_gradient)
HOST_KERNEL(connected_gradient)
HOST_KERNEL(feature_gradient)

#else

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

#endif
