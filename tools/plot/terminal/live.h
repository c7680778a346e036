/* What --follow shows of runs at work: frames of a terminal, or lines where there is none. */
#ifndef PSPLOT_LIVE_H
#define PSPLOT_LIVE_H

#include "reading/asked.h"
#include "terminal/page.h"

/* A frame that fills the page: a panel a run, or rows where there are too many. asked: what a
 * folder asks for. now: Unix seconds, for runs that have long been silent. */
struct screen *live_frame(const struct history *history, const struct asked *asked,
                          const struct page *page, double now);

/* Prints a line for each epoch and each end that it has not told of yet. */
void live_tell(struct history *history);

#endif
