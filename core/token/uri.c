/* SPDX-License-Identifier: Apache-2.0 */
#include "token/uri.h"

#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

struct token_uri {
    P11KitUri *uri;
};

bool token_uri_is(const char *text)
{
    return strncasecmp(text, "pkcs11:", 7) == 0;
}

/* A PIN, or the way to one, has no place in a URI (RFC 7512 section 2.4 allows it; lists, logs and
 * shells remember it). */
static bool names_pin(const char *text)
{
    return strcasestr(text, "pin-value") != NULL || strcasestr(text, "pin-source") != NULL;
}

struct token_uri *token_uri_parse(const char *text, struct error *e)
{
    struct token_uri *u;
    int result;

    if (!token_uri_is(text)) {
        error_set(e, ERROR_USAGE, "'%s' is not a pkcs11: URI", text);
        return NULL;
    }
    if (names_pin(text)) {
        error_set(e, ERROR_USAGE,
                  "a URI with pin-value or pin-source is refused: say where the PIN comes from "
                  "with --pin or in "
                  "the profile's pin");
        return NULL;
    }
    u = calloc(1, sizeof *u);
    if (u != NULL)
        u->uri = p11_kit_uri_new();
    if (u == NULL || u->uri == NULL) {
        token_uri_free(&u);
        error_set_memory(e);
        return NULL;
    }
    result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, u->uri);
    if (result != P11_KIT_URI_OK) {
        error_set(e, ERROR_USAGE, "'%s' is not a pkcs11: URI: %s", text,
                  p11_kit_uri_message(result));
        token_uri_free(&u);
    } else if (p11_kit_uri_any_unrecognized(u->uri)) {
        error_set(e, ERROR_USAGE, "'%s' has an attribute that is not known", text);
        token_uri_free(&u);
    }
    return u;
}

void token_uri_free(struct token_uri **u)
{
    if (*u == NULL)
        return;
    if ((*u)->uri != NULL)
        p11_kit_uri_free((*u)->uri);
    free(*u);
    *u = NULL;
}

bool token_uri_matches_slot(const struct token_uri *u, const struct wire_slot *slot)
{
    struct wire_slot copy = *slot;

    return slot->has_token && p11_kit_uri_match_token_info(u->uri, &copy.token) &&
           p11_kit_uri_match_slot_info(u->uri, &copy.info);
}

static bool matches_bytes(const struct token_uri *u, CK_ATTRIBUTE_TYPE type, const void *bytes,
                          size_t length)
{
    const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(u->uri, type);

    return a == NULL ||
           (a->ulValueLen == length && (length == 0 || memcmp(a->pValue, bytes, length) == 0));
}

bool token_uri_matches_object(const struct token_uri *u, const struct wire_object *object)
{
    CK_OBJECT_CLASS class = object->class;

    return matches_bytes(u, CKA_CLASS, &class, sizeof class) &&
           matches_bytes(u, CKA_ID, object->id, object->id_length) &&
           matches_bytes(u, CKA_LABEL, object->label,
                         object->label == NULL ? 0 : strlen(object->label));
}

bool token_uri_names_object(const struct token_uri *u)
{
    return p11_kit_uri_get_attribute(u->uri, CKA_ID) != NULL ||
           p11_kit_uri_get_attribute(u->uri, CKA_LABEL) != NULL;
}

bool token_uri_class(const struct token_uri *u, CK_OBJECT_CLASS *class)
{
    const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(u->uri, CKA_CLASS);

    if (a == NULL || a->ulValueLen != sizeof *class)
        return false;
    memcpy(class, a->pValue, sizeof *class);
    return true;
}

/* Only what a person needs to tell tokens apart: not the version of a library. */
static P11KitUri *of_slot(const struct wire_slot *slot)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_TOKEN_INFO *info;

    if (uri == NULL)
        return NULL;
    info = p11_kit_uri_get_token_info(uri);
    memcpy(info->label, slot->token.label, sizeof info->label);
    memcpy(info->manufacturerID, slot->token.manufacturerID, sizeof info->manufacturerID);
    memcpy(info->model, slot->token.model, sizeof info->model);
    memcpy(info->serialNumber, slot->token.serialNumber, sizeof info->serialNumber);
    return uri;
}

static char *format(P11KitUri *uri, P11KitUriType type)
{
    char *text = NULL;

    if (uri == NULL || p11_kit_uri_format(uri, type, &text) != P11_KIT_URI_OK)
        text = NULL;
    if (uri != NULL)
        p11_kit_uri_free(uri);
    return text;
}

char *token_uri_of_slot(const struct wire_slot *slot)
{
    return format(of_slot(slot), P11_KIT_URI_FOR_TOKEN);
}

char *token_uri_of_object(const struct wire_slot *slot, const struct wire_object *object)
{
    P11KitUri *uri = of_slot(slot);
    CK_OBJECT_CLASS class = object->class;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_ID, object->id, object->id_length},
        {CKA_LABEL, object->label, object->label == NULL ? 0 : strlen(object->label)},
    };

    for (size_t i = 0; uri != NULL && i < sizeof attributes / sizeof *attributes; i++)
        if (attributes[i].ulValueLen > 0)
            p11_kit_uri_set_attribute(uri, &attributes[i]);
    return format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN);
}
