/* SPDX-License-Identifier: Apache-2.0 */
/* Taking signatures out of a file as they stand in it, and reading one that stands in a file of its
 * own. */
#ifndef SIGNET_SIGN_EXTRACT_H
#define SIGNET_SIGN_EXTRACT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "sign/format.h"

/* The ContentInfo in DER of signature number `index` of `input`: from 0, each before those nested
 * in it, as in sign/signatures.h. Empty when there are not so many. Whether it holds is not asked.
 * ERROR_FORMAT, ERROR_UNSUPPORTED. */
bool extract_signature(int input, const char *name, unsigned index, struct buffer *der,
                       struct error *e);

/* A file with one signature, in DER, or in PEM as PKCS7 or CMS (RFC 7468 sections 8 and 9); `der`
 * gets its DER. ERROR_FORMAT; ERROR_SYSTEM. */
bool extract_read_file(const char *path, struct buffer *der, struct error *e);

/* Appends it in PEM, as PKCS7. */
bool extract_pem(const struct buffer *der, struct buffer *pem, struct error *e);

#endif
