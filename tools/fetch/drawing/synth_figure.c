#include "drawing/synth_figure.h"

#include <math.h>

static const double HALF_ROOT = 0.70710678118654752; /* of 2: sine and cosine of 45 degrees */

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double length(double x, double y)
{
    return sqrt(x * x + y * y);
}

static double box(double x, double y, double half_width, double half_height)
{
    return larger(fabs(x) - half_width, fabs(y) - half_height);
}

/* The right half of the outward normals of a regular polygon's sides; the left half mirrors it. */
struct normal {
    double x, y;
};

static const struct normal three[] = {{0, -1}, {0.86602540378443865, 0.5}};
static const struct normal five[] = {{0, -1},
                                     {0.95105651629515357, -0.30901699437494742},
                                     {0.58778525229247313, 0.80901699437494742}};
static const struct normal six[] = {
    {0, 1}, {0.86602540378443865, 0.5}, {0.86602540378443865, -0.5}, {0, -1}};

/* A regular polygon is where no side's line is crossed. */
static double polygon(double x, double y, const struct normal *normal, int count, double apothem)
{
    double most = -apothem;
    x = fabs(x);
    for (int i = 0; i < count; i++)
        most = larger(most, x * normal[i].x + y * normal[i].y - apothem);
    return most;
}

static double arrow(double x, double y)
{
    double head = larger(-y, (fabs(x) + y) * HALF_ROOT - 0.83);
    return smaller(box(x, y + 0.55, 0.4, 0.8), head);
}

static double circle(double x, double y)
{
    return length(x, y) - 0.92;
}

static double crescent(double x, double y)
{
    return larger(length(x, y - 0.25) - 1.2, 0.95 - length(x, y - 0.9));
}

static double cross(double x, double y)
{
    return smaller(box(x, y, 1.15, 0.36), box(x, y, 0.36, 1.15));
}

/* A square standing on a corner, and a half circle on each of its upper sides. */
static double heart(double x, double y)
{
    const double half = 0.62, middle = half * HALF_ROOT;
    x = fabs(x);
    y += 0.2;
    double below = (x + fabs(y)) * HALF_ROOT - half;
    return smaller(below, length(x - middle, y - middle) - half);
}

static double hexagon(double x, double y)
{
    return polygon(x, y, six, 4, 0.88);
}

static double ring(double x, double y)
{
    return fabs(length(x, y) - 0.85) - 0.27;
}

static double square(double x, double y)
{
    return box(x, y, 0.82, 0.82);
}

/* A five-pointed star is where at most one of a pentagon's five sides is crossed: its distance is
 * the second largest of the five. */
static double star(double x, double y)
{
    const double apothem = 0.48;
    double first = -4, second = -4;
    for (int i = 0; i < 5; i++) {
        const struct normal n = five[(i + 1) / 2];
        double side = (i % 2 ? x : -x) * n.x + y * n.y - apothem;
        second = larger(second, smaller(first, side));
        first = larger(first, side);
    }
    return second;
}

static double triangle(double x, double y)
{
    return polygon(x, y + 0.05, three, 2, 0.7);
}

const char *const synth_class[SYNTH_CLASSES] = {
    "arrow",   "circle", "crescent", "cross", "heart",
    "hexagon", "ring",   "square",   "star",  "triangle",
};

figure_distance *const synth_figure[SYNTH_CLASSES] = {
    arrow, circle, crescent, cross, heart, hexagon, ring, square, star, triangle,
};
