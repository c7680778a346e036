/* Streams, events, captures and graphs, as tasks. See double_cudart.cpp. */
#include "tasks.h"

#include <map>
#include <set>

/* A task of a graph; before: places of others. */
struct node {
    work run;
    host_use use;
    device_uses uses;
    std::set<size_t> before;
};
struct graph {
    std::vector<node> nodes;
};
struct executable {
    graph of;
    task_ref last; /* of the launch before */
};

struct stream {
    std::vector<task_ref> last; /* what comes next comes behind these */
};
struct event {
    task_ref mark; /* of the last record; none before the first */
    long capture;  /* in which it was recorded, or 0 */
    std::set<size_t> tips;
};

/* One stream is captured at a time, with those that events bring into it. */
static struct {
    long number; /* counted from 1 */
    bool active;
    stream *origin;
    graph made;
    std::map<stream *, std::set<size_t>> tips; /* of each stream in it: its last nodes */
} capture;

/* Never destroyed: what is left is looked at when the program has ended. */
static auto &streams = *new std::set<stream *>;
static auto &events = *new std::set<event *>;
static auto &graphs = *new std::map<void *, graph>;
static auto &executables = *new std::map<void *, executable>;

static stream *check_stream(void *pointer)
{
    auto s = static_cast<stream *>(pointer);
    if (streams.count(s) == 0)
        device_fault("a stream that is none, or the default stream, is used");
    return s;
}
static event *check_event(void *pointer)
{
    auto e = static_cast<event *>(pointer);
    if (events.count(e) == 0)
        device_fault("an event that is none is used");
    return e;
}

void refuse_in_capture(const char *what)
{
    if (capture.active)
        device_fault("%s while a stream is captured", what);
}

static void wait_for(const stream *s)
{
    for (auto &t : s->last)
        task_wait(t);
}

void device_wait(void *pointer, const char *what)
{
    refuse_in_capture(what);
    wait_for(check_stream(pointer));
}

void device_wait_all(const char *what)
{
    refuse_in_capture(what);
    task_wait_all();
}

/* The nodes behind which the stream's next comes. */
static std::set<size_t> &tips_of(stream *s)
{
    auto found = capture.tips.find(s);
    if (found == capture.tips.end())
        device_fault("a stream is used that is not part of the capture: no event brought it in");
    return found->second;
}

void device_enqueue(void *pointer, work run, device_uses uses, host_use use)
{
    stream *s = check_stream(pointer);
    if (!capture.active) {
        s->last = {task_submit(run, s->last, uses, use)};
        return;
    }
    auto &tips = tips_of(s);
    capture.made.nodes.push_back({run, use, uses, tips});
    tips = {capture.made.nodes.size() - 1};
}

std::string streams_left()
{
    if (streams.empty() && events.empty() && graphs.empty() && executables.empty())
        return "";
    return std::to_string(streams.size()) + " streams, " + std::to_string(events.size()) +
           " events, " + std::to_string(graphs.size() + executables.size()) + " graphs; ";
}

/* Every node must be before the end of the stream at which the capture began. */
static bool joined()
{
    auto &nodes = capture.made.nodes;
    std::set<size_t> before = tips_of(capture.origin);
    for (size_t i = nodes.size(); i-- > 0;)
        if (before.count(i))
            before.insert(nodes[i].before.begin(), nodes[i].before.end());
    return before.size() == nodes.size();
}

