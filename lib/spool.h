/* A nameless file in $TMPDIR, else /tmp, for what must wait: it grows at its end, is read anywhere,
 * and is gone with the program, however that ends. */
#ifndef PSWEEP_SPOOL_H
#define PSWEEP_SPOOL_H

#include <stddef.h>
#include <stdint.h>

struct spool {
    int fd; /* -1 until something was added */
    uint64_t size;
    uint8_t *buffer; /* of what is to be written next; NULL: nothing is */
    size_t held;
};
#define SPOOL_NEW ((struct spool){.fd = -1})

void spool_close(struct spool *spool);
void spool_empty(struct spool *spool);

/* Appends bytes; spool_flush() before the first one is read. 0 or -1 with a sentence. */
int spool_add(struct spool *spool, const void *bytes, size_t size);
int spool_flush(struct spool *spool);

/* Reads size bytes at offset of a file into bytes; any number of threads. -1 with a sentence, also
 * when there are fewer, which is damage. */
int read_at(int fd, uint64_t offset, void *bytes, size_t size);

#endif
