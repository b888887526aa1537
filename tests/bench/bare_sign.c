/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference: one session, and nothing but C_SignInit and C_Sign in a loop.
 * usage: bare_sign MODULE TOKEN-LABEL KEY-LABEL COUNT      the PIN is in BENCH_PIN; prints seconds
 */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static CK_FUNCTION_LIST *f;

static void check(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: %#lx\n", what, rv);
    exit(1);
}

static CK_SLOT_ID find_slot(const char *label)
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

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session, char *label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, label, strlen(label)}};
    CK_OBJECT_HANDLE key;
    CK_ULONG count = 0;

    check(f->C_FindObjectsInit(session, match, 2), "C_FindObjectsInit");
    check(f->C_FindObjects(session, &key, 1, &count), "C_FindObjects");
    check(f->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    check(count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID, "no such key");
    return key;
}

static CK_MECHANISM_TYPE mechanism_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_KEY_TYPE type;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof type};

    check(f->C_GetAttributeValue(session, key, &attribute, 1), "C_GetAttributeValue");
    return type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    void *module = argc == 5 ? dlopen(argv[1], RTLD_NOW) : NULL;
    CK_C_GetFunctionList get = module == NULL ? NULL : dlsym(module, "C_GetFunctionList");
    char *pin = getenv("BENCH_PIN");
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_MECHANISM mechanism = {0};
    CK_BYTE data[51] = {0x30}, signature[1024];
    double start;

    if (get == NULL || pin == NULL)
        return 2;
    check(get(&f), "C_GetFunctionList");
    check(f->C_Initialize(NULL), "C_Initialize");
    check(f->C_OpenSession(find_slot(argv[2]), CKF_SERIAL_SESSION, NULL, NULL, &session),
          "C_OpenSession");
    check(f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
    key = find_key(session, argv[3]);
    mechanism.mechanism = mechanism_of(session, key);
    start = now();
    for (int i = 0; i < atoi(argv[4]); i++) {
        CK_ULONG length = sizeof signature;

        check(f->C_SignInit(session, &mechanism, key), "C_SignInit");
        check(f->C_Sign(session, data, mechanism.mechanism == CKM_ECDSA ? 32 : sizeof data,
                        signature, &length),
              "C_Sign");
    }
    printf("%.6f\n", now() - start);
    return 0;
}
