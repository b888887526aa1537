/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of card families. A member that is NULL: this family cannot. Only applications that are
 * named here are selected, and what a driver sends cannot cost a try unless it says so.
 */
#ifndef SIGNET_HOST_CARD_DRIVER_H
#define SIGNET_HOST_CARD_DRIVER_H

#include "host/card/card.h"
#include "wire/card.h"

struct card_driver {
    const char *family;
    /* Selects the application. True when the card has it and answers as this family does; title and
     * serial are set, and what else it takes to know it stands in `out`. False with s->rv CKR_OK:
     * it is another card. */
    bool (*detect)(struct card *c, struct wire_application *out, struct wire_status *s);
    /* After `detect`, with the application selected. Reading costs nothing. */
    bool (*counters)(struct card *c, struct wire_application *out, struct wire_status *s);
    bool (*containers)(struct card *c, struct wire_application *out, struct wire_status *s);
    bool (*keys)(struct card *c, struct wire_application *out, struct wire_status *s);
    /* Costs a try of u->by when that is wrong. s->attempted is set once the card was really asked,
     * s->accepted when it took the secret. */
    bool (*unblock)(struct card *c, const struct wire_unblock *u, struct wire_status *s);
    bool (*attest)(struct card *c, uint8_t slot, struct wire_attestation *out,
                   struct wire_status *s);
    /* Proves the management key to the card, and has the card prove that it knows it. Before that,
     * nothing is spent. s->attempted and s->accepted as for `unblock`. */
    bool (*authenticate)(struct card *c, const struct secret *key, struct wire_status *s);
    /* After `authenticate`. The SubjectPublicKeyInfo of the new key is appended to `spki`. */
    bool (*generate)(struct card *c, const struct wire_generate *g, struct buffer *spki,
                     struct wire_status *s);
    bool (*store)(struct card *c, const struct wire_store *t, struct wire_status *s);
};

extern const struct card_driver driver_piv, driver_openpgp, driver_gids, driver_idprime,
    driver_sc_hsm;

/* Everything that the drivers know of a card, or its counters alone; an application that fails
 * leaves the others. */
bool drivers_read(struct card *c, bool counters_alone, struct wire_card *out,
                  struct wire_status *s);

/* The driver of a family, with its application selected. With a serial number, only on the card
 * that has it: another one may have been put in since it was looked at. "": any. */
const struct card_driver *drivers_select(struct card *c, const char *family, const char *serial,
                                         struct wire_status *s);

/* For drivers: a counter, its figures unknown so far. `usual`: the tries that the family is
 * delivered with, or WIRE_UNKNOWN. NULL: no memory, and `s` is set. */
struct wire_counter *driver_counter(struct wire_application *a, enum wire_pin pin, const char *name,
                                    int usual, const char *source, struct wire_status *s);

/* For drivers: a copy for an answer, freed by the caller with free(); NULL where there are no
 * bytes, or no memory. */
void driver_keep(const struct buffer *bytes, uint8_t **out, size_t *length);

/* For drivers: an empty VERIFY, in its short form (ISO 7816-4, section 11.5.6: nothing is compared,
 * so nothing is lost). For families alone that are known to take it so. */
bool driver_ask_tries(struct card *c, uint8_t reference, struct wire_counter *counter,
                      struct wire_status *s);

#endif
