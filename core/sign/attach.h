/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a signature that was made elsewhere, or was taken out before, into its file. */
#ifndef SIGNET_SIGN_ATTACH_H
#define SIGNET_SIGN_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "sign/sign.h"

/* MsiDigitalSignatureEx in an MSI package: it enters the digest. */
enum attach_ex { ATTACH_EX_FIND, ATTACH_EX_NO, ATTACH_EX_YES }; /* FIND: reads the file once more */

struct attach_spec {
    const struct buffer *signature; /* DER of a ContentInfo, perhaps with more nested in it */
    enum sign_existing existing;
    enum attach_ex signature_ex;
};

enum attach_state {
    ATTACH_DONE,
    ATTACH_KEPT, /* nothing to write: the file carries signatures already, all of which hold, and
                    they are to be kept, or this one is to be appended and is among them */
};

struct attach_result {
    enum attach_state state;
    char *signer;  /* of the signature; ATTACH_KEPT: of the first in the file. Freed with free() */
    uint64_t size; /* bytes of the input */
};

/* Reads `input` once and writes it with the signature into `output` (empty, open for reading and
 * writing), as sign_begin and sign_finish do. The signature must hold, and must be of this file:
 * the digest that it carries is compared with that of the bytes that are written. ERROR_FORMAT: the
 * signature, or the file, is not what it should be; ERROR_SIGNATURE: the signature is of another
 * file, or does not hold, or one in the file does not; and those of sign_begin. */
bool attach_signature(int input, const char *name, int output, const struct attach_spec *spec,
                      struct attach_result *result, struct cancel *cancel, struct error *e);

#endif
