/* One run: what its records tell of it. Whoever reads a run, all of it or a part, a file, a pipe or
 * the progress channel, gives its records to run_take() or lets run_next() do so, and asks here.
 *
 * Accuracies are fractions, 0 to 1; losses are natural logarithms. A figure that is not known is
 * NAN when it is real and 0 or -1, as stated, when it is whole. Texts are clean (label.h).
 */
#ifndef PSWEEP_RUNS_RUN_H
#define PSWEEP_RUNS_RUN_H

#include "samples.h"
#include "record.h"
#include "settings.h"

enum run_state {
    RUN_OPEN,       /* more may come */
    RUN_DONE,       /* it reached its last epoch, or a rule ended it before */
    RUN_STOPPED,    /* a signal ended it before; what there is is whole */
    RUN_FAILED,     /* it said so itself */
    RUN_TORN,       /* its records end without an end, or are damaged */
    RUN_EMPTY,      /* of a file: not even its header is there */
    RUN_UNREADABLE, /* of a file: it cannot be read, or is no run */
};

/* A checkpoint: how many records it ends, the header and itself included, and what was finished. */
struct checkpoint {
    uint64_t records, epoch, iteration;
};

struct run {
    char *name;       /* that of its file, where this has one */
    char *given;      /* the name that the progress channel gave; NULL for a stream's run */
    const char *stem; /* of the input it came from, borrowed from that */
    const char *path; /* the same input in full, likewise */
    int ordinal;      /* 1, 2, … among the runs of that input */
    void *shown;      /* one block of memory of whoever shows it, freed with it; or NULL */

    uint8_t *header; /* as it stands in the stream; NULL: none has come */
    size_t header_size;
    struct settings settings;
    char *engine;    /* NULL: not known */
    int64_t seed;    /* -1: not known */
    char *network;   /* "depth 3", or the text of its stages; NULL: not known */
    int by_text;     /* it is such a text */
    int keeps_best;  /* of the validations (pstrain --keep best), not the last */
    int by_accuracy; /* that is the one with the highest accuracy, not the lowest loss */
    uint64_t batch;  /* images in a mini-batch, but for the last of an epoch; 0: not known */
    uint64_t train;  /* images in an epoch; 0: not known */

    uint64_t records;        /* so far */
    struct samples progress; /* per iteration */
    struct samples validation;
    struct checkpoint *checkpoint; /* [checkpoints] */
    size_t checkpoints;
    uint64_t epoch, iteration;   /* the last that were seen */
    uint64_t epochs, iterations; /* asked for; 0: not known */
    uint64_t again;         /* the first epoch that mini-batches went back to, for whoever tells
                               epochs and then sets UINT64_MAX: none */
    uint64_t lost;          /* progress records that the channel had no room for */
    double heard;           /* Unix seconds: when its last record came; NAN: not known */
    int has_model, stopped; /* stopped: by no rule, as the model says */
    enum run_state state;
    char *reason; /* why the run ended, or why it is torn or cannot be read; NULL: not known */
};

/* A run of which nothing is known yet; run_free() ends it. */
struct run *run_new(void);
void run_free(struct run *run);

/* Takes the next record of the run; ends of streams and what runs do not hold are passed over. now:
 * the time to give to records that carry none, NAN where they are not followed live. -1 with a
 * sentence. */
int run_take(struct run *run, const struct record *record, double now);

/* The next record of an input that is one run, which takes it. As record_next(); a stream of
 * another kind or a second run is a failure. */
int run_next(struct run *run, struct reader *reader, struct record *record);

/* Reads its options from a header, where they stand, and those of the headers upstream. */
void run_read_options(struct run *run, const msgpack_object *header);

/* Reads a file (path NULL: standard input) to its end; all that may come of it is a state. Of a
 * damaged one what stands before its last good checkpoint counts. */
struct run *run_load(const char *path);

/* The epochs that are finished, by the model or the last record. */
uint64_t run_finished_epochs(const struct run *run);

/* Which of the first count validations is of the network that the run keeps, or would keep if it
 * ended there: the last one, or the best one; of equal accuracies that with the lower loss is the
 * better one, then the first. NULL where there is none. */
const struct sample *run_kept(const struct run *run, size_t count);

/* Epochs passed at a sample: a whole number at the end of one. */
double run_epochs_at(const struct run *run, const struct sample *sample);

/* Says how many epochs it is to get, where its records do not. */
void run_ask(struct run *run, uint64_t epochs);

#endif
