#include "hardware.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int hardware_has_gpu(const char *root)
{
    return is_there(root, "/proc/driver/nvidia", NULL) ||
           is_there(root, "/dev/nvidia[0-9]*", NULL) ||
           is_there(root, "/dev/nvhost-*", NULL) || /* Tegra */
           is_there(root, "/usr/lib/wsl/lib/libcuda.so*", NULL) ||
           is_there(root, "/sys/bus/pci/devices/*", is_card);
}
