/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/view/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "tui/term/draw.h"

static void add(struct wrapped *w, const char *text, size_t length)
{
    char **grown = realloc(w->line, (w->count + 1) * sizeof *grown);
    char *line = strndup(text, length);

    if (grown != NULL)
        w->line = grown;
    if (grown == NULL || line == NULL)
        free(line);
    else
        w->line[w->count++] = line;
}

/* How much of `text` (up to `end` bytes) stands on the next line. */
static size_t next_break(const char *text, size_t end, int columns)
{
    size_t fits = draw_fitting(text, columns > 0 ? columns : 1), space;

    if (fits >= end)
        return end;
    if (text[fits] == ' ')
        return fits;
    for (space = fits; space > 0 && text[space - 1] != ' '; space--)
        continue;
    return space > 0 ? space - 1 : fits > 0 ? fits : 1;
}

struct wrapped wrap_text(const char *text, int columns)
{
    struct wrapped w = {0};

    for (;;) {
        size_t end = strcspn(text, "\n"), length = next_break(text, end, columns);

        add(&w, text, length);
        text += length;
        if (*text == '\0')
            return w;
        if (*text == '\n' || *text == ' ')
            text++;
    }
}

void wrap_free(struct wrapped *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->line[i]);
    free(w->line);
    *w = (struct wrapped){0};
}
