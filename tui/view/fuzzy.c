/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/view/fuzzy.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static int lower(char c)
{
    return tolower((unsigned char)c);
}

static bool begins_word(const char *text, const char *at)
{
    return at == text || !isalnum((unsigned char)at[-1]);
}

/* The next place of `letter`: of those, the beginning of a word goes first. */
static const char *place(const char *text, const char *from, char letter)
{
    const char *first = NULL;

    for (const char *at = from; *at != '\0'; at++) {
        if (lower(*at) != lower(letter))
            continue;
        if (first == NULL)
            first = at;
        if (begins_word(text, at))
            return at;
    }
    return first;
}

static int score_from(const char *typed, const char *text, bool prefer_words)
{
    const char *from = text;
    int score = 0;

    for (; *typed != '\0'; typed++) {
        const char *at = from;

        if (*typed == ' ')
            continue;
        while (*at != '\0' && lower(*at) != lower(*typed))
            at++;
        if (*at == '\0')
            return -1;
        if (at != from && prefer_words)
            at = place(text, from, *typed);
        score += begins_word(text, at) ? 8 : at == from ? 5 : 1;
        from = at + 1;
    }
    return score;
}

int fuzzy_score(const char *typed, const char *text)
{
    int plain = score_from(typed, text, false), words = score_from(typed, text, true);

    return plain > words ? plain : words;
}
