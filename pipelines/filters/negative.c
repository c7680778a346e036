/* A filter to start from: the negative of every image. One of your own changes change().
 *
 *     make build/pipelines/filters/negative
 *     psfetch | build/pipelines/filters/negative | psaug | pstrain > net.bin
 */
#include "images.h"
#include "message.h"
#include "options.h"
#include "standard.h"

#include <unistd.h>

static const struct option_row rows[] = {{.name = NULL}};
static const struct program about = {
    "negative", "Reads a set of images, writes their negatives.", "< IMAGES > IMAGES", "", rows,
    NULL};

/* The image, whose pixels are borrowed, gets others; where its shape changes, that too. They are
 * written to *pixels, which grows and is kept. */
static void change(struct image *image, uint8_t **pixels)
{
    size_t size = image_bytes(image);
    *pixels = egrow(*pixels, size, 1);
    for (size_t i = 0; i < size; i++)
        (*pixels)[i] = 255 - image->pixels[i];
    image->pixels = *pixels;
}

int main(int argc, char **argv)
{
    if (options_parse(&about, argc, argv) < argc)
        die(USAGE, "unexpected argument %s: the images come on standard input", argv[argc - 1]);

    estandard_input();
    struct writer *writer = estandard_output();
    struct images input;
    if (images_open(&input, STDIN_FILENO, "input", "images") < 0)
        die_why();
    input.unlabelled = 1;
    write_header(writer, "images");
    options_pack(writer, rows);
    images_pack_upstream(writer, &input);
    pack_texts(writer, "classes", input.classes.name, input.classes.count);
    int item, result = write_end(writer);

    struct image image;
    struct record record;
    uint8_t *pixels = NULL;
    while (result == 0 && (item = images_next(&input, &image, &record)) != IMAGES_END) {
        if (item < 0)
            die_why();
        if (item == IMAGES_IMAGE)
            change(&image, &pixels);
        result = item == IMAGES_IMAGE ? image_write(writer, &image)
                                      : write_record(writer, record.bytes, record.size);
    }
    if (result == 0 && input.headers > 1)
        die(FAILED, "the input is several sets: join them behind this filter, with cat");

    if (result < 0 || write_finish(writer) < 0)
        end_after_write(writer);
    return DONE;
}
