/* A convolution of an item, forward or backward, from the strips of its input. */
#include "passes.h"

void transform_input(const struct cpu *cpu, int stage, int group, int first, int strips,
                     const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    struct input_tiles to = {.strip = scratch->strip,
                             .at = scratch->pixels,
                             .place = place_floats(s->in_channels, strips * s->across),
                             .tiles = s->across};
    for (int channel = 0; channel < s->in_channels; channel++)
        for (int row = first; row < first + strips * TILE; row += TILE, to.at += s->across * LANES)
            if (stage == 0) {
                const float *image =
                    cpu->input + ((size_t)group * (size_t)s->in_channels + (size_t)channel) * plane;
                cpu->kernels->input_transform_image(image, s->height, s->width, row, &to);
            } else {
                struct output before = activation_of(s - 1, group, channel);
                cpu->kernels->input_transform_activation(&before, row, &to);
            }
}

void convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c, int first,
              int rows, int begins, const struct scratch *scratch)
{
    int strips = (rows + TILE - 1) / TILE, tiles = strips * s->across;
    int room = tiles < PRODUCT_LINES ? PRODUCT_LINES / tiles : 1; /* filters at a time */
    int pieces = (c->filters + room - 1) / room;
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    for (int piece = 0, filter = 0; piece < pieces; piece++) {
        int end = c->filters * (piece + 1) / pieces; /* of nearly equal size */
        struct product product = {
            .pixels = scratch->pixels,
            .pixels_place = place_floats(c->channels, tiles),
            .weights = c->weights + filter,
            .weights_place = weights_place(c->filters, c->channels),
            .weights_next = weights_next(c->filters),
            .products = scratch->products,
            .products_place = place_floats(end - filter, tiles),
            .channels = c->channels,
            .filters = end - filter,
            .tiles = tiles,
        };
        cpu->kernels->multiply(&product);
        struct output_tiles o = {.products = scratch->products,
                                 .place = product.products_place,
                                 .columns = s->width,
                                 .ahead = plane};
        for (; filter < end; filter++)
            for (int i = 0; i < strips; i++, o.products += s->across * LANES) {
                size_t at = (size_t)filter * plane + (size_t)(first + i * TILE) * row;
                o.rows = rows - i * TILE;
                o.out = c->out + at;
                if (c->before)
                    cpu->kernels->output_transform_gradient(
                        &o, c->before->y + at, &c->before->normal[filter],
                        c->sums + filter * 2 * LANES, begins && i == 0);
                else
                    cpu->kernels->output_transform(&o, c->bias ? c->bias[filter] : 0,
                                                   c->sums ? c->sums + filter * 3 * LANES : NULL,
                                                   begins && i == 0);
            }
    }
}

void fold_gradient_sums(const float *sums, int channels, uint32_t live, struct gradient_sums *to)
{
    for (int channel = 0; channel < channels; channel++, sums += 2 * LANES) {
        to[channel] = (struct gradient_sums){0, 0};
        for (uint32_t lane = 0; lane < live; lane++) {
            to[channel].sum += sums[lane];
            to[channel].product += sums[LANES + lane];
        }
    }
}
