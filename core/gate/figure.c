/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the counter that the next try would count down, from the card itself. */
#include <stdlib.h>
#include <string.h>

#include "gate/session.h"
#include "token/card.h"
#include "token/vendor.h"

void session_forget_figure(struct gate_session *s)
{
    s->figure =
        (struct wire_counter){.left = WIRE_UNKNOWN, .maximum = WIRE_UNKNOWN, .usual = WIRE_UNKNOWN};
}

static void keep(struct gate_session *s, const struct wire_application *a)
{
    for (size_t i = 0; a != NULL && i < a->counter_count; i++)
        if (a->counter[i].pin == s->role)
            s->figure = a->counter[i];
}

/* Some vendors' modules tell it without a login; that one does not is no failure. */
void session_read_vendor_figure(struct gate_session *s)
{
    struct wire_application vendor = {0};

    if (s->figure.left == WIRE_UNKNOWN && s->reader == NULL &&
        vendor_read(s->host, s->slot, s->cancel, &vendor, NULL))
        keep(s, &vendor);
    wire_application_free(&vendor);
}

static bool read_when_free(struct gate_session *s, struct wire_card *out, struct error *e)
{
    if (!card_read_when_free(s->host, s->reader, true, s->cancel, out, e))
        return false;
    if (!out->reader.in_use)
        return true;
    wire_card_free(out);
    return error_set(e, ERROR_BUSY,
                     "another program uses the card in '%s'; end it, then do this again",
                     s->reader);
}

/* A card by PC/SC that is not there, or is another one, ends the request. */
static bool read_card(struct gate_session *s, struct error *e)
{
    struct wire_card card;
    bool found = false;

    if (s->host == NULL)
        s->host = card_host_start(s->cancel, e);
    if (s->host == NULL || !read_when_free(s, &card, e))
        return false;
    for (size_t i = 0; i < card.count && !found; i++)
        if (strcmp(card.application[i].family, s->family) == 0 &&
            (*s->serial == '\0' || strcmp(card.application[i].serial, s->serial) == 0)) {
            keep(s, &card.application[i]);
            found = true;
        }
    if (!found)
        error_set(e, ERROR_MISSING, "'%s' is not in '%s' any more%s%s", s->label, s->reader,
                  *card.problem == '\0' ? "" : ": ", card.problem);
    wire_card_free(&card);
    return found;
}

bool session_read_figure(struct gate_session *s, struct error *e)
{
    struct wire_card card;
    bool found;

    session_forget_figure(s);
    if (s->reader != NULL)
        return read_card(s, e);
    if (!(s->slot_info.flags & CKF_HW_SLOT))
        return true;
    if (!card_read_slot(&s->slot_info, &s->host, s->cancel, &card, &found, e))
        return false;
    if (found) {
        keep(s, card_application_of(&card, &s->token));
        free(s->card_reader);
        s->card_reader = strdup(card.reader.name);
    }
    wire_card_free(&card);
    return true;
}
