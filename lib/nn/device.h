/* The engine for a device, and what of a machine shows that it has a GPU.
 *
 * The GPU's engine is a shared object that is loaded when it is asked for, so that the programs run
 * where what it needs is not.
 */
#ifndef PSWEEP_DEVICE_H
#define PSWEEP_DEVICE_H

#include "engine.h"

/* device: "auto", "cpu" or "cuda". auto takes CUDA when a driver and a device answer, else the CPU;
 * where there is a GPU a line says once why. *engine is NULL after a failure. */
int engine_open(struct engine **engine, const char *device, const struct net *net,
                const struct engine_options *options);

/* Holds the GPU that the options name to the CPU (selftest.h), and tells each line of the
 * comparison. engine_open() does it by itself the first time that it meets a GPU. */
int engine_selftest(const struct engine_options *options, void (*table)(const char *line));

/* Whether there is an NVIDIA GPU, be it one that cannot be used: its driver's files, the CUDA of a
 * Windows host (WSL), or a card on the bus, under the folder root ("" for the machine itself). */
int device_has_gpu(const char *root);

#endif
