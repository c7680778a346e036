/* A convolution of an item, forward or backward, from the strips of its input. */
#include "passes.h"

void transform_input(const struct cpu *cpu, int stage, const struct strips *part,
                     const struct scratch *scratch)
{
    const struct stage *s = &cpu->stage[stage];
    size_t plane = (size_t)s->height * (size_t)s->width * LANES;
    struct input_tiles to = {.strip = scratch->strip,
                             .at = scratch->pixels,
                             .place = place_floats(s->in_channels, tiles_of(s, part)),
                             .tiles = s->across};
    for (int channel = 0; channel < s->in_channels; channel++)
        for (int group = part->group; group < part->group + part->groups; group++)
            for (int row = part->first; row < part->first + part->rows;
                 row += TILE, to.at += s->across * LANES)
                if (stage == 0) {
                    const float *image =
                        cpu->input +
                        ((size_t)group * (size_t)s->in_channels + (size_t)channel) * plane;
                    cpu->kernels->input_transform_image(image, s->height, s->width, row, &to);
                } else {
                    struct output before = activation_of(s - 1, group, channel);
                    cpu->kernels->input_transform_activation(&before, row, &to);
                }
}

/* One filter's products of a group back to rows of its image. */
static void transform_output(const struct cpu *cpu, const struct stage *s,
                             const struct convolution *c, const struct strips *part, int group,
                             int filter, int begins, struct output_tiles *o)
{
    size_t row = (size_t)s->width * LANES, plane = (size_t)s->height * row;
    size_t number = (size_t)(part->group + group) * (size_t)c->filters + (size_t)filter;
    float *sums =
        c->sums ? c->sums + (size_t)(group * c->filters + filter) * (c->y ? 2 : 3) * LANES : NULL;
    for (int i = 0; i < strips_of(part); i++, o->products += s->across * LANES) {
        size_t at = number * plane + (size_t)(part->first + i * TILE) * row;
        o->rows = part->rows - i * TILE;
        o->out = c->out + at;
        if (c->y)
            cpu->kernels->output_transform_gradient(o, c->y + at, &c->normal[filter], sums,
                                                    begins && i == 0);
        else
            cpu->kernels->output_transform(o, c->bias ? c->bias[filter] : 0, sums,
                                           begins && i == 0);
    }
}

void convolve(const struct cpu *cpu, const struct stage *s, const struct convolution *c,
              const struct strips *part, int begins, const struct scratch *scratch)
{
    int tiles = tiles_of(s, part), room = filters_at_once(c->channels, tiles);
    int pieces = (c->filters + room - 1) / room;
    for (int piece = 0, filter = 0; piece < pieces; piece++) {
        int end = c->filters * (piece + 1) / pieces; /* of nearly equal size */
        struct product product = {
            .pixels = scratch->pixels,
            .pixels_place = place_floats(c->channels, tiles),
            .weights = c->weights,
            .weights_place = weights_place(c->filters, c->channels),
            .panel = (size_t)c->channels * LANES,
            .products = scratch->products,
            .products_place = place_floats(end - filter, tiles),
            .channels = c->channels,
            .first = filter,
            .filters = end - filter,
            .tiles = tiles,
        };
        cpu->kernels->multiply(&product);
        struct output_tiles o = {.products = scratch->products,
                                 .place = product.products_place,
                                 .columns = s->width,
                                 .ahead = (size_t)s->height * (size_t)s->width * LANES};
        for (; filter < end; filter++)
            for (int group = 0; group < part->groups; group++)
                transform_output(cpu, s, c, part, group, filter, begins, &o);
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
