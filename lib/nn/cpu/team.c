#include "team.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* How often a waiting thread looks again, offering its core in between, before it sleeps. */
enum { LOOKS = 100 };

struct member {
    struct team *team;
    int number;
    pthread_t id;
};

struct team {
    int threads;
    struct member *member; /* [threads]; the maker is number 0 */

    void (*work)(void *context, int item, int thread);
    void *context;
    int items;
    atomic_int next;   /* the first item that nobody has taken */
    atomic_int round;  /* grows with each piece of work; -1 ends the team */
    atomic_int absent; /* threads that have not finished this round */

    pthread_mutex_t
        lock; /* a counter changes, and a sleeper decides to sleep, with the lock held */
    pthread_cond_t changed;
};

/* Waits until *counter is not (or, with until_equal, is) value. */
static void wait_for(struct team *team, atomic_int *counter, int value, int until_equal)
{
    for (int look = 0; look < LOOKS; look++) {
        if ((atomic_load(counter) == value) == until_equal)
            return;
        sched_yield();
    }
    pthread_mutex_lock(&team->lock);
    while ((atomic_load(counter) == value) != until_equal)
        pthread_cond_wait(&team->changed, &team->lock);
    pthread_mutex_unlock(&team->lock);
}

static void take_items(struct team *team, int thread)
{
    for (int item; (item = atomic_fetch_add(&team->next, 1)) < team->items;)
        team->work(team->context, item, thread);
}

static void begin_round(struct team *team, int round)
{
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->round, round);
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->lock);
}

static void *member_main(void *argument)
{
    struct member *member = argument;
    struct team *team = member->team;
    for (int round = 0;;) {
        wait_for(team, &team->round, round, 0);
        round = atomic_load(&team->round);
        if (round < 0)
            return NULL;
        take_items(team, member->number);
        if (atomic_fetch_sub(&team->absent, 1) == 1) {
            pthread_mutex_lock(&team->lock);
            pthread_cond_broadcast(&team->changed);
            pthread_mutex_unlock(&team->lock);
        }
    }
}

void team_run(struct team *team, int items, void (*work)(void *, int, int), void *context)
{
    team->work = work;
    team->context = context;
    team->items = items;
    atomic_store(&team->next, 0);
    atomic_store(&team->absent, team->threads - 1);
    if (team->threads > 1)
        begin_round(team, (atomic_load(&team->round) + 1) & 0xffff);
    take_items(team, 0);
    wait_for(team, &team->absent, 0, 1);
}

/* Ends the threads 1 … count - 1. */
static void end(struct team *team, int count)
{
    begin_round(team, -1);
    for (int i = 1; i < count; i++)
        pthread_join(team->member[i].id, NULL);
    pthread_cond_destroy(&team->changed);
    pthread_mutex_destroy(&team->lock);
    free(team->member);
    free(team);
}

struct team *team_make(int threads)
{
    struct team *team = ealloc(1, sizeof *team);
    team->threads = threads;
    team->member = ealloc((size_t)threads, sizeof *team->member);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->changed, NULL);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0, started = 1;
    for (; started < threads && error == 0; started += error == 0) {
        struct member *m = &team->member[started];
        *m = (struct member){.team = team, .number = started};
        error = pthread_create(&m->id, NULL, member_main, m);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return team;
    end(team, started);
    fail("cannot start %d thread%s: %s", threads, plural((unsigned)threads), strerror(error));
    return NULL;
}

void team_end(struct team *team)
{
    if (team)
        end(team, team->threads);
}

int team_default_threads(void)
{
    const char *wanted = getenv("OMP_NUM_THREADS");
    long number = wanted ? strtol(wanted, NULL, 10) : 0;
    if (number > 0 && number <= 4096)
        return (int)number;
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}
