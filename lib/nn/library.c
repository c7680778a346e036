#include "library.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a Python: Debian's pip has its own name for the folder, and Fedora's Python another lib. */
#define WHEELS "/{lib,lib64}/python3*/{site,dist}-packages/nvidia/*/lib"

/* The folders of the first python3 in PATH: as it stands there, for that of a virtual environment
 * is a link; and where the link leads. Each has room for PATH_MAX; "" where there is none. */
static void find_python(char *prefix, char *real)
{
    const char *paths = getenv("PATH");
    char program[PATH_MAX];
    *prefix = *real = 0;
    for (size_t length; paths && *paths; paths += length + (paths[length] != 0)) {
        length = strcspn(paths, ":");
        int size = snprintf(program, sizeof program, "%.*s/python3", (int)length, paths);
        if (length == 0 || size >= (int)sizeof program || access(program, X_OK) != 0)
            continue;
        snprintf(prefix, PATH_MAX, "%.*s/..", (int)length, paths);
        if (realpath(program, real) == NULL)
            *real = 0;
        for (char *slash, up = 0; up < 2 && (slash = strrchr(real, '/')) != NULL; up++)
            *slash = 0;
        return;
    }
}

int library_find(const char *beside, const char *name, char *path, size_t size)
{
    char prefix[PATH_MAX], real[PATH_MAX], local[PATH_MAX] = "", pattern[3 * PATH_MAX];
    const char *conda = getenv("CONDA_PREFIX"), *home = getenv("HOME");
    find_python(prefix, real);
    if (home)
        snprintf(local, sizeof local, "%s/.local", home);
    const struct {
        const char *folder, *below;
    } place[] = {{beside, "/../lib"},
                 {"/usr/local/cuda", "/lib64"},
                 {conda, "/lib"},
                 {conda, WHEELS},
                 {getenv("VIRTUAL_ENV"), WHEELS},
                 {prefix, WHEELS},
                 {real, WHEELS},
                 {local, WHEELS},
                 {"/usr/local", WHEELS}};
    for (size_t i = 0; i < sizeof place / sizeof *place; i++) {
        glob_t found = {0};
        if (place[i].folder == NULL || *place[i].folder != '/')
            continue;
        snprintf(pattern, sizeof pattern, "%s%s/%s", place[i].folder, place[i].below, name);
        int result = glob(pattern, GLOB_BRACE, NULL, &found) == 0 && found.gl_pathc > 0 &&
                     (size_t)snprintf(path, size, "%s", found.gl_pathv[0]) < size;
        globfree(&found);
        if (result)
            return 1;
    }
    return 0;
}
