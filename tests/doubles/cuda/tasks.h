/* What the device has to do. Each task has others before it, and nothing else orders them: a
 * stream, an event and a graph are no more than ways to say what comes before what. */
#ifndef PSWEEP_DOUBLE_TASKS_H
#define PSWEEP_DOUBLE_TASKS_H

#include "device.h"

#include <memory>
#include <vector>

typedef std::function<void()> work;

struct task {
    work run;
    host_use use;
    device_uses uses;
    std::vector<std::shared_ptr<task>> before; /* empty once it is done */
    bool done;
};
typedef std::shared_ptr<task> task_ref;

/* One more. */
task_ref task_submit(work run, std::vector<task_ref> before, device_uses uses = {},
                     host_use use = {});
/* The device works until this one is done; NULL: at once. */
void task_wait(const task_ref &t);
void task_wait_all();
/* Gives the device time for one task before this one, or for this one. */
void task_advance(const task_ref &t);

#endif
