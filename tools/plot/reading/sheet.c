#include "reading/sheet.h"

#include "images.h"
#include "label.h"
#include "message.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

enum { USUAL = 64, OF_A_CLASS = 10, OF_AN_IMAGE = 8, MOST_BY_CLASS = 400 };

/* What is kept while one input is read. */
struct reading {
    struct sheet *sheet;
    struct images images;
    uint32_t *label; /* [labels] the places of its classes in the sheet's table */
    uint32_t labels;
    struct image *original; /* [originals] training images whose views come later; pixels owned */
    size_t originals;
    uint8_t *pixels; /* of a view */
};

static void cut(struct sheet *sheet, struct strip *strip, size_t count)
{
    for (; strip->count > count; sheet->images--)
        tile_free(&strip->shown[--strip->count].tile);
}

/* How many strips of how many images; those that have more, for there were fewer classes to share
 * with, lose them. Of images nobody knows yet in how many epochs they come: make_room(). */
static void share(struct sheet *sheet)
{
    struct sheet_options *options = &sheet->options;
    uint64_t classes = sheet->table.count, limit = options->limit;
    if (limit == 0 && options->by == SHEET_CLASS)
        limit = classes * OF_A_CLASS < MOST_BY_CLASS ? classes * OF_A_CLASS : MOST_BY_CLASS;
    else if (limit == 0)
        limit = options->limit = USUAL;
    uint64_t strips = options->by == SHEET_ORDER ? 1 : options->by == SHEET_CLASS ? classes : limit;
    sheet->most_strips = strips < limit ? strips : limit;
    sheet->most_shown = limit / sheet->most_strips;
    if (options->by == SHEET_IMAGE)
        sheet->most_shown = limit < OF_AN_IMAGE ? limit : OF_AN_IMAGE;
    for (size_t i = 0; i < sheet->strips; i++)
        cut(sheet, &sheet->strip[i], sheet->most_shown);
}

/* An image has that many views now, and so will the others: the last ones have no room any more. */
static void make_room(struct sheet *sheet, size_t views)
{
    if (sheet->options.limit / views < sheet->most_strips)
        sheet->most_strips = sheet->options.limit / views;
    for (; sheet->strips > sheet->most_strips; sheet->strips--) {
        struct strip *last = &sheet->strip[sheet->strips - 1];
        cut(sheet, last, 0);
        free(last->shown);
    }
}

static uint64_t strip_of(const struct sheet *sheet, const struct image *image)
{
    return sheet->options.by == SHEET_ORDER   ? 0
           : sheet->options.by == SHEET_CLASS ? image->label
                                              : image->id;
}

/* The strip of an image; a new one in its place: classes in the order of the table, images as they
 * come. NULL where there are as many as there may be. */
static struct strip *find_strip(struct sheet *sheet, uint64_t of)
{
    for (size_t i = 0; i < sheet->strips; i++)
        if (sheet->strip[i].of == of)
            return &sheet->strip[i];
    if (sheet->strips == sheet->most_strips)
        return NULL;
    size_t place = sheet->strips++;
    sheet->strip = egrow(sheet->strip, sheet->strips, sizeof *sheet->strip);
    for (; sheet->options.by == SHEET_CLASS && place > 0 && sheet->strip[place - 1].of > of;
         place--)
        sheet->strip[place] = sheet->strip[place - 1];
    sheet->strip[place] = (struct strip){.of = of};
    return &sheet->strip[place];
}

static void show(struct sheet *sheet, const struct image *image)
{
    const struct guess *guess = image->guesses > 0 ? &image->guess[0] : NULL;
    struct strip *strip = find_strip(sheet, strip_of(sheet, image));
    if (strip == NULL || strip->count == sheet->most_shown)
        return;
    strip->shown = egrow(strip->shown, strip->count + 1, sizeof *strip->shown);
    strip->shown[strip->count++] = (struct shown){
        .tile = tile_of(image->pixels, image->height, image->width, image->channels,
                        sheet->options.most),
        .class = image->label != NO_CLASS ? sheet->class[image->label] : NULL,
        .guess = guess ? sheet->class[guess->class] : NULL,
        .probability = guess ? guess->probability : 0,
    };
    sheet->images++;
    sheet->taken++;
    if (sheet->options.by == SHEET_IMAGE)
        make_room(sheet, strip->count);
}

/* By image when those that are there have all their views: in their last epoch no new one comes. */
static int is_full(const struct sheet *sheet)
{
    size_t strips = sheet->options.by == SHEET_IMAGE ? sheet->strips : sheet->most_strips;
    return strips > 0 && !sheet->grows && sheet->images == strips * sheet->most_shown;
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
    *kept = *image;
    kept->pixels = memcpy(ealloc(image_bytes(image), 1), image->pixels, image_bytes(image));
}

