/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private key as an EVP_PKEY, by libp11. It finds the keys of a session that is logged in
 * already and never sees a PIN. Everything else that libp11 offers goes through the raw function
 * list, because of the traps of 0.4.12.
 */
#ifndef SIGNET_HOST_PKCS11_P11_H
#define SIGNET_HOST_PKCS11_P11_H

#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>

struct p11;

/* The key whose public half is `public_key` on the token in `slot` of the module at `path`, which
 * is initialised and logged in. NULL when libp11 cannot give it; *why (static) says what stood in
 * the way. */
struct p11 *p11_open(const char *path, CK_SLOT_ID slot, EVP_PKEY *public_key, const char **why);

/* Owned by `p`. */
EVP_PKEY *p11_key(struct p11 *p);

#endif
