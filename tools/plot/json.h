/* A record as JSON (RFC 8259).
 *
 * Maps and arrays keep their order, whole numbers all their digits, and reals read back to the same
 * bits; what is no finite number is null. Bytes of text that are no UTF-8 become U+FFFD; characters
 * that could command a terminal are escaped.
 */
#ifndef PSPLOT_JSON_H
#define PSPLOT_JSON_H

#include <msgpack.h>
#include <stdio.h>

/* Writes the object. bytes: whether bin (and what an extension of msgpack holds) is written too, as
 * base64 (RFC 4648); else a field of it is left out, and an element of a list is null. */
void json_write(FILE *out, const msgpack_object *object, int bytes);

#endif
