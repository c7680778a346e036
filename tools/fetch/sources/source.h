/* Where images come from: a folder, an S3 bucket, a tar archive, a stream, the built-in generator.
 *
 * A source first lists what it has, sorted by key; layout.h finds the classes of what is no class
 * by itself; then the files of a choice of these items are loaded, by any number of threads, or
 * transferred into a window (prefetch.h). open.h does all of the listing; here is what its kinds
 * share.
 *
 * What becomes an item: a file that is named as an image (decode.h), and one without a suffix that
 * begins as an image does. The others are counted and told (omitted.h).
 */
#ifndef PSWEEP_SOURCE_H
#define PSWEEP_SOURCE_H

#include "cancellation.h"
#include "credentials/credentials.h"
#include "images.h"
#include "prefetch.h"
#include "sources/layout.h"
#include "sources/omitted.h"

#include <stddef.h>
#include <stdint.h>

/* Where an item's class name is from: folders, or a member of an archive beside it, which may hold
 * a number (labels.h). */
enum label { LABEL_FOLDER, LABEL_TEXT, LABEL_NUMBER };

struct source_item {
    char *key;        /* within the source: "cat/17.png" */
    char *class_name; /* NULL: layout() finds it */
    uint64_t size;    /* bytes of the file, 0 where there is none */
    size_t index;     /* whatever its source makes of it */
    int has_file;     /* else pixels only */
    int split;        /* what the source says of it, enum split; -1: nothing */
    enum label label;
    int is_doubtful; /* it has no suffix, and nobody has looked at its first bytes yet */
    int is_out;      /* source_sift() takes it away */
};

struct source {
    const struct source_kind *kind;
    char *name;      /* as the user gave it, for messages */
    char *described; /* for the stream's header: no path, no credentials */
    char *root;      /* its own name, a class where nothing else is */
    int is_list;     /* its images are named by a file */
    int is_part; /* its name tells what part of a set it is, as an archive's does, and no class */
    struct source_item *item;
    size_t count;
    const char *include, *exclude; /* as source_options has them */
    size_t unwanted;               /* left out by them */
    int skip_bad; /* bad images are left out, named and counted; else they are errors */
    size_t bad;   /* left out so */
    struct omitted omitted;
    struct images *stream; /* that it is, with its table of classes and headers; or NULL */
    void *state;           /* the kind's */
};

struct source_options {
    const struct access_options *access; /* to S3; borrowed */
    int skip_bad;
    struct cancellation cancellation; /* asked while a network is waited for */
    /* Globs, separated by commas, for keys; NULL: none. A * stands for slashes too. */
    const char *include, *exclude;
    struct layout_options layout;
    int coarse_labels;        /* of CIFAR-100, instead of the fine ones */
    const char *label_member; /* of the JSON beside an archive's images; NULL: as labels.h has it */
};

struct source_kind {
    /* Sets state, and lists: leaves item sorted by key, and none of them doubtful; root; and, where
     * it is not to be a digest of the listing, described. -1 with a sentence; close() is due in any
     * case. */
    int (*open)(struct source *source, const char *name, const struct source_options *options);
    void (*close)(struct source *source);
    /* Brings an item's file, or its pixels where it has none. 0; 1: it is no good, for the reason
     * of why(); -1: nothing more can be had. Threads may call at once. NULL: transfers bring the
     * files, as start() says. */
    int (*load)(struct source *source, size_t item, struct fetched *fetched);
    /* Brings the size first bytes of an item's file, while it is listed. -1 with a sentence. */
    int (*read)(const struct source *source, const struct source_item *item, void *bytes,
                size_t size);
    /* Begins the transfers: image i of the window is item choice[i], of count. choice is borrowed
     * until stop(), which is due when the window was stopped. The window should have room for
     * IMAGES_PER_CONNECTION, that no connection be idle. */
    int (*start)(struct source *source, const size_t *choice, size_t count, unsigned connections,
                 struct prefetch *prefetch);
    void (*stop)(struct source *source);
};
enum { IMAGES_PER_CONNECTION = 16 };

/* Adds an item and returns it; key and class name, which may be NULL, are copied. */
struct source_item *source_add(struct source *source, const char *key, const char *class_name,
                               size_t class_size, uint64_t size);
/* Whether include and exclude want the item of that key; those they do not are counted. */
int source_wants(struct source *source, const char *key);
/* Which of the two options there are: "--include and --exclude". */
const char *source_globs(const struct source *source);
/* Takes a file of a listing, when it is wanted: 1 when it became an item, the last one, 0 when it
 * was left out, -1 when it is a bad image and these are errors. */
int source_take(struct source *source, const char *key, uint64_t size);
/* The same of what is an image, whatever it is called. */
int source_take_image(struct source *source, const char *key, uint64_t size);
/* For what is listed and is no file, a link to nothing say: bad when it is named as an image, else
 * left out. 0 or -1. */
int source_take_no_file(struct source *source, const char *key, const char *reason);
/* Of a doubtful item, the first bytes are known: it stays, or is out and counted. */
void source_sniff(struct source *source, struct source_item *item, const uint8_t *head,
                  size_t size);
/* Sniffs all doubtful items by their first bytes, and forgets those that are out. One that cannot
 * be read stays: it is a bad image when its turn comes. */
void source_sniff_all(struct source *source);
/* Forgets the items that are out. */
void source_sift(struct source *source);
void source_sort(struct source *source); /* by key, and then by index */
/* Of the first count items, which are sorted: how many come before that key and index. */
size_t source_place(const struct source *source, size_t count, const char *key, size_t index);
/* Forgets all items and counts. */
void source_empty(struct source *source);

/* An image is bad for this reason: 0 when it was named and counted, -1 when that is an error. */
int source_refuse(struct source *source, const char *key, const char *reason);
/* An item's name for sentences: "photos/cat/17.png", of the source . the key alone; as name_show()
 * has it. */
const char *source_show(const struct source *source, const char *key);

#endif
