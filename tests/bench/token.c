/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/token.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: %#lx\n", what, rv);
    exit(1);
}

static CK_SLOT_ID find_slot(CK_FUNCTION_LIST *f, const char *label)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;

    check(f->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;

        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            strncmp((const char *)info.label, label, strlen(label)) == 0)
            return slots[i];
    }
    fprintf(stderr, "no token '%s'\n", label);
    exit(1);
}

void token_open(struct token *t, const char *module, const char *label)
{
    CK_C_INITIALIZE_ARGS threads = {.flags = CKF_OS_LOCKING_OK};
    void *library = dlopen(module, RTLD_NOW);
    CK_C_GetFunctionList get = library == NULL ? NULL : dlsym(library, "C_GetFunctionList");

    check(get == NULL ? CKR_GENERAL_ERROR : get(&t->f), module);
    check(t->f->C_Initialize(&threads), "C_Initialize");
    t->slot = find_slot(t->f, label);
}

CK_SESSION_HANDLE token_session(const struct token *t)
{
    CK_SESSION_HANDLE session;

    check(t->f->C_OpenSession(t->slot, CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    return session;
}

void token_login(const struct token *t, CK_SESSION_HANDLE session)
{
    char *pin = getenv("BENCH_PIN");

    check(pin == NULL ? CKR_PIN_INCORRECT : CKR_OK, "BENCH_PIN");
    check(t->f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
}

struct token_key token_key(const struct token *t, CK_SESSION_HANDLE session, char *label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, strlen(label)}};
    struct token_key key = {0};
    CK_KEY_TYPE type;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};
    CK_ULONG count = 0;

    check(t->f->C_FindObjectsInit(session, match, 2), "C_FindObjectsInit");
    check(t->f->C_FindObjects(session, &key.handle, 1, &count), "C_FindObjects");
    check(t->f->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    check(count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID, "no such key");
    check(t->f->C_GetAttributeValue(session, key.handle, &attribute, 1), "C_GetAttributeValue");
    key.mechanism.mechanism = type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
    return key;
}

CK_ULONG token_sign(const struct token *t, CK_SESSION_HANDLE session, struct token_key *key,
                    const CK_BYTE *digest, CK_BYTE signature[1024])
{
    /* DigestInfo of SHA-256, RFC 8017 section 9.2, note 1 */
    CK_BYTE info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    bool rsa = key->mechanism.mechanism == CKM_RSA_PKCS;
    CK_ULONG length = 1024;

    memcpy(info + 19, digest, 32);
    check(t->f->C_SignInit(session, &key->mechanism, key->handle), "C_SignInit");
    check(t->f->C_Sign(session, rsa ? info : info + 19, rsa ? sizeof info : 32, signature, &length),
          "C_Sign");
    return length;
}

double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
