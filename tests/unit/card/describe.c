/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

enum { SHORT = 16 }; /* bytes that are shown one by one */

static void bytes(const char *what, const uint8_t *data, size_t length, struct buffer *out)
{
    buffer_printf(out, "%s", what);
    if (length == 0)
        buffer_append_text(out, " none");
    else if (length > SHORT)
        buffer_printf(out, " of %zu bytes", length);
    for (size_t i = 0; i < length && length <= SHORT; i++)
        buffer_printf(out, "%s%02X", i == 0 ? " " : "", data[i]);
}

static void describe_counter(const struct wire_counter *c, struct buffer *out)
{
    buffer_printf(out, "%s:", c->name);
    if (c->unset)
        buffer_append_text(out, " not set");
    else if (c->verified)
        buffer_append_text(out, " a login is open");
    else if (c->left == WIRE_UNKNOWN)
        buffer_append_text(out, " unknown");
    else if (c->left == 0)
        buffer_append_text(out, " BLOCKED");
    else
        buffer_printf(out, " %d left", c->left);
    if (c->maximum != WIRE_UNKNOWN)
        buffer_printf(out, " of %d", c->maximum);
    if (c->usual != WIRE_UNKNOWN)
        buffer_printf(out, ", usually %d", c->usual);
    if (c->is_default != WIRE_UNKNOWN)
        buffer_append_text(out, c->is_default ? ", as delivered" : ", changed since delivery");
    if (c->problem[0] != '\0')
        buffer_printf(out, ": %s", c->problem);
    buffer_printf(out, " [%s]\n", c->source);
}

static void describe_container(const struct wire_container *c, struct buffer *out)
{
    buffer_printf(out, "%s: \"%s\"%s", c->place, c->name, c->is_default ? ", default" : "");
    bytes(", certificate", c->certificate, c->certificate_length, out);
    buffer_printf(out, " [%s]\n", c->source);
}

static void describe_key(const struct wire_card_key *k, struct buffer *out)
{
    buffer_printf(out, "key %02X: %s, PIN %s, touch %s, %s", k->slot, k->algorithm, k->pin_policy,
                  k->touch_policy, k->origin);
    bytes(", public key", k->spki, k->spki_length, out);
    buffer_append_text(out, "\n");
}

void describe_application(const struct wire_application *a, struct buffer *out)
{
    buffer_printf(out, "%s, serial %s\n", a->title, a->serial[0] == '\0' ? "unknown" : a->serial);
    for (size_t i = 0; i < a->counter_count; i++)
        describe_counter(&a->counter[i], out);
    for (size_t i = 0; i < a->container_count; i++)
        describe_container(&a->container[i], out);
    if (a->container_problem[0] != '\0')
        buffer_printf(out, "no container: %s\n", a->container_problem);
    for (size_t i = 0; i < a->key_count; i++)
        describe_key(&a->key[i], out);
}

void describe_card(const struct wire_card *c, struct buffer *out)
{
    for (size_t i = 0; i < c->count; i++)
        describe_application(&c->application[i], out);
    if (c->problem[0] != '\0')
        buffer_printf(out, "problem: %s\n", c->problem);
}

void describe_unblock(bool done, const struct wire_status *s, struct buffer *out)
{
    buffer_printf(out, "%s%s%s%s\n", s->attempted ? "tried" : "not sent",
                  s->accepted ? ", accepted" : "", done ? "" : ": ", done ? "" : s->text);
}

void describe_attestation(const struct wire_attestation *a, struct buffer *out)
{
    bytes("certificate", a->certificate, a->certificate_length, out);
    bytes(", intermediate", a->intermediate, a->intermediate_length, out);
    buffer_append_text(out, "\n");
}
