/* Apart from the records of views, since engines draw too. */
#include "view.h"

#include <string.h>

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
