/* The lines of --follow where there is no terminal. */
#include "terminal/text.h"

#include "reading/titles.h"

#include "message.h"

#include <math.h>
#include <stdio.h>

/* "net3: epoch 3 of 30: training 70.31 %, validation 68.02 %, loss 0.913; 5420 images/s". */
static void tell_epoch(const struct run *run, uint64_t epoch)
{
    printf("%s: epoch %llu", run->name, (unsigned long long)epoch);
    if (run->epochs > 0)
        printf(" of %llu", (unsigned long long)run->epochs);
    struct points sides[2] = {run->progress, run->validation};
    static const char *const name[2] = {"training", "validation"};
    int said = 0;
    for (int side = 0; side < 2; side++) {
        struct mean mean = points_epoch(&sides[side], epoch);
        if (mean.count > 0)
            printf("%s %s %.2f %%, loss %s", said++ ? ";" : ":", name[side], 100 * mean.accuracy,
                   loss_text(mean.loss, 3));
    }
    char speed[32];
    text_speed(run, 0, speed, sizeof speed);
    printf("%s%s\n", speed[0] ? "; " : "", speed);
}

/* The first epoch after this one that there are points of, or 0. */
static uint64_t next_epoch(const struct run *run, uint64_t epoch)
{
    const struct points *lists[2] = {&run->progress, &run->validation};
    uint64_t next = 0;
    for (int k = 0; k < 2; k++)
        for (size_t i = lists[k]->count; i > 0 && lists[k]->point[i - 1].epoch > epoch; i--)
            if (next == 0 || lists[k]->point[i - 1].epoch < next)
                next = lists[k]->point[i - 1].epoch;
    return next;
}

void tell_epochs(struct history *history)
{
    static const char *const ended[] = {NULL, "done", "stopped", "failed", "cut short"};
    for (size_t i = 0; i < history->runs; i++) {
        struct run *run = history->run[i];
        struct titles *shown = run->shown;
        const struct points *validation = &run->validation;
        uint64_t judged = validation->count ? validation->point[validation->count - 1].epoch : 0;
        /* An epoch is over when it is validated, when another has begun, or when the run has ended.
         */
        uint64_t over = run->state == RUN_DONE || judged == run->epoch ? run->epoch
                        : run->epoch > 0                               ? run->epoch - 1
                                                                       : 0;
        /* A run that was resumed goes back in its epochs. */
        if (shown->epoch_told > run->epoch)
            shown->epoch_told = run->epoch - (run->epoch > 0);
        for (uint64_t next; (next = next_epoch(run, shown->epoch_told)) > 0 && next <= over;)
            tell_epoch(run, shown->epoch_told = next);
        if (run->state != RUN_OPEN && !shown->end_told)
            printf("%s: %s\n", run->name, ended[run->state]);
        shown->end_told = run->state != RUN_OPEN;
    }
}
