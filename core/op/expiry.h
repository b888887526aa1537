/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be said of the certificates of a token before they expire. */
#ifndef SIGNET_OP_EXPIRY_H
#define SIGNET_OP_EXPIRY_H

#include <jansson.h>

#include "base/buffer.h"
#include "wire/message.h"

/* An array: name, sha256, days-left and text of each code-signing certificate that expires soon, is
 * expired or not valid yet, but for those that a later one of the same subject or key continues. */
json_t *op_expiry_warnings(const struct wire_objects *all);

/* A line for each. */
void op_text_expiry(const json_t *warnings, struct buffer *out);

#endif
