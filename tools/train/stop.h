/* Ending a run early by a signal, with everything done so far kept.
 *
 * SIGTERM, SIGHUP and SIGINT ask for the end after the present step; a second one ends at once.
 */
#ifndef PSWEEP_STOP_H
#define PSWEEP_STOP_H

#include <signal.h>

/* The signal that asked, or 0. */
extern volatile sig_atomic_t stop_signal;

void stop_on_signals(void);

/* Waits a tenth of a second for a signal that may be on its way: a Ctrl-C reaches the programs of a
 * pipeline one after the other, and the one before may be gone already. */
int stop_is_coming(void);

/* Ends the program as the signal wants it: exit status STOPPED for SIGTERM and SIGHUP; SIGINT is
 * died by, as shells and make expect. */
_Noreturn void stop_end(void);

#endif
