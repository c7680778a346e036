/* Activations where they are kept, and what is added to them and to their gradients. */
#include "window.h"

SPECIALISED void put(lanes z, const float *more, float *to)
{
    lanes value = lanes_rectify(z);
    lanes_store(to, more ? lanes_add(value, lanes_load(more)) : value);
}

void ISA_NAME(activate)(const struct output *o, const float *more, float *to)
{
    struct channel c = channel_begin(o->normal);
    int pixels = o->height * o->width;
    const float *y = o->y;
    size_t row = (size_t)o->width * LANES, next = more ? LANES : 0;
    if (o->pool == POOL_MAX)
        for (int i = 0; i < o->height / 2; i++, y += row)
            for (int column = 0; column < o->width / 2;
                 column++, y += 2 * LANES, more += next, to += LANES)
                put(window_at(y, row, &c).highest, more, to);
    else
        for (int i = 0; i < pixels; i++, y += LANES, more += next, to += LANES)
            put(normalised(&c, lanes_load(y)), more, to);
}

void ISA_NAME(add)(const float *more, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++, more += LANES, to += LANES)
        lanes_store(to, lanes_add(lanes_load(to), lanes_load(more)));
}
