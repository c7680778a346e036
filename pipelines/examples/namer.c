/* Names the images of a stream with a network: a program of its own, which needs nothing but the
 * installed library.
 *
 *     cc -o namer namer.c $(pkg-config --cflags --libs psweep)
 *     psfetch photos --unlabelled | ./namer net3.bin
 *
 * Prints a line for each image: its key, the most probable class, the probability.
 */
#include <psweep.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int complain(void)
{
    fprintf(stderr, "namer: %s\n", psweep_why());
    return psweep_status();
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: namer MODEL < IMAGES\n");
        return 2;
    }
    struct psweep_model *model = psweep_load(argv[1], 0);
    struct psweep_stream *stream = model ? psweep_open(STDIN_FILENO, "input") : NULL;
    if (stream == NULL)
        return complain();
    struct psweep_shape shape = psweep_shape(model);
    size_t size = (size_t)shape.height * shape.width * shape.channels;
    uint8_t *pixels = malloc(size);
    float *probability = malloc(shape.classes * sizeof *probability);
    if (pixels == NULL || probability == NULL) {
        perror("namer");
        return 1;
    }

    struct psweep_image image;
    int item;
    while ((item = psweep_next(stream, &image)) == PSWEEP_IMAGE) {
        uint32_t best = 0;
        if (psweep_fit(model, &image, pixels) < 0 ||
            psweep_predict(model, pixels, 1, probability) < 0)
            return complain();
        for (uint32_t c = 1; c < shape.classes; c++)
            if (probability[c] > probability[best])
                best = c;
        printf("%.*s\t%s\t%.4f\n", (int)image.key_size, image.key, psweep_model_class(model, best),
               probability[best]);
    }
    if (item < 0)
        return complain();
    free(probability);
    free(pixels);
    psweep_close(stream);
    psweep_unload(model);
    return fflush(stdout) == 0 ? 0 : 1;
}
