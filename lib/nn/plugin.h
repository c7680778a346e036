/* An engine that is loaded when it is asked for, so that the programs run where what it needs is
 * not.
 *
 * The shared object exports one variable, psweep_engine_plugin. It calls fail(), ealloc() and the
 * like of the program that loads it, and must be of the same version.
 */
#ifndef PSWEEP_PLUGIN_H
#define PSWEEP_PLUGIN_H

#include "engine.h"

struct engine_plugin {
    const char *version; /* PSWEEP_VERSION */
    const struct engine_class *class;
};

/* What the GPU engine exports; only its shared object has it. */
extern const struct engine_plugin psweep_engine_plugin;

/* The class of the engine named "cuda": from libpsweep-cuda.so beside the program, or in
 * ../lib/psweep. NULL, with a sentence, when there is none or it does not load. */
const struct engine_class *plugin_load(const char *name);

#endif