/* A view record: shows the views of the images that were kept. */
static int show_views(struct reading *reading, const struct record *record)
{
    const struct images_about *about = &reading->images.about;
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

/* Joins the classes of the input to those of the sheet. */
static void join_classes(struct reading *reading)
{
    struct sheet *sheet = reading->sheet;
    const struct classes *classes = &reading->images.classes;
    uint32_t known = sheet->table.count;
    reading->label = egrow(reading->label, classes->count, sizeof *reading->label);
    reading->labels = classes->count;
    classes_join(&sheet->table, classes, reading->label);
    sheet->class = egrow(sheet->class, sheet->table.count, sizeof *sheet->class);
    for (uint32_t i = known; i < sheet->table.count; i++)
        sheet->class[i] = label_name(sheet->table.name[i], strlen(sheet->table.name[i]));
    if (sheet->classes == 0)
        sheet->classes = sheet->table.count;
    else if (sheet->grows && sheet->table.count > known)
        share(sheet);
}

static int take_image(struct reading *reading, struct image *image)
{
    struct sheet *sheet = reading->sheet;
    struct sheet_options *options = &sheet->options;
    int epochs = reading->images.epochs;
    if (options->only ? strcmp(split_name[image->split], options->only) != 0
                      : image->split != SPLIT_TRAIN && epochs)
        return 0;
    if (reading->images.classes.count > reading->labels)
        join_classes(reading);
    int is_labelled = image->label != NO_CLASS;
    if (is_labelled)
        image->label = reading->label[image->label];
    if (image->guesses > 0)
        image->guess[0].class = reading->label[image->guess[0].class];
    /* Now it is known what comes. */
    if (options->by == SHEET_AUTO)
        options->by = epochs || image->guesses > 0 || !is_labelled ? SHEET_ORDER : SHEET_CLASS;
    if (options->by == SHEET_CLASS && !is_labelled)
        return fail("image %.*s has no label to stand by: say --by order", (int)image->key_size,
                    image->key);
    if (sheet->most_strips == 0) {
        sheet->grows = options->by == SHEET_CLASS && !epochs;
        share(sheet);
    }
    if (reading->images.views && image->split == SPLIT_TRAIN)
        keep(reading, image);
    else
        show(sheet, image);
    return 0;
}

static int read_images(struct reading *reading, const struct input *input)
{
    struct sheet *sheet = reading->sheet;
    struct image image;
    struct record record;
    size_t before = sheet->taken; /* the present epoch */
    int item;
    if (images_open(&reading->images, input->fd, input->name, "images epochs") < 0)
        return -1;
    reading->images.unlabelled = 1;
    while (!is_full(sheet) &&
           (item = images_next(&reading->images, &image, &record)) != IMAGES_END) {
        if (item < 0 || (item == IMAGES_IMAGE && take_image(reading, &image) < 0))
            return -1;
        if (item == IMAGES_EPOCH && map_uint(&record.map, "images", 0) > 0) {
            if (sheet->taken == before)
                return 0;
            before = sheet->taken;
        }
        if (item == IMAGES_VIEWS && sheet->images + reading->originals > 0 &&
            show_views(reading, &record) < 0)
            return -1;
    }
    return images_prove(&reading->images);
}

static int by_class(const void *a, const void *b)
{
    const struct strip *one = a, *other = b;
    return one->of < other->of ? -1 : one->of > other->of;
}

int sheet_read(struct sheet *sheet, struct input *input, int count)
{
    for (int i = 0; i < count && !is_full(sheet); i++) {
        struct reading reading = {.sheet = sheet};
        if (input_open(&input[i], 0) < 0)
            return -1;
        int result = read_images(&reading, &input[i]);
        if (result < 0)
            result = input_damage(&input[i]);
        else
            input[i].state = INPUT_ENDED;
        for (size_t j = 0; j < reading.originals; j++)
            free((void *)reading.original[j].pixels);
        free(reading.original);
        free(reading.label);
        free(reading.pixels);
        images_close(&reading.images);
        if (result < 0)
            return -1;
        input_complain(&input[i]);
        input_shut(&input[i]);
    }
    /* Where inputs with different classes were joined, their table is sorted, and so are the
     * strips. */
    if (sheet->options.by == SHEET_CLASS && sheet->table.count > sheet->classes) {
        uint32_t *place = ealloc(sheet->table.count, sizeof *place);
        classes_sort(&sheet->table, place);
        for (size_t i = 0; i < sheet->strips; i++)
            sheet->strip[i].of = place[sheet->strip[i].of];
        free(place);
        qsort(sheet->strip, sheet->strips, sizeof *sheet->strip, by_class);
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
    for (uint32_t i = 0; i < sheet->table.count; i++)
        free(sheet->class[i]);
    free(sheet->class);
    free(sheet->strip);
    classes_free(&sheet->table);
}
