/* Lists in the names of sources, as shells expand them, for where no shell does:
 * "train-{000..009}.tar" is ten names, as long as the longer end where one has a zero before it;
 * "{train,extra}.tar" is two. */
#ifndef PSWEEP_BRACE_H
#define PSWEEP_BRACE_H

#include <stddef.h>

enum { BRACE_MOST = 1 << 16 }; /* names */

struct names {
    char **name; /* owned */
    size_t count;
};

/* Appends the names that name stands for: itself, where it has no list or something on this machine
 * is called so. 0, or -1 with a sentence when there would be more than BRACE_MOST in all. */
int brace_expand(struct names *names, const char *name);
void names_free(struct names *names);

#endif
