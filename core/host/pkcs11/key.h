/* SPDX-License-Identifier: Apache-2.0 */
/* A private key, opened once and signed with many times. */
#ifndef SIGNET_HOST_PKCS11_KEY_H
#define SIGNET_HOST_PKCS11_KEY_H

#include "base/buffer.h"
#include "host/pkcs11/module.h"
#include "host/pkcs11/p11.h"

struct host_key {
    struct module *module;
    CK_SLOT_ID slot;
    CK_OBJECT_HANDLE handle;
    CK_SESSION_HANDLE *session; /* one for each lane */
    uint32_t lanes;
    bool rsa;
    struct p11 *p11; /* NULL: plain C_Sign */
    bool always_authenticate;
};

/* Finds the private key whose public half is want->spki, opens its sessions, and chooses how to
 * sign; `path` says how and why. */
bool key_find(struct module *m, const struct wire_open_key *want, struct host_key *out, char *path,
              size_t path_size, struct wire_status *s);

/* One C_Sign on the session of `lane`. Appends: RSASSA-PKCS1-v1_5 as it is, ECDSA as DER. With
 * `login`, C_Login as CKU_CONTEXT_SPECIFIC between C_SignInit and C_Sign. */
bool key_signature(struct host_key *k, unsigned lane, const struct wire_sign *what, bool login,
                   struct buffer *out, struct wire_status *s);

void key_close(struct host_key *k);

#endif
