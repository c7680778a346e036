/* Launches of the kernels, as numbers: for many sizes of networks and batches, that each place has
 * one thread, each thing to be summed is in one sum, and that CUDA allows the launch.
 *
 *     launches
 */
#include "nn/cuda/common.cuh"

#include <cstdio>
#include <vector>

coordinates threadIdx, blockIdx, blockDim, gridDim;
static int errors;

#define EXPECT(condition, ...)                                                                     \
    if (!(condition) && errors++ < 10)                                                             \
    printf(__VA_ARGS__)

static bool allowed(const launch &l)
{
    return l.block.x * l.block.y * l.block.z <= THREADS && l.block.z <= 64 && l.block.x > 0 &&
           l.block.y > 0 && l.block.z > 0 && l.grid.x > 0 && l.grid.y > 0 && l.grid.z > 0 &&
           l.grid.x <= 0x7fffffff && l.grid.y <= 65535 && l.grid.z <= 65535;
}

/* Calls f for each thread of a launch. */
template <class F>
static void for_each_thread(const launch &l, F f)
{
    gridDim = l.grid;
    blockDim = l.block;
    for (blockIdx.z = 0; blockIdx.z < gridDim.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < gridDim.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++)
                for (threadIdx.z = 0; threadIdx.z < blockDim.z; threadIdx.z++)
                    for (threadIdx.y = 0; threadIdx.y < blockDim.y; threadIdx.y++)
                        for (threadIdx.x = 0; threadIdx.x < blockDim.x; threadIdx.x++)
                            f();
}

static bool once(const std::vector<int> &visits)
{
    for (int n : visits)
        if (n != 1)
            return false;
    return true;
}

/* Windows by rows and columns; pixels by STRIDE; parts of sums and the lanes that add them up. */
static void look_at(int images, int height, int width, int channels)
{
    struct shape s = {images, height, width, channels, POOL_NONE, STORED_FLOAT};
    int rows = images * (height / 2), columns = width / 2, fours = channels / 4;
    int pixels = pixels_of(&s), parts = parts_of(pixels, channels);
    std::vector<int> windows(size_t(rows) * columns * fours), places(size_t(pixels) * fours),
        summed(size_t(pixels) * fours), added(size_t(parts) * channels);
    launch sums = of_parts(parts, channels);
    auto note = [&](std::vector<int> &visits, int place, int channel) {
        visits[size_t(place) * fours + size_t(channel) / 4]++;
    };
    EXPECT(allowed(over_pixels(&s)) && allowed(sums) && allowed(of_lanes(channels)) &&
               sums.block.y >= 8,
           "%dx%dx%dx%d: no launch that CUDA allows\n", images, height, width, channels);
    if (rows > 0 && columns > 0)
        for_each_thread(over_windows(&s), [&] {
            struct place at = my_place();
            if (at.row < rows && at.column < columns && at.channel < channels)
                note(windows, at.row * columns + at.column, at.channel);
        });
    for_each_thread(over_pixels(&s), [&] {
        for (int j = 0; j < STRIDE && my_place().channel < channels; j++)
            if (pixel_of(j) < pixels)
                note(places, pixel_of(j), my_place().channel);
    });
    for_each_thread(sums, [&] {
        int channel = 4 * (int)(blockIdx.y * blockDim.x + threadIdx.x), part = (int)blockIdx.x;
        each(
            part_begin(part, parts, pixels) + (int)threadIdx.y,
            channel < channels ? part_begin(part + 1, parts, pixels) : 0, (int)blockDim.y,
            [](int pixel) { return pixel; }, [&](int pixel) { note(summed, pixel, channel); });
    });
    for_each_thread(of_lanes(channels), [&] {
        each((int)threadIdx.y, here() < channels ? parts : 0, LANES, [](int part) { return part; },
             [&](int part) { added[size_t(part) * channels + size_t(here())]++; });
    });
    EXPECT(once(windows) && once(places) && once(summed) && once(added),
           "%dx%dx%dx%d: windows %d, pixels %d, sums %d, parts %d\n", images, height, width,
           channels, once(windows), once(places), once(summed), once(added));
}

int main()
{
    static const int sizes[][3] = {{1, 1, 1},  {1, 2, 2},    {512, 1, 1}, {512, 2, 4},  {3, 7, 5},
                                   {33, 6, 8}, {1, 2, 1030}, {2, 130, 6}, {128, 32, 32}};
    for (auto &size : sizes)
        for (int channels = 4; channels <= 4096; channels += channels < 300 ? 4 : 1268)
            if (size[0] * size[1] * size[2] * channels <= 1 << 22)
                look_at(size[0], size[1], size[2], channels);
    /* What is too large to be gone through: the limits of a launch, and of an int. */
    struct shape most = {1, 46340, 11584, 4, POOL_NONE, STORED_FLOAT};
    EXPECT(allowed(over_pixels(&most)) && allowed(over_windows(&most)),
           "an image of 46340x11584: no launch\n");
    EXPECT(part_begin(SQUARES, SQUARES, INT32_MAX - 256) == INT32_MAX - 256 &&
               part_begin(SQUARES - 1, SQUARES, INT32_MAX - 256) > 0,
           "parts of the largest number end elsewhere\n");
    if (errors == 0)
        printf("every place has its thread\n");
    return errors == 0 ? 0 : 1;
}
