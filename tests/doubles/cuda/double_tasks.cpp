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

static bool clash(const device_uses &some, const device_uses &others)
{
    for (auto &a : some.all)
        for (auto &b : others.all)
            if ((a.writes || b.writes) && a.begin < b.begin + b.bytes &&
                b.begin < a.begin + a.bytes)
                return true;
    return false;
}

/* What is still to be done and uses the same memory must come before: a device may do both at once.
 * Of a kernel only the first byte behind each pointer is known, so not all of this is found. */
static void check_order(const task_ref &t)
{
    std::set<task_ref> needed;
    add_needed(t, needed);
    for (auto &other : pool)
        if (needed.count(other) == 0 && clash(t->uses, other->uses))
            device_fault(
                "memory is used by two at once: nothing says which of %s and %s comes first",
                other->uses.name, t->uses.name);
}

/* What the host sees of memory that is still to be written is neither the old nor the new. */
task_ref task_submit(work run, std::vector<task_ref> before, device_uses uses, host_use use)
{
    if (use.writes && !host_in_use(use.begin, use.bytes))
        memset(use.begin, 0xff, use.bytes);
    auto t = std::make_shared<task>(task{run, use, uses, before, false});
    check_order(t);
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
