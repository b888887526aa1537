/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term/style.h"

#include <stdlib.h>

/* Colours of 256, of 16 or 8, and what stands for them where there are none. -1: the terminal's
 * own. */
static const struct {
    short many, few, many_behind, few_behind;
    attr_t with, without;
} looks[STYLE_COUNT] = {
    [STYLE_PLAIN] = {-1, -1, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_TITLE] = {-1, -1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_HEADING] = {75, COLOR_CYAN, -1, -1, A_BOLD, A_BOLD},
    [STYLE_DIM] = {245, -1, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_GOOD] = {114, COLOR_GREEN, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_WARN] = {221, COLOR_YELLOW, -1, -1, A_NORMAL, A_BOLD},
    [STYLE_BAD] = {203, COLOR_RED, -1, -1, A_BOLD, A_BOLD},
    [STYLE_KEY] = {75, COLOR_CYAN, -1, -1, A_BOLD, A_BOLD},
    [STYLE_CURSOR] = {231, COLOR_WHITE, 25, COLOR_BLUE, A_BOLD, A_REVERSE},
    [STYLE_SELECTED] = {252, COLOR_WHITE, 238, COLOR_BLACK, A_BOLD, A_UNDERLINE},
    [STYLE_INPUT] = {231, COLOR_WHITE, 238, COLOR_BLACK, A_UNDERLINE, A_UNDERLINE},
};

static bool coloured;

void style_init(void)
{
    const char *no_colour = getenv("NO_COLOR");

    coloured = (no_colour == NULL || *no_colour == '\0') && has_colors() && start_color() == OK;
    if (!coloured)
        return;
    use_default_colors();
    for (short i = 1; i < STYLE_COUNT; i++)
        if (COLORS >= 256)
            init_pair(i, looks[i].many, looks[i].many_behind);
        else
            init_pair(i, looks[i].few, looks[i].few_behind);
}

attr_t style_attributes(enum style s)
{
    return coloured ? looks[s].with : looks[s].without;
}

short style_pair(enum style s)
{
    return coloured ? (short)s : 0;
}
