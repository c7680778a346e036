/* Names of files and objects are bytes; in the stream they are texts. */
#ifndef PSWEEP_NAME_H
#define PSWEEP_NAME_H

/* Whether it is UTF-8 as RFC 3629 has it: no longer forms than needed, no surrogates. */
int name_is_utf8(const char *name);

/* A copy for sentences: control characters and bytes that are no UTF-8 as \x1b, the rest as it is.
 * Free it. */
char *name_show(const char *name);

#endif
