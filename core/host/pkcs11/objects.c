/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/objects.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pkcs11/public_key.h"
#include "host/pkcs11/spki.h"
#include "host/status.h"
#include "wire/rv.h"

enum { MOST_OBJECTS = 100000, AT_ONCE = 64 };

bool objects_search(struct module *m, CK_SESSION_HANDLE session, CK_ATTRIBUTE *match,
                    CK_ULONG match_count, CK_OBJECT_HANDLE **handles, size_t *count,
                    struct wire_status *s)
{
    struct buffer found = BUFFER_INIT;
    CK_ULONG got = 0;
    CK_RV rv = m->f->C_FindObjectsInit(session, match, match_count);

    *handles = NULL;
    *count = 0;
    if (!status_of(s, rv, "C_FindObjectsInit"))
        return false;
    do {
        CK_OBJECT_HANDLE batch[AT_ONCE];

        rv = m->f->C_FindObjects(session, batch, AT_ONCE, &got);
        if (rv == CKR_OK && got > AT_ONCE)
            rv = CKR_GENERAL_ERROR;
        if (rv == CKR_OK)
            buffer_append(&found, batch, got * sizeof *batch);
    } while (rv == CKR_OK && got > 0 && found.length < MOST_OBJECTS * sizeof **handles);
    m->f->C_FindObjectsFinal(session);
    if (status_of(s, rv, "C_FindObjects")) {
        *count = found.length / sizeof **handles;
        *handles = (CK_OBJECT_HANDLE *)(void *)buffer_take(&found);
    }
    buffer_free(&found);
    return rv == CKR_OK;
}

static void problem(struct wire_object *out, const char *what, CK_RV rv)
{
    char name[RV_TEXT_SIZE];

    if (out->problem[0] == '\0')
        snprintf(out->problem, sizeof out->problem, "%s: %s", what, rv_name(rv, name));
}

static bool tells_nothing(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE;
}

static uint8_t *copy(const void *bytes, size_t length)
{
    uint8_t *fresh = length == 0 ? NULL : malloc(length);

    return fresh == NULL ? NULL : memcpy(fresh, bytes, length);
}

static uint8_t *read_bytes(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, const char *name,
                           struct wire_object *out, size_t *length)
{
    struct buffer value = BUFFER_INIT;
    CK_RV rv = attribute_bytes(o, type, &value);
    uint8_t *bytes = NULL;

    if (rv == CKR_OK)
        bytes = copy(value.data, value.length);
    else if (!tells_nothing(rv))
        problem(out, name, rv);
    *length = bytes == NULL ? 0 : value.length;
    buffer_free(&value);
    return bytes;
}

/* What is asked of each object at once; none of it is secret, of whatever class. */
enum {
    CLASS,
    ID,
    LABEL,
    KEY_TYPE,
    CERTIFICATE_TYPE,
    MODULUS,
    EXPONENT,
    PARAMETERS,
    POINT,
    FIRST_FLAG,
    SLOTS = FIRST_FLAG + WIRE_FLAG_COUNT
};

struct basics {
    uint8_t id[256], label[256], modulus[2048], exponent[64], parameters[64], point[256];
    CK_OBJECT_CLASS class;
    CK_ULONG key_type, certificate_type;
    CK_BBOOL flag[WIRE_FLAG_COUNT];
    struct attribute_slot slot[SLOTS];
};

static struct attribute_slot slot_of(CK_ATTRIBUTE_TYPE type, void *room, size_t size)
{
    return (struct attribute_slot){type, room, size, 0, 0};
}

