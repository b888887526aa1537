/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/verify_words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(struct verify_words words, const char *text)
{
    for (size_t i = 0; i < *words.count; i++)
        if (strcmp((*words.list)[i], text) == 0)
            return true;
    return false;
}

void verify_say(struct verify_words words, const char *format, ...)
{
    char *text = NULL, **grown = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text != NULL && has(words, text)) {
        free(text);
        return;
    }
    if (text != NULL)
        grown = realloc(*words.list, (*words.count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(text);
        *words.lost = true;
        return;
    }
    *words.list = grown;
    grown[(*words.count)++] = text;
}

void verify_words_free(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}
