#include "drawing/synth.h"

#include "message.h"
#include "drawing/synth_canvas.h"

#include <string.h>

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

static void draw_clutter(struct canvas *canvas, struct words *words, uint32_t most)
{
    for (uint32_t n = any_below(words, most + 1); n > 0; n--) {
        struct paint paint = any_paint(words, 10, 215);
        double size = between(words, 1.5, 4);
        struct place place = any_place(words, size, SYNTH_SIDE / 2 - 1, 2, 1.6);
        canvas_figure(canvas, synth_figure[any_below(words, SYNTH_CLASSES)], &place, &paint, &paint,
                      0);
    }
}

static void draw_strokes(struct canvas *canvas, struct words *words, uint32_t most)
{
    for (uint32_t n = any_below(words, most + 1); n > 0; n--) {
        struct paint paint = any_paint(words, 10, 215);
        canvas_stroke(canvas, words, &paint);
    }
}

/* The numbers here and above set how hard the classes are to tell apart: after 12 epochs of 5400
 * images a network of depth 1 knows about three quarters of the others, depth 2 to 4
 * between 86 and 90 %. */
void synth_draw(const struct synth *synth, uint32_t label, uint32_t number,
                uint8_t pixels[SYNTH_BYTES])
{
    struct words words = {.set = synth->set, .id = (uint64_t)label << 32 | number};
    struct canvas canvas;
    struct paint ground = any_paint(&words, 10, 150);
    canvas_ground(&canvas, &ground);
    draw_clutter(&canvas, &words, 4);
    draw_strokes(&canvas, &words, 2);

    double size = between(&words, 6, 10.5);
    struct place place = any_place(&words, size, SYNTH_SIDE / 2 - 1 - size, 0.75, 1.3);
    struct paint fill = other_paint(&words, &ground), edge = other_paint(&words, &ground);
    double edge_width = any_below(&words, 3) == 0 ? between(&words, 0.8, 2) : 0;
    canvas_figure(&canvas, synth_figure[label], &place, &fill, &edge, edge_width);

    draw_strokes(&canvas, &words, 3);
    canvas_pixels(&canvas, &words, between(&words, 2, 32), pixels);
}