static void ask_basics(const struct object_ref *o, struct basics *b)
{
    static const CK_ATTRIBUTE_TYPE flags[WIRE_FLAG_COUNT] = {
#define X(flag, attribute, name) [flag] = attribute,
        WIRE_FLAGS(X)
#undef X
    };

    b->slot[CLASS] = slot_of(CKA_CLASS, &b->class, sizeof b->class);
    b->slot[ID] = slot_of(CKA_ID, b->id, sizeof b->id);
    b->slot[LABEL] = slot_of(CKA_LABEL, b->label, sizeof b->label);
    b->slot[KEY_TYPE] = slot_of(CKA_KEY_TYPE, &b->key_type, sizeof b->key_type);
    b->slot[CERTIFICATE_TYPE] =
        slot_of(CKA_CERTIFICATE_TYPE, &b->certificate_type, sizeof b->certificate_type);
    b->slot[MODULUS] = slot_of(CKA_MODULUS, b->modulus, sizeof b->modulus);
    b->slot[EXPONENT] = slot_of(CKA_PUBLIC_EXPONENT, b->exponent, sizeof b->exponent);
    b->slot[PARAMETERS] = slot_of(CKA_EC_PARAMS, b->parameters, sizeof b->parameters);
    b->slot[POINT] = slot_of(CKA_EC_POINT, b->point, sizeof b->point);
    for (size_t i = 0; i < WIRE_FLAG_COUNT; i++)
        b->slot[FIRST_FLAG + i] = slot_of(flags[i], &b->flag[i], sizeof b->flag[i]);
    attribute_many(o, b->slot, SLOTS);
}

static uint8_t *take_bytes(const struct object_ref *o, const struct attribute_slot *s,
                           const char *name, struct wire_object *out, size_t *length)
{
    if (s->rv != CKR_OK && !tells_nothing(s->rv))
        return read_bytes(o, s->type, name, out, length);
    *length = s->length;
    return copy(s->room, s->length);
}

/* A NUL inside ends the label. */
static char *take_label(const struct object_ref *o, const struct attribute_slot *s,
                        struct wire_object *out)
{
    size_t length;
    uint8_t *bytes = take_bytes(o, s, "CKA_LABEL", out, &length);
    char *label = strndup(bytes == NULL ? "" : (char *)bytes, length);

    free(bytes);
    return label;
}

static void take_flags(const struct basics *b, struct wire_object *out)
{
    for (size_t i = 0; i < WIRE_FLAG_COUNT; i++) {
        const struct attribute_slot *s = &b->slot[FIRST_FLAG + i];

        if (s->rv != CKR_OK || s->length != sizeof(CK_BBOOL) || b->flag[i] > CK_TRUE)
            continue;
        out->flags_known |= 1u << i;
        out->flags_set |= b->flag[i] != CK_FALSE ? 1u << i : 0;
    }
}

static CK_ULONG take_type(const struct attribute_slot *s, CK_ULONG value, const char *name,
                          struct wire_object *out)
{
    if (s->rv == CKR_OK && s->length == sizeof value)
        return value;
    if (name != NULL)
        problem(out, name, s->rv == CKR_OK ? CKR_ATTRIBUTE_VALUE_INVALID : s->rv);
    return CK_UNAVAILABLE_INFORMATION;
}

static bool describe_certificate(struct wire_object *out)
{
    const unsigned char *at = out->der;
    const uint8_t *spki;
    size_t length;
    X509 *x;
    bool known = false;

    if (!spki_of_certificate(out->der, out->der_length, &spki, &length))
        return false;
    if (spki_describe(spki, length, out))
        return true;
    x = d2i_X509(NULL, &at, (long)out->der_length);
    if (x != NULL && X509_get0_pubkey(x) != NULL)
        known = public_key_describe(X509_get0_pubkey(x), out);
    X509_free(x);
    ERR_clear_error();
    return known;
}

static void read_certificate(const struct object_ref *o, struct wire_object *out)
{
    out->der = read_bytes(o, CKA_VALUE, "CKA_VALUE", out, &out->der_length);
    if (out->der != NULL && !describe_certificate(out))
        snprintf(out->problem, sizeof out->problem, "its value is not an X.509 certificate");
}

static struct spki_part part(const struct attribute_slot *s)
{
    return (struct spki_part){s->room, s->rv == CKR_OK ? s->length : 0};
}

