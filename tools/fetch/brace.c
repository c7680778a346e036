#include "brace.h"

#include "message.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A list in braces: from its brace to behind the closing one. */
struct list {
    const char *start, *end;
    int is_range;
    unsigned long from, to;
    int width;
};

static int add_name(struct names *names, const char *name)
{
    if (names->count == BRACE_MOST)
        return fail("%s stands for more than %d sources", name, BRACE_MOST);
    names->name = egrow_by_one(names->name, names->count, sizeof *names->name);
    names->name[names->count++] = ecopy(name);
    return 0;
}

/* The first list of a name; 0 when there is none. */
static int find_list(const char *name, struct list *list)
{
    for (const char *open = name; (open = strchr(open, '{')) != NULL; open++) {
        const char *end = open + 1 + strcspn(open + 1, "{}");
        if (*end != '}')
            continue;
        char first[10], last[10];
        int size = 0;
        *list = (struct list){.start = open, .end = end + 1};
        if (sscanf(open, "{%9[0-9]..%9[0-9]}%n", first, last, &size) == 2 &&
            open + size == list->end) { /* 000..009 */
            int is_padded = (first[0] == '0' && first[1]) || (last[0] == '0' && last[1]);
            list->is_range = 1;
            list->from = strtoul(first, NULL, 10);
            list->to = strtoul(last, NULL, 10);
            list->width = !is_padded                     ? 0
                          : strlen(first) > strlen(last) ? (int)strlen(first)
                                                         : (int)strlen(last);
        }
        if (list->is_range || memchr(open, ',', (size_t)(end - open)) != NULL)
            return 1;
    }
    return 0;
}

/* What stands before the list, a word of it, and what stands behind, which may have further ones.
 */
static int expand(struct names *names, const char *name)
{
    struct list list;
    struct text text = {0};
    int done = 0;
    if (!find_list(name, &list))
        return add_name(names, name);
    const char *word = list.start + 1;
    unsigned long number = list.from;
    for (int more = 1; more && done == 0;) {
        text_clear(&text);
        text_bytes(&text, name, (size_t)(list.start - name));
        if (list.is_range) {
            text_format(&text, "%0*lu", list.width, number);
            more = number != list.to;
            number = list.from < list.to ? number + 1 : number - 1;
        } else {
            size_t size = strcspn(word, ",}");
            text_bytes(&text, word, size);
            word += size;
            more = *word++ == ',';
        }
        text_format(&text, "%s", list.end);
        done = expand(names, text.at);
    }
    text_free(&text);
    return done;
}

int brace_expand(struct names *names, const char *name)
{
    return access(name, F_OK) == 0 ? add_name(names, name) : expand(names, name);
}

void names_free(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct names){0};
}
