#include "tally.h"

#include "message.h"
#include "name.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void tally_open(struct tally *tally, const struct plan *plan)
{
    uint32_t count = plan->classes.count;
    *tally = (struct tally){.classes = &plan->classes,
                            .written = ealloc(count, sizeof *tally->written),
                            .planned = ealloc(count, sizeof *tally->planned)};
    for (size_t i = 0; i < plan->count; i++)
        tally->planned[plan->image[i].label]++;
}

void tally_close(struct tally *tally)
{
    free(tally->written);
    free(tally->planned);
}

void tally_add(struct tally *tally, const struct planned *image)
{
    tally->written[image->label]++;
    tally->splits[image->split]++;
    tally->images++;
}

/* "no image is left of the classes a, b and c: …": how many classes have none. */
static uint32_t tell_empty(const struct tally *tally)
{
    struct some_names lost = {0};
    struct text text = {0};
    uint32_t absent = 0, count = tally->classes->count;
    for (uint32_t c = 0; c < count; c++)
        if (tally->written[c] == 0 && tally->planned[c] > 0)
            some_names_add(&lost, tally->classes->name[c]);
        else
            absent += tally->written[c] == 0;
    if (lost.count > 0) {
        const char *them = lost.count == 1 ? "it" : "them";
        some_names_tell(&text, &lost);
        note("all images of the class%s %s are bad, and the header has named %s: --exclude leaves "
             "%s out",
             lost.count == 1 ? "" : "es", text.at, them, them);
    }
    if (absent > 0)
        note("%u of the %u classes %s no image here", absent, count, absent == 1 ? "has" : "have");
    uint32_t empty = absent + (uint32_t)lost.count;
    text_free(&text);
    some_names_free(&lost);
    return empty;
}

/* "1000 images of 4 classes: 900 train, 100 validation" */
void tally_tell(const struct tally *tally)
{
    char splits[120] = "";
    int used = 0;
    uint32_t classes = tally->classes->count - tell_empty(tally);
    for (int split = 0; split < SPLITS; split++)
        if (tally->splits[split] > 0)
            used += snprintf(splits + used, sizeof splits - (size_t)used, "%s%zu %s",
                             used > 0 ? ", " : ": ", tally->splits[split], split_name[split]);
    if (verbosity > 1 || (verbosity == 1 && isatty(STDERR_FILENO)))
        note("%zu image%s of %u class%s%s", tally->images, plural(tally->images), classes,
             classes == 1 ? "" : "es", splits);
}
