/* Which engine runs a network: the GPU's, which is loaded when it is asked for, or the CPU's. */
#include "device.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu/cpu.h"
#include "library.h"
#include "message.h"
#include "selftest.h"

/* Whether the file of that name in a folder begins with these letters. */
static int begins_with(const char *folder, const char *name, const char *letters)
{
    char path[4096], text[16] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return got > 0 && strncmp(text, letters, strlen(letters)) == 0;
}

/* Made by NVIDIA, and not a card's sound or a bridge. */
static int is_card(const char *folder)
{
    return begins_with(folder, "vendor", "0x10de") && begins_with(folder, "class", "0x03");
}

/* Whether there is a path of that pattern below root that is one (NULL: any path is). */
static int is_there(const char *root, const char *pattern, int (*is_one)(const char *path))
{
    char whole[4096];
    glob_t paths = {0};
    int found = 0;
    snprintf(whole, sizeof whole, "%s%s", root, pattern);
    if (glob(whole, GLOB_NOSORT, NULL, &paths) == 0)
        for (size_t i = 0; i < paths.gl_pathc && !found; i++)
            found = is_one == NULL || is_one(paths.gl_pathv[i]);
    globfree(&paths);
    return found;
}

int device_has_gpu(const char *root)
{
    return is_there(root, "/proc/driver/nvidia", NULL) ||
           is_there(root, "/dev/nvidia[0-9]*", NULL) ||
           is_there(root, "/dev/nvhost-*", NULL) || /* Tegra */
           is_there(root, "/usr/lib/wsl/lib/libcuda.so*", NULL) ||
           is_there(root, "/sys/bus/pci/devices/*", is_card);
}

/* With NVIDIA_TF32_OVERRIDE=0 cuDNN plans without TF32 whatever it is asked for: other bytes, and
 * nothing to tell them by. So it does not see it. */
static int overridden;
static void forget_override(void)
{
    overridden |= getenv("NVIDIA_TF32_OVERRIDE") != NULL;
    unsetenv("NVIDIA_TF32_OVERRIDE");
}
static void tell_override(const struct engine_options *options)
{
    if (overridden && (options->precision == NULL || strcmp(options->precision, "tf32") == 0))
        note("NVIDIA_TF32_OVERRIDE changes nothing here: what computes without TF32 is "
             "--precision fp32");
    overridden = 0;
}

/* Whether the loader said that it has not found a library, whose name then begins the sentence;
 * other sentences begin with a path. */
static int is_absent(const char *said, char *name, size_t size)
{
    size_t length = strcspn(said, ":/ ");
    snprintf(name, size, "%.*s", (int)length, said);
    return length < size && said[length] == ':' && strstr(name, ".so") != NULL;
}

/* Loads a plugin, and before it what it is linked with and the loader does not find; folder is the
 * program's. NULL, with a sentence. */
static void *load_plugin(const char *folder, const char *path)
{
    char said[600], name[64], found[4096], absent[64] = "";
    for (;;) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
        snprintf(said, sizeof said, "%s", dlerror());
        if (!is_absent(said, name, sizeof name) || strcmp(name, absent) == 0)
            break;
        strcpy(absent, name);
        if (!library_find(folder, name, found, sizeof found)) {
            fail("the cuda engine does not load: %s; neither conda nor Python has it: name its "
                 "folder in LD_LIBRARY_PATH",
                 said);
            return NULL;
        }
        if (dlopen(found, RTLD_NOW | RTLD_LOCAL) == NULL) {
            snprintf(said, sizeof said, "%s", dlerror());
            break;
        }
    }
    fail("the cuda engine does not load: %s", said);
    return NULL;
}

/* The class of the GPU engine: from libpsweep-cuda.so beside the program, or in ../lib/psweep.
 * NULL, with a sentence, when there is none or it does not load. */
