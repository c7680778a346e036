/* Labels that lie in an archive beside the images that they are for, as WebDataset has them: files
 * of one sample have one name up to the first dot of its last part, so 000017.cls tells the class
 * of 000017.jpg.
 *
 * Which files do: .cls, where images have them. Else, where no image lies in a folder: .json with a
 * member "label" or "class" at its top; else .txt. A member that is asked for by name is taken from
 * .json in any case. In .cls and .txt the label is all of the text, without blanks around it: the
 * name of a class, or a number from 0 on; a JSON member is such a text or number.
 */
#ifndef PSWEEP_LABELS_H
#define PSWEEP_LABELS_H

#include "sources/source.h"

enum labels_kind { LABELS_CLS, LABELS_JSON, LABELS_TXT, LABELS_NONE };

enum {
    LABELS_MAX_TEXT = 64 << 10, /* bytes of a .cls or .txt */
    LABELS_MAX_JSON = 1 << 20,
    LABELS_MAX_NAME = 255, /* bytes of a class */
};

/* Which of them a member of an archive is, by its name. */
enum labels_kind labels_kind(const char *name);
/* The largest one that is read. */
uint64_t labels_most(enum labels_kind kind);
/* The key that such a file has among the items: its name, with the suffix in small letters; of any
 * other file it is the name. Free it. */
char *labels_key(const char *name);

/* Takes these files away from the items of a source, which are sorted, and labels the others by
 * them, which are images named by their sample and a suffix; not where no such files tell the
 * labels, or folders shall. Files that were not used are counted as left out. -1 with a sentence
 * that names the image whose label is missing or makes no sense, unless bad images are left out. */
int labels_apply(struct source *source, const struct source_options *options);

/* The class that a text tells, for LABEL_TEXT or LABEL_NUMBER in *label: a number without zeros
 * before it. Memory to be freed; NULL with a sentence. */
char *labels_parse(const char *text, size_t size, enum label *label);

#endif
