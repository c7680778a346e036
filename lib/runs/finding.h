/* What a run file is worth: read to its end, all digests checked, and nothing kept but this.
 *
 * A file that cannot be read or is no run is a finding too.
 */
#ifndef PSWEEP_FINDING_H
#define PSWEEP_FINDING_H

#include <stdint.h>

enum finding_state {
    FINDING_DONE,
    FINDING_STOPPED,
    FINDING_TORN,
    FINDING_EMPTY,
    FINDING_UNREADABLE
};

/* How far records have come. */
struct reached {
    uint64_t epoch, iteration; /* finished */
    double accuracy, loss;     /* of the last validation; NAN: there was none */
};

struct finding {
    enum finding_state state;
    char reason[1024];
    char engine[256];
    int has_header, has_model, has_end, joined, stopped, checkpoints;
    uint64_t epochs;        /* asked for; 0: not known, for only a model tells */
    uint64_t checkpoint;    /* epochs of the last one */
    struct reached reached; /* by what was read */
    struct reached proven;  /* by what stands before the last checkpoint, whose digest fits */
};

/* path NULL: standard input. */
struct finding finding_of(const char *path);

/* The epochs that a run file reached: UINT64_MAX where a rule ended it, 0 where it is not whole. */
uint64_t finding_reached(const char *path);

#endif
