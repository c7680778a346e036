#include "picture/font.h"

#include "label.h"
#include "message.h"

#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usual[] = "DejaVu Sans";

/* A bundle (.ci/bundle) brings the usual font, for a machine that may have none; and what tells
 * fontconfig of the machine's fonts, for one that may have none of that either. */
static void take_what_was_brought(void)
{
    static const char *const fonts[] = {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf"};
    char program_path[4096], path[4200];
    ssize_t length = readlink("/proc/self/exe", program_path, sizeof program_path - 1);
    char *slash = length > 0 ? memrchr(program_path, '/', (size_t)length) : NULL;
    if (slash == NULL)
        return;
    *slash = 0;
    snprintf(path, sizeof path, "%s/../share/psweep/fonts/fonts.conf", program_path);
    if (access(path, R_OK) != 0)
        return;
    setenv("FONTCONFIG_FILE", path, 0);
    for (size_t i = 0; i < sizeof fonts / sizeof *fonts; i++) {
        snprintf(path, sizeof path, "%s/../share/psweep/fonts/%s", program_path, fonts[i]);
        FcConfigAppFontAddFile(NULL, (const FcChar8 *)path);
    }
}

static FcPattern *pattern_of(const FcCharSet *characters)
{
    FcPattern *pattern = FcPatternCreate();
    FcPatternAddString(pattern, FC_FAMILY, (const FcChar8 *)usual);
    if (characters)
        FcPatternAddCharSet(pattern, FC_CHARSET, characters);
    FcConfigSubstitute(NULL, pattern, FcMatchPattern);
    FcDefaultSubstitute(pattern);
    return pattern;
}

/* What the usual font has; NULL where it is not here. */
static const FcCharSet *usual_characters(void)
{
    static FcCharSet *characters;
    static int asked;
    if (asked++)
        return characters;
    take_what_was_brought();
    FcResult result;
    FcPattern *pattern = pattern_of(NULL), *match = FcFontMatch(NULL, pattern, &result);
    FcChar8 *family;
    if (match && FcPatternGetString(match, FC_FAMILY, 0, &family) == FcResultMatch &&
        strcmp((const char *)family, usual) == 0 &&
        FcPatternGetCharSet(match, FC_CHARSET, 0, &characters) == FcResultMatch)
        characters = FcCharSetCopy(characters);
    else
        characters = NULL;
    if (match)
        FcPatternDestroy(match);
    FcPatternDestroy(pattern);
    return characters;
}

/* The first font that has them all; where none has, the one that lacks the fewest. */
static char *find(const FcCharSet *characters)
{
    FcResult result;
    FcPattern *pattern = pattern_of(characters);
    FcFontSet *fonts = FcFontSort(NULL, pattern, FcTrue, NULL, &result);
    FcChar32 least = FcCharSetCount(characters) + 1;
    char *best = NULL;
    for (int i = 0; fonts && i < fonts->nfont; i++) {
        FcCharSet *has;
        FcChar8 *family;
        if (FcPatternGetCharSet(fonts->fonts[i], FC_CHARSET, 0, &has) != FcResultMatch ||
            FcPatternGetString(fonts->fonts[i], FC_FAMILY, 0, &family) != FcResultMatch)
            continue;
        FcChar32 lacks = FcCharSetSubtractCount(characters, has);
        if (lacks < least) {
            free(best);
            best = ecopy((const char *)family);
            least = lacks;
        }
    }
    if (fonts)
        FcFontSetDestroy(fonts);
    FcPatternDestroy(pattern);
    return best ? best : ecopy(usual);
}

/* Fonts that were found are remembered, by the characters that they were found for. */
static const char *remembered(const FcCharSet *characters)
{
    static struct {
        FcCharSet *characters;
        char *family;
    } * found;
    static size_t count;
    for (size_t i = 0; i < count; i++)
        if (FcCharSetEqual(found[i].characters, characters))
            return found[i].family;
    found = egrow(found, count + 1, sizeof *found);
    found[count].characters = FcCharSetCopy((FcCharSet *)characters);
    found[count].family = find(characters);
    return found[count++].family;
}

const char *font_for(const char *text)
{
    const FcCharSet *has = usual_characters();
    FcCharSet *characters = FcCharSetCreate();
    int columns, lacks = 0;
    for (uint32_t code; label_next(&text, &code, &columns);) {
        FcCharSetAddChar(characters, code);
        lacks |= has && !FcCharSetHasChar(has, code);
    }
    const char *family = lacks ? remembered(characters) : usual;
    FcCharSetDestroy(characters);
    return family;
}
