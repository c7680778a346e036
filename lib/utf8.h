/* Texts of others: where they are characters, and which of these do something to who shows them.
 */
#ifndef PSWEEP_UTF8_H
#define PSWEEP_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Reads the UTF-8 sequence (RFC 3629) that bytes begin with: its length, or 0 when they begin with
 * none: too long a form, a surrogate, above U+10FFFF, cut off. */
size_t utf8_decode(const void *bytes, size_t size, uint32_t *code);

/* What is no UTF-8 or a control becomes a question mark, in place; a zero byte is put behind the
 * text. Its new length. */
size_t utf8_clean(char *text, size_t size);

/* Whether a character is a control: C0, DEL, C1, or a mark that turns the direction of the text. */
int utf8_control(uint32_t code);

#endif
