/* The built-in generator. */
#include "source.h"

#include "message.h"
#include "synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drawing {
    struct synth synth;
    struct choice choice;
};

static int start(struct source *source, const size_t *choice, size_t count, unsigned connections)
{
    struct drawing *drawing = source->state;
    (void)connections;
    choice_start(&drawing->choice, choice, count);
    return 0;
}

static int next(struct source *source, struct fetched *fetched)
{
    struct drawing *drawing = source->state;
    size_t item;
    if (!choice_take(&drawing->choice, &fetched->index, &item))
        return SOURCE_END;
    size_t place = source->item[item].place;
    if (pixels_shape(&fetched->pixels, SYNTH_SIDE, SYNTH_SIDE, SYNTH_CHANNELS) < 0)
        return -1;
    synth_draw(&drawing->synth, (uint32_t)(place / drawing->synth.per_class),
               (uint32_t)(place % drawing->synth.per_class), fetched->pixels.data);
    return SOURCE_IMAGE;
}

static void end(struct source *source)
{
    choice_end(&((struct drawing *)source->state)->choice);
}

static void stop(struct source *source)
{
    (void)source;
}

static void close_drawing(struct source *source)
{
    free(source->state);
}

static const struct source_class synth_source = {start, next, end, stop, close_drawing};

int source_open_synth(struct source *source, const char *name)
{
    struct drawing *drawing = ealloc(1, sizeof *drawing);
    source->state = drawing;
    source->class = &synth_source;
    source->described = ecopy(name);
    if (synth_parse(name, &drawing->synth) < 0)
        return -1;
    for (int label = 0; label < SYNTH_CLASSES; label++)
        for (uint32_t number = 0; number < drawing->synth.per_class; number++) {
            char key[64];
            snprintf(key, sizeof key, "%s/%05u", synth_class[label], number);
            if (!source_wants(source, key))
                continue;
            source_add(source, key, synth_class[label], strlen(synth_class[label]), 0);
            source->item[source->count - 1].place =
                (size_t)label * drawing->synth.per_class + number;
        }
    return 0;
}
