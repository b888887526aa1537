/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { MOST_PROBLEMS = 100, MOST_SHOWN = 60 };

void profile_problems_free(struct profile_problems *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->line[i]);
    free(p->line);
    *p = (struct profile_problems){0};
}

/* The beginning of a text; no character is cut in two. */
static void append_short(struct buffer *out, const char *text)
{
    size_t length = strnlen(text, MOST_SHOWN + 1);
    bool cut = length > MOST_SHOWN;

    for (length -= cut; cut && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
        length--;
    text_append_printable(out, text, length);
    buffer_append_text(out, cut ? "…: " : ": ");
}

static bool append_line(struct profile_problems *problems, char *line)
{
    char **grown =
        line == NULL ? NULL : realloc(problems->line, (problems->count + 1) * sizeof *grown);

    if (grown == NULL) {
        free(line);
        return false;
    }
    problems->line = grown;
    grown[problems->count++] = line;
    return true;
}

bool problems_add(struct profile_problems *problems, const char *path, size_t line, size_t column,
                  const char *key, const char *value, const char *reason)
{
    struct buffer out = BUFFER_INIT;
    bool last = problems->count + 1 == MOST_PROBLEMS;

    if (problems->count >= MOST_PROBLEMS)
        return false;
    text_append_printable(&out, path, strlen(path));
    buffer_printf(&out, ":%zu:%zu: ", line, column);
    if (last) {
        buffer_append_text(&out, "too many mistakes; what follows is not looked at");
    } else {
        if (key != NULL)
            append_short(&out, key);
        if (value != NULL && *value != '\0')
            append_short(&out, value);
        text_append_printable(&out, reason, strlen(reason));
    }
    return append_line(problems, buffer_take(&out)) && !last;
}

bool problems_error(const struct profile_problems *problems, size_t first, struct error *e)
{
    size_t more;

    if (problems->count <= first)
        return error_set_memory(e);
    more = problems->count - first - 1;
    if (more == 0)
        return error_set(e, ERROR_PROFILE, "%s", problems->line[first]);
    return error_set(e, ERROR_PROFILE, "%s (and %zu more; signet profile check names %s)",
                     problems->line[first], more, more == 1 ? "it" : "them all");
}
