/* What of a machine shows that it has a GPU, without asking it. */
#ifndef PSWEEP_HARDWARE_H
#define PSWEEP_HARDWARE_H

/* Whether there is an NVIDIA GPU, be it one that cannot be used: its driver's files, the CUDA of a
 * Windows host (WSL), or a card on the bus, under the folder root ("" for the machine itself). */
int hardware_has_gpu(const char *root);

#endif
