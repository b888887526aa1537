/* SPDX-License-Identifier: Apache-2.0 */
/* usage: many_objects MODULE LABEL PIN COUNT    puts COUNT public keys onto a token, all different:
 * what no tool does in one login. The PIN is a test PIN. */
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SLOTS = 16, MODULUS = 256 };

static bool find_slot(CK_FUNCTION_LIST *f, const char *label, CK_SLOT_ID *out)
{
    CK_SLOT_ID ids[MOST_SLOTS];
    CK_ULONG count = MOST_SLOTS;

    if (f->C_GetSlotList(CK_TRUE, ids, &count) != CKR_OK)
        return false;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;

        if (f->C_GetTokenInfo(ids[i], &info) == CKR_OK &&
            memcmp(info.label, label, strlen(label)) == 0) {
            *out = ids[i];
            return true;
        }
    }
    return false;
}

static bool make_key(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, int number)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_RSA;
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE made;
    CK_BYTE modulus[MODULUS], exponent[] = {1, 0, 1}, id[4];
    char label[32];
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, label, (CK_ULONG)snprintf(label, sizeof label, "public %d", number)},
        {CKA_ID, id, sizeof id},
        {CKA_MODULUS, modulus, sizeof modulus},
        {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent},
    };

    /* A number of the right size is enough: nothing is ever checked with it. */
    for (size_t i = 0; i < sizeof modulus; i++)
        modulus[i] = (CK_BYTE)(random() | (i == 0 ? 0x80 : 0) | (i == MODULUS - 1));
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (CK_BYTE)(number >> (24 - 8 * i));
    return f->C_CreateObject(session, attributes, sizeof attributes / sizeof *attributes, &made) ==
           CKR_OK;
}

int main(int argc, char **argv)
{
    void *module = argc == 5 ? dlopen(argv[1], RTLD_NOW) : NULL;
    CK_C_GetFunctionList list =
        module == NULL ? NULL : (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slot;

    if (list == NULL || list(&f) != CKR_OK || f->C_Initialize(NULL) != CKR_OK ||
        !find_slot(f, argv[2], &slot) ||
        f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session) !=
            CKR_OK ||
        f->C_Login(session, CKU_USER, (CK_UTF8CHAR *)argv[3], strlen(argv[3])) != CKR_OK) {
        fprintf(stderr, "many_objects: cannot use the token\n");
        return 1;
    }
    for (int i = 0; i < atoi(argv[4]); i++)
        if (!make_key(f, session, i)) {
            fprintf(stderr, "many_objects: cannot make object %d\n", i);
            return 1;
        }
    return f->C_Finalize(NULL) != CKR_OK;
}
