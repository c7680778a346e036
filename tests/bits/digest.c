/* Prints a digest of what some training steps leave behind, a line for each case of bed.h: the same
 * on every machine, or a promise is broken.
 *
 *     digest [ISA [CASE...]]      all cases, if none is named
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <stdlib.h>

#include "bed.h"
#include "message.h"

enum { STEPS = 3 };

/* Parameters, momentum, probabilities, loss. */
static void print_case(int number, const char *isa)
{
    struct bed *b = bed_make(&cases[number]);
    struct outcome outcome;
    float probability[MOST * MOST_CLASSES] = {0};
    size_t bytes = b->net.parameters * sizeof(float);
    b->options.isa = isa;
    b->options.threads = 2;
    struct engine *engine = bed_engine(b);
    int result = 0;
    for (int step = 0; result == 0 && step < STEPS; step++)
        result = engine_step(engine, b->images, b->label, b->reference.count,
                             &(struct step){0.05, 1}, &outcome);
    if (result < 0 ||
        engine_predict(engine, b->images, b->label, b->reference.count, probability, &outcome) <
            0 ||
        engine_read(engine, &(struct learnt){b->found, b->found_momentum, NULL}) < 0)
        die_why();
    XXH64_hash_t digest = XXH3_64bits(b->found, bytes);
    digest = XXH3_64bits_withSeed(b->found_momentum, bytes, digest);
    digest = XXH3_64bits_withSeed(probability, sizeof probability, digest);
    digest = XXH3_64bits_withSeed(&outcome.loss, sizeof outcome.loss, digest);
    printf("case %d: %016llx\n", number, (unsigned long long)digest);
    engine_close(engine);
    bed_end(b);
}

int main(int argc, char **argv)
{
    const char *isa = argc > 1 ? argv[1] : "auto";
    for (int number = 0; number < CASES && argc < 3; number++)
        print_case(number, isa);
    for (int i = 2; i < argc; i++)
        print_case(atoi(argv[i]) % CASES, isa);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
