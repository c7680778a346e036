#include "stop.h"

#include "message.h"

#include <stdlib.h>
#include <time.h>

volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    if (stop_signal) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop_signal = number;
}

void stop_on_signals(void)
{
    /* No SA_RESTART: a read that waits for input has to return. */
    struct sigaction action = {.sa_handler = on_signal};
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        /* What the caller ignores stays ignored: nohup, background jobs. */
        if (before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

int stop_is_coming(void)
{
    struct timespec tenth = {0, 100000000};
    if (!stop_signal)
        nanosleep(&tenth, NULL);
    return stop_signal != 0;
}

void stop_end(void)
{
    if (stop_signal == SIGINT) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    exit(STOPPED);
}
