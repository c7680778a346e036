/* A record as JSON (RFC 8259).
 *
 * Maps and arrays keep their order, and reals read back to the same bits. Most readers take numbers
 * for doubles, which hold whole numbers up to 2^53: a larger one is a text of its decimal digits,
 * and a digest (of the keys digest and seal), whatever its size, one of 16 hexadecimal digits, as
 * xxhsum prints it. What is no finite number is null. Bytes of text that are no UTF-8 become
 * U+FFFD; characters that could command a terminal are escaped.
 */
#ifndef PSDUMP_JSON_H
#define PSDUMP_JSON_H

#include <msgpack.h>
#include <stdio.h>

/* Writes the object. bytes: whether bin (and what an extension of msgpack holds) is written too, as
 * base64 (RFC 4648); else a field of it is left out, and an element of a list is null. */
void json_write(FILE *out, const msgpack_object *object, int bytes);

#endif
