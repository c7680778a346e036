/* Numbers as text that reads back to the same bits. */
#ifndef PSDUMP_DIGITS_H
#define PSDUMP_DIGITS_H

enum { DIGITS_ROOM = 32 };

/* A finite number with the fewest digits that read back to it: as a float where single is set (at
 * most 9 digits), else as a double (at most 17). Returns text[DIGITS_ROOM]. */
const char *digits_of(double value, int single, char *text);

#endif
