/* SPDX-License-Identifier: Apache-2.0 */
/* The token of the reference programs: raw PKCS#11, and nothing that Signet is made of. The PIN is
 * in BENCH_PIN. Whatever fails ends the program with its name. */
#ifndef SIGNET_TESTS_BENCH_TOKEN_H
#define SIGNET_TESTS_BENCH_TOKEN_H

#include <p11-kit/pkcs11.h>

struct token {
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
};

/* Loads the module, for threads, and finds the token by its label. */
void token_open(struct token *t, const char *module, const char *label);

/* The first session that is opened logs in. */
CK_SESSION_HANDLE token_session(const struct token *t);
void token_login(const struct token *t, CK_SESSION_HANDLE session);

struct token_key {
    CK_OBJECT_HANDLE handle;
    CK_MECHANISM mechanism; /* CKM_ECDSA or CKM_RSA_PKCS */
};

struct token_key token_key(const struct token *t, CK_SESSION_HANDLE session, char *label);

/* One signature over a SHA-256 digest of 32 bytes. Returns its length. */
CK_ULONG token_sign(const struct token *t, CK_SESSION_HANDLE session, struct token_key *key,
                    const CK_BYTE *digest, CK_BYTE signature[1024]);

/* Seconds of a clock that does not jump. */
double now(void);

#endif
