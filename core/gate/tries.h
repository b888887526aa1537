/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the tries of one secret: the figure that a card or its vendor's module tells,
 * else the flags of PKCS#11 (2.40, section 3.2, CK_TOKEN_INFO).
 */
#ifndef SIGNET_GATE_TRIES_H
#define SIGNET_GATE_TRIES_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "wire/card.h"

enum { TRIES_TEXT = 160 };

struct tries {
    int left; /* WIRE_UNKNOWN: only the flags speak */
    int most; /* with `left`: the most there can be, as far as it is known */
    bool low, final, locked;
    char text[TRIES_TEXT]; /* "2 of 3 tries left (card, GET METADATA)" */
};

/* Judges `figure` (NULL, or without a figure in it: the flags). Where the card does not tell its
 * maximum, the most that was ever seen at `device` stands for it (guard_most), and what cards of
 * its family come with. That tries were lost is remembered, and holds while there is no figure. */
void tries_judge(const char *device, enum wire_pin role, CK_FLAGS flags,
                 const struct wire_counter *figure, struct tries *out);

/* What the secret is in the audit log and in the guard's files: "user", "so", "puk". */
const char *tries_role_word(enum wire_pin role);

/* ... and for people: "PIN", "SO PIN", "PUK". */
const char *tries_role_name(enum wire_pin role);

#endif
