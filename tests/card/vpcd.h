/* SPDX-License-Identifier: Apache-2.0 */
/* The side of a card of the vpcd reader (virtualsmartcard): it connects to the reader by TCP, and
 * is in it while the connection stands. Messages have their length before them, in two bytes. */
#ifndef SIGNET_TESTS_CARD_VPCD_H
#define SIGNET_TESTS_CARD_VPCD_H

#include "base/buffer.h"

struct vpcd_card {
    const uint8_t *atr;
    size_t atr_length;
    void (*reset)(void *card);
    /* Fills in the answer, status word included. False: the card is pulled out. */
    bool (*command)(void *card, const uint8_t *bytes, size_t length, struct buffer *answer);
    void *data;
};

/* Serves until the reader goes, or the card is pulled out. Nonzero: it could not be reached. */
int vpcd_serve(const struct vpcd_card *card, const char *host, const char *port);

#endif
