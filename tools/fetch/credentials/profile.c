#include "credentials/profile.h"

#include "lines.h"
#include "message.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A section's heading is kept as a setting without a name, so that an empty section is seen too. */
struct profile_setting {
    char *section, *group, *name, *value;
};

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    text[size] = '\0';
    return text;
}

static void add(struct profile_file *file, const char *section, const char *group, const char *name,
                const char *value)
{
    file->setting = egrow(file->setting, file->count + 1, sizeof *file->setting);
    file->setting[file->count++] =
        (struct profile_setting){ecopy(section), ecopy(group), ecopy(name), ecopy(value)};
}

/* [profile "my lab"] is the section "profile my lab". */
static void drop_quotes(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++)
        if (*text != '"')
            *to++ = *text;
    *to = '\0';
}

/* Takes one line; section and group, 256 bytes each, hold where it stands. */
static void take_line(struct profile_file *file, char *line, char *section, char *group)
{
    int indented = line[0] == ' ' || line[0] == '\t';
    line = trim(line);
    char *end = strrchr(line, ']'), *equals = strchr(line, '=');
    if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
        return;
    if (line[0] == '[' && end != NULL) {
        *end = '\0';
        drop_quotes(line);
        snprintf(section, 256, "%s", trim(line + 1));
        group[0] = '\0';
        add(file, section, "", "", "");
    } else if (equals != NULL) {
        *equals = '\0';
        char *name = trim(line), *value = trim(equals + 1);
        if (!indented)
            snprintf(group, 256, "%s", value[0] == '\0' ? name : "");
        add(file, section, indented ? group : "", name, value);
    }
}

int profile_read(struct profile_file *file, const char *path)
{
    *file = (struct profile_file){0};
    FILE *stream = fopen(path, "re");
    if (stream == NULL)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : fail("cannot read %s: %s", path, strerror(errno));
    char section[256] = "", group[256] = "";
    struct lines lines = {.file = stream, .name = path, .most = 1 << 20};
    ssize_t done;
    while ((done = lines_next(&lines)) > 0)
        take_line(file, lines.line, section, group);
    fclose(stream);
    if (lines.line != NULL)
        explicit_bzero(lines.line, lines.room);
    free(lines.line);
    if (done < 0)
        profile_free(file);
    return (int)done;
}

void profile_free(struct profile_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        explicit_bzero(file->setting[i].value, strlen(file->setting[i].value));
        free(file->setting[i].section);
        free(file->setting[i].group);
        free(file->setting[i].name);
        free(file->setting[i].value);
    }
    free(file->setting);
    *file = (struct profile_file){0};
}

const char *profile_value(const struct profile_file *file, const char *section, const char *group,
                          const char *name)
{
    for (size_t i = file->count; i-- > 0;) {
        const struct profile_setting *setting = &file->setting[i];
        if (strcmp(setting->section, section) == 0 && strcmp(setting->group, group) == 0 &&
            strcmp(setting->name, name) == 0)
            return setting->value;
    }
    return NULL;
}

int profile_has(const struct profile_file *file, const char *section)
{
    return profile_value(file, section, "", "") != NULL;
}