/* From what was told already; false where that is not all, or no usual key. */
static bool describe_key(const struct basics *b, struct wire_object *out)
{
    struct buffer spki = BUFFER_INIT;
    bool known;

    if (out->type == CKK_RSA)
        spki_from_rsa(part(&b->slot[MODULUS]), part(&b->slot[EXPONENT]), &spki);
    else if (out->type == CKK_EC)
        spki_from_ec(part(&b->slot[PARAMETERS]), part(&b->slot[POINT]), &spki);
    known = buffer_ok(&spki, NULL) && spki.length > 0 && spki_describe(spki.data, spki.length, out);
    buffer_free(&spki);
    return known;
}

static void read_key(const struct object_ref *o, const struct basics *b, struct wire_object *out)
{
    EVP_PKEY *key = describe_key(b, out) ? NULL : public_key_read(o, out->type);

    if (key != NULL)
        public_key_describe(key, out);
    EVP_PKEY_free(key);
}

static bool is_wanted(const struct basics *b)
{
    const struct attribute_slot *s = &b->slot[CLASS];

    return s->rv == CKR_OK && s->length == sizeof b->class &&
           (b->class == CKO_PRIVATE_KEY || b->class == CKO_PUBLIC_KEY ||
            b->class == CKO_CERTIFICATE);
}

bool object_read(const struct object_ref *o, struct wire_object *out)
{
    struct basics b;

    ask_basics(o, &b);
    if (!is_wanted(&b))
        return false;
    *out = (struct wire_object){.class = b.class};
    out->id = take_bytes(o, &b.slot[ID], "CKA_ID", out, &out->id_length);
    out->label = take_label(o, &b.slot[LABEL], out);
    take_flags(&b, out);
    if (b.class == CKO_CERTIFICATE) {
        out->type = take_type(&b.slot[CERTIFICATE_TYPE], b.certificate_type, NULL, out);
        read_certificate(o, out);
    } else {
        out->type = take_type(&b.slot[KEY_TYPE], b.key_type, "CKA_KEY_TYPE", out);
        read_key(o, &b, out);
    }
    return true;
}

/* The list that pages are read from. Its session stays open: handles may end with the last one. */
static struct {
    bool open;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE *handles;
    size_t count;
} list;

static void close_list(struct module *m)
{
    if (list.open)
        m->f->C_CloseSession(list.session);
    free(list.handles);
    memset(&list, 0, sizeof list);
}

static bool open_list(struct module *m, CK_SLOT_ID slot, bool certificates, struct wire_status *s)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE match = {CKA_CLASS, &class, sizeof class};

    close_list(m);
    list.slot = slot;
    list.open =
        status_of(s, m->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &list.session),
                  "C_OpenSession");
    if (list.open && objects_search(m, list.session, &match, certificates ? 1 : 0, &list.handles,
                                    &list.count, s))
        return true;
    close_list(m);
    return false;
}

static void read_page(struct module *m, size_t first, size_t end, struct wire_objects *out)
{
    for (size_t i = first; i < end; i++) {
        struct object_ref o = {m, list.session, list.handles[i]};

        if (object_read(&o, &out->object[out->count]))
            out->count++;
        else
            out->others++;
    }
}

bool objects_page(struct module *m, CK_SLOT_ID slot, bool certificates, uint32_t first,
                  uint32_t most, struct wire_objects *out, struct wire_status *s)
{
    size_t end;

    *out = (struct wire_objects){0};
    if (first == 0 && !open_list(m, slot, certificates, s))
        return false;
    if (!list.open || list.slot != slot || first > list.count)
        return status_fail(s, CKR_OPERATION_NOT_INITIALIZED, "", "there is no such page");
    end = most < list.count - first ? first + most : list.count;
    out->total = (uint32_t)list.count;
    out->object = calloc(end - first + 1, sizeof *out->object);
    if (out->object == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    read_page(m, first, end, out);
    if (end == list.count)
        close_list(m);
    return true;
}
