/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS#11 module that forwards to another one and misbehaves on request, for what no soft token
 * can do. Its environment:
 *
 *   SHIM_MODULE  the module behind it (SoftHSM)
 *   SHIM_CALL    the call that misbehaves, such as C_Sign
 *   SHIM_ACTION  abort, hang, delay (ten seconds), delay:MS (milliseconds), lie, half, open, three,
 * or a return value in hex, such as 0x30
 *   SHIM_AFTER   so many calls are good before that (0)
 *   SHIM_ONCE    a file: misbehave only while it is not there, and make it
 *   SHIM_UNTIL   a file: misbehave only while it is not there
 *   SHIM_ALSO    a second call that fails, and with what: C_DestroyObject=0x30
 *   SHIM_GONE    a call: once it is done, the token is pulled out
 *   SHIM_FLAGS   bits in hex, added to the token's flags
 *   SHIM_PINPAD  a test PIN that is typed at the reader, after a second; the token then says that
 * it has a protected authentication path. C_SetPIN types it with a 9 after it as the new one
 *   SHIM_LOG     a file: one line for each call that is entered
 *
 * and those of safenet.h.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "safenet.h"

enum { DELAY_MS = 10000, LIE = 1000000 };

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    return value == NULL ? "" : value;
}

static void note(const char *call)
{
    int fd = open(setting("SHIM_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    dprintf(fd, "%s\n", call);
    close(fd);
}

static void wait_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

/* True while this call is to misbehave. */
static bool chosen(const char *call)
{
    static int calls;
    const char *once = setting("SHIM_ONCE"), *until = setting("SHIM_UNTIL");
    int fd;

    if (strcmp(setting("SHIM_CALL"), call) != 0 || calls++ < atoi(setting("SHIM_AFTER")))
        return false;
    if (*until != '\0' && access(until, F_OK) == 0)
        return false;
    if (*once == '\0')
        return true;
    fd = open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* The token was pulled out. */
static bool gone;

static void after(const char *call, CK_RV rv)
{
    gone = gone || (rv == CKR_OK && strcmp(setting("SHIM_GONE"), call) == 0);
}

static CK_RV also(const char *call)
{
    const char *text = setting("SHIM_ALSO");
    size_t length = strlen(call);

    return strncmp(text, call, length) == 0 && text[length] == '='
               ? strtoul(text + length + 1, NULL, 16)
               : CKR_OK;
}

/* CKR_OK: go on to the real call. */
static CK_RV before(const char *call, bool *lie)
{
    const char *action = setting("SHIM_ACTION");

    *lie = false;
    note(call);
    if (gone)
        return CKR_DEVICE_REMOVED;
    if (!chosen(call))
        return also(call);
    if (strcmp(action, "abort") == 0)
        abort();
    while (strcmp(action, "hang") == 0)
        pause();
    if (strncmp(action, "delay", 5) == 0)
        wait_ms(action[5] == ':' ? atol(action + 6) : DELAY_MS);
    *lie = strcmp(action, "lie") == 0;
    return strncmp(action, "0x", 2) == 0 ? strtoul(action, NULL, 16) : CKR_OK;
}

/* name, parameters, arguments; what a liar says, with `rv` the real answer */
#define CALLS(X)                                                                                   \
    X(C_Initialize, (void *args), (args), )                                                        \
    X(C_Finalize, (void *reserved), (reserved), )                                                  \
    X(C_GetInfo, (CK_INFO * info), (info), )                                                       \
    X(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID * slots, CK_ULONG * count),                     \
      (present, slots, count), *count = LIE)                                                       \
    X(C_GetSlotInfo, (CK_SLOT_ID id, CK_SLOT_INFO * info), (id, info), )                           \
    X(C_GetMechanismList, (CK_SLOT_ID id, CK_MECHANISM_TYPE * types, CK_ULONG * count),            \
      (id, types, count), *count = LIE)                                                            \
    X(C_OpenSession,                                                                               \
      (CK_SLOT_ID id, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session),   \
      (id, flags, data, notify, session), )                                                        \
    X(C_CloseSession, (CK_SESSION_HANDLE session), (session), )                                    \
    X(C_Logout, (CK_SESSION_HANDLE session), (session), )                                          \
    X(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE * match, CK_ULONG count),        \
      (session, match, count), )                                                                   \
    X(C_FindObjects,                                                                               \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE * objects, CK_ULONG room, CK_ULONG * count),    \
      (session, objects, room, count), *count = LIE)                                               \
    X(C_FindObjectsFinal, (CK_SESSION_HANDLE session), (session), )                                \
    X(C_GetAttributeValue,                                                                         \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE * list_, CK_ULONG count),  \
      (session, object, list_, count), list_[0].ulValueLen = (CK_ULONG)LIE * LIE)                  \
    X(C_CreateObject,                                                                              \
      (CK_SESSION_HANDLE session, CK_ATTRIBUTE * list_, CK_ULONG count,                            \
       CK_OBJECT_HANDLE * object),                                                                 \
      (session, list_, count, object), )                                                           \
    X(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (session, object), )  \
    X(C_SetAttributeValue,                                                                         \
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE * list_, CK_ULONG count),  \
      (session, object, list_, count), )                                                           \
    X(C_InitToken, (CK_SLOT_ID id, CK_UTF8CHAR * pin, CK_ULONG length, CK_UTF8CHAR * label),       \
      (id, pin, length, label), )                                                                  \
    X(C_InitPIN, (CK_SESSION_HANDLE session, CK_UTF8CHAR * pin, CK_ULONG length),                  \
      (session, pin, length), )                                                                    \
    X(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM * mechanism, CK_OBJECT_HANDLE key),     \
      (session, mechanism, key), )                                                                 \
    X(C_Sign,                                                                                      \
      (CK_SESSION_HANDLE session, CK_BYTE * data, CK_ULONG length, CK_BYTE * signature,            \
       CK_ULONG * signature_length),                                                               \
      (session, data, length, signature, signature_length), *signature_length = LIE)