static const struct engine_class *load_cuda(void)
{
    static const char *const folder[] = {"", "/../lib/psweep"};
    static int told;
    char program_path[4096], path[4200], libraries[9000];
    ssize_t length = readlink("/proc/self/exe", program_path, sizeof program_path - 1);
    char *slash = length > 0 ? memrchr(program_path, '/', (size_t)length) : NULL;
    void *library = NULL;
    if (slash == NULL) {
        fail("cannot find the folder of this program");
        return NULL;
    }
    *slash = 0;
    forget_override();
    for (size_t i = 0; library == NULL && i < sizeof folder / sizeof *folder; i++) {
        snprintf(path, sizeof path, "%s%s/libpsweep-cuda.so", program_path, folder[i]);
        if (access(path, R_OK) == 0 && (library = load_plugin(program_path, path)) == NULL)
            return NULL;
    }
    if (library == NULL) {
        fail("this build has no cuda engine");
        return NULL;
    }
    const struct engine_plugin *plugin = dlsym(library, "psweep_engine_plugin");
    if (plugin && strcmp(plugin->version, PSWEEP_VERSION) == 0) {
        /* Asked only for who is told: cuDNN loads a large part of itself to know its version. */
        if (verbosity > 1 && !told++) {
            plugin->libraries(libraries, sizeof libraries);
            explain("%s", libraries);
        }
        return plugin->class; /* the library stays loaded to the end */
    }
    fail("%s belongs to another version of this program", path);
    dlclose(library);
    return NULL;
}

/* What fails is remembered while the program runs, so that one that opens many engines in spite of
 * it tries and tells once. */
static int pass_selftest(const struct engine_class *cuda, const struct engine_options *options,
                         struct engine *engine)
{
    static char failed[600];
    char name[600]; /* up to what is of the network */
    snprintf(name, sizeof name, "%s", engine_detail(engine));
    name[strcspn(name, ";")] = 0;
    int known = options->despite_selftest && strcmp(name, failed) == 0;
    if (!known && selftest_once(cuda, options, name) == 0)
        return 0;
    if (!options->despite_selftest)
        return fail("this GPU did not pass its test against the CPU (pstrain --selftest tells "
                    "more): %s",
                    why());
    if (!known)
        note("this GPU did not pass its test against the CPU and is used despite that: %s", why());
    snprintf(failed, sizeof failed, "%s", name);
    engine_distrust(engine);
    return 0;
}

/* answered: a GPU did, whatever came of it. */
static int open_cuda(struct engine **engine, const struct net *net,
                     const struct engine_options *options, int *answered)
{
    const struct engine_class *cuda = load_cuda();
    *answered = cuda && engine_open_class(engine, cuda, net, options) == 0;
    if (!*answered)
        return -1;
    tell_override(options);
    if (pass_selftest(cuda, options, *engine) == 0)
        return 0;
    cuda->close(*engine);
    *engine = NULL;
    return -1;
}

int engine_selftest(const struct engine_options *options, void (*table)(const char *line))
{
    const struct engine_class *cuda = load_cuda();
    return cuda ? selftest(cuda, options, table) : -1;
}

/* The GPU, or else the CPU; why is told once to who opens many engines, and where there is no GPU
 * only to who asks for explanations. */
static int open_any(struct engine **engine, const struct net *net,
                    const struct engine_options *options)
{
    static int told;
    int answered;
    if (open_cuda(engine, net, options, &answered) == 0)
        return 0;
    if (!told)
        (answered || device_has_gpu("") ? note : explain)("computing on the CPU: %s", why());
    told = 1;
    return engine_open_class(engine, &cpu_class, net, options);
}

int engine_open(struct engine **engine, const char *device, const struct net *net,
                const struct engine_options *options)
{
    int answered;
    *engine = NULL;
    if (strcmp(device, "auto") == 0)
        return open_any(engine, net, options);
    if (strcmp(device, "cuda") == 0)
        return open_cuda(engine, net, options, &answered);
    if (strcmp(device, "cpu") == 0)
        return engine_open_class(engine, &cpu_class, net, options);
    return fail("there is no device '%s': it is auto, cpu or cuda", device);
}
