#include "drawing/synth_canvas.h"

/* The middle of the image, counted in pixels from the middle of the first one. */
static const double MIDDLE = SYNTH_SIDE / 2.0 - 0.5;

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* How much of a pixel is covered whose middle lies this far outside an outline. */
static double coverage(double distance)
{
    return clamp(0.5 - distance, 0, 1);
}

/* The pixels that something from low to high (in pixels from the middle) can touch on one axis. */
struct range {
    int first, last;
};

static struct range touched(double low, double high)
{
    return (struct range){(int)clamp(MIDDLE + low, 0, SYNTH_SIDE - 1),
                          (int)clamp(MIDDLE + high, 0, SYNTH_SIDE - 1)};
}

static void blend(double below[SYNTH_CHANNELS], const double above[SYNTH_CHANNELS], double alpha)
{
    for (int c = 0; c < SYNTH_CHANNELS; c++)
        below[c] += alpha * (above[c] - below[c]);
}

/* 1 at whole numbers, −1 half-way between them, straight lines from one to the other. */
static double wave(double t)
{
    return 4 * fabs(fabs(t - (int)t) - 0.5) - 1;
}

static void paint_at(const struct paint *paint, double x, double y, double colour[SYNTH_CHANNELS])
{
    double along = x * paint->along.x + y * paint->along.y;
    double across = y * paint->along.x - x * paint->along.y;
    double height = wave(along * paint->frequency + paint->phase);
    if (paint->checked)
        height *= wave(across * paint->frequency);
    for (int c = 0; c < SYNTH_CHANNELS; c++)
        colour[c] = paint->colour[c] + along * paint->slope[c] + height * paint->wave[c];
}

struct paint any_paint(struct words *words, double dark, double light)
{
    struct paint paint = {.along = any_direction(words)};
    double texture = any_below(words, 3) == 0 ? 0 : 28;
    for (int c = 0; c < SYNTH_CHANNELS; c++) {
        paint.colour[c] = between(words, dark, light);
        paint.slope[c] = between(words, -3, 3);
        paint.wave[c] = between(words, -texture, texture);
    }
    paint.frequency = between(words, 0.08, 0.3);
    paint.phase = between(words, 0, 1);
    paint.checked = any_below(words, 2) == 0;
    return paint;
}

struct place any_place(struct words *words, double size, double far, double lean, double squash)
{
    struct place place = {.size = size};
    place.x = between(words, -far, far);
    place.y = between(words, -far, far);
    double tangent = between(words, -lean, lean);
    double cosine = 1 / sqrt(1 + tangent * tangent), sine = tangent * cosine;
    /* Drawn out by s across an axis and squeezed as much along it, so that the area stays. */
    struct direction axis = any_direction(words);
    double s = sqrt(between(words, 1, squash));
    double xx = axis.x * axis.x * s + axis.y * axis.y / s, xy = axis.x * axis.y * (s - 1 / s);
    double yy = axis.y * axis.y * s + axis.x * axis.x / s;
    place.reach = (FIGURE_REACH * size + 0.5) * s; /* half a pixel: the smooth edge */
    place.turn[0][0] = (cosine * xx + sine * xy) / size;
    place.turn[0][1] = (cosine * xy + sine * yy) / size;
    place.turn[1][0] = (cosine * xy - sine * xx) / size;
    place.turn[1][1] = (cosine * yy - sine * xy) / size;
    return place;
}

void canvas_ground(struct canvas *canvas, const struct paint *paint)
{
    for (int row = 0; row < SYNTH_SIDE; row++)
        for (int column = 0; column < SYNTH_SIDE; column++)
            paint_at(paint, column - MIDDLE, MIDDLE - row, canvas->pixel[row][column]);
}

void canvas_figure(struct canvas *canvas, figure_distance *distance, const struct place *place,
                   const struct paint *fill, const struct paint *edge, double edge_width)
{
    struct range rows = touched(-place->y - place->reach, -place->y + place->reach);
    struct range columns = touched(place->x - place->reach, place->x + place->reach);
    for (int row = rows.first; row <= rows.last; row++)
        for (int column = columns.first; column <= columns.last; column++) {
            double x = column - MIDDLE, y = MIDDLE - row, dx = x - place->x, dy = y - place->y;
            double outside =
                place->size * distance(dx * place->turn[0][0] + dy * place->turn[0][1],
                                       dx * place->turn[1][0] + dy * place->turn[1][1]);
            if (outside >= 0.5)
                continue;
            double colour[SYNTH_CHANNELS], inner[SYNTH_CHANNELS];
            paint_at(edge, x, y, colour);
            paint_at(fill, x, y, inner);
            blend(colour, inner, edge_width > 0 ? coverage(outside + edge_width) : 1);
            blend(canvas->pixel[row][column], colour, coverage(outside));
        }
}

void canvas_stroke(struct canvas *canvas, struct words *words, const struct paint *paint)
{
    double x0 = between(words, -18, 18), y0 = between(words, -18, 18);
    struct direction d = any_direction(words);
    double length = between(words, 8, 30), half_width = between(words, 0.4, 1.2);
    const double reach = 2; /* the width and the smooth edge */
    double x1 = x0 + length * d.x, y1 = y0 + length * d.y;
    struct range rows = touched(-fmax(y0, y1) - reach, -fmin(y0, y1) + reach);
    struct range columns = touched(fmin(x0, x1) - reach, fmax(x0, x1) + reach);
    for (int row = rows.first; row <= rows.last; row++)
        for (int column = columns.first; column <= columns.last; column++) {
            double x = column - MIDDLE, y = MIDDLE - row;
            double along = (x - x0) * d.x + (y - y0) * d.y;
            double beside = (y - y0) * d.x - (x - x0) * d.y, colour[SYNTH_CHANNELS];
            along -= clamp(along, 0, length); /* what lies beyond its ends */
            if (along * along + beside * beside > reach * reach)
                continue;
            paint_at(paint, x, y, colour);
            blend(canvas->pixel[row][column], colour,
                  coverage(sqrt(along * along + beside * beside) - half_width));
        }
}

void canvas_pixels(const struct canvas *canvas, struct words *words, double noise,
                   uint8_t pixels[SYNTH_BYTES])
{
    const double *value = &canvas->pixel[0][0][0], step = noise / 511.5;
    for (int i = 0; i < SYNTH_BYTES; i += SYNTH_CHANNELS) {
        uint32_t word = next_word(words); /* ten bits a colour */
        for (int c = 0; c < SYNTH_CHANNELS; c++, word >>= 10) {
            double noisy = value[i + c] + step * ((int)(word & 1023) - 511.5);
            pixels[i + c] = (uint8_t)(int)(clamp(noisy, 0, 255) + 0.5);
        }
    }
}
