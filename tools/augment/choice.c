#include "choice.h"

#include "message.h"
#include "nn/maths.h"
#include "random.h"

#include <string.h>

static const double PI = 0x1.921fb54442d18p+1;
static const double luma[3] = {0.299, 0.587, 0.114};

static int maps(const struct view_options *o)
{
    return o->rotate > 0 || o->shear > 0 || o->scale[0] != 1 || o->scale[1] != 1;
}

static int colours(const struct view_options *o)
{
    return o->brightness > 0 || o->contrast > 0 || o->saturation > 0 || o->hue > 0;
}

int view_options_plain(const struct view_options *o)
{
    return !maps(o) && !colours(o) && o->cutout == 0 && o->flip_vertical == 0 &&
           strcmp(o->fill, "black") == 0;
}

/* The ground that the fill names; a cutout of one that names none is the mean. */
static void settle_ground(struct view_options *o, const struct images_about *about)
{
    int edge = strcmp(o->fill, "edge") == 0, reflect = strcmp(o->fill, "reflect") == 0;
    int mean = strcmp(o->fill, "mean") == 0 || ((edge || reflect) && o->cutout > 0);
    o->common.fill = edge ? FILL_EDGE : reflect ? FILL_REFLECT : FILL_GROUND;
    for (uint32_t c = 0; c < about->channels; c++)
        o->common.ground[c] = mean                           ? (uint8_t)(about->mean[c] + 0.5)
                              : strcmp(o->fill, "grey") == 0 ? 128
                                                             : 0;
}

int view_options_settle(struct view_options *o, const struct images_about *about)
{
    uint32_t channels = about->channels;
    if (about->counts[SPLIT_TRAIN] == 0)
        return 0;
    if ((o->saturation > 0 || o->hue > 0) && channels != 3)
        return fail("--saturation and --hue are for images with 3 channels, red, green and blue; "
                    "these have %u",
                    channels);
    if (colours(o) && channels != 1 && channels != 3)
        return fail("--brightness and --contrast are for images with 1 or 3 channels; these have "
                    "%u",
                    channels);
    o->channels = channels;
    o->common.mapped = maps(o);
    o->common.coloured = colours(o);
    o->common.cutout = o->cutout;
    settle_ground(o, about);
    o->grey = channels == 3
                  ? luma[0] * about->mean[0] + luma[1] * about->mean[1] + luma[2] * about->mean[2]
                  : about->mean[0];
    return 0;
}

/* The nearest number of 1/one. */
static int32_t fixed(double value, int32_t one)
{
    return (int32_t)(value * one + (value < 0 ? -0.5 : 0.5));
}

void map_of(double rotate, double scale, double shear, int32_t map[4])
{
    /* backwards: turned back, then by 1/scale, then x → x - y·tan shear */
    double sine = maths_sin(rotate * (PI / 180)), cosine = maths_cos(rotate * (PI / 180));
    double slope = maths_sin(shear * (PI / 180)) / maths_cos(shear * (PI / 180));
    map[0] = fixed(cosine / scale, VIEW_MAP_ONE);
    map[1] = fixed(sine / scale, VIEW_MAP_ONE);
    map[2] = fixed((-sine - slope * cosine) / scale, VIEW_MAP_ONE);
    map[3] = fixed((cosine - slope * sine) / scale, VIEW_MAP_ONE);
}

void colour_of(const struct colour_change *change, uint32_t channels, int32_t *colour)
{
    double gain = change->brightness * change->contrast;
    double offset = change->brightness * (1 - change->contrast) * change->middle;
    if (channels == 1) {
        colour[0] = fixed(gain, VIEW_COLOUR_ONE);
        colour[1] = fixed(offset, VIEW_COLOUR_ONE);
        return;
    }
    /* Of each colour, what becomes of Y, R - Y and B - Y: R' - Y = (U·sin + V·cos)/0.877 and so on;
     * green is what keeps Y. */
    double sine = maths_sin(change->hue * 2 * PI), cosine = maths_cos(change->hue * 2 * PI);
    double red[2] = {cosine, sine * 0.492 / 0.877}, blue[2] = {-sine * 0.877 / 0.492, cosine};
    for (int c = 0; c < 3; c++) {
        double of[2];
        for (int i = 0; i < 2; i++)
            of[i] =
                change->saturation * (c == 0   ? red[i]
                                      : c == 2 ? blue[i]
                                               : -(luma[0] * red[i] + luma[2] * blue[i]) / luma[1]);
        double rest = 1 - of[0] - of[1];
        for (int d = 0; d < 3; d++) {
            double weight = rest * luma[d] + (d == 0 ? of[0] : 0) + (d == 2 ? of[1] : 0);
            colour[4 * c + d] = fixed(gain * weight, VIEW_COLOUR_ONE);
        }
        colour[4 * c + 3] = fixed(offset, VIEW_COLOUR_ONE);
    }
}

/* A number in [low, high) from one random word. */
static double from_range(uint32_t word, double low, double high)
{
    return low + random_unit(word) * (high - low);
}

/* A factor about 1. */
static double factor(uint32_t word, double most)
{
    return from_range(word, most > 1 ? 0 : 1 - most, 1 + most);
}

/* A whole number from -most to most. */
static int32_t step(uint32_t word, uint32_t most)
{
    return (int32_t)random_below(word, 2 * most + 1) - (int32_t)most;
}

static int flipped(const struct view_options *o, uint32_t epoch, uint64_t id,
                   const struct random *random)
{
    if (!o->alternate)
        return random_unit(random->word[2]) < o->flip;
    struct random first = philox(o->seed, 1, id, PURPOSE_VIEW);
    return (random_unit(first.word[2]) < o->flip) ^ (epoch % 2 == 0);
}

struct view view_random(const struct view_options *o, uint32_t epoch, const struct image *image)
{
    struct random random = philox(o->seed, epoch, image->id, PURPOSE_VIEW);
    struct view view = o->common;
    view.height = image->height;
    view.width = image->width;
    if (o->crop[0] > 0) {
        view.height = o->crop[0];
        view.width = o->crop[1];
        view.row = (int32_t)random_below(random.word[0], image->height - view.height + 1);
        view.column = (int32_t)random_below(random.word[1], image->width - view.width + 1);
    } else {
        view.row = step(random.word[0], o->shift[0]);
        view.column = step(random.word[1], o->shift[1]);
    }
    view.flip = flipped(o, epoch, image->id, &random);
    view.upside_down = random_unit(random.word[3]) < o->flip_vertical;
    if (view.mapped) {
        random = philox(o->seed, epoch, image->id, PURPOSE_MAP);
        map_of(from_range(random.word[0], -o->rotate, o->rotate),
               from_range(random.word[1], o->scale[0], o->scale[1]),
               from_range(random.word[2], -o->shear, o->shear), view.map);
    }
    if (view.coloured) {
        random = philox(o->seed, epoch, image->id, PURPOSE_COLOUR);
        struct colour_change change = {.brightness = factor(random.word[0], o->brightness),
                                       .contrast = factor(random.word[1], o->contrast),
                                       .middle = o->grey,
                                       .saturation = factor(random.word[2], o->saturation),
                                       .hue = from_range(random.word[3], -o->hue, o->hue)};
        colour_of(&change, o->channels, view.colour);
    }
    if (view.cutout > 0) {
        random = philox(o->seed, epoch, image->id, PURPOSE_CUTOUT);
        view.cut_row = (int32_t)random_below(random.word[0], view.height) - (int32_t)o->cutout / 2;
        view.cut_column =
            (int32_t)random_below(random.word[1], view.width) - (int32_t)o->cutout / 2;
    }
    return view;
}
