/* Standard input and output as streams of records, for the programs' main functions. */
#ifndef PSWEEP_STANDARD_H
#define PSWEEP_STANDARD_H

#include "write.h"

/* A writer on standard output; exits with a sentence when that is a terminal. */
struct writer *estandard_output(void);

/* For text on it: exits with a sentence when it is closed, for then its number would go to the next
 * file that is opened. */
void estandard_text(void);

/* Writes all text that was printed, and looks whether it arrived; a reader that has enough is no
 * failure. -1 with a sentence. */
int standard_flush(void);

/* Ends a program whose answer is printed; with a sentence when it could not be. */
_Noreturn void end_after_text(void);

/* Exits with a sentence when standard input is a terminal: nobody types records. */
void estandard_input(void);

/* Ends a program whose write failed: quietly with DONE when the consumer had enough and closed the
 * pipe, else with the sentence in why(). */
_Noreturn void end_after_write(const struct writer *writer);

#endif
