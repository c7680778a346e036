/* compare A.png B.png: whether two pictures look alike. Status 0 when they do; 1 with a sentence
 * when not; 2 when one cannot be read.
 *
 * Versions of cairo and freetype differ in how they place and smooth letters, by up to a pixel, so
 * single pixels say little. Compared are the mean colours of blocks of BLOCK × BLOCK pixels, larger
 * than most letters: none may differ by more than MOST of 255, and all in the mean by no more than
 * MEAN. (The charts of Debian 13 beside those of 12: 6.2 and 0.62, of letters of seven pixels;
 * lines half as thick again, labels two pixels lower, larger dots: above 18 and 2.)
 */
#include <cairo.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 16, MOST = 10 };
static const double MEAN = 0.8;

struct picture {
    cairo_surface_t *surface;
    const unsigned char *pixel; /* [height][stride] blue, green, red, unused */
    int width, height, stride;
};

static struct picture open_picture(const char *path)
{
    struct picture picture = {.surface = cairo_image_surface_create_from_png(path)};
    if (cairo_surface_status(picture.surface) != CAIRO_STATUS_SUCCESS) {
        fprintf(stderr, "compare: cannot read %s: %s\n", path,
                cairo_status_to_string(cairo_surface_status(picture.surface)));
        exit(2);
    }
    picture.pixel = cairo_image_surface_get_data(picture.surface);
    picture.width = cairo_image_surface_get_width(picture.surface);
    picture.height = cairo_image_surface_get_height(picture.surface);
    picture.stride = cairo_image_surface_get_stride(picture.surface);
    return picture;
}

static void close_pictures(struct picture *a, struct picture *b)
{
    cairo_surface_destroy(a->surface);
    cairo_surface_destroy(b->surface);
}

/* The mean of one colour over the block at (x, y), less at the edges. */
static double block(const struct picture *picture, int x, int y, int colour)
{
    double sum = 0;
    int pixels = 0;
    for (int row = y; row < y + BLOCK && row < picture->height; row++)
        for (int column = x; column < x + BLOCK && column < picture->width; column++) {
            sum += picture->pixel[row * picture->stride + 4 * column + colour];
            pixels++;
        }
    return sum / pixels;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: compare A.png B.png\n");
        return 2;
    }
    struct picture a = open_picture(argv[1]), b = open_picture(argv[2]);
    if (a.width != b.width || a.height != b.height) {
        printf("%s is %dx%d, %s is %dx%d\n", argv[1], a.width, a.height, argv[2], b.width,
               b.height);
        close_pictures(&a, &b);
        return 1;
    }
    double sum = 0, most = 0;
    int blocks = 0, most_x = 0, most_y = 0;
    for (int y = 0; y < a.height; y += BLOCK)
        for (int x = 0; x < a.width; x += BLOCK)
            for (int colour = 0; colour < 3; colour++) {
                double difference = block(&a, x, y, colour) - block(&b, x, y, colour);
                difference = difference < 0 ? -difference : difference;
                sum += difference;
                blocks++;
                if (difference > most) {
                    most = difference;
                    most_x = x;
                    most_y = y;
                }
            }
    close_pictures(&a, &b);
    if (most <= MOST && sum / blocks <= MEAN)
        return 0;
    printf("%s and %s differ by %.1f of 255 around (%d, %d), %.2f in the mean\n", argv[1], argv[2],
           most, most_x, most_y, sum / blocks);
    return 1;
}
