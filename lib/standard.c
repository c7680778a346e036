#include "standard.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void estandard_text(void)
{
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        die(FAILED, "cannot write output: %s", strerror(errno));
}

int standard_flush(void)
{
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE)
        return fail("cannot write output: %s", strerror(errno));
    return 0;
}

void end_after_text(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        die(FAILED, "cannot write output: %s", strerror(errno));
    exit(DONE);
}

struct writer *estandard_output(void)
{
    estandard_text();
    if (isatty(STDOUT_FILENO))
        die(USAGE, "the output is a stream of records, not text: send it to a pipe or a file");
    return write_open(STDOUT_FILENO, "output");
}

void estandard_input(void)
{
    if (isatty(STDIN_FILENO))
        die(USAGE, "the input is a terminal: a stream of records is wanted (see %s --help)",
            program);
}

void end_after_write(const struct writer *writer)
{
    if (write_reader_gone(writer))
        exit(DONE);
    die_why();
}
