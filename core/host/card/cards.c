/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/cards.h"

#include <stdio.h>
#include <string.h>

#include "host/card/driver.h"
#include "host/card/pcsc.h"
#include "host/status.h"
#include "wire/frame.h"

enum { WAIT_MS = 5000 };

static struct pcsc contexts[WIRE_LANES_MAX];

static struct pcsc *context(unsigned lane)
{
    return &contexts[lane % WIRE_LANES_MAX];
}

bool cards_readers(unsigned lane, struct wire_readers *out, struct wire_status *s)
{
    return pcsc_readers(context(lane), out, s);
}

bool cards_wait(unsigned lane, const struct wire_readers *known, struct wire_readers *out,
                struct wire_status *s)
{
    return pcsc_wait(context(lane), known, WAIT_MS, out, s);
}

/* Takes its state out of the list. */
static bool find_reader(unsigned lane, const char *name, struct wire_reader_state *out,
                        struct wire_status *s)
{
    struct wire_readers all;
    bool found = false;

    if (!pcsc_readers(context(lane), &all, s))
        return false;
    for (size_t i = 0; i < all.count && !found; i++)
        if (strcmp(all.reader[i].name, name) == 0) {
            *out = all.reader[i];
            all.reader[i].name = NULL;
            found = true;
        }
    wire_readers_free(&all);
    return found ||
           status_fail(s, CKR_DEVICE_REMOVED, "SCardConnect", "the reader '%s' is gone", name);
}

static bool read_connected(unsigned lane, bool counters_alone, struct wire_card *out,
                           struct wire_status *s)
{
    struct pcsc_link link;
    struct card card = {0};
    bool read;

    if (!pcsc_connect(context(lane), out->reader.name, &link, &card, s))
        return false;
    read = drivers_read(&card, counters_alone, out, s);
    pcsc_disconnect(&link);
    return read;
}

/* What was not asked, and why, is no failure: the reader is told as it is. */
bool cards_read(unsigned lane, const char *reader, bool counters_alone, struct wire_card *out,
                struct wire_status *s)
{
    const char *why = NULL;

    *out = (struct wire_card){0};
    if (!find_reader(lane, reader, &out->reader, s))
        return false;
    if (!out->reader.present)
        why = "no card is in the reader";
    else if (out->reader.mute)
        why = "the card does not answer; is it the right way round?";
    else if (out->reader.exclusive)
        why = "another program uses the card alone; end it, or wait for it";
    else if (out->reader.in_use)
        why = "another program uses the card; nothing is asked of it meanwhile";
    if (why != NULL)
        snprintf(out->problem, sizeof out->problem, "%s", why);
    if (why == NULL && !read_connected(lane, counters_alone, out, s)) {
        wire_card_free(out);
        return false;
    }
    return true;
}

bool cards_unblock(unsigned lane, const struct wire_unblock *u, struct wire_status *s)
{
    const struct card_driver *d;
    struct pcsc_link link;
    struct card card = {0};
    bool done = false;

    if (!pcsc_connect(context(lane), u->reader, &link, &card, s))
        return false;
    d = drivers_select(&card, u->family, s);
    if (d != NULL && d->unblock == NULL)
        status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                    "this version cannot unblock cards of this family");
    else if (d != NULL)
        done = d->unblock(&card, u, s);
    pcsc_disconnect(&link);
    return done;
}

bool cards_attest(unsigned lane, const char *reader, uint8_t slot, struct wire_attestation *out,
                  struct wire_status *s)
{
    const struct card_driver *d;
    struct pcsc_link link;
    struct card card = {0};
    bool done = false;

    if (!pcsc_connect(context(lane), reader, &link, &card, s))
        return false;
    d = drivers_select(&card, "piv", s);
    if (d != NULL)
        done = d->attest(&card, slot, out, s);
    pcsc_disconnect(&link);
    return done;
}
