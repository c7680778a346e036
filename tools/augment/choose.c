#include "choose.h"

#include "random.h"

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
