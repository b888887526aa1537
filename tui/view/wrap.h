/* SPDX-License-Identifier: Apache-2.0 */
/* Text broken into lines of some columns. */
#ifndef SIGNET_TUI_VIEW_WRAP_H
#define SIGNET_TUI_VIEW_WRAP_H

#include <stddef.h>

struct wrapped {
    char **line;
    size_t count;
};

/* Between words where that is possible; a line end in the text ends a line. */
struct wrapped wrap_text(const char *text, int columns);
void wrap_free(struct wrapped *w);

#endif
