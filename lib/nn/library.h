/* Where a shared library is that the loader does not find: CUDA's are often where only Python or
 * conda look.
 */
#ifndef PSWEEP_LIBRARY_H
#define PSWEEP_LIBRARY_H

#include <stddef.h>

/* The path of the library of that name ("libcudnn.so.9"), of these folders' the first that has it:
 * ../lib of the folder beside; /usr/local/cuda/lib64; $CONDA_PREFIX/lib; and of pip's wheels (below
 * site-packages/nvidia) those of $CONDA_PREFIX, of $VIRTUAL_ENV, of the first python3 in PATH, of
 * ~/.local and of /usr/local. 1; 0 where none does. Nothing is run. */
int library_find(const char *beside, const char *name, char *path, size_t size);

#endif
