/* As much of JSON as credentials come in: one object whose members are texts, besides what is
 * passed over. */
#ifndef PSWEEP_JSON_H
#define PSWEEP_JSON_H

#include "text.h"

/* Replaces value by the text that the object has under name. 1; 0 when it has none, or no text; -1
 * when it is no JSON object (which is looked at as far as is needed), without a sentence. */
int json_text(const char *json, const char *name, struct text *value);

#endif
