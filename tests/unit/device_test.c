#include "nn/device.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A machine under the folder root with one path more, a file of that text. */
static void put(const char *root, const char *path, const char *text)
{
    char command[512];
    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s%s')\" && echo '%s' >'%s%s'", root,
             path, text, root, path);
    assert_int_equal(system(command), 0);
}

static int gpu_with(const char *path, const char *text, const char *other_path, const char *other)
{
    char root[] = "/tmp/hardware-XXXXXX", command[64];
    assert_non_null(mkdtemp(root));
    put(root, "/dev/nvme0", "");
    put(root, "/dev/nvram", "");
    put(root, "/dev/dxg", "");
    put(root, "/sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086");
    put(root, "/sys/bus/pci/devices/0000:00:02.0/class", "0x030000");
    if (path && text)
        put(root, path, text);
    if (other_path)
        put(root, other_path, other);
    int result = device_has_gpu(root);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    return result;
}

#define CARD "/sys/bus/pci/devices/0000:01:00.0/"

static void what_shows_a_gpu(void **state)
{
    (void)state;
    assert_false(gpu_with(NULL, "", NULL, ""));
    assert_true(gpu_with("/dev/nvidia0", "", NULL, ""));
    assert_true(gpu_with("/proc/driver/nvidia/version", "NVRM", NULL, ""));
    assert_true(gpu_with("/dev/nvhost-gpu", "", NULL, ""));
    assert_true(gpu_with("/usr/lib/wsl/lib/libcuda.so.1", "", NULL, ""));
    assert_true(gpu_with(CARD "vendor", "0x10de", CARD "class", "0x030200"));
    assert_false(gpu_with(CARD "vendor", "0x10de", CARD "class", "0x040300"));
    assert_false(gpu_with(CARD "vendor", "0x1002", CARD "class", "0x030000"));
    assert_false(gpu_with(CARD "vendor", "0x10de", NULL, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_shows_a_gpu)};
    return RUN_TESTS(tests);
}
