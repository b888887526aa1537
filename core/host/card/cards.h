/* SPDX-License-Identifier: Apache-2.0 */
/* The requests that the PC/SC host answers (wire/card.h). Any thread; each lane has a PC/SC context
 * of its own. */
#ifndef SIGNET_HOST_CARD_CARDS_H
#define SIGNET_HOST_CARD_CARDS_H

#include "wire/card.h"

bool cards_readers(unsigned lane, struct wire_readers *out, struct wire_status *s);

/* Waits for a change from what is known, some seconds at most. */
bool cards_wait(unsigned lane, const struct wire_readers *known, struct wire_readers *out,
                struct wire_status *s);

/* The card in `reader`. One that another program has connected to is not asked: selecting an
 * application could end that program's login. `counters_alone` leaves out containers and keys. */
bool cards_read(unsigned lane, const char *reader, bool counters_alone, struct wire_card *out,
                struct wire_status *s);

bool cards_unblock(unsigned lane, const struct wire_unblock *u, struct wire_status *s);
bool cards_attest(unsigned lane, const char *reader, uint8_t slot, struct wire_attestation *out,
                  struct wire_status *s);

/* With the management key, which is proved first: s->attempted once the card was asked, s->accepted
 * when it took the key. */
bool cards_generate(unsigned lane, const struct wire_generate *g, struct buffer *spki,
                    struct wire_status *s);
bool cards_store(unsigned lane, const struct wire_store *t, struct wire_status *s);

#endif
