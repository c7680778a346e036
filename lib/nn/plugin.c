#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

/* The folder of the program that runs, in path[size]. */
static int own_folder(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0)
        return -1;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return -1;
    *slash = 0;
    return 0;
}

const struct engine_class *plugin_load(const char *name)
{
    static const char *const place[] = {"", "/../lib/psweep"};
    char folder[4096], path[4200];
    void *library = NULL;
    if (own_folder(folder, sizeof folder) < 0) {
        fail("cannot find the folder of this program");
        return NULL;
    }
    for (size_t i = 0; library == NULL && i < sizeof place / sizeof *place; i++) {
        snprintf(path, sizeof path, "%s%s/libpsweep-%s.so", folder, place[i], name);
        if (access(path, R_OK) != 0)
            continue;
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fail("the %s engine does not load: %s", name, dlerror());
            return NULL;
        }
    }
    if (library == NULL) {
        fail("this build has no %s engine", name);
        return NULL;
    }
    const struct engine_plugin *plugin = dlsym(library, "psweep_engine_plugin");
    if (plugin && strcmp(plugin->version, PSWEEP_VERSION) == 0)
        return plugin->class; /* the library stays loaded to the end */
    fail("%s belongs to another version of this program", path);
    dlclose(library);
    return NULL;
}
