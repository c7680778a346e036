#include "picture/chart.h"

#include <math.h>

int chart_across(size_t count)
{
    return count < 2 ? 1 : (int)ceil(sqrt((double)count));
}

void chart_limit(double *width, double *height)
{
    double part = sqrt(CHART_MOST / (*width * *height));
    if (part < 1) {
        *width = floor(*width * part);
        *height = floor(*height * part);
    }
}

double chart_title(struct canvas *canvas, const char *title, double font)
{
    struct lettering lettering = {1.35 * font, black, 0, 0, 1, 0};
    if (title == NULL)
        return 0;
    canvas_text_in(canvas, font, font, canvas->width - 2 * font, &lettering, title);
    return 2.2 * font;
}
