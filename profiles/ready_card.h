/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the card of a profile's token tells beside PKCS#11: the tries left as a number, and whether
 * the key wants a touch or a PIN for each signature. A part of profiles/ready.h.
 */
#ifndef SIGNET_PROFILES_READY_CARD_H
#define SIGNET_PROFILES_READY_CARD_H

#include "profiles/ready.h"

/* Reads every card that no other program uses; before modules are asked, so that nothing of ours is
 * at a card then. Where PC/SC does not run, or no card is in a reader, there is none, at the cost
 * of some milliseconds. Freed by ready_cards_free. */
void ready_cards_read(struct ready_cards *out, struct cancel *cancel);
void ready_cards_free(struct ready_cards *c);

/* Which card r->token is, or what its module adds to PKCS#11 where it is none; then which key of it
 * r->key is (by public key), and its touch policy. */
void ready_card_match(struct ready *r);
void ready_card_match_key(struct ready *r);

/* The user PIN's counter, by the card or the vendor's module, with a figure; NULL: it tells none.
 */
const struct wire_counter *ready_card_counter(const struct ready *r);

/* One finding each; false where there is nothing to tell. `terminal`: as ready_prepare. After
 * r->request was made. */
bool ready_card_unread(const struct ready *r, struct ready_finding *out);
bool ready_card_tries(const struct ready *r, struct ready_finding *out);
bool ready_card_touch(const struct ready *r, bool terminal, struct ready_finding *out);
bool ready_card_login(const struct ready *r, struct ready_finding *out);

#endif
