/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signature of a PE image says about it beside the digest: an
 * SpcAttributeTypeAndOptionalValue with SpcPeImageData (Windows Authenticode Portable Executable
 * Signature Format 1.0), which may hold page hashes (sign/pe_pages.h) as an SpcSerializedObject.
 */
#ifndef SIGNET_SIGN_PE_DATA_H
#define SIGNET_SIGN_PE_DATA_H

#include "base/buffer.h"
#include "sign/pe/pe_pages.h"

/* Appends its DER as signtool writes it: no flags, and the SHA-256 page hashes of `list`; with an
 * empty list an empty file name instead. */
bool pe_data_put(const uint8_t *list, size_t length, struct buffer *der, struct error *e);

enum pe_data_pages { PE_DATA_NONE, PE_DATA_PAGES, PE_DATA_BROKEN };

/* The page hashes in it (whole DER); `list` points into `data`. PE_DATA_BROKEN: it says that it
 * holds some, but they cannot be read, or are of an unknown kind. */
enum pe_data_pages pe_data_get(const uint8_t *data, size_t length, enum pe_pages_kind *kind,
                               const uint8_t **list, size_t *list_length);

#endif
