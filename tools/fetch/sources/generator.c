/* The built-in generator. */
#include "sources/source.h"

#include "message.h"
#include "drawing/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load(struct source *source, size_t item, struct fetched *fetched)
{
    const struct synth *synth = source->state;
    size_t place = source->item[item].place;
    if (pixels_shape(&fetched->pixels, SYNTH_SIDE, SYNTH_SIDE, SYNTH_CHANNELS) < 0)
        return -1;
    synth_draw(synth, (uint32_t)(place / synth->per_class), (uint32_t)(place % synth->per_class),
               fetched->pixels.data);
    return 0;
}

static void close_drawing(struct source *source)
{
    free(source->state);
}

static const struct source_class synth_source = {.load = load, .close = close_drawing};

int source_open_synth(struct source *source, const char *name)
{
    struct synth *synth = ealloc(1, sizeof *synth);
    source->state = synth;
    source->class = &synth_source;
    source->described = ecopy(name);
    if (synth_parse(name, synth) < 0)
        return -1;
    for (int label = 0; label < SYNTH_CLASSES; label++)
        for (uint32_t number = 0; number < synth->per_class; number++) {
            char key[64];
            snprintf(key, sizeof key, "%s/%05u", synth_class[label], number);
            if (!source_wants(source, key))
                continue;
            source_add(source, key, synth_class[label], strlen(synth_class[label]), 0);
            source->item[source->count - 1].place = (size_t)label * synth->per_class + number;
        }
    return 0;
}
