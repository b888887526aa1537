/* SPDX-License-Identifier: Apache-2.0 */
#include "safenet.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 64, MOST_NAME = 2 << 20 };
#define SHADOW_CLASS 0x80005001UL
#define TOKEN_FEATURE 0x80005002UL
#define CONTAINER 0x80001301UL
#define SIGNATURE_KEY 0x80001302UL
#define FEATURE_HANDLE 0x40000000UL
#define SHADOW_HANDLE 0x20000000UL /* added to that of the public key */

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST list;

/* The search that is open, when it is one of ours. */
static struct {
    bool open;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE found[MOST_KEYS];
    CK_ULONG count, at;
} search;

/* Whether the script has the figure of an attribute, and which. */
static bool figure(CK_ATTRIBUTE_TYPE type, uint8_t *out)
{
    static const CK_ATTRIBUTE_TYPE types[3][2] = {
        {0x80001110, 0x80001112}, {0x80001111, 0x80001113}, {0x80001154, 0x80001155}};
    char words[3][32] = {"-", "-", "-"};
    unsigned value[2];

    sscanf(getenv("SHIM_SAFENET"), "%31s %31s %31s", words[0], words[1], words[2]);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 2; k++)
            if (types[i][k] == type && sscanf(words[i], "%u/%u", &value[0], &value[1]) == 2) {
                *out = (uint8_t)value[k];
                return true;
            }
    return false;
}

/* The file of a key's id in the folder; NULL for none. */
static FILE *key_file(const uint8_t *id, CK_ULONG length, const char *suffix)
{
    const char *folder = getenv("SHIM_CONTAINERS");
    char path[512];
    int end = snprintf(path, sizeof path, "%s/", folder == NULL ? "" : folder);

    for (CK_ULONG i = 0; folder != NULL && i < length && end + 3 < (int)sizeof path; i++)
        end += snprintf(path + end, sizeof path - (size_t)end, "%02x", id[i]);
    if (folder == NULL || end + strlen(suffix) >= sizeof path)
        return NULL;
    memcpy(path + end, suffix, strlen(suffix) + 1);
    return fopen(path, "re");
}

static FILE *open_name(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, const char *suffix)
{
    uint8_t id[64];
    CK_ATTRIBUTE attribute = {CKA_ID, id, sizeof id};

    if (real->C_GetAttributeValue(session, key, &attribute, 1) != CKR_OK)
        return NULL;
    return key_file(id, attribute.ulValueLen, suffix);
}

/* PKCS#11 2.40 section 4.1: a length alone, a value that fits, or CKR_BUFFER_TOO_SMALL. */
static CK_RV answer(CK_ATTRIBUTE *a, const void *value, CK_ULONG length)
{
    CK_ULONG room = a->ulValueLen;

    a->ulValueLen = length;
    if (a->pValue == NULL)
        return CKR_OK;
    if (room < length) {
        a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(a->pValue, value, length);
    return CKR_OK;
}

static CK_RV none(CK_ATTRIBUTE *a)
{
    a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV feature_attribute(CK_ATTRIBUTE *a)
{
    uint8_t value;

    return figure(a->type, &value) ? answer(a, &value, 1) : none(a);
}

static CK_RV shadow_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *a)
{
    FILE *file = open_name(session, key, a->type == SIGNATURE_KEY ? ".signature" : "");
    CK_BBOOL yes = file != NULL;
    char *name;
    CK_RV rv;

    if (a->type == CONTAINER && file != NULL) {
        name = malloc(MOST_NAME);
        rv = name == NULL ? CKR_HOST_MEMORY : answer(a, name, fread(name, 1, MOST_NAME, file));
        free(name);
    } else if (a->type == SIGNATURE_KEY) {
        rv = answer(a, &yes, sizeof yes);
    } else if (a->type == CKA_EC_POINT || a->type == CONTAINER) {
        rv = none(a); /* a private EC key has no point */
    } else {
        rv = real->C_GetAttributeValue(session, key, a, 1);
    }
    if (file != NULL)
        fclose(file);
    return rv;
}

static CK_RV get_attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a,
                            CK_ULONG count)
{
    CK_RV rv = CKR_OK, one;

    if (object < SHADOW_HANDLE)
        return real->C_GetAttributeValue(session, object, a, count);
    for (CK_ULONG i = 0; i < count; i++) {
        one = object == FEATURE_HANDLE ? feature_attribute(&a[i])
                                       : shadow_attribute(session, object - SHADOW_HANDLE, &a[i]);
        if (one != CKR_OK)
            rv = one;
    }
    return rv;
}

/* The public keys that have a file. */
static CK_RV find_shadows(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE match = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE keys[MOST_KEYS];
    CK_ULONG count = 0;
    CK_RV rv = real->C_FindObjectsInit(session, &match, 1);

    if (rv != CKR_OK)
        return rv;
    rv = real->C_FindObjects(session, keys, MOST_KEYS, &count);
    real->C_FindObjectsFinal(session);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        FILE *file = open_name(session, keys[i], "");

        if (file == NULL)
            continue;
        fclose(file);
        search.found[search.count++] = keys[i] + SHADOW_HANDLE;
    }
    return rv;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *match, CK_ULONG count)
{
    CK_ULONG class = 0, feature = 0;

    for (CK_ULONG i = 0; i < count; i++) {
        if (match[i].type == CKA_CLASS)
            memcpy(&class, match[i].pValue, sizeof class);
        if (match[i].type == CKA_HW_FEATURE_TYPE)
            memcpy(&feature, match[i].pValue, sizeof feature);
    }
    search.open = class == SHADOW_CLASS || (class == CKO_HW_FEATURE && feature == TOKEN_FEATURE);
    search.session = session;
    search.count = search.at = 0;
    if (!search.open)
        return real->C_FindObjectsInit(session, match, count);
    if (class == SHADOW_CLASS)
        return find_shadows(session);
    search.found[search.count++] = FEATURE_HANDLE;
    return CKR_OK;
}

static bool is_ours(CK_SESSION_HANDLE session)
{
    return search.open && search.session == session;
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room,
                  CK_ULONG *count)
{
    if (!is_ours(session))
        return real->C_FindObjects(session, objects, room, count);
    for (*count = 0; *count < room && search.at < search.count; (*count)++)
        objects[*count] = search.found[search.at++];
    return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
    if (!is_ours(session))
        return real->C_FindObjectsFinal(session);
    search.open = false;
    return CKR_OK;
}

static void fill(CK_UTF8CHAR *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    memcpy(field, text, strlen(text));
}

static CK_RV get_info(CK_INFO *info)
{
    CK_RV rv = real->C_GetInfo(info);

    fill(info->manufacturerID, sizeof info->manufacturerID, "SafeNet, Inc.");
    fill(info->libraryDescription, sizeof info->libraryDescription, "SafeNet eToken PKCS#11");
    return rv;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);

    fill(info->manufacturerID, sizeof info->manufacturerID, "SafeNet, Inc.");
    fill(info->model, sizeof info->model, "eToken");
    return rv;
}

CK_FUNCTION_LIST *safenet_before(CK_FUNCTION_LIST *behind)
{
    if (getenv("SHIM_SAFENET") == NULL)
        return behind;
    real = behind;
    list = *behind;
    list.C_GetInfo = get_info;
    list.C_GetTokenInfo = get_token_info;
    list.C_FindObjectsInit = find_init;
    list.C_FindObjects = find;
    list.C_FindObjectsFinal = find_final;
    list.C_GetAttributeValue = get_attributes;
    return &list;
}
