#include "points.h"

#include "message.h"

#include <string.h>

void points_drop_from(struct points *points, double iteration)
{
    while (points->count > 0 && points->point[points->count - 1].iteration >= iteration)
        points->count--;
}

size_t points_up_to(const struct points *points, uint64_t epoch)
{
    /* Epochs rise; the one asked for is mostly the last. */
    size_t count = points->count;
    while (count > 0 && points->point[count - 1].epoch > epoch)
        count--;
    return count;
}

static struct mean mean_of(const struct point *point, size_t count)
{
    struct mean mean = {.count = count};
    double weight = 0;
    for (size_t i = 0; i < count; i++) {
        mean.loss += points_weight(&point[i]) * point[i].loss;
        mean.accuracy += points_weight(&point[i]) * point[i].accuracy;
        mean.images += point[i].images;
        weight += points_weight(&point[i]);
    }
    mean.loss /= weight;
    mean.accuracy /= weight;
    return mean;
}

struct mean points_epoch(const struct points *points, uint64_t epoch)
{
    size_t end = points_up_to(points, epoch), first = end;
    while (first > 0 && points->point[first - 1].epoch == epoch)
        first--;
    return mean_of(&points->point[first], end - first);
}

struct mean points_last(const struct points *points, size_t most)
{
    size_t count = points->count < most ? points->count : most;
    return mean_of(&points->point[points->count - count], count);
}

/* Of the older half every two points become one, their mean. */
static void thin(struct points *points)
{
    size_t half = points->count / 4 * 2, kept = 0;
    for (size_t i = 0; i < half; i += 2) {
        const struct point *first = &points->point[i];
        struct point both = points->point[i + 1];
        double part = points_weight(first) / (points_weight(first) + points_weight(&both));
        both.loss = part * first->loss + (1 - part) * both.loss;
        both.accuracy = part * first->accuracy + (1 - part) * both.accuracy;
        both.images += first->images;
        points->point[kept++] = both;
    }
    memmove(&points->point[kept], &points->point[half],
            (points->count - half) * sizeof *points->point);
    points->count -= half - kept;
}

void points_add(struct points *points, struct point point, int live)
{
    points_drop_from(points, point.iteration);
    if (live && points->count >= POINTS_MOST_LIVE)
        thin(points);
    if (points->count == points->room) {
        points->room = points->room ? 2 * points->room : 256;
        points->point = egrow(points->point, points->room, sizeof *points->point);
    }
    points->point[points->count++] = point;
}
