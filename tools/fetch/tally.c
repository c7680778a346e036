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
                            .left = ealloc(count, sizeof *tally->left)};
    for (size_t i = 0; i < plan->count; i++)
        tally->left[plan->image[i].label]++;
}

void tally_close(struct tally *tally)
{
    free(tally->written);
    free(tally->left);
}

void tally_written(struct tally *tally, const struct planned *image)
{
    tally->left[image->label]--;
    tally->written[image->label]++;
    tally->split[image->split]++;
    tally->images++;
}

int tally_lost(struct tally *tally, const struct planned *image)
{
    if (--tally->left[image->label] > 0 || tally->written[image->label] > 0)
        return 0;
    char *shown = name_show(tally->classes->name[image->label]);
    fail("all images of the class %s are bad, and the header has named it: leave it out by "
         "--exclude",
         shown);
    free(shown);
    return -1;
}

/* "1000 images of 4 classes: 900 train, 100 validation" */
void tally_tell(const struct tally *tally)
{
    char splits[120] = "";
    uint32_t classes = 0;
    int used = 0;
    for (uint32_t c = 0; c < tally->classes->count; c++)
        classes += tally->written[c] > 0;
    for (int split = 0; split < SPLITS; split++)
        if (tally->split[split] > 0)
            used += snprintf(splits + used, sizeof splits - (size_t)used, "%s%zu %s",
                             used > 0 ? ", " : "", tally->split[split], split_name[split]);
    if (classes < tally->classes->count)
        note("no image of %u of the %u classes is here", tally->classes->count - classes,
             tally->classes->count);
    if (verbosity > 1 || (verbosity == 1 && isatty(STDERR_FILENO)))
        note("%zu image%s of %u class%s: %s", tally->images, tally->images == 1 ? "" : "s", classes,
             classes == 1 ? "" : "es", splits);
}
