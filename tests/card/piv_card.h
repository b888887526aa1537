/* SPDX-License-Identifier: Apache-2.0 */
/* A PIV card (NIST SP 800-73-4) and, with a version, a YubiKey, made of OpenSSL and files. */
#ifndef SIGNET_TESTS_CARD_PIV_CARD_H
#define SIGNET_TESTS_CARD_PIV_CARD_H

#include "base/buffer.h"

/* A command without chaining: what its data is. */
struct command {
    uint8_t ins, p1, p2;
    const uint8_t *data;
    size_t length;
};

/* The PINs that were right since the last reset of the card. */
struct session {
    bool selected, verified, once; /* once: no signature since the PIN */
    bool manager;                  /* the management key was right */
    uint32_t challenge_tag;        /* what the other side must send it back in */
    uint8_t challenge[16];
    size_t challenge_length;
};

/* Appends the answer; returns the status word. */
uint16_t piv_command(struct session *s, const struct command *c, struct buffer *answer);

/* Keys: GENERAL AUTHENTICATE, GENERATE, and what a YubiKey tells of them. */
uint16_t key_authenticate(struct session *s, const struct command *c, struct buffer *answer);
uint16_t key_generate(struct session *s, const struct command *c, struct buffer *answer);
uint16_t key_metadata(const struct command *c, struct buffer *answer);
uint16_t key_attest(const struct command *c, struct buffer *answer);

#endif
