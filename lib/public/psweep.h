/* libpsweep: streams of images and trained networks, for other programs. psweep-stream(5) tells
 * what a stream is; psweep(7) has the programs.
 *
 *     cc namer.c $(pkg-config --cflags --libs psweep)
 *
 * Law: nothing here exits, prints, or changes signals. What can fail returns -1 or NULL and leaves
 * a sentence in psweep_why(). An object that has failed is good for nothing but its closing.
 * Objects share nothing: each is for one thread at a time, and any number of threads may have their
 * own. Where memory ends in the middle of a call, what the call had taken stays taken.
 *
 * Images are bytes, pixels[height][width][channels], without gaps.
 */
#ifndef PSWEEP_H
#define PSWEEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* This thread's last failure: a sentence without a full stop; and what a program should exit with
 * for it: 3 where the input was cut short or damaged, else 1. */
const char *psweep_why(void);
int psweep_status(void);
const char *psweep_version(void); /* "0.2.0" */

enum psweep_split { PSWEEP_TRAIN, PSWEEP_VALIDATION, PSWEEP_TEST };

#define PSWEEP_NO_LABEL UINT32_MAX

struct psweep_image {
    uint64_t id;     /* place in its set */
    const char *key; /* file name or object key: key_size bytes, no 0 behind them */
    uint32_t key_size;
    uint32_t label; /* its class (psweep_class); or nobody has told it: PSWEEP_NO_LABEL */
    enum psweep_split split;
    uint32_t height, width, channels;
    const uint8_t *pixels; /* [height][width][channels] */
    const void *more;      /* what else its record has, for psweep_write(); NULL: nothing */
};

/* Reading: what psfetch writes, also several such sets joined by cat, or psaug without --views. The
 * descriptor stays the caller's; name is what sentences call it: "input". NULL is a failure. */
struct psweep_stream;
struct psweep_stream *psweep_open(int descriptor, const char *name);
void psweep_close(struct psweep_stream *stream); /* NULL is allowed */

/* The next image, which is borrowed from the stream until the next call. PSWEEP_EPOCH is psaug's
 * mark behind each pass over the training images; PSWEEP_END says that all is there and undamaged;
 * -1 that it is not. */
enum psweep_item { PSWEEP_END, PSWEEP_IMAGE, PSWEEP_EPOCH };
int psweep_next(struct psweep_stream *stream, struct psweep_image *image);

/* The name of a class, borrowed from the stream until the next call; NULL behind the last one. Sets
 * that are joined add theirs at the end. */
const char *psweep_class(const struct psweep_stream *stream, uint32_t label);

/* Writing: a set of images. tool is the program and its version, "negative 1.0". The classes are
 * name[count] or, where name is NULL, those of `from`: the stream whose images go on, changed or
 * not, which the header then tells. It must be one set of images, and outlive the output; NULL:
 * none. Images without labels need no classes. */
struct psweep_output;
struct psweep_output *psweep_create(int descriptor, const char *tool, const char *const *name,
                                    uint32_t count, const struct psweep_stream *from);
int psweep_write(struct psweep_output *output, const struct psweep_image *image);
/* Writes the end record, without which no reader takes the stream for whole, closes the descriptor,
 * for a full disk may show there, and frees the output, also where it fails: as it does where a
 * call for it, or for the stream that it is made from, has failed. */
int psweep_finish(struct psweep_output *output);
/* Frees the output instead. NULL is allowed. */
void psweep_discard(struct psweep_output *output);

/* Predicting: the network of a file that pstrain wrote, on the CPU. threads 0: as many as there are
 * cores. NULL is a failure. */
struct psweep_model;
struct psweep_shape {
    uint32_t height, width, channels, classes;
};
struct psweep_model *psweep_load(const char *path, uint32_t threads);
void psweep_unload(struct psweep_model *model); /* NULL is allowed */
struct psweep_shape psweep_shape(const struct psweep_model *model);
/* The name of one of its classes, which need not be those of a stream; NULL behind the last one. */
const char *psweep_model_class(const struct psweep_model *model, uint32_t label);

/* Copies an image as the network wants it, into pixels[height][width][channels] of its shape: of a
 * network that was trained on windows (psaug --crop), the window in the middle. -1: the network was
 * trained on images of another shape. */
int psweep_fit(struct psweep_model *model, const struct psweep_image *image, uint8_t *pixels);

/* The probabilities of count images, pixels[count][height][width][channels], into
 * probability[count][classes]: the same bits for any count and number of threads, on every machine.
 * NaN from a network that diverged. */
int psweep_predict(struct psweep_model *model, const uint8_t *pixels, size_t count,
                   float *probability);

#ifdef __cplusplus
}
#endif

#endif
