/* SPDX-License-Identifier: Apache-2.0 */
/* A record of verify as text: the verdict first, then who signed, what proves it, what is wrong. */
#include <string.h>

#include "op/text.h"
#include "profiles/engine/batch.h"
#include "profiles/engine/verify_record.h"

enum { NAME_WIDTH = 14, DEEPEST = 8 };

/* One record while it is written. */
struct page {
    struct buffer *out;
    unsigned width;
    size_t indent;
};

/* What is there to be copied, in one line. */
static void show(const struct page *p, const char *name, const char *text)
{
    if (*text != '\0')
        buffer_printf(p->out, "%*s%-*s %s\n", (int)p->indent, "", NAME_WIDTH, name, text);
}

static void say(const struct page *p, const char *name, const char *text)
{
    size_t column = p->indent + NAME_WIDTH + 1;

    if (*text == '\0')
        return;
    buffer_printf(p->out, "%*s%-*s ", (int)p->indent, "", NAME_WIDTH, name);
    op_wrap(p->out, text, column, p->width > column + 20 ? p->width - 1 : column + 20);
}

static void sentences(const struct page *p, const char *name, const json_t *list)
{
    size_t i;
    json_t *text;

    json_array_foreach(list, i, text) say(p, name, json_string_value(text));
}

/* "Signer < CA < Root" */
static void chain(const struct page *p, const json_t *list)
{
    struct buffer line = BUFFER_INIT;
    size_t i;
    json_t *x;

    json_array_foreach(list, i, x)
        buffer_printf(&line, "%s%s", i == 0 ? "" : " < ", op_string(x, "name"));
    if (line.length > 0 && buffer_text(&line) != NULL)
        show(p, "chain", buffer_text(&line));
    buffer_free(&line);
}

static const char *what_it_proves(const json_t *s, const json_t *t)
{
    if (!op_true(t, "good"))
        return "BAD";
    if (!op_true(t, "counts"))
        return "good";
    if (op_true(s, "saved-by-timestamp"))
        return "good; without it the signature would not be";
    if (strcmp(op_string(s, "judged-at"), op_string(t, "time")) != 0)
        return "good, but it does not make the signature outlive the certificate";
    return "good; it makes the signature outlive the certificate";
}

static void timestamps(const struct page *p, const json_t *s)
{
    size_t i;
    json_t *t;

    json_array_foreach(json_object_get(s, "timestamps"), i, t)
    {
        const json_t *by = json_object_get(t, "authority");
        const char *when = op_string(t, "time");
        struct buffer line = BUFFER_INIT;

        buffer_printf(&line, "%s by %s (%s): %s", *when == '\0' ? "no time" : when,
                      json_is_object(by) ? op_string(by, "name") : "somebody unknown",
                      strcmp(op_string(t, "kind"), "legacy") == 0 ? "legacy" : "RFC 3161",
                      what_it_proves(s, t));
        if (buffer_text(&line) != NULL)
            say(p, "timestamp", buffer_text(&line));
        buffer_free(&line);
    }
    if (i == 0)
        say(p, "timestamp", "none: the signature ends with the certificate");
}

static void revocation(const struct page *p, const json_t *s)
{
    static const struct {
        const char *state, *says;
    } words[] = {
        {"not-revoked", "not revoked"},
        {"revoked-later", "revoked, but after the timestamp"},
        {"revoked", "REVOKED"},
        {"unknown", "not known"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(op_string(s, "revocation"), words[i].state) == 0)
            say(p, "revocation", words[i].says);
}

static void signature(const json_t *s, unsigned width, struct buffer *out)
{
    const json_t *signer = json_object_get(s, "signer");
    json_int_t depth = op_number(s, "depth", 0);
    struct page p = {.out = out, .width = width};

    p.indent = 2 + 2 * (size_t)(depth > DEEPEST ? DEEPEST : depth);
    show(&p, depth == 0 ? "signed by" : "nested, by",
         json_is_object(signer) ? op_string(signer, "subject") : "?");
    p.indent += 2;
    chain(&p, json_object_get(s, "chain"));
    show(&p, "hash", op_string(s, "hash"));
    show(&p, "description", op_string(s, "description"));
    show(&p, "url", op_string(s, "url"));
    if (strcmp(op_string(s, "page-hashes"), "none") != 0)
        say(&p, "page hashes", op_string(s, "page-hashes"));
    timestamps(&p, s);
    revocation(&p, s);
    sentences(&p, "note:", json_object_get(s, "notes"));
    sentences(&p, "PROBLEM:", json_object_get(s, "problems"));
}

void verify_record_text(const json_t *record, unsigned width, struct buffer *out)
{
    const struct page p = {.out = out, .width = width, .indent = 2};
    size_t i;
    json_t *s;

    buffer_printf(out, "%-5s ", op_true(record, "good") ? "good" : "BAD");
    batch_show(out, op_string(record, "file"));
    buffer_append_byte(out, '\n');
    sentences(&p, "PROBLEM:", json_object_get(record, "problems"));
    json_array_foreach(json_object_get(record, "signatures"), i, s) signature(s, width, out);
}
