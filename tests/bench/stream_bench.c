/* How fast image records are written and read, on one core each: 32×32×3 images, 3 kB a record. */
#include "image.h"
#include "message.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IMAGES = 300000, SIDE = 32, ROUNDS = 5 };

/* Processor seconds of this process: the machine may be shared. */
static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           1e-6 * ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec);
}

static void write_images(int fd)
{
    static uint8_t pixels[SIDE * SIDE * 3];
    struct writer *writer = write_open(fd, "output");
    write_header(writer, "images");
    write_end(writer);
    for (uint64_t i = 0; i < IMAGES; i++) {
        struct image image = {.id = i,
                              .key = "cat/0001.png",
                              .key_size = 12,
                              .height = SIDE,
                              .width = SIDE,
                              .channels = 3,
                              .pixels = pixels};
        if (image_write(writer, &image) < 0)
            die_why();
    }
    if (write_finish(writer) < 0)
        die_why();
    write_close(writer);
}

static uint64_t read_images(int fd)
{
    struct reader *reader = record_open(fd, "input", READ_STREAM);
    struct record record;
    struct image image;
    int got;
    while ((got = record_next(reader, &record)) == RECORD_READ)
        if (record.type == RECORD_IMAGE && image_read(&record, 1, &image) < 0)
            die_why();
    if (got < 0)
        die_why();
    uint64_t bytes = record_bytes(reader);
    record_close(reader);
    return bytes;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

int main(void)
{
    double writes[ROUNDS], reads[ROUNDS], bytes = 0;
    program = "stream_bench";
    for (int round = 0; round < ROUNDS; round++) {
        /* Writing is timed into the void, reading from memory: the records, not the disk. */
        double start = cpu_seconds();
        write_images(open("/dev/null", O_WRONLY));
        writes[round] = cpu_seconds() - start;
        int file = memfd_create("images", 0);
        write_images(dup(file));
        lseek(file, 0, SEEK_SET);
        start = cpu_seconds();
        bytes = (double)read_images(file);
        reads[round] = cpu_seconds() - start;
        close(file);
    }
    qsort(writes, ROUNDS, sizeof *writes, ascending);
    qsort(reads, ROUNDS, sizeof *reads, ascending);
    printf("stream: %d images of %d×%d×3, one core, median of %d rounds\n", IMAGES, SIDE, SIDE,
           ROUNDS);
    printf("  write  %5.2f GB/s  %7.0f images/s\n", bytes / writes[ROUNDS / 2] * 1e-9,
           IMAGES / writes[ROUNDS / 2]);
    printf("  read   %5.2f GB/s  %7.0f images/s\n", bytes / reads[ROUNDS / 2] * 1e-9,
           IMAGES / reads[ROUNDS / 2]);
    return DONE;
}
