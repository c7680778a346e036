/* When the device works is for PSWEEP_DOUBLE_SEED to say: 0, as late as can be, when somebody waits
 * for it, and then the youngest task that may; 1, as early as can be; or by chance, from that
 * number. A program that is right has the same results with all of them. See tasks.h. */
#include "tasks.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>

static auto &pool = *new std::vector<task_ref>; /* in the order of their coming */

static unsigned long seed()
{
    static const char *given = getenv("PSWEEP_DOUBLE_SEED");
    return given ? strtoul(given, nullptr, 10) : 0;
}
static size_t draw(size_t below)
{
    static std::mt19937_64 generator(seed());
    return size_t(generator() % below);
}

/* All that must be done before a task, and itself. */
static void add_needed(const task_ref &t, std::set<task_ref> &needed)
{
    if (t == nullptr || t->done || !needed.insert(t).second)
        return;
    for (auto &before : t->before)
        add_needed(before, needed);
}

/* Does one of the tasks that may be done. */
static void run_one(const std::set<task_ref> &needed)
{
    std::vector<task_ref> ready;
    for (auto &t : pool)
        if ((seed() > 1 || needed.count(t)) &&
            std::all_of(t->before.begin(), t->before.end(), [](auto &b) { return b->done; }))
            ready.push_back(t);
    task_ref t = seed() == 0   ? ready.back()
                 : seed() == 1 ? ready.front()
                               : ready[draw(ready.size())];
    device_open(true);
    t->run();
    device_open(false);
    t->done = true;
    t->before.clear();
    pool.erase(std::find(pool.begin(), pool.end(), t));
}

void task_wait(const task_ref &t)
{
    std::set<task_ref> needed;
    add_needed(t, needed);
    while (t && !t->done)
        run_one(needed);
}

bool host_in_use(const void *begin, size_t bytes)
{
    auto b = static_cast<const char *>(begin);
    return std::any_of(pool.begin(), pool.end(), [=](auto &t) {
        return t->use.begin < b + bytes && b < t->use.begin + t->use.bytes;
    });
}

/* What the host sees of memory that is still to be written is neither the old nor the new. */
task_ref task_submit(work run, host_use use, std::vector<task_ref> before)
{
    if (use.writes && !host_in_use(use.begin, use.bytes))
        memset(use.begin, 0xff, use.bytes);
    auto t = std::make_shared<task>(task{run, use, before, false});
    pool.push_back(t);
    if (seed() == 1)
        task_wait(t);
    for (size_t some = seed() > 1 ? draw(4) : 0; some > 0 && !pool.empty(); some--)
        run_one({});
    return t;
}

void task_advance(const task_ref &t)
{
    std::set<task_ref> needed;
    add_needed(t, needed);
    run_one(needed);
}

void task_wait_all()
{
    while (!pool.empty())
        task_wait(pool.back());
}