extern "C" {

int cudaStreamCreateWithFlags(void **s, unsigned flags)
{
    if (flags > 1)
        device_fault("a stream is asked for with flags %#x", flags);
    FAILS_SOMETIMES(UNKNOWN);
    auto made = new stream;
    streams.insert(made);
    *s = made;
    return SUCCESS;
}

int cudaStreamDestroy(void *pointer)
{
    stream *s = check_stream(pointer);
    if (capture.active && capture.tips.count(s))
        device_fault("a stream is destroyed that is captured");
    streams.erase(s);
    delete s;
    return SUCCESS;
}

/* What fails here is what was to be done, and that is over. */
int cudaStreamSynchronize(void *s)
{
    device_wait(s, "a stream is waited for");
    FAILS_SOMETIMES(UNKNOWN);
    return SUCCESS;
}

int cudaDeviceSynchronize()
{
    device_wait_all("the device is waited for");
    FAILS_SOMETIMES(UNKNOWN);
    return SUCCESS;
}

int cudaEventCreateWithFlags(void **made, unsigned flags)
{
    if (flags > 3)
        device_fault("an event is asked for with flags %#x", flags);
    FAILS_SOMETIMES(UNKNOWN);
    auto e = new event{};
    events.insert(e);
    *made = e;
    return SUCCESS;
}

int cudaEventDestroy(void *pointer)
{
    event *e = check_event(pointer);
    events.erase(e);
    delete e;
    return SUCCESS;
}

int cudaEventRecord(void *pointer, void *in)
{
    event *e = check_event(pointer);
    stream *s = check_stream(in);
    FAILS_SOMETIMES(UNKNOWN);
    if (capture.active) {
        *e = {nullptr, capture.number, tips_of(s)};
        return SUCCESS;
    }
    *e = {task_submit([] {}, s->last), 0, {}};
    s->last = {e->mark};
    return SUCCESS;
}

int cudaStreamWaitEvent(void *waits, void *pointer, unsigned flags)
{
    event *e = check_event(pointer);
    stream *s = check_stream(waits);
    bool inside = capture.active && e->capture == capture.number;
    if (flags != 0)
        device_fault("an event is waited for with flags %#x", flags);
    if (e->capture && !inside)
        device_fault("an event is waited for that was recorded in a capture that is over");
    if (capture.active && !inside)
        device_fault("an event of outside is waited for while a stream is captured");
    FAILS_SOMETIMES(UNKNOWN);
    if (inside)
        capture.tips[s].insert(e->tips.begin(), e->tips.end());
    else if (e->mark && !e->mark->done)
        s->last.push_back(e->mark);
    return SUCCESS;
}

/* Each question gives the device time for one task, so that asking often enough has an end. */
int cudaEventQuery(void *pointer)
{
    event *e = check_event(pointer);
    if (e->capture)
        device_fault("an event is asked that was recorded in a capture");
    refuse_in_capture("an event is asked");
    FAILS_SOMETIMES(UNKNOWN);
    if (e->mark == nullptr || e->mark->done)
        return SUCCESS;
    task_advance(e->mark);
    return device_error(NOT_READY);
}

int cudaEventSynchronize(void *pointer)
{
    event *e = check_event(pointer);
    if (e->capture)
        device_fault("an event is waited for that was recorded in a capture");
    refuse_in_capture("an event is waited for");
    task_wait(e->mark);
    FAILS_SOMETIMES(UNKNOWN);
    return SUCCESS;
}

int cudaStreamBeginCapture(void *pointer, int mode)
{
    stream *s = check_stream(pointer);
    refuse_in_capture("a capture begins");
    if (mode < 0 || mode > 1)
        device_fault("a capture of mode %d, which forbids nothing", mode);
    FAILS_SOMETIMES(UNKNOWN);
    capture.number++;
    capture.active = true;
    capture.origin = s;
    capture.made = {};
    capture.tips = {{s, {}}};
    return SUCCESS;
}

int cudaStreamEndCapture(void *pointer, void **made)
{
    if (!capture.active || check_stream(pointer) != capture.origin)
        device_fault("a capture ends that has not begun at this stream");
    capture.active = false;
    *made = nullptr;
    if (!joined() && device_call_failed()) /* a capture that is given up */
        return device_error(UNKNOWN);
    if (!joined())
        device_fault("a capture ends, but not all streams that are part of it were joined");
    FAILS_SOMETIMES(UNKNOWN);
    *made = new char;
    graphs[*made] = capture.made;
    return SUCCESS;
}

int cudaGraphInstantiate(void **made, void *from, unsigned long long)
{
    if (graphs.count(from) == 0)
        device_fault("a graph that is none is instantiated");
    FAILS_SOMETIMES(UNKNOWN);
    *made = new char;
    executables[*made] = {graphs[from], nullptr};
    return SUCCESS;
}

int cudaGraphDestroy(void *g)
{
    if (graphs.erase(g) == 0)
        device_fault("a graph that is none is destroyed");
    delete static_cast<char *>(g);
    return SUCCESS;
}

int cudaGraphExecDestroy(void *g)
{
    auto found = executables.find(g);
    if (found == executables.end())
        device_fault("a graph that is none is destroyed");
    if (found->second.last && !found->second.last->done)
        device_fault("a graph is destroyed that is still to be gone through");
    executables.erase(found);
    delete static_cast<char *>(g);
    return SUCCESS;
}

/* A graph waits for its launch before; its branches are ordered by nothing but its edges. */
int cudaGraphLaunch(void *g, void *pointer)
{
    auto found = executables.find(g);
    stream *s = check_stream(pointer);
    if (found == executables.end())
        device_fault("a graph that is none is launched");
    refuse_in_capture("a graph is launched");
    FAILS_SOMETIMES(UNKNOWN);
    executable &e = found->second;
    std::vector<task_ref> made, first = s->last;
    if (e.last)
        first.push_back(e.last);
    for (auto &n : e.of.nodes) {
        std::vector<task_ref> before;
        for (size_t place : n.before)
            before.push_back(made[place]);
        made.push_back(task_submit(n.run, n.before.empty() ? first : before, n.uses, n.use));
    }
    made.insert(made.end(), first.begin(), first.end());
    e.last = task_submit([] {}, made);
    s->last = {e.last};
    return SUCCESS;
}

} /* extern "C" */
