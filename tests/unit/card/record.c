/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/status.h"

static void wrong(const struct record *r, unsigned number, const char *what)
{
    fail_msg("%s:%u: %s", r->path, number, what);
}

static int digit(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10
                                        : -1;
}

/* "text" in quotes, from behind the first one; wide: in UTF-16LE. Where it ends, or NULL. */
static const char *add_text(const char *text, bool wide, struct buffer *out)
{
    for (; *text != '\0' && *text != '"'; text++) {
        buffer_append_byte(out, (uint8_t)*text);
        if (wide)
            buffer_append_byte(out, 0);
    }
    return *text == '"' ? text + 1 : NULL;
}

/* Two digits, or "00*54": the byte so many times. Where it ends, or NULL. */
static const char *add_byte(const char *text, struct buffer *out)
{
    unsigned long times = 1;
    uint8_t byte;

    if (digit(text[0]) < 0 || digit(text[1]) < 0)
        return NULL;
    byte = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    text += 2;
    if (*text == '*') {
        char *end;

        times = strtoul(text + 1, &end, 10);
        text = end;
    }
    while (times-- > 0)
        buffer_append_byte(out, byte);
    return text;
}

static bool add_bytes(const char *text, struct buffer *out)
{
    while (text != NULL && *text != '\0') {
        if (*text == ' ')
            text++;
        else if (*text == '"')
            text = add_text(text + 1, false, out);
        else if (strncmp(text, "u\"", 2) == 0)
            text = add_text(text + 2, true, out);
        else
            text = add_byte(text, out);
    }
    return text != NULL;
}

static struct record_line *add_line(struct record *r, enum record_kind kind, unsigned number)
{
    struct record_line *grown = reallocarray(r->line, r->count + 1, sizeof *grown);

    assert_non_null(grown);
    r->line = grown;
    grown[r->count] = (struct record_line){.kind = kind, .number = number};
    return &grown[r->count++];
}

static void read_atr(struct record *r, const char *text, unsigned number)
{
    struct buffer atr = BUFFER_INIT;

    if (!add_bytes(text, &atr) || atr.length > sizeof r->atr)
        wrong(r, number, "no ATR");
    memcpy(r->atr, atr.data, atr.length);
    r->atr_length = atr.length;
    buffer_free(&atr);
}

static void read_exchange(struct record *r, const char *line, unsigned number)
{
    enum record_kind kind = line[0] == '>' ? RECORD_COMMAND : RECORD_ANSWER;

    if (strcmp(line, "< gone") == 0)
        add_line(r, RECORD_GONE, number);
    else if (!add_bytes(line + 1, &add_line(r, kind, number)->bytes))
        wrong(r, number, "no bytes");
}

static void read_line(struct record *r, const char *line, unsigned number)
{
    struct record_line *last = r->count == 0 ? NULL : &r->line[r->count - 1];

    if (line[0] == '\0' || line[0] == '#')
        return;
    if (strcmp(line, "T=0") == 0)
        r->t0 = true;
    else if (strncmp(line, "atr ", 4) == 0)
        read_atr(r, line + 4, number);
    else if (line[0] == '>' || line[0] == '<')
        read_exchange(r, line, number);
    else if (line[0] == ' ' && last != NULL && last->bytes.length > 0) {
        if (!add_bytes(line, &last->bytes))
            wrong(r, number, "no bytes");
    } else if (strncmp(line, "* ", 2) == 0)
        add_line(r, RECORD_STEP, number)->text = strdup(line + 2);
    else if (strncmp(line, "= ", 2) == 0)
        add_line(r, RECORD_RESULT, number)->text = strdup(line + 2);
    else
        wrong(r, number, "this is no line of a record");
}

void record_load(const char *path, struct record *out)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;

    *out = (struct record){.path = path};
    assert_non_null(file);
    while (getline(&line, &room, file) >= 0) {
        /* A comment may end a line of bytes, behind two spaces. */
        char *comment = strchr("<> ", line[0]) != NULL ? strstr(line, "  #") : NULL;
        size_t length;

        if (comment != NULL)
            *comment = '\0';
        length = strlen(line);
        while (length > 0 && isspace((unsigned char)line[length - 1]))
            line[--length] = '\0';
        read_line(out, line, ++number);
    }
    free(line);
    fclose(file);
}

void record_free(struct record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->line[i].text);
        buffer_free(&r->line[i].bytes);
    }
    free(r->line);
    *r = (struct record){0};
}

const struct record_line *record_next(struct record *r, enum record_kind kind)
{
    return r->at < r->count && r->line[r->at].kind == kind ? &r->line[r->at++] : NULL;
}

static void say(const char *what, const uint8_t *bytes, size_t length)
{
    print_error("%s", what);
    for (size_t i = 0; i < length; i++)
        print_error(" %02X", bytes[i]);
    print_error("\n");
}

/* VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER with something in them. In T=0 nothing is
 * five bytes. */
static bool could_cost_a_try(const struct record *r, const uint8_t *command, size_t length)
{
    bool empty = length == 4 || (r->t0 && length == 5 && command[4] == 0);

    return !empty &&
           ((command[1] & 0xfe) == 0x20 || (command[1] & 0xfe) == 0x24 || command[1] == 0x2c);
}

static bool replay(void *link, const uint8_t *command, size_t length, struct buffer *answer,
                   struct wire_status *s)
{
    struct record *r = link;
    const struct record_line *expected = record_next(r, RECORD_COMMAND), *given;

    if (r->reading && could_cost_a_try(r, command, length)) {
        say("sent:", command, length);
        wrong(r, expected == NULL ? 0 : expected->number, "a reading could have cost a try");
    }
    if (expected == NULL || expected->bytes.length != length ||
        memcmp(expected->bytes.data, command, length) != 0) {
        say("sent:", command, length);
        if (expected != NULL)
            say("in the record:", expected->bytes.data, expected->bytes.length);
        wrong(r, r->at < r->count ? r->line[r->at].number : 0,
              expected == NULL ? "this is not in the record" : "the record has another command");
    }
    if (record_next(r, RECORD_GONE) != NULL)
        return status_fail(s, CKR_DEVICE_REMOVED, "SCardTransmit", "the card is gone");
    given = record_next(r, RECORD_ANSWER);
    if (given == NULL)
        wrong(r, expected->number, "the command has no answer");
    else
        buffer_append(answer, given->bytes.data, given->bytes.length);
    return true;
}

struct card record_card(struct record *r)
{
    struct card c = {.exchange = replay, .link = r, .t0 = r->t0, .atr_length = r->atr_length};

    memcpy(c.atr, r->atr, r->atr_length);
    return c;
}
