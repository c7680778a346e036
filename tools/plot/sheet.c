#include "sheet.h"

#include "images.h"
#include "label.h"
#include "message.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL = 64, OF_A_CLASS = 10, OF_AN_IMAGE = 8, MOST_BY_CLASS = 400 };

/* What is kept while one input is read. */
struct reading {
    struct sheet *sheet;
    struct images *input;
    struct image *original; /* [originals] training images whose views come later; pixels owned */
    size_t originals;
    uint8_t *pixels; /* of a view */
};

/* How many strips of how many images, once it is known what comes. */
static void plan(struct sheet *sheet, const struct images *input, const struct image *first)
{
    struct sheet_options *options = &sheet->options;
    uint64_t classes = sheet->classes, limit = options->limit;
    if (options->by == SHEET_AUTO)
        options->by = input->epochs || first->guessed ? SHEET_ORDER : SHEET_CLASS;
    if (limit == 0 && options->by == SHEET_CLASS)
        limit = classes * OF_A_CLASS < MOST_BY_CLASS ? classes * OF_A_CLASS : MOST_BY_CLASS;
    else if (limit == 0)
        limit = USUAL;
    uint64_t strips = options->by == SHEET_ORDER   ? 1
                      : options->by == SHEET_CLASS ? classes
                                                   : (limit + OF_AN_IMAGE - 1) / OF_AN_IMAGE;
    sheet->most_strips = strips < limit ? strips : limit;
    sheet->most_shown = limit / sheet->most_strips;
}

static struct strip *find_strip(struct sheet *sheet, uint64_t of)
{
    for (size_t i = 0; i < sheet->strips; i++)
        if (sheet->strip[i].of == of)
            return &sheet->strip[i];
    return NULL;
}

/* Puts a new strip in its place: classes in the order of the table, images as they come. */
static struct strip *add_strip(struct sheet *sheet, uint64_t of)
{
    size_t place = sheet->strips++;
    sheet->strip = egrow(sheet->strip, sheet->strips, sizeof *sheet->strip);
    for (; sheet->options.by == SHEET_CLASS && place > 0 && sheet->strip[place - 1].of > of;
         place--)
        sheet->strip[place] = sheet->strip[place - 1];
    sheet->strip[place] = (struct strip){.of = of};
    return &sheet->strip[place];
}

static uint64_t strip_of(const struct sheet *sheet, const struct image *image)
{
    return sheet->options.by == SHEET_ORDER   ? 0
           : sheet->options.by == SHEET_CLASS ? image->label
                                              : image->id;
}

static void show(struct sheet *sheet, const struct image *image)
{
    uint64_t of = strip_of(sheet, image);
    struct strip *strip = find_strip(sheet, of);
    if (strip == NULL && sheet->strips == sheet->most_strips)
        return;
    if (strip == NULL)
        strip = add_strip(sheet, of);
    if (strip->count == sheet->most_shown)
        return;
    strip->shown = egrow(strip->shown, strip->count + 1, sizeof *strip->shown);
    strip->shown[strip->count++] = (struct shown){
        .tile = tile_of(image->pixels, image->height, image->width, image->channels,
                        sheet->options.most),
        .class = sheet->class[image->label],
        .guess = image->guessed ? sheet->class[image->guess] : NULL,
        .probability = image->probability,
    };
    sheet->images++;
}

static int is_full(const struct sheet *sheet)
{
    return sheet->most_strips > 0 && sheet->images == sheet->most_strips * sheet->most_shown;
}

/* Keeps a training image for its views, if the sheet would have room for it. */
static void keep(struct reading *reading, const struct image *image)
{
    const struct sheet *sheet = reading->sheet;
    size_t alike = 0, most = sheet->most_shown;
    for (size_t i = 0; i < reading->originals; i++)
        alike += strip_of(sheet, &reading->original[i]) == strip_of(sheet, image);
    if (sheet->options.by == SHEET_IMAGE) {
        alike = reading->originals;
        most = sheet->most_strips;
    }
    if (alike >= most)
        return;
    reading->original = egrow(reading->original, reading->originals + 1, sizeof *reading->original);
    struct image *kept = &reading->original[reading->originals++];
    uint8_t *pixels = ealloc(image_bytes(image), 1);
    *kept = *image;
    kept->pixels = memcpy(pixels, image->pixels, image_bytes(image));
}

