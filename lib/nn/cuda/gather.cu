/* From bytes to the first convolution's input: views of kept images, or a batch's pixels, scaled.
 * See kernels.h. */
#include "common.cuh"

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

#ifdef KERNELS_ON_HOST

HOST_KERNEL(gather<float>)
HOST_KERNEL(gather<bf16>)

#else

cudaError_t kernel_gather(const struct step_values *step, const struct kept_view *view,
                          const struct kept_image *image, const uint8_t *pixels,
                          const float *scaled, int image_channels, const struct shape *s, void *x,
                          cudaStream_t stream)
{
    int count = s->images * s->height * s->width;
    as_stored(s, [&](auto stored) {
        gather<<<blocks(count), THREADS, 0, stream>>>(step, view, image, pixels, scaled,
                                                      image_channels, s->channels, s->height,
                                                      s->width, count, (decltype(stored) *)x);
    });
    return cudaGetLastError();
}

#endif
