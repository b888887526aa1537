/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/status.h"

/* In the order in which they are looked for: what is particular comes before what many have. */
static const struct card_driver *const drivers[] = {
    &driver_idprime, &driver_piv, &driver_openpgp, &driver_gids, &driver_sc_hsm,
};

enum { DRIVERS = sizeof drivers / sizeof *drivers };

static bool read_all(const struct card_driver *d, struct card *c, bool counters_alone,
                     struct wire_application *out, struct wire_status *s)
{
    if (d->counters != NULL && !d->counters(c, out, s))
        return false;
    return counters_alone || ((d->containers == NULL || d->containers(c, out, s)) &&
                              (d->keys == NULL || d->keys(c, out, s)));
}

static bool look_for(const struct card_driver *d, struct card *c, bool counters_alone,
                     struct wire_card *out, struct wire_status *s)
{
    struct wire_application *a = wire_card_add(out);

    if (a == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    if (!d->detect(c, a, s)) {
        out->count--;
        return s->rv == CKR_OK;
    }
    snprintf(a->family, sizeof a->family, "%s", d->family);
    return read_all(d, c, counters_alone, a, s);
}

bool drivers_read(struct card *c, bool counters_alone, struct wire_card *out, struct wire_status *s)
{
    for (size_t i = 0; i < DRIVERS; i++)
        if (!look_for(drivers[i], c, counters_alone, out, s)) {
            /* What was read until then is told, and the first reason why it is not all. */
            if (out->problem[0] == '\0')
                snprintf(out->problem, sizeof out->problem, "%s", s->text);
            if (s->rv == CKR_DEVICE_REMOVED || s->rv == CKR_HOST_MEMORY)
                return false;
            *s = (struct wire_status){.rv = CKR_OK};
        }
    if (out->count == 0 && out->problem[0] == '\0')
        snprintf(out->problem, sizeof out->problem,
                 "none of the applications that Signet knows is on this card");
    return true;
}

const struct card_driver *drivers_select(struct card *c, const char *family, const char *serial,
                                         struct wire_status *s)
{
    struct wire_card found = {0};
    struct wire_application *a = wire_card_add(&found);
    const struct card_driver *d = NULL;

    for (size_t i = 0; i < DRIVERS && a != NULL; i++)
        if (strcmp(drivers[i]->family, family) == 0)
            d = drivers[i];
    if (d != NULL && !d->detect(c, a, s))
        d = NULL;
    if (d == NULL && s->rv == CKR_OK)
        status_fail(s, CKR_TOKEN_NOT_RECOGNIZED, "", "the card has no '%s' application", family);
    if (d != NULL && *serial != '\0' && strcmp(a->serial, serial) != 0) {
        status_fail(s, CKR_TOKEN_NOT_RECOGNIZED, "",
                    "another card is in the reader now (its serial number is '%s', not '%s')",
                    a->serial, serial);
        d = NULL;
    }
    wire_card_free(&found);
    return d;
}

struct wire_counter *driver_counter(struct wire_application *a, enum wire_pin pin, const char *name,
                                    int usual, const char *source, struct wire_status *s)
{
    struct wire_counter *counter = wire_application_add_counter(a);

    if (counter == NULL) {
        status_fail(s, CKR_HOST_MEMORY, "", "no memory");
        return NULL;
    }
    counter->pin = pin;
    counter->usual = usual;
    counter->left = counter->maximum = counter->is_default = WIRE_UNKNOWN;
    snprintf(counter->name, sizeof counter->name, "%s", name);
    snprintf(counter->source, sizeof counter->source, "%s", source);
    return counter;
}

void driver_keep(const struct buffer *bytes, uint8_t **out, size_t *length)
{
    *out = bytes->length == 0 || bytes->failed ? NULL : malloc(bytes->length);
    *length = *out == NULL ? 0 : bytes->length;
    if (*out != NULL)
        memcpy(*out, bytes->data, bytes->length);
}

bool driver_ask_tries(struct card *c, uint8_t reference, struct wire_counter *counter,
                      struct wire_status *s)
{
    const struct apdu verify = {.ins = 0x20, .p2 = reference};
    uint8_t left;
    uint16_t sw;

    if (!card_send(c, &verify, NULL, &sw, s))
        return false;
    if (card_tries(sw, &left))
        counter->left = left;
    else if (sw == SW_OK)
        counter->verified = true;
    else if (sw == SW_DATA_NOT_FOUND)
        counter->unset = true;
    else if (sw == SW_NOT_USABLE)
        snprintf(counter->problem, sizeof counter->problem,
                 "it cannot be used yet: change the one it came with (transport PIN) first");
    else
        snprintf(counter->problem, sizeof counter->problem,
                 "the card does not tell it (it answers %04X)", sw);
    return true;
}
