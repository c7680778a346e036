/* Threads that share out the items of one piece of work after another.
 *
 * The engine's own, because OpenMP's threads (libgomp) spin for milliseconds at every barrier: on a
 * machine that runs other programs too (psaug, other trainings of a sweep) the spinning threads
 * take the very cores that the awaited ones need. Measured with two other busy processes on two
 * cores, depth 4: 297 images/s with libgomp's default, 1002 with OMP_WAIT_POLICY=passive, which a
 * program cannot set for itself. These offer their core to others at once and sleep soon.
 *
 * A team belongs to the thread that made it, which works as its thread number 0.
 */
#ifndef PSWEEP_TEAM_H
#define PSWEEP_TEAM_H

struct team;

/* Starts threads - 1 threads, with all signals blocked. NULL with a sentence when that fails. */
struct team *team_make(int threads);
void team_end(struct team *team); /* NULL is allowed */

/* Calls work(context, item, thread) once for each item 0 … items - 1, each on whichever thread is
 * free, and returns when all are done. What one call writes, later calls of team_run() see. */
void team_run(struct team *team, int items, void (*work)(void *context, int item, int thread),
              void *context);

/* As many as this process may use: OMP_NUM_THREADS if it is set, else its processors. */
int team_default_threads(void);

#endif
