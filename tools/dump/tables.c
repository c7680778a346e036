#include "tables.h"

#include "label.h"
#include "message.h"
#include "runs/score.h"
#include "runs/summary.h"
#include "standard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int print_ranking(const struct history *history, uint64_t epoch)
{
    size_t count;
    struct ranked *row = rank_runs(history->run, history->runs, history->rank, epoch, &count);
    if (count == 0) {
        free(row);
        return epoch > 0 ? fail("there is nothing to rank: no run was validated after epoch %llu",
                                (unsigned long long)epoch)
                         : fail("there is nothing to rank: the input holds no run that has "
                                "learnt anything");
    }
    puts("file\tfigure\tloss\tepoch\tstate\tof");
    for (size_t i = 0; i < count; i++) {
        const struct merit *merit = &row[i].merit;
        char figure[RANK_ROOM], loss[RANK_ROOM];
        printf("%s\t%s\t%s\t%llu\t%s\t%s\n", row[i].run->path,
               rank_text(history->rank, rank_shown(history->rank, merit->figure), 0, figure),
               rank_text(RANK_LOSS, merit->loss, 0, loss), (unsigned long long)merit->epoch,
               merit->diverged ? "diverged" : "whole", merit->training ? "training" : "validation");
    }
    free(row);
    return standard_flush();
}

int print_means(const struct history *history)
{
    struct summary summary;
    if (history->runs == 0)
        return fail("there is nothing to compare: the input holds no run");
    summary_make(&summary, history);
    puts("runs\tmean\tdeviation\tcounted\tbest\tdiverged\tof");
    for (size_t g = 0; g < summary.groups; g++) {
        const struct group *group = &summary.group[g];
        char *name = summary_name(&summary, group), text[3][RANK_ROOM];
        size_t diverged = 0;
        for (size_t i = 0; i < group->runs; i++)
            diverged += rank_merit(group->run[i], summary.rank, 0).diverged;
        printf("%s\t%s\t%s\t%zu\t%s\t%zu\t%s\n", name,
               rank_text(summary.rank, group->mean, 0, text[0]),
               rank_text(summary.rank, group->deviation, 0, text[1]), group->counted,
               rank_text(summary.rank, group->best, 0, text[2]), diverged,
               summary.training ? "training" : "validation");
        free(name);
    }
    summary_free(&summary);
    return standard_flush();
}

static void print_percent(double fraction)
{
    if (isnan(fraction))
        printf("-\t");
    else
        printf("%.2f\t", 100 * fraction);
}

int print_classes(const struct history *history)
{
    if (history->scores == 0)
        return fail("there are no classes to tell of: the input holds no score");
    if (history_check_confusion(history) < 0)
        return -1;
    puts("model\tsplit\tclass\timages\trecall\tprecision\ttaken_for\ttimes");
    for (size_t i = 0; i < history->scores; i++) {
        const struct score *score = history->score[i];
        uint32_t *order = confusion_order(score), found = 0;
        while (found < score->classes && confusion_support(score, order[found]) > 0)
            found++;
        for (uint32_t place = 0; place < score->classes; place++) {
            uint32_t class = order[place < found ? found - 1 - place : place];
            int64_t rival = confusion_rival(score, class);
            printf("%s\t%s\t%s\t%llu\t", score->name, score->split, score->class_name[class],
                   (unsigned long long)confusion_support(score, class));
            print_percent(confusion_recall(score, class));
            print_percent(confusion_precision(score, class));
            if (rival < 0)
                puts("-\t0");
            else
                printf("%s\t%llu\n", score->class_name[rival],
                       (unsigned long long)confusion_count(score, class, (uint32_t)rival));
        }
        free(order);
    }
    return standard_flush();
}

/* Text of others, without tabs and ends of lines. */
static void print_text(const char *text, char after)
{
    char *clean = label_clean(text, strlen(text));
    printf("%s%c", clean, after);
    free(clean);
}

static void print_whole(int known, uint64_t value)
{
    if (known)
        printf("%llu\t", (unsigned long long)value);
    else
        printf("-\t");
}

int print_status(char *const *path, int count)
{
    static const char *const state[] = {
        [RUN_DONE] = "done",   [RUN_STOPPED] = "stopped",       [RUN_TORN] = "torn",
        [RUN_EMPTY] = "empty", [RUN_UNREADABLE] = "unreadable",
    };
    puts("file\tstate\tepoch\tepochs\tcheckpoint\titeration\taccuracy\tloss\tengine\treason");
    for (int i = 0; i < count; i++) {
        struct run *run = run_load(path[i]);
        const struct sample *kept = run_kept(run, run->validation.count);
        int read = run->header != NULL;
        print_text(path[i] ? path[i] : "input", '\t');
        printf("%s\t", state[run->state]);
        print_whole(read, run_finished_epochs(run));
        print_whole(run->epochs > 0, run->epochs);
        print_whole(run->checkpoints > 0,
                    run->checkpoints > 0 ? run->checkpoint[run->checkpoints - 1].epoch : 0);
        print_whole(read, run->iteration);
        if (kept == NULL)
            printf("-\t-\t");
        else
            printf("%.2f\t%s\t", 100 * kept->accuracy, loss_text(kept->loss, 4));
        print_text(run->engine && run->engine[0] ? run->engine : "-", '\t');
        print_text(run->reason && run->reason[0] ? run->reason : "-", '\n');
        run_free(run);
    }
    return standard_flush();
}
