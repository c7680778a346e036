#include "ranking.h"

#include "message.h"
#include "standard.h"

#include <stdio.h>
#include <stdlib.h>

int ranking_print(const struct history *history, uint64_t epoch)
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
