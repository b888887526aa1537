/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `remove` needs to give back every bit of the original (`note` in sign/format.h), as an
 * unsigned attribute of the first signature: an OCTET STRING of the format's own. Its OID is one of
 * those that anybody may make of a UUID (ITU-T X.667 section 7); who does not know it skips it.
 */
#ifndef SIGNET_SIGN_NOTE_H
#define SIGNET_SIGN_NOTE_H

#include "sign/authenticode.h"

#define NOTE_OID "2.25.183075887793565970913909492079172271248"

/* Appends `signature` with this note, and no other; an empty note: with none. Errors: as those of
 * unsigned_add (sign/unsigned.h). */
bool note_add(const struct buffer *signature, const struct buffer *note, struct buffer *out,
              struct error *e);

/* The note of a signature (DER of a ContentInfo); empty: none, or it cannot be read. ERROR_MEMORY.
 */
bool note_get(const struct buffer *signature, struct buffer *note, struct error *e);

#endif
