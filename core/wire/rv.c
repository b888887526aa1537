/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rv.h"

#include <stdio.h>
#include <string.h>

/* value, what a person can do about it ("" where there is nothing general to say), dead session */
static const struct rv {
    CK_RV value;
    const char *name;
    const char *remedy;
    bool dead;
} table[] = {
#define RV(value, remedy)                                                                          \
    {                                                                                              \
        value, #value, remedy, false                                                               \
    }
#define DEAD(value, remedy)                                                                        \
    {                                                                                              \
        value, #value, remedy, true                                                                \
    }
    RV(CKR_OK, ""),
    RV(CKR_CANCEL, "it was cancelled at the reader"),
    RV(CKR_HOST_MEMORY, "the module ran out of memory"),
    RV(CKR_SLOT_ID_INVALID, "the token was moved or its reader is gone; list the tokens again"),
    RV(CKR_GENERAL_ERROR, "the module does not say why; take the token out, put it in, try again"),
    RV(CKR_FUNCTION_FAILED,
       "the module does not say why; take the token out, put it in, try again"),
    RV(CKR_ARGUMENTS_BAD, ""),
    RV(CKR_NO_EVENT, ""),
    RV(CKR_NEED_TO_CREATE_THREADS, ""),
    RV(CKR_CANT_LOCK, ""),
    RV(CKR_ATTRIBUTE_READ_ONLY, ""),
    RV(CKR_ATTRIBUTE_SENSITIVE, ""),
    RV(CKR_ATTRIBUTE_TYPE_INVALID, ""),
    RV(CKR_ATTRIBUTE_VALUE_INVALID, ""),
    RV(CKR_DATA_INVALID, ""),
    RV(CKR_DATA_LEN_RANGE, "the token does not sign digests of this length with this key"),
    RV(CKR_DEVICE_ERROR, "the token has a fault; take it out, put it in, try again"),
    RV(CKR_DEVICE_MEMORY, "the token is full"),
    DEAD(CKR_DEVICE_REMOVED, "the token was taken out"),
    RV(CKR_FUNCTION_CANCELED, "it was cancelled"),
    RV(CKR_FUNCTION_NOT_SUPPORTED, "the token cannot do this"),
    RV(CKR_KEY_HANDLE_INVALID, ""),
    RV(CKR_KEY_SIZE_RANGE, "the token does not sign with keys of this size"),
    RV(CKR_KEY_TYPE_INCONSISTENT, ""),
    RV(CKR_KEY_FUNCTION_NOT_PERMITTED, "this key may not sign"),
    RV(CKR_MECHANISM_INVALID, "the token does not sign in this way"),
    RV(CKR_MECHANISM_PARAM_INVALID, ""),
    RV(CKR_OBJECT_HANDLE_INVALID, ""),
    RV(CKR_OPERATION_ACTIVE, ""),
    RV(CKR_OPERATION_NOT_INITIALIZED, ""),
    RV(CKR_PIN_INCORRECT, "the PIN is wrong"),
    RV(CKR_PIN_INVALID, "the token does not take this PIN; its rules may ask for other characters"),
    RV(CKR_PIN_LEN_RANGE, "the PIN is too short or too long for the token"),
    RV(CKR_PIN_EXPIRED, "the PIN has expired; set a new one with signet change-pin"),
    RV(CKR_PIN_LOCKED, "the PIN is locked; it takes the SO PIN or PUK to unlock it"),
    DEAD(CKR_SESSION_CLOSED, ""),
    RV(CKR_SESSION_COUNT, "the token has no session left; close other programs that use it"),
    DEAD(CKR_SESSION_HANDLE_INVALID, ""),
    RV(CKR_SESSION_PARALLEL_NOT_SUPPORTED, ""),
    RV(CKR_SESSION_READ_ONLY, ""),
    RV(CKR_SESSION_EXISTS, ""),
    RV(CKR_SESSION_READ_ONLY_EXISTS, ""),
    RV(CKR_SESSION_READ_WRITE_SO_EXISTS, ""),
    RV(CKR_TEMPLATE_INCOMPLETE, ""),
    RV(CKR_TEMPLATE_INCONSISTENT, ""),
    DEAD(CKR_TOKEN_NOT_PRESENT, "the token was taken out"),
    DEAD(CKR_TOKEN_NOT_RECOGNIZED, "the module does not know this token"),
    RV(CKR_TOKEN_WRITE_PROTECTED, "the token is write protected"),
    RV(CKR_USER_ALREADY_LOGGED_IN, "the module says that somebody is logged in already"),
    DEAD(CKR_USER_NOT_LOGGED_IN, ""),
    RV(CKR_USER_PIN_NOT_INITIALIZED, "the token has no user PIN yet"),
    RV(CKR_USER_TYPE_INVALID, "the token has no such user"),
    RV(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "another user is logged in"),
    RV(CKR_USER_TOO_MANY_TYPES, ""),
    RV(CKR_BUFFER_TOO_SMALL, ""),
    DEAD(CKR_CRYPTOKI_NOT_INITIALIZED, ""),
    RV(CKR_CRYPTOKI_ALREADY_INITIALIZED, ""),
    RV(CKR_MUTEX_BAD, ""),
    RV(CKR_FUNCTION_REJECTED, "it was refused at the reader"),
#undef RV
#undef DEAD
};

static const struct rv *find(uint64_t rv)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].value == rv)
            return &table[i];
    return NULL;
}

const char *rv_name(uint64_t rv, char out[RV_TEXT_SIZE])
{
    const struct rv *known = find(rv);

    if (known != NULL)
        snprintf(out, RV_TEXT_SIZE, "%s", known->name);
    else
        snprintf(out, RV_TEXT_SIZE, "CKR 0x%08llx", (unsigned long long)rv);
    return out;
}

const char *rv_remedy(uint64_t rv)
{
    const struct rv *known = find(rv);

    return known == NULL ? "" : known->remedy;
}

bool rv_is_dead_session(uint64_t rv)
{
    const struct rv *known = find(rv);

    return known != NULL && known->dead;
}

bool rv_error(struct error *e, const struct wire_status *s)
{
    char name[RV_TEXT_SIZE];
    const char *remedy = rv_remedy(s->rv);

    if (strcmp(s->function, "dlopen") == 0)
        error_set(e, ERROR_MISSING, "%s", s->text);
    else if (strncmp(s->function, "SCard", 5) == 0)
        error_set(e,
                  strcmp(s->function, "SCardEstablishContext") == 0 ? ERROR_MISSING : ERROR_TOKEN,
                  "%s", s->text);
    else
        error_set(e, ERROR_TOKEN, "%s%s%s%s%s%s%s", s->function, s->function[0] != '\0' ? ": " : "",
                  rv_name(s->rv, name), s->text[0] != '\0' ? ": " : "", s->text,
                  remedy[0] != '\0' ? ": " : "", remedy);
    if (e != NULL)
        e->detail = s->rv;
    return false;
}
