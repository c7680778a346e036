#include "status.h"

#include "runs/finding.h"
#include "label.h"
#include "message.h"
#include "standard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void print_status(const char *path, const struct finding *finding)
{
    static const char *const state[] = {"done", "stopped", "torn", "empty", "unreadable"};
    const struct reached *reached = &finding->reached;
    print_text(path ? path : "input", '\t');
    printf("%s\t", state[finding->state]);
    print_whole(finding->has_header, reached->epoch);
    print_whole(finding->epochs > 0, finding->epochs);
    print_whole(finding->checkpoints > 0, finding->checkpoint);
    print_whole(finding->has_header, reached->iteration);
    if (isnan(reached->accuracy))
        printf("-\t-\t");
    else
        printf("%.2f\t%s\t", 100 * reached->accuracy, loss_text(reached->loss, 4));
    print_text(finding->engine[0] ? finding->engine : "-", '\t');
    print_text(finding->reason[0] ? finding->reason : "-", '\n');
}

int status_print(char *const *path, int count)
{
    puts("file\tstate\tepoch\tepochs\tcheckpoint\titeration\taccuracy\tloss\tengine\treason");
    for (int i = 0; i < count; i++) {
        struct finding finding = finding_of(path[i]);
        print_status(path[i], &finding);
    }
    return standard_flush();
}
