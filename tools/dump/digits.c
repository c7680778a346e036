#include "digits.h"

#include <stdio.h>
#include <stdlib.h>

static int reads_back(const char *text, double value, int single)
{
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

const char *digits_of(double value, int single, char *text)
{
    /* So many decimal digits every float and every double gives back; more are seldom needed. */
    int most = single ? 9 : 17;
    for (int digits = single ? 6 : 15; digits <= most; digits++) {
        snprintf(text, DIGITS_ROOM, "%.*g", digits, value);
        if (reads_back(text, value, single))
            break;
    }
    return text;
}
