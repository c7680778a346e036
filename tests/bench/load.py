"""What else went on while something was measured. Two programs suffer differently from a third, so ratios of a loaded
machine say nothing.

    with Load() as load:
        ...                     # it and the processes that it has waited for are ours
    print(load.others, load.sentence())
"""
import os
import time

CORES = sorted(os.sched_getaffinity(0))
MOST = 0.05  # of the time of these cores


def spent():
    """Processor time of these cores in seconds: of all that runs, and what a hypervisor took away; and ours."""
    running = stolen = 0
    with open("/proc/stat") as lines:
        for name, *ticks in (line.split() for line in lines):
            if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in CORES:
                user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
                running += user + nice + system + irq + softirq
                stolen += steal
    tick = os.sysconf("SC_CLK_TCK")
    return running / tick, stolen / tick, sum(os.times()[:4])


class Load:
    def __enter__(self):
        self.began, self.before = time.perf_counter(), spent()
        return self

    def __exit__(self, *_):
        all_time = (time.perf_counter() - self.began) * len(CORES)
        running, stolen, ours = (after - before for before, after in zip(self.before, spent()))
        self.stolen = stolen / all_time
        self.others = max(0, running - ours) / all_time + self.stolen

    def is_heavy(self):
        return self.others > MOST

    def sentence(self):
        return (f"other programs took {100 * self.others:.0f} % of the time of {len(CORES)} cores (/proc/stat; of these "
                f"{100 * self.stolen:.0f} % the hypervisor), more than {100 * MOST:.0f} %: no ratios")
