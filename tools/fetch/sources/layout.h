/* From the folders that images lie in to classes and splits.
 *
 * The folders of a key are counted from 1, the first one below the source. An image's class is its
 * last folder, or the one of the level that is asked for; level 0 is the source itself. With
 * split_folders the first folder called train, training, val, valid, validation, test or testing,
 * in any case, tells the split, and is not counted; where a source has no folder called so, its own
 * name may be.
 *
 * Where the others lie in two folders or more side by side, an image beside these is a stray: a.png
 * of a.png, cat/1.png, dog/1.png. It is left out, as one is that has no folder of the level asked
 * for, or none that tells a split. Where all images lie in one place, that is their class: the
 * folder, or the source by its own name; but not an archive, whose name says as a rule what part of
 * a set it is.
 *
 * Images without labels are all of one class, which has no name and is not written.
 */
#ifndef PSWEEP_LAYOUT_H
#define PSWEEP_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct source;

struct layout_options {
    uint64_t class_level; /* OPTION_UNSET: the last folder */
    int split_folders;
    int unlabelled;
};

/* Gives every item without a class its own, and a split where folders tell it; takes the strays
 * away. -1 with a sentence where no image is left, or most are strays. Notes say what folders look
 * like and are not taken for. */
int layout(struct source *source, const struct layout_options *options);

/* The same of sources together: ds/train and ds/test, of which none has such folders. */
void layout_remark(const struct source *source, size_t count, const struct layout_options *options);

/* The split that a word is called for, as folders are (enum split), or -1. */
int layout_split(const char *word, size_t size);

/* The name that an image gets in an archive: its key, with the folder of its class put in where it
 * lies in another one, and .png at its end, where it is not there, for pixels that have no file.
 * Slashes at a key's end or in a row, which S3 allows, do not count. Free it. */
char *layout_member(const char *key, const char *class_name, int has_file);

#endif
