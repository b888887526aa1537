/* SPDX-License-Identifier: Apache-2.0 */
/* A document of all devices that are meant: what each verb tells of them stands under a key of its
 * own. */
#ifndef SIGNET_OP_DEVICES_H
#define SIGNET_OP_DEVICES_H

#include "op/seen.h"

struct devices {
    const char *kind; /* of the document */
    const char *rows; /* key of what the verb tells */
    bool objects;     /* those of the tokens are needed */
    /* An array each; of a card that no module shows. */
    json_t *(*of_token)(const struct seen *s, const struct seen_token *t);
    json_t *(*of_card)(const struct wire_card *card);
    /* NULL, or why a card has no rows, "" where there is nothing to say. */
    const char *(*none)(const struct wire_card *card);
};

/* Looks at what argument TOKEN means, or at all there is, and emits the document. */
bool op_devices(const struct op_args *a, struct op_ctx *ctx, const struct devices *d,
                struct error *e);

/* The record of a card that no module shows, as it stands in the document. */
json_t *op_device_card(const struct devices *d, const struct wire_card *card);

/* Appends the rows of one device, which stand below its title. */
typedef void device_text(const json_t *device, unsigned width, struct buffer *out);

/* The document as text for `width` columns. */
void op_text_devices(const json_t *document, device_text *rows, unsigned width, struct buffer *out);

#endif
