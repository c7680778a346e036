/* The network's side of a supply (supply.h): one object or page, read from start to end. */
#ifndef PSWEEP_REMOTE_H
#define PSWEEP_REMOTE_H

#include "sources/source.h"

#include <sys/types.h>

struct remote;

/* Whether name begins with s3://, https:// or http://. */
int remote_is_url(const char *name);
/* A URL without what may be secret in it, a question mark and all behind: for messages and headers.
 * Free it. */
char *remote_show(const char *url);

/* As supply.h has them; remote_close() takes NULL. */
int remote_open(struct remote **remote, const char *url, const struct source_options *options);
void remote_close(struct remote *remote);
ssize_t remote_read(struct remote *remote, const void **block);
int remote_check(struct remote *remote, int failed);

#endif
