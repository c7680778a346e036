/* The options that a run was made with, as its header and the headers upstream of it tell them.
 *
 * pstrain's own have their plain names, "depth", in words: "learning rate"; those of the programs
 * before it begin with the program: "psaug shift". Values are texts for people, in clean UTF-8;
 * those of options that were not given are left out.
 */
#ifndef PSWEEP_SETTINGS_H
#define PSWEEP_SETTINGS_H

#include <msgpack.h>

struct setting {
    char *name, *value;
    double number; /* the value, NAN where it is none */
};

struct settings {
    struct setting *setting; /* [count] */
    size_t count;
};

/* Adds those of a header and of those upstream of it; upstream: it is one of the latter. */
void settings_read(struct settings *settings, const msgpack_object *header, int upstream);
void settings_free(struct settings *settings);

/* Adds one, whose texts are cleaned. Of the same name the last one counts. */
void settings_add(struct settings *settings, const char *name, const char *value, double number);

/* One by its name; NULL when there is none. */
const struct setting *settings_find(const struct settings *settings, const char *name);

#endif
