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

static void change(const struct image *image, uint8_t *pixels)
{
    for (size_t i = 0; i < image_bytes(image); i++)
        pixels[i] = 255 - image->pixels[i];
}

int main(int argc, char **argv)
{
    struct images input;
    struct image image;
    struct record record;
    uint8_t *pixels = NULL;
    int item, result;
    options_parse(&about, argc, argv);
    struct writer *writer = estandard_output();
    if (images_open(&input, STDIN_FILENO, "input", "images") < 0)
        die_why();
    write_header(writer, "images");
    options_pack(writer, rows);
    images_pack_upstream(writer, &input);
    pack_texts(writer, "classes", input.classes.name, input.classes.count);
    result = write_end(writer);
    while (result == 0 && (item = images_next(&input, &image, &record)) != IMAGES_END) {
        if (item < 0)
            die_why();
        if (input.headers > 1)
            die(FAILED, "the input is several sets: join them behind this filter, with cat");
        if (item == IMAGES_IMAGE) {
            pixels = egrow(pixels, image_bytes(&image), 1);
            change(&image, pixels);
            image.pixels = pixels;
            result = image_write(writer, &image);
        } else {
            result = write_record(writer, record.bytes, record.size);
        }
    }
    if (result < 0 || write_finish(writer) < 0)
        end_after_write(writer);
    return DONE;
}
