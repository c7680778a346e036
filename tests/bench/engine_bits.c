/* What the CPU engine makes, bit by bit, as one line to compare between machines: engine_bits [isa]
 *
 * Three steps and a prediction of each of the tests' odd networks; the line is a digest of all
 * parameters, momenta and probabilities. */
#include <stdio.h>
#include <stdlib.h>

#include "message.h"
#include "tests/unit/bed.h"

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t digest(uint64_t hash, const void *bytes, size_t count)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x100000001b3;
    return hash;
}

int main(int argc, char **argv)
{
    program = "engine_bits";
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < CASES; i++) {
        struct bed *b = bed_make(&cases[i]);
        b->options.isa = argc > 1 ? argv[1] : "auto";
        struct engine *engine = bed_engine(b);
        struct outcome outcome;
        float probability[MOST * MOST_CLASSES];
        size_t bytes = b->net.parameters * sizeof(float);
        for (int step = 0; step < 3; step++)
            if (engine_step(engine, b->images, b->label, cases[i].count, 0.05, &outcome) != 0)
                die_why();
        if (engine_predict(engine, b->images, NULL, cases[i].count, probability, NULL) != 0 ||
            engine_read(engine, b->found, b->found_momentum) != 0)
            die_why();
        hash = digest(hash, b->found, bytes);
        hash = digest(hash, b->found_momentum, bytes);
        hash = digest(hash, probability,
                      (size_t)cases[i].count * cases[i].classes * sizeof *probability);
        engine_close(engine);
        bed_end(b);
    }
    printf("%016llx\n", (unsigned long long)hash);
    return DONE;
}
