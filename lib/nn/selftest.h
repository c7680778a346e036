/* Holds an engine to the CPU's, on small networks: what protects a user whose device nobody has
 * seen.
 *
 * Some steps of both must agree within a tolerance, in single precision, in TF32 and in bf16, up to
 * the one that the options ask for (another network, with additions, Adam and the like, in single
 * precision alone); a second run, of steps that are not replayed from a graph, must give the same
 * bits, and so must a third, on views of images that the device keeps. One that fails does not keep
 * the others from being tried.
 */
#ifndef PSWEEP_SELFTEST_H
#define PSWEEP_SELFTEST_H

#include "engine.h"

/* Tests class with the options' GPU. table: NULL, or called with each line of a table of
 * differences. 0; -1 with a sentence. */
int selftest(const struct engine_class *class, const struct engine_options *options,
             void (*table)(const char *line));

/* The same once for each device and versions, as name (the engine's detail) tells them: a pass is
 * remembered in $XDG_CACHE_HOME/psweep, or ~/.cache/psweep. */
int selftest_once(const struct engine_class *class, const struct engine_options *options,
                  const char *name);

#endif
