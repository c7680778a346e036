/* Tar archives by libarchive: ustar, pax and GNU tar, plain or packed (unpack.h). One pass from
 * start to end, past the mark of the end to the last byte, and what stands behind the mark is an
 * error. In plain tar the headers have a sum, and the contents have none. */
#ifndef PSWEEP_TAR_H
#define PSWEEP_TAR_H

#include "archives/blob.h"
#include "spool.h"

struct tar;

enum { TAR_MAX_NAME = 4096 /* bytes, as the system has it for paths */ };

enum tar_kind { TAR_FILE, TAR_FOLDER, TAR_LINK, TAR_OTHER };

struct tar_member {
    enum tar_kind kind;
    const char *name;   /* as tar made it "./cat/1.png": without "./" or "/" before it */
    const char *target; /* of a hard link: the name of a member before it */
    uint64_t size;
};

/* The bytes of the suffix, .tar .tar.gz .tgz or .tar.zst, that a name ends with, a URL's query
 * aside; 0 where it is called otherwise, or nothing but so. */
size_t tar_suffix(const char *name);

/* blob, and its name for sentences, are borrowed until tar_close(). NULL is a sentence. */
struct tar *tar_open(struct blob *blob, const char *name);
void tar_close(struct tar *tar); /* NULL is allowed */

/* How many bytes of the archive, packed as it is, were read or passed over. */
uint64_t tar_came(const struct tar *tar);

/* The next member, with texts that are good until the next call: 1; 0 at the end; -1 with a
 * sentence: damaged, cut short (the end of an archive is marked in it), more than one archive, no
 * tar archive at all, or what the blob said. */
int tar_next(struct tar *tar, struct tar_member *member);

/* Where the contents of the member are that tar_next() has just brought, for read_at(): in the blob
 * itself when it is an uncompressed file, else in the spool, to which they are added. -1 with a
 * sentence. */
struct tar_range {
    int fd;
    uint64_t offset, size;
};
int tar_keep(struct tar *tar, struct spool *spool, struct tar_range *range);

#endif
