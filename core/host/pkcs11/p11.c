/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/p11.h"

#include <libp11.h>
#include <openssl/err.h>
#include <stdlib.h>

struct p11 {
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots;
    unsigned count;
    EVP_PKEY *key;
};

static PKCS11_SLOT *slot_of(struct p11 *p, CK_SLOT_ID id)
{
    for (unsigned i = 0; i < p->count; i++)
        if (PKCS11_get_slotid_from_slot(&p->slots[i]) == id && p->slots[i].token != NULL)
            return &p->slots[i];
    return NULL;
}

/* libp11 knows its keys by CKA_ID; two keys may share one, so the public key decides. */
static EVP_PKEY *key_of(PKCS11_TOKEN *token, EVP_PKEY *public_key, const char **why)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    if (PKCS11_enumerate_keys(token, &keys, &count) != 0) {
        *why = "libp11 cannot read the keys of this token";
        return NULL;
    }
    *why = "libp11 does not find the key";
    for (unsigned i = 0; i < count; i++) {
        EVP_PKEY *key = PKCS11_get_private_key(&keys[i]);

        if (key != NULL && EVP_PKEY_eq(key, public_key) == 1)
            return key;
        EVP_PKEY_free(key);
    }
    return NULL;
}

/* Nothing of libp11 is ever released: that would finalise the module, or log out, under the raw
 * sessions. The process ends instead. */
struct p11 *p11_open(const char *path, CK_SLOT_ID slot, EVP_PKEY *public_key, const char **why)
{
    struct p11 *p = calloc(1, sizeof *p);
    PKCS11_SLOT *found;

    *why = "libp11 cannot use this module";
    if (p == NULL)
        return NULL;
    p->ctx = PKCS11_CTX_new();
    if (p->ctx != NULL && PKCS11_CTX_load(p->ctx, path) == 0 &&
        PKCS11_enumerate_slots(p->ctx, &p->slots, &p->count) == 0) {
        found = slot_of(p, slot);
        if (found != NULL)
            p->key = key_of(found->token, public_key, why);
    }
    ERR_clear_error();
    if (p->key != NULL)
        return p;
    free(p);
    return NULL;
}

EVP_PKEY *p11_key(struct p11 *p)
{
    return p->key;
}
