/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver tells of a card, as lines of text that a record can hold (records/README.md). */
#ifndef SIGNET_TESTS_UNIT_CARD_DESCRIBE_H
#define SIGNET_TESTS_UNIT_CARD_DESCRIBE_H

#include "wire/card.h"

void describe_application(const struct wire_application *a, struct buffer *out);
void describe_card(const struct wire_card *c, struct buffer *out);
void describe_unblock(bool done, const struct wire_status *s, struct buffer *out);
void describe_attestation(const struct wire_attestation *a, struct buffer *out);

#endif
