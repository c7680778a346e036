/* The profile files of Amazon's tools, as far as they say who asks and where:
 *
 *     [profile work]              a section; in the credentials file just [work]
 *     region = eu-west-1          a setting
 *     services = lab
 *     [services lab]
 *     s3 =                        a group: the indented settings below belong to it
 *       endpoint_url = http://…
 *
 * Lines that begin with # or ; are comments. What a section says twice, its last line decides.
 */
#ifndef PSWEEP_PROFILE_H
#define PSWEEP_PROFILE_H

#include <stddef.h>

struct profile_file {
    struct profile_setting *setting;
    size_t count;
};

/* Reads the file at path. One that does not exist has no settings; 0, or -1 with a sentence when it
 * is there and cannot be read. */
int profile_read(struct profile_file *file, const char *path);
void profile_free(struct profile_file *file);

/* The value of section / group / name (group "" for plain settings), owned by file, or NULL. */
const char *profile_value(const struct profile_file *file, const char *section, const char *group,
                          const char *name);
/* Whether the section is there at all. */
int profile_has(const struct profile_file *file, const char *section);

#endif
