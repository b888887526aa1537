/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cards and readers, seen through PC/SC: what PKCS#11 does not tell. A host of its own, as for
 * modules (token/host.h).
 */
#ifndef SIGNET_TOKEN_CARD_H
#define SIGNET_TOKEN_CARD_H

#include "token/host.h"
#include "wire/card.h"

/* False where pcscd's socket is not there, so that no host need be started to learn that nobody
 * answers. For who asks cards by the way; who must have them asks anyway, and is told why not. */
bool card_service_is_there(void);

/* Starts the PC/SC host. It starts where pcscd is not there, too: the calls below say so. */
struct host *card_host_start(struct cancel *cancel, struct error *e);

/* Readers and what is in them, without a word to a card. ERROR_MISSING: pcscd does not run here, or
 * does not let this user at it (detail: CKR_ACTION_PROHIBITED); the text has the remedy. */
bool card_readers(struct host *h, struct cancel *cancel, struct wire_readers *out, struct error *e);

/* The same once something differs from `known`, or after some seconds. Lane 1, so that cards can be
 * read meanwhile. */
bool card_readers_wait(struct host *h, const struct wire_readers *known, struct cancel *cancel,
                       struct wire_readers *out, struct error *e);

/* The card in `reader`, by a family of cards that Signet knows. One that another program uses is
 * not asked; out->problem says so. `counters_alone` leaves out containers and keys. */
bool card_read(struct host *h, const char *reader, bool counters_alone, struct cancel *cancel,
               struct wire_card *out, struct error *e);

/* The same once a host of ours that has just ended is no longer seen at the card: waits a moment
 * for that where the card is in use. */
bool card_read_when_free(struct host *h, const char *reader, bool counters_alone,
                         struct cancel *cancel, struct wire_card *out, struct error *e);

/* Whether another program uses the card, so that it was not asked. */
bool card_is_busy(const struct wire_card *c);

/* The counters of the card that this slot of a module is, by a host of its own. To it the module's
 * own host is another program that uses the card: where the slot is a card, that one is stopped
 * (*module becomes NULL). *found is false, and `out` empty, where the slot is no card that can be
 * asked: another kind of token, no pcscd, a family that Signet does not know. So it is, too, where
 * another program uses the card, but `out` has the reader and the problem. In each case it is freed
 * by the caller. False: no memory, cancelled. */
bool card_read_slot(const CK_SLOT_INFO *slot, struct host **module, struct cancel *cancel,
                    struct wire_card *out, bool *found, struct error *e);

/* The attestation of the key in a slot of a YubiKey. */
bool card_attest(struct host *h, const char *reader, uint8_t slot, struct cancel *cancel,
                 struct wire_attestation *out, struct error *e);

/* True when a slot of a PKCS#11 module is this reader: modules that use PC/SC describe a slot by
 * its reader's name, cut to 64 characters. */
bool card_is_slot(const char *reader, const CK_SLOT_INFO *slot);

/* The only reader that the slot is; NULL for none, and where several have the same name as far as a
 * slot shows it. */
const struct wire_reader_state *card_reader_of(const struct wire_readers *all,
                                               const CK_SLOT_INFO *slot);

/* A counter of the application that tells of this PIN; NULL for none. */
const struct wire_counter *card_counter(const struct wire_card *c, enum wire_pin pin);

/* Whether a token's texts say that it is the OpenPGP application of a card. */
bool card_is_openpgp(const CK_TOKEN_INFO *token);

/* The application of the card that a token of PKCS#11 shows: the only one, or the one whose family
 * the token's texts name. NULL where that cannot be told, as where a card was not read to its end.
 */
const struct wire_application *card_application_of(const struct wire_card *c,
                                                   const CK_TOKEN_INFO *token);

#endif
