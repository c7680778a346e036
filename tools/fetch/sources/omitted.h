/* The files of a source that become no images, counted by folder and suffix while it is listed and
 * told when it is: in a few lines, however many they are. */
#ifndef PSWEEP_OMITTED_H
#define PSWEEP_OMITTED_H

#include "name.h"

struct source;

/* What a file is, as its key tells: hidden is what begins with a dot, or lies in what does, and is
 * not a folder . or .., which S3 allows. */
enum key_kind { KEY_IMAGE, KEY_BARE /* no suffix */, KEY_OTHER, KEY_HIDDEN };
enum key_kind key_kind(const char *key);

enum { OMITTED_SUFFIX = 16 };

struct omitted_group {
    char *folder;                /* "" or "train/cat" */
    char suffix[OMITTED_SUFFIX]; /* ".tif", in small letters; "" for a longer one */
    size_t count;
};

/* Starts all zero. */
struct omitted {
    size_t files;                /* of the next three kinds together */
    size_t hidden;               /* begin with a dot, or lie in what does */
    struct some_names bare;      /* without a suffix, and no images by their first bytes */
    struct omitted_group *group; /* all others; of a folder and suffix there may be several */
    size_t groups;

    struct some_names stray; /* images in no folder that could be their class */
    size_t hidden_folders;   /* that were not looked into */
};

/* A file is left out because it is no image. */
void omitted_file(struct omitted *omitted, const char *key);
void omitted_free(struct omitted *omitted);

/* Tells of a listed source's omitted files in notes: how many of which suffix; the folders that
 * lose all or most of what they hold because it is pictures of formats that are not read; the
 * strays. */
void omitted_tell(struct source *source);
/* A source has no images but files: -1 with the sentence. */
int omitted_refuse(struct source *source);

#endif
