/* Lines of a small text file: of one that is much larger, is a device or has no end, no more is
 * read than whoever asks finds sensible. */
#ifndef PSWEEP_LINES_H
#define PSWEEP_LINES_H

#include <stdio.h>
#include <sys/types.h>

/* Start with file and name, which are borrowed, and zeros; free line. */
struct lines {
    FILE *file;
    const char *name; /* for sentences */
    size_t most;      /* bytes of it that are read; more are an error */
    char *line;       /* the last one, with its newline; a zero byte is behind it */
    size_t room;      /* bytes at line */
    size_t read;      /* bytes of the file */
};

/* The next line's length; 0 at the end, -1 with a sentence. */
ssize_t lines_next(struct lines *lines);

#endif
