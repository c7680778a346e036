/* One line on stderr that is drawn over and over while something long is under way: only where
 * stderr is a terminal that can do more than print and neither -q nor -v was given, cut
 * to its width, and at most ten times a second. */
#ifndef PSWEEP_METER_H
#define PSWEEP_METER_H

void meter(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Takes the line away; call before anything else is printed. */
void meter_clear(void);

#endif