/* A view record: shows the views of the images that were kept. */
static int show_views(struct reading *reading, const struct record *record)
{
    const struct images_about *about = &reading->input->about;
    struct views views;
    if (views_read(record, &views) < 0)
        return -1;
    if (reading->pixels == NULL)
        reading->pixels = ealloc((size_t)about->height * about->width, about->channels);
    for (size_t v = 0; v < views.count && !is_full(reading->sheet); v++)
        for (size_t i = 0; i < reading->originals; i++) {
            struct image image = reading->original[i];
            if (image.id != views_id(&views, v) || image.channels != about->channels)
                continue;
            struct view view = views_view(&views, v, about->height, about->width);
            view_draw(&view, &image, reading->pixels);
            image.pixels = reading->pixels;
            image.height = about->height;
            image.width = about->width;
            show(reading->sheet, &image);
        }
    return 0;
}

static int is_wanted(const struct reading *reading, enum split split)
{
    const char *only = reading->sheet->options.only;
    if (only)
        return strcmp(split_name[split], only) == 0;
    return split == SPLIT_TRAIN || !reading->input->epochs;
}

static int take(struct reading *reading, int item, const struct image *image,
                const struct record *record)
{
    struct sheet *sheet = reading->sheet;
    if (item == IMAGES_VIEWS)
        return sheet->images + reading->originals > 0 ? show_views(reading, record) : 0;
    if (item != IMAGES_IMAGE || !is_wanted(reading, image->split))
        return 0;
    if (sheet->most_strips == 0)
        plan(sheet, reading->input, image);
    if (reading->input->views && image->split == SPLIT_TRAIN)
        keep(reading, image);
    else
        show(sheet, image);
    return 0;
}

/* The class names of the first input; another with other classes does not fit under them. */
static int take_classes(struct sheet *sheet, const struct images *input, const char *name)
{
    if (sheet->class)
        return classes_same(&sheet->table, &input->classes)
                   ? 0
                   : fail("%s has other classes than the images before it", name);
    sheet->classes = input->classes.count;
    sheet->class = ealloc(sheet->classes, sizeof *sheet->class);
    sheet->table.name = ealloc(sheet->classes, sizeof *sheet->table.name);
    for (uint32_t i = 0; i < sheet->classes; i++, sheet->table.count++) {
        const char *class = input->classes.name[i];
        sheet->class[i] = label_clean(class, strlen(class));
        sheet->table.name[i] = ecopy(class);
    }
    return 0;
}

static int read_images(struct reading *reading, const struct source *source)
{
    struct image image;
    struct record record;
    int item;
    if (images_open(reading->input, source->fd, source->feed->path, "images epochs") < 0 ||
        take_classes(reading->sheet, reading->input, source->feed->path) < 0)
        return -1;
    while (!is_full(reading->sheet) &&
           (item = images_next(reading->input, &image, &record)) != IMAGES_END)
        if (item < 0 || take(reading, item, &image, &record) < 0)
            return -1;
    return 0;
}

static int read_one(struct sheet *sheet, struct source *source)
{
    struct images input = {0};
    struct reading reading = {.sheet = sheet, .input = &input};
    if (source_open(source, 0) < 0)
        return -1;
    int result = read_images(&reading, source);
    if (result < 0)
        result = source_damage(source);
    else
        source->state = SOURCE_ENDED;
    for (size_t i = 0; i < reading.originals; i++)
        free((void *)reading.original[i].pixels);
    free(reading.original);
    free(reading.pixels);
    images_close(&input);
    return result;
}

int sheet_read(struct sheet *sheet, struct source *source, int count)
{
    for (int i = 0; i < count && !is_full(sheet); i++) {
        if (read_one(sheet, &source[i]) < 0)
            return -1;
        source_complain(&source[i]);
        source_shut(&source[i]);
    }
    return 0;
}

void sheet_free(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->strips; i++) {
        for (size_t j = 0; j < sheet->strip[i].count; j++)
            tile_free(&sheet->strip[i].shown[j].tile);
        free(sheet->strip[i].shown);
    }
    for (uint32_t i = 0; i < sheet->classes; i++)
        free(sheet->class[i]);
    free(sheet->class);
    free(sheet->strip);
    classes_free(&sheet->table);
}