#define X(name, parameters, arguments, says)                                                       \
    static CK_RV shim_##name parameters                                                            \
    {                                                                                              \
        bool lie;                                                                                  \
        CK_RV rv = before(#name, &lie);                                                            \
                                                                                                   \
        if (rv == CKR_OK)                                                                          \
            rv = real->name arguments;                                                             \
        after(#name, rv);                                                                          \
        if (lie) {                                                                                 \
            says;                                                                                  \
        }                                                                                          \
        return rv;                                                                                 \
    }
CALLS(X)
#undef X

/* The lie of C_GenerateKeyPair is a key that can leave the token; "half" is a token that is full
 * once the public half is written; "open" makes one that wants no login, "three" one with 3 as its
 * public exponent. */
static void change(CK_ATTRIBUTE *list_, CK_ULONG count, CK_ATTRIBUTE_TYPE type, void *value,
                   CK_ULONG length)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (list_[i].type == type)
            list_[i] = (CK_ATTRIBUTE){type, value, length};
}

static CK_RV shim_C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                                    CK_ATTRIBUTE *public_half, CK_ULONG public_count,
                                    CK_ATTRIBUTE *private_half, CK_ULONG private_count,
                                    CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    static CK_BYTE three[] = {3};
    bool lie;
    CK_RV rv = before("C_GenerateKeyPair", &lie);

    if (lie)
        change(private_half, private_count, CKA_EXTRACTABLE, &yes, sizeof yes);
    if (strcmp(setting("SHIM_ACTION"), "open") == 0)
        change(private_half, private_count, CKA_PRIVATE, &no, sizeof no);
    if (strcmp(setting("SHIM_ACTION"), "three") == 0)
        change(public_half, public_count, CKA_PUBLIC_EXPONENT, three, sizeof three);
    if (rv == CKR_OK)
        rv = real->C_GenerateKeyPair(session, mechanism, public_half, public_count, private_half,
                                     private_count, public_key, private_key);
    after("C_GenerateKeyPair", rv);
    if (rv == CKR_OK && strcmp(setting("SHIM_ACTION"), "half") == 0) {
        real->C_DestroyObject(session, *private_key);
        rv = CKR_DEVICE_MEMORY;
    }
    return rv;
}

/* The fingers at the reader. */
static CK_RV shim_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin,
                          CK_ULONG length)
{
    const char *typed = setting("SHIM_PINPAD");
    bool lie;
    CK_RV rv = before("C_Login", &lie);

    if (rv != CKR_OK)
        return rv;
    if (*typed == '\0')
        return real->C_Login(session, user, pin, length);
    if (pin != NULL)
        return CKR_ARGUMENTS_BAD;
    sleep(1);
    return real->C_Login(session, user, (CK_UTF8CHAR *)typed, strlen(typed));
}

static CK_RV shim_C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *old, CK_ULONG old_length,
                           CK_UTF8CHAR *fresh, CK_ULONG fresh_length)
{
    const char *typed = setting("SHIM_PINPAD");
    char longer[64];
    bool lie;
    CK_RV rv = before("C_SetPIN", &lie);

    if (rv != CKR_OK)
        return rv;
    if (*typed == '\0')
        return real->C_SetPIN(session, old, old_length, fresh, fresh_length);
    if (old != NULL || fresh != NULL)
        return CKR_ARGUMENTS_BAD;
    sleep(1);
    snprintf(longer, sizeof longer, "%s9", typed);
    return real->C_SetPIN(session, (CK_UTF8CHAR *)typed, strlen(typed), (CK_UTF8CHAR *)longer,
                          strlen(longer));
}

/* The lie of C_GetTokenInfo is a token that is being written: no label, no user PIN. */
static CK_RV shim_C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    bool lie;
    CK_RV rv = before("C_GetTokenInfo", &lie);

    if (rv == CKR_OK)
        rv = real->C_GetTokenInfo(id, info);
    if (rv == CKR_OK)
        info->flags |= strtoul(setting("SHIM_FLAGS"), NULL, 16);
    if (rv == CKR_OK && *setting("SHIM_PINPAD") != '\0')
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    if (rv == CKR_OK && lie) {
        memset(info->label, ' ', sizeof info->label);
        info->flags &= ~(CK_FLAGS)CKF_USER_PIN_INITIALIZED;
    }
    return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out);

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
    const char *path = getenv("SHIM_MODULE");
    void *module = dlopen(path == NULL ? "/usr/lib/softhsm/libsofthsm2.so" : path, RTLD_NOW);
    CK_C_GetFunctionList get =
        module == NULL ? NULL : (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");

    if (get == NULL || get(&real) != CKR_OK)
        return CKR_GENERAL_ERROR;
    real = safenet_before(real);
    list = *real;
#define X(name, parameters, arguments, says) list.name = shim_##name;
    CALLS(X)
#undef X
    list.C_GetTokenInfo = shim_C_GetTokenInfo;
    list.C_GenerateKeyPair = shim_C_GenerateKeyPair;
    list.C_Login = shim_C_Login;
    list.C_SetPIN = shim_C_SetPIN;
    *out = &list;
    return CKR_OK;
}
