/* SPDX-License-Identifier: Apache-2.0 */
#include "profiles/quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* YAML 1.1 takes these for something else than text. */
static bool is_word_of_yaml(const char *text)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* What begins with a letter and has nothing in it that means something. */
static bool is_safe_plain(const char *text)
{
    if (!isalpha((unsigned char)text[0]) || is_word_of_yaml(text))
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        char following = at[1];

        if (*at == ' ' && (following == '\0' || following == '#'))
            return false;
        if (*at == ':' && (following == '\0' || following == ' '))
            return false;
        if (!isalnum((unsigned char)*at) && strchr(" :-_./=%;@+", *at) == NULL)
            return false;
    }
    return true;
}

void quote_yaml(struct buffer *out, const char *text, bool flow)
{
    if (!flow && is_safe_plain(text)) {
        buffer_append_text(out, text);
        return;
    }
    buffer_append_byte(out, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        /* U+FFFE and U+FFFF are not allowed in YAML as they are. */
        if (at[0] == 0xef && at[1] == 0xbf && (at[2] == 0xbe || at[2] == 0xbf)) {
            buffer_printf(out, "\\uFF%s", at[2] == 0xbe ? "FE" : "FF");
            at += 2;
        } else {
            if (*at == '"' || *at == '\\')
                buffer_append_byte(out, '\\');
            buffer_append_byte(out, *at);
        }
    }
    buffer_append_byte(out, '"');
}

/* As the C runtime of Windows takes arguments apart. */
static char *quote_argument(const char *text)
{
    struct buffer out = BUFFER_INIT;
    size_t backslashes = 0;

    buffer_append_byte(&out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            for (size_t i = 0; i <= backslashes; i++)
                buffer_append_byte(&out, '\\');
        backslashes = *text == '\\' ? backslashes + 1 : 0;
        buffer_append_byte(&out, (uint8_t)*text);
    }
    for (; backslashes > 0; backslashes--)
        buffer_append_byte(&out, '\\');
    buffer_append_byte(&out, '"');
    return buffer_take(&out);
}

void quote_cmd(struct buffer *out, const char *text)
{
    bool carets = strchr(text, '"') != NULL;
    char *quoted = quote_argument(text);

    for (const char *at = quoted; at != NULL && *at != '\0'; at++) {
        if (*at == '%')
            buffer_append_byte(out, '%');
        else if (carets && strchr("\"^&|<>()!", *at) != NULL)
            buffer_append_byte(out, '^');
        buffer_append_byte(out, (uint8_t)*at);
    }
    free(quoted);
}
