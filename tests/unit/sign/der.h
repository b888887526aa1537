/* SPDX-License-Identifier: Apache-2.0 */
/* A plain reader of DER (ITU-T X.690), so that what was made is not judged by what made it.
 * Whatever cannot be read ends the test program. */
#ifndef SIGNET_TESTS_SIGN_DER_H
#define SIGNET_TESTS_SIGN_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct der {
    const uint8_t *start; /* with tag and length */
    const uint8_t *value;
    size_t size, length; /* of all, of the value */
    uint8_t tag;         /* the one byte */
};

enum { DER_INTEGER = 0x02, DER_OCTETS = 0x04, DER_NULL = 0x05, DER_OID = 0x06 };
enum { DER_SEQUENCE = 0x30, DER_SET = 0x31, DER_CONTEXT_0 = 0xa0, DER_CONTEXT_1 = 0xa1 };

struct der der_read(const uint8_t *bytes, size_t length);

/* How many elements it holds, and number `index` of them. */
size_t der_count(struct der of);
struct der der_at(struct der of, size_t index);

/* Element `index`, which must have this tag. */
struct der der_get(struct der of, size_t index, uint8_t tag);

/* Whether it is the object identifier, in dots. */
bool der_is_oid(struct der of, const char *oid);

/* Whether it is an AlgorithmIdentifier of this, with NULL as parameters, or none. */
bool der_is_algorithm(struct der of, const char *oid, bool with_null);

/* Whether the elements stand in the order that DER wants of a SET OF. */
bool der_is_sorted(struct der set);

#endif
