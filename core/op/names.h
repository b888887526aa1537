/* SPDX-License-Identifier: Apache-2.0 */
/* Names for what PKCS#11 has as numbers (OASIS PKCS#11 2.40 and 3.0). Static storage, but where a
 * buffer is given. */
#ifndef SIGNET_OP_NAMES_H
#define SIGNET_OP_NAMES_H

#include <p11-kit/pkcs11.h>
#include <stddef.h>

struct name_bit {
    CK_FLAGS bit;
    const char *name;
};

/* Every flag of CK_TOKEN_INFO, CK_SLOT_INFO and CK_MECHANISM_INFO. */
extern const struct name_bit name_token_flags[];
extern const size_t name_token_flag_count;
extern const struct name_bit name_slot_flags[];
extern const size_t name_slot_flag_count;
extern const struct name_bit name_mechanism_flags[];
extern const size_t name_mechanism_flag_count;

enum { NAME_SIZE = 40 };

/* "CKM_RSA_PKCS", or "0x80000001". Returns `out`. */
const char *name_mechanism(CK_MECHANISM_TYPE type, char out[NAME_SIZE]);

/* "RSA", "EC", "Ed25519 or Ed448", or the number. Returns `out`. */
const char *name_key_type(CK_KEY_TYPE type, char out[NAME_SIZE]);

/* "private-key", "public-key", "certificate". */
const char *name_class(CK_OBJECT_CLASS class);

#endif
