/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A card that is connected, in a transaction of ours, and commands to it (ISO 7816-4). What the
 * bytes travel over is behind `link`: PC/SC (pcsc.h), or in tests a written record.
 */
#ifndef SIGNET_HOST_CARD_CARD_H
#define SIGNET_HOST_CARD_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "wire/message.h"

enum {
    CARD_ATR_MAX = 33,
    CARD_ANSWER_MAX = 65536, /* bytes of one answer, all its parts together */
};

/* Status words (ISO 7816-4, section 5.1.3). */
enum {
    SW_OK = 0x9000,
    SW_BLOCKED = 0x6983,        /* authentication method blocked */
    SW_NOT_ALLOWED = 0x6982,    /* security status not satisfied */
    SW_NOT_USABLE = 0x6984,     /* reference data not usable */
    SW_NOT_SATISFIED = 0x6985,  /* conditions of use not satisfied */
    SW_NOT_FOUND = 0x6a82,      /* file or application */
    SW_DATA_NOT_FOUND = 0x6a88, /* referenced data */
};

struct card {
    /* One command and its answer, status word included. False with `s` set: the card is gone. */
    bool (*exchange)(void *link, const uint8_t *command, size_t length, struct buffer *answer,
                     struct wire_status *s);
    void *link;
    bool t0; /* it speaks T=0, which has no room for Le behind data (ISO 7816-3, section 12.2) */
    uint8_t atr[CARD_ATR_MAX];
    size_t atr_length;
};

struct apdu {
    uint8_t cla, ins, p1, p2;
    const void *data;
    size_t length;    /* up to 65535: what does not fit in a short command is chained */
    bool answers;     /* data is expected: Le is sent. False: the short form without it */
    uint8_t expected; /* Le; 0: as much as there is */
    bool once;        /* it may spend a try: not sent again for a better Le (6Cxx) */
};

/* Sends a command and collects its whole answer (61xx, 6Cxx) into `answer`, which is emptied first
 * and may be NULL. *sw is the last status word. False, with `s` set, only where the card could not
 * be talked to, or answered nonsense; a status word that says no is for the caller. */
bool card_send(struct card *c, const struct apdu *a, struct buffer *answer, uint16_t *sw,
               struct wire_status *s);

/* SELECT by application identifier; true when the card has it. Its answer is left in `answer`. */
bool card_select(struct card *c, const void *aid, size_t length, struct buffer *answer,
                 struct wire_status *s);

/* Tries left in an answer to VERIFY: 63Cx, 6983 and 63C0 (none). False: it says nothing of them. */
bool card_tries(uint16_t sw, uint8_t *left);

/* "6A82: file or application not found", into `out`. Always false, with `s` set. */
bool card_refused(const char *what, uint16_t sw, struct wire_status *s);

#endif
