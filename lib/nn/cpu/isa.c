/* Which kernels this machine can run. The tables are the files of kernels/, compiled once for each
 * instruction set (see the Makefile). */
#include <string.h>

#include "kernels.h"
#include "message.h"

extern const struct kernels kernels_c;

#if defined __x86_64__
extern const struct kernels kernels_avx2, kernels_avx512;
#elif defined __aarch64__
extern const struct kernels kernels_neon;
#endif

/* The fastest first. */
static size_t list(const struct kernels *table[3])
{
    size_t count = 0;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        table[count++] = &kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        table[count++] = &kernels_avx2;
#elif defined __aarch64__
    table[count++] = &kernels_neon; /* every such processor has it */
#endif
    table[count++] = &kernels_c;
    return count;
}

const struct kernels *kernels_choose(const char *isa)
{
    const struct kernels *table[3];
    size_t count = list(table);
    if (isa == NULL || strcmp(isa, "auto") == 0)
        return table[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(isa, table[i]->name) == 0)
            return table[i];
    fail("this machine or build has no instruction set '%s': it has%s%s%s%s%s", isa,
         count > 2 ? " " : "", count > 2 ? table[count - 3]->name : "", count > 1 ? " " : "",
         count > 1 ? table[count - 2]->name : "", " c");
    return NULL;
}
