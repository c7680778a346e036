#include "view.h"

#include "random.h"

#include <string.h>

struct view view_random(const struct view_options *options, uint32_t epoch,
                        const struct image *image)
{
    struct random random = philox(options->seed, epoch, image->id, PURPOSE_VIEW);
    struct view view = {.height = image->height, .width = image->width};
    if (options->crop[0] > 0) {
        view.height = options->crop[0];
        view.width = options->crop[1];
        view.row = (int32_t)random_below(random.word[0], image->height - view.height + 1);
        view.column = (int32_t)random_below(random.word[1], image->width - view.width + 1);
    } else {
        uint32_t steps = 2 * options->shift + 1;
        view.row = (int32_t)random_below(random.word[0], steps) - (int32_t)options->shift;
        view.column = (int32_t)random_below(random.word[1], steps) - (int32_t)options->shift;
    }
    view.flip = random_unit(random.word[2]) < options->flip;
    return view;
}

static void reverse_row(uint8_t *row, uint32_t width, uint32_t channels)
{
    for (uint32_t left = 0, right = width - 1; left < right; left++, right--)
        for (uint32_t c = 0; c < channels; c++) {
            uint8_t kept = row[left * channels + c];
            row[left * channels + c] = row[right * channels + c];
            row[right * channels + c] = kept;
        }
}

struct view view_middle(const struct image *image, uint32_t height, uint32_t width)
{
    return (struct view){
        .row = (int32_t)((image->height - height) / 2),
        .column = (int32_t)((image->width - width) / 2),
        .height = height,
        .width = width,
    };
}

void view_draw(const struct view *view, const struct image *image, uint8_t *pixels)
{
    uint32_t channels = image->channels;
    size_t row_size = (size_t)view->width * channels;
    /* Columns first … last of the view show the image; the others are black. */
    int64_t first = view->column < 0 ? -(int64_t)view->column : 0;
    int64_t last = (int64_t)image->width - view->column;
    if (last > view->width)
        last = view->width;
    for (uint32_t y = 0; y < view->height; y++, pixels += row_size) {
        int64_t from = (int64_t)y + view->row;
        if (from < 0 || from >= image->height || first >= last) {
            memset(pixels, 0, row_size);
            continue;
        }
        size_t source = ((size_t)from * image->width + (size_t)(first + view->column)) * channels;
        memset(pixels, 0, (size_t)first * channels);
        memcpy(pixels + first * channels, image->pixels + source,
               (size_t)(last - first) * channels);
        memset(pixels + last * channels, 0, row_size - (size_t)last * channels);
        if (view->flip)
            reverse_row(pixels, view->width, channels);
    }
}
