/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/card/driver.h"
#include "host/card/pcsc.h"
#include "host/status.h"
#include "wire/frame.h"

enum { WAIT_MS = 5000, FREE_TRIES = 10, FREE_PAUSE_MS = 50 };

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

/* The same once nobody is at its card. A program that has just ended is still seen there for a
 * moment. */
static bool find_free_reader(unsigned lane, const char *name, struct wire_reader_state *out,
                             struct wire_status *s)
{
    for (int i = 0; i < FREE_TRIES; i++) {
        if (!find_reader(lane, name, out, s))
            return false;
        if (!out->in_use && !out->exclusive)
            return true;
        if (i + 1 < FREE_TRIES) {
            free(out->name);
            usleep(FREE_PAUSE_MS * 1000);
        }
    }
    return true;
}

/* Why the card is not asked; NULL: it may be. Selecting an application could end the login of who
 * uses the card. */
static const char *reason_against(const struct wire_reader_state *r)
{
    if (!r->present)
        return "no card is in the reader";
    if (r->mute)
        return "the card does not answer; is it the right way round?";
    if (r->exclusive)
        return "another program uses the card alone; end it, or wait for it";
    if (r->in_use)
        return "another program uses the card; nothing is asked of it meanwhile (GnuPG's lets go "
               "at: "
               "gpgconf --kill scdaemon)";
    return NULL;
}

static bool read_once(unsigned lane, bool counters_alone, struct wire_card *out, bool *reset,
                      struct wire_status *s)
{
    struct pcsc_link link;
    struct card card = {0};
    bool read;

    if (!pcsc_connect(context(lane), out->reader.name, &link, &card, s))
        return false;
    read = drivers_read(&card, counters_alone, out, s);
    *reset = link.reset;
    pcsc_disconnect(&link, false);
    return read;
}

/* One that another program reset in the middle is read anew, once: reading costs nothing. */
static bool read_connected(unsigned lane, bool counters_alone, struct wire_card *out,
                           struct wire_status *s)
{
    struct wire_reader_state reader = out->reader;
    bool reset = false, read = read_once(lane, counters_alone, out, &reset, s);

    if (!reset)
        return read;
    out->reader.name = NULL;
    wire_card_free(out);
    out->reader = reader;
    *s = (struct wire_status){.rv = CKR_OK};
    return read_once(lane, counters_alone, out, &reset, s);
}

/* What was not asked, and why, is no failure: the reader is told as it is. */
bool cards_read(unsigned lane, const char *reader, bool counters_alone, struct wire_card *out,
                struct wire_status *s)
{
    const char *why;

    *out = (struct wire_card){0};
    if (!find_free_reader(lane, reader, &out->reader, s))
        return false;
    why = reason_against(&out->reader);
    if (why != NULL)
        snprintf(out->problem, sizeof out->problem, "%s", why);
    if (why == NULL && !read_connected(lane, counters_alone, out, s)) {
        wire_card_free(out);
        return false;
    }
    return true;
}

/* A card with an application of this family selected, for what is more than reading. */
struct chosen {
    struct pcsc_link link;
    struct card card;
    const struct card_driver *driver;
};

static bool choose(unsigned lane, const char *reader, const char *family, const char *serial,
                   struct chosen *out, struct wire_status *s)
{
    struct wire_reader_state state;
    const char *why;

    *out = (struct chosen){.driver = NULL};
    if (!find_free_reader(lane, reader, &state, s))
        return false;
    why = reason_against(&state);
    free(state.name);
    if (why != NULL)
        return status_fail(s, CKR_DEVICE_ERROR, "SCardConnect", "%s: %s", reader, why);
    if (!pcsc_connect(context(lane), reader, &out->link, &out->card, s))
        return false;
    out->driver = drivers_select(&out->card, family, serial, s);
    if (out->driver == NULL)
        pcsc_disconnect(&out->link, false);
    return out->driver != NULL;
}

/* What a secret opened is closed again: the card stays powered for others. Nobody else was at it,
 * so no login but ours ends with the reset. A card that is gone forgot it by itself. */
static void close_login(struct chosen *c, const struct wire_status *s)
{
    pcsc_disconnect(&c->link, s->accepted && s->rv != CKR_DEVICE_REMOVED);
}

static bool cannot(const char *what, struct wire_status *s)
{
    return status_fail(s, CKR_FUNCTION_NOT_SUPPORTED, "",
                       "this version cannot %s cards of this family", what);
}

bool cards_unblock(unsigned lane, const struct wire_unblock *u, struct wire_status *s)
{
    struct chosen c;
    bool done;

    if (!choose(lane, u->reader, u->family, u->serial, &c, s))
        return false;
    done = c.driver->unblock == NULL ? cannot("unblock", s) : c.driver->unblock(&c.card, u, s);
    close_login(&c, s);
    return done;
}

bool cards_attest(unsigned lane, const char *reader, uint8_t slot, struct wire_attestation *out,
                  struct wire_status *s)
{
    struct chosen c;
    bool done;

    if (!choose(lane, reader, "piv", "", &c, s))
        return false;
    done = c.driver->attest(&c.card, slot, out, s);
    pcsc_disconnect(&c.link, false);
    return done;
}

bool cards_generate(unsigned lane, const struct wire_generate *g, struct buffer *spki,
                    struct wire_status *s)
{
    struct chosen c;
    bool done;

    if (!choose(lane, g->reader, g->family, g->serial, &c, s))
        return false;
    done = c.driver->generate == NULL ? cannot("make keys on", s)
                                      : c.driver->authenticate(&c.card, g->management_key, s) &&
                                            c.driver->generate(&c.card, g, spki, s);
    close_login(&c, s);
    return done;
}

bool cards_store(unsigned lane, const struct wire_store *t, struct wire_status *s)
{
    struct chosen c;
    bool done;

    if (!choose(lane, t->reader, t->family, t->serial, &c, s))
        return false;
    done = c.driver->store == NULL ? cannot("store certificates on", s)
                                   : c.driver->authenticate(&c.card, t->management_key, s) &&
                                         c.driver->store(&c.card, t, s);
    close_login(&c, s);
    return done;
}
