/* Which font a text is drawn with: DejaVu Sans, and where that lacks one of the characters, the
 * first font of this machine that has all of them, by the order of fontconfig. Cairo's own choice
 * is one font for all texts, with boxes for what it lacks. A bundle brings its own DejaVu Sans.
 */
#ifndef PSPLOT_FONT_H
#define PSPLOT_FONT_H

/* The family's name, which lasts. text: clean UTF-8. */
const char *font_for(const char *text);

#endif
