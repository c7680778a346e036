#include "sources/synth.h"

#include "message.h"
#include "random.h"
#include "sources/open.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The random words of one image, taken one after another. */
struct words {
    uint64_t set, id; /* whose words: the seed and the image number of philox() */
    uint32_t block;   /* the next block of four */
    uint32_t left;    /* how many of drawn are still to be used, from its end; 0 at first */
    struct random drawn;
};

struct direction {
    double x, y; /* of length 1 */
};

static uint32_t next_word(struct words *words)
{
    if (words->left == 0) {
        words->drawn = philox(words->set, words->block++, words->id, PURPOSE_SYNTH);
        words->left = 4;
    }
    return words->drawn.word[--words->left];
}

static double between(struct words *words, double low, double high)
{
    return low + (high - low) * random_unit(next_word(words));
}

/* Any direction, all equally likely: a point of the unit disc, moved out to its rim. */
static struct direction any_direction(struct words *words)
{
    for (;;) {
        double x = between(words, -1, 1), y = between(words, -1, 1), square = x * x + y * y;
        if (square > 0.01 && square <= 1)
            return (struct direction){x / sqrt(square), y / sqrt(square)};
    }
}

/* The figures. */

static const double HALF_ROOT = 0.70710678118654752; /* of 2: sine and cosine of 45 degrees */

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double length(double x, double y)
{
    return sqrt(x * x + y * y);
}

static double box(double x, double y, double half_width, double half_height)
{
    return larger(fabs(x) - half_width, fabs(y) - half_height);
}

/* A regular polygon is where no side's line is crossed. normal: the right half of the outward
 * normals of its sides; the left half mirrors it. */
static double polygon(double x, double y, const struct direction *normal, int count, double apothem)
{
    double most = -apothem;
    x = fabs(x);
    for (int i = 0; i < count; i++)
        most = larger(most, x * normal[i].x + y * normal[i].y - apothem);
    return most;
}

enum figure { ARROW, CIRCLE, CRESCENT, CROSS, HEART, HEXAGON, RING, SQUARE, STAR, TRIANGLE };

const char *const synth_class[SYNTH_CLASSES] = {
    "arrow",   "circle", "crescent", "cross", "heart",
    "hexagon", "ring",   "square",   "star",  "triangle",
};

double synth_figure(int label, double x, double y)
{
    static const struct direction three[] = {{0, -1}, {0.86602540378443865, 0.5}};
    static const struct direction five[] = {{0, -1},
                                            {0.95105651629515357, -0.30901699437494742},
                                            {0.58778525229247313, 0.80901699437494742}};
    static const struct direction six[] = {
        {0, 1}, {0.86602540378443865, 0.5}, {0.86602540378443865, -0.5}, {0, -1}};
    double first = -4, second = -4;
    switch ((enum figure)label) {
    case ARROW:
        return smaller(box(x, y + 0.55, 0.4, 0.8), larger(-y, (fabs(x) + y) * HALF_ROOT - 0.83));
    case CIRCLE:
        return length(x, y) - 0.92;
    case CRESCENT:
        return larger(length(x, y - 0.25) - 1.2, 0.95 - length(x, y - 0.9));
    case CROSS:
        return smaller(box(x, y, 1.15, 0.36), box(x, y, 0.36, 1.15));
    case HEART: { /* a square standing on a corner, and a half circle on each of its upper sides */
        const double half = 0.62, middle = half * HALF_ROOT;
        x = fabs(x);
        y += 0.2;
        double below = (x + fabs(y)) * HALF_ROOT - half;
        return smaller(below, length(x - middle, y - middle) - half);
    }
    case HEXAGON:
        return polygon(x, y, six, 4, 0.88);
    case RING:
        return fabs(length(x, y) - 0.85) - 0.27;
    case SQUARE:
        return box(x, y, 0.82, 0.82);
    case STAR: /* where at most one of a pentagon's five sides is crossed: the second largest of the
                  distances to these */
        for (int i = 0; i < 5; i++) {
            const struct direction n = five[(i + 1) / 2];
            double side = (i % 2 ? x : -x) * n.x + y * n.y - 0.48;
            second = larger(second, smaller(first, side));
            first = larger(first, side);
        }
        return second;
    case TRIANGLE:
        return polygon(x, y + 0.05, three, 2, 0.7);
    }
    return 0;
}

/* Drawing: a ground, figures and strokes with smooth edges, then noise. Places are in pixels from
 * the middle of the image, x to the right and y up. Colours are red, green, blue, 0 … 255; they may
 * leave that range until write_pixels() cuts them off. */
struct raster {
    double pixel[SYNTH_SIDE][SYNTH_SIDE][SYNTH_CHANNELS]; /* [row][column][colour], row 0 on top */
};

/* What a surface looks like: a colour that changes evenly along a direction, and waves over it. */
struct paint {
    double colour[SYNTH_CHANNELS]; /* in the middle of the image */
    double slope[SYNTH_CHANNELS];  /* change per pixel along the direction */
    double wave[SYNTH_CHANNELS];   /* height of the waves */
    struct direction along;
    double frequency, phase; /* waves per pixel; at the middle of the image */
    int checked;             /* waves both ways make a pattern of patches instead of stripes */
};

/* Where a figure stands. */
struct pose {
    double x, y;       /* of its middle */
    double size;       /* pixels that make a figure's unit */
    double reach;      /* it touches nothing farther off than this on either axis */
    double turn[2][2]; /* from pixels, relative to the middle, to the figure's own plane */
};

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

/* The row or column of the image that is nearest to a place on that axis. */
static int nearest(double place)
{
    return (int)clamp(MIDDLE + place, 0, SYNTH_SIDE - 1);
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

/* Random paint whose colours in the middle of the image lie between dark and light. */
static struct paint any_paint(struct words *words, double dark, double light)
{
    struct paint paint = {.along = any_direction(words)};
    double texture = random_below(next_word(words), 3) == 0 ? 0 : 28;
    for (int c = 0; c < SYNTH_CHANNELS; c++) {
        paint.colour[c] = between(words, dark, light);
        paint.slope[c] = between(words, -3, 3);
        paint.wave[c] = between(words, -texture, texture);
    }
    paint.frequency = between(words, 0.08, 0.3);
    paint.phase = between(words, 0, 1);
    paint.checked = random_below(next_word(words), 2) == 0;
    return paint;
}

/* A pose at most far from the middle of the image on each axis. The figure leans to either side by
 * at most the angle whose tangent is lean, and is drawn out along some axis, at most squash times
 * as long as wide. */
static struct pose any_pose(struct words *words, double size, double far, double lean,
                            double squash)
{
    struct pose pose = {.size = size};
    pose.x = between(words, -far, far);
    pose.y = between(words, -far, far);
    double tangent = between(words, -lean, lean);
    double cosine = 1 / sqrt(1 + tangent * tangent), sine = tangent * cosine;
    /* Drawn out by s across an axis and squeezed as much along it, so that the area stays. */
    struct direction axis = any_direction(words);
    double s = sqrt(between(words, 1, squash));
    double xx = axis.x * axis.x * s + axis.y * axis.y / s, xy = axis.x * axis.y * (s - 1 / s);
    double yy = axis.y * axis.y * s + axis.x * axis.x / s;
    pose.reach = (FIGURE_REACH * size + 0.5) * s; /* half a pixel: the smooth edge */
    pose.turn[0][0] = (cosine * xx + sine * xy) / size;
    pose.turn[0][1] = (cosine * xy + sine * yy) / size;
    pose.turn[1][0] = (cosine * xy - sine * xx) / size;
    pose.turn[1][1] = (cosine * yy - sine * xy) / size;
    return pose;
}

static void draw_ground(struct raster *raster, const struct paint *paint)
{
    for (int row = 0; row < SYNTH_SIDE; row++)
        for (int column = 0; column < SYNTH_SIDE; column++)
            paint_at(paint, column - MIDDLE, MIDDLE - row, raster->pixel[row][column]);
}

/* Draws a figure in fill, with an edge of edge_width pixels (0: none) in another paint. */
static void draw_figure(struct raster *raster, int label, const struct pose *pose,
                        const struct paint *fill, const struct paint *edge, double edge_width)
{
    int bottom = nearest(-pose->y + pose->reach), right = nearest(pose->x + pose->reach);
    for (int row = nearest(-pose->y - pose->reach); row <= bottom; row++)
        for (int column = nearest(pose->x - pose->reach); column <= right; column++) {
            double x = column - MIDDLE, y = MIDDLE - row, dx = x - pose->x, dy = y - pose->y;
            double outside =
                pose->size * synth_figure(label, dx * pose->turn[0][0] + dy * pose->turn[0][1],
                                          dx * pose->turn[1][0] + dy * pose->turn[1][1]);
            if (outside >= 0.5)
                continue;
            double colour[SYNTH_CHANNELS], inner[SYNTH_CHANNELS];
            paint_at(edge, x, y, colour);
            paint_at(fill, x, y, inner);
            blend(colour, inner, edge_width > 0 ? coverage(outside + edge_width) : 1);
            blend(raster->pixel[row][column], colour, coverage(outside));
        }
}

/* Draws a straight stroke of random place, direction, length and width. */
static void draw_stroke(struct raster *raster, struct words *words, const struct paint *paint)
{
    double x0 = between(words, -18, 18), y0 = between(words, -18, 18);
    struct direction d = any_direction(words);
    double length = between(words, 8, 30), half_width = between(words, 0.4, 1.2);
    const double reach = 2; /* the width and the smooth edge */
    double x1 = x0 + length * d.x, y1 = y0 + length * d.y;
    int bottom = nearest(-fmin(y0, y1) + reach), right = nearest(fmax(x0, x1) + reach);
    for (int row = nearest(-fmax(y0, y1) - reach); row <= bottom; row++)
        for (int column = nearest(fmin(x0, x1) - reach); column <= right; column++) {
            double x = column - MIDDLE, y = MIDDLE - row;
            double along = (x - x0) * d.x + (y - y0) * d.y;
            double beside = (y - y0) * d.x - (x - x0) * d.y, colour[SYNTH_CHANNELS];
            along -= clamp(along, 0, length); /* what lies beyond its ends */
            if (along * along + beside * beside > reach * reach)
                continue;
            paint_at(paint, x, y, colour);
            blend(raster->pixel[row][column], colour,
                  coverage(sqrt(along * along + beside * beside) - half_width));
        }
}

/* Adds even noise of at most noise to either side, rounds, and writes uint8[row][column][colour].
 */
static void write_pixels(const struct raster *raster, struct words *words, double noise,
                         uint8_t pixels[SYNTH_BYTES])
{
    const double *value = &raster->pixel[0][0][0], step = noise / 511.5;
    for (int i = 0; i < SYNTH_BYTES; i += SYNTH_CHANNELS) {
        uint32_t word = next_word(words); /* ten bits a colour */
        for (int c = 0; c < SYNTH_CHANNELS; c++, word >>= 10) {
            double noisy = value[i + c] + step * ((int)(word & 1023) - 511.5);
            pixels[i + c] = (uint8_t)(int)(clamp(noisy, 0, 255) + 0.5);
        }
    }
}

/* Paint that can be told from the ground, if only just. */
static struct paint other_paint(struct words *words, const struct paint *ground)
{
    const double least = 30;
    for (;;) {
        struct paint paint = any_paint(words, 80, 250);
        double square = 0;
        for (int c = 0; c < SYNTH_CHANNELS; c++)
            square += (paint.colour[c] - ground->colour[c]) * (paint.colour[c] - ground->colour[c]);
        if (square >= least * least)
            return paint;
    }
}

static void draw_clutter(struct raster *raster, struct words *words, uint32_t most)
{
    for (uint32_t n = random_below(next_word(words), most + 1); n > 0; n--) {
        struct paint paint = any_paint(words, 10, 215);
        double size = between(words, 1.5, 4);
        struct pose pose = any_pose(words, size, SYNTH_SIDE / 2 - 1, 2, 1.6);
        draw_figure(raster, (int)random_below(next_word(words), SYNTH_CLASSES), &pose, &paint,
                    &paint, 0);
    }
}

static void draw_strokes(struct raster *raster, struct words *words, uint32_t most)
{
    for (uint32_t n = random_below(next_word(words), most + 1); n > 0; n--) {
        struct paint paint = any_paint(words, 10, 215);
        draw_stroke(raster, words, &paint);
    }
}

/* The numbers here and above set how hard the classes are to tell apart: after 12 epochs of 5400
 * images a network of depth 1 knows about three quarters of the others, depth 2 to 4
 * between 86 and 90 %. */
void synth_draw(const struct synth *synth, uint32_t label, uint32_t number,
                uint8_t pixels[SYNTH_BYTES])
{
    struct words words = {.set = synth->set, .id = (uint64_t)label << 32 | number};
    struct raster raster;
    struct paint ground = any_paint(&words, 10, 150);
    draw_ground(&raster, &ground);
    draw_clutter(&raster, &words, 4);
    draw_strokes(&raster, &words, 2);

    double size = between(&words, 6, 10.5);
    struct pose pose = any_pose(&words, size, SYNTH_SIDE / 2 - 1 - size, 0.75, 1.3);
    struct paint fill = other_paint(&words, &ground), edge = other_paint(&words, &ground);
    double edge_width = random_below(next_word(&words), 3) == 0 ? between(&words, 0.8, 2) : 0;
    draw_figure(&raster, (int)label, &pose, &fill, &edge, edge_width);

    draw_strokes(&raster, &words, 3);
    write_pixels(&raster, &words, between(&words, 2, 32), pixels);
}

int synth_parse(const char *source, struct synth *synth)
{
    static const struct synth known[] = {
        {"synth:shapes", 1, 1000},
        {"synth:shapes/test", 2, 200},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(source, known[i].name) == 0) {
            *synth = known[i];
            return 0;
        }
    return fail("no built-in images are called %s: there are %s and %s", source, known[0].name,
                known[1].name);
}

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    const struct synth *synth = source->state;
    size_t index = source->item[item].index;
    if (pixels_shape(&fetched->pixels, SYNTH_SIDE, SYNTH_SIDE, SYNTH_CHANNELS) < 0)
        return -1;
    synth_draw(synth, (uint32_t)(index / synth->per_class), (uint32_t)(index % synth->per_class),
               fetched->pixels.data);
    return 0;
}

static void close_synth(struct source *source)
{
    free(source->state);
}

static int open_synth(struct source *source, const char *name, const struct source_options *options)
{
    (void)options;
    struct synth *synth = source->state = ealloc(1, sizeof *synth);
    source->described = ecopy(name);
    if (synth_parse(name, synth) < 0)
        return -1;
    for (int label = 0; label < SYNTH_CLASSES; label++)
        for (uint32_t number = 0; number < synth->per_class; number++) {
            const char *class = synth_class[label];
            char key[64];
            snprintf(key, sizeof key, "%s/%05u", class, number);
            if (source_wants(source, key))
                source_add(source, key, class, strlen(class), 0)->index =
                    (size_t)label * synth->per_class + number;
        }
    return 0;
}

const struct source_kind source_synth = {.open = open_synth, .load = load, .close = close_synth};
