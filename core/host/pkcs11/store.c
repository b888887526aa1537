/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/store.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "host/pkcs11/which.h"
#include "host/status.h"
#include "wire/rv.h"

/* The parts of a certificate that have attributes of their own, in DER. */
struct names {
    unsigned char *subject, *issuer, *serial;
    int subject_length, issuer_length, serial_length;
};

static void free_names(struct names *n)
{
    OPENSSL_free(n->subject);
    OPENSSL_free(n->issuer);
    OPENSSL_free(n->serial);
}

/* False when `der` is no certificate, or has more than one in it. */
static bool read_names(const struct wire_new_certificate *c, struct names *out)
{
    const unsigned char *at = c->der;
    X509 *x = d2i_X509(NULL, &at, (long)c->der_length);
    bool whole = x != NULL && at == c->der + c->der_length;

    *out = (struct names){0};
    if (whole) {
        out->subject_length = i2d_X509_NAME(X509_get_subject_name(x), &out->subject);
        out->issuer_length = i2d_X509_NAME(X509_get_issuer_name(x), &out->issuer);
        out->serial_length = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &out->serial);
    }
    X509_free(x);
    ERR_clear_error();
    return whole && out->subject_length > 0 && out->issuer_length > 0 && out->serial_length > 0;
}

static CK_RV create(struct module *m, CK_SESSION_HANDLE session,
                    const struct wire_new_certificate *c, const struct names *n,
                    CK_OBJECT_HANDLE *out)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ATTRIBUTE all[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_CERTIFICATE_TYPE, &type, sizeof type},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_PRIVATE, &no, sizeof no},
        {CKA_LABEL, c->label, strlen(c->label)},
        {CKA_ID, c->id, c->id_length},
        {CKA_SUBJECT, n->subject, (CK_ULONG)n->subject_length},
        {CKA_ISSUER, n->issuer, (CK_ULONG)n->issuer_length},
        {CKA_SERIAL_NUMBER, n->serial, (CK_ULONG)n->serial_length},
        {CKA_VALUE, c->der, c->der_length},
    };

    return m->f->C_CreateObject(session, all, sizeof all / sizeof *all, out);
}

static bool holds(const struct object_ref *o, CK_ATTRIBUTE_TYPE type, const void *bytes,
                  size_t length)
{
    struct buffer value = BUFFER_INIT;
    bool same = attribute_bytes(o, type, &value) == CKR_OK && value.length == length &&
                (length == 0 || memcmp(value.data, bytes, length) == 0);

    buffer_free(&value);
    return same;
}

/* What was stored is read back; half a certificate does not stay. */
static bool check(const struct object_ref *o, const struct wire_new_certificate *c,
                  struct wire_status *s)
{
    const char *wrong = !holds(o, CKA_VALUE, c->der, c->der_length)        ? "CKA_VALUE"
                        : !holds(o, CKA_ID, c->id, c->id_length)           ? "CKA_ID"
                        : !holds(o, CKA_LABEL, c->label, strlen(c->label)) ? "CKA_LABEL"
                                                                           : NULL;
    char name[RV_TEXT_SIZE];
    CK_RV rv;

    if (wrong == NULL)
        return true;
    rv = o->module->f->C_DestroyObject(o->session, o->handle);
    if (rv == CKR_OK)
        return status_fail(s, CKR_GENERAL_ERROR, "C_CreateObject",
                           "the token does not have the certificate as it was given (%s); it was "
                           "deleted again",
                           wrong);
    return status_fail(s, CKR_GENERAL_ERROR, "C_CreateObject",
                       "the token does not have the certificate as it was given (%s), and does not "
                       "delete it (%s); a certificate with the label '%s' may be left on it",
                       wrong, rv_name(rv, name), c->label);
}

bool certificate_store(struct module *m, const struct wire_new_certificate *c,
                       struct wire_status *s)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE handle;
    struct names names;

    if (!read_names(c, &names)) {
        free_names(&names);
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "this is not an X.509 certificate");
    }
    if (which_session(m, c->slot, &session, s)) {
        if (status_of(s, create(m, session, c, &names, &handle), "C_CreateObject"))
            check(&(struct object_ref){m, session, handle}, c, s);
        m->f->C_CloseSession(session);
    }
    free_names(&names);
    return s->rv == CKR_OK;
}

static bool set(const struct object_ref *o, const struct wire_new_names *n, struct wire_status *s)
{
    CK_ATTRIBUTE both[2];
    CK_ULONG count = 0;

    if (n->id != NULL)
        both[count++] = (CK_ATTRIBUTE){CKA_ID, n->id, n->id_length};
    if (n->set_label)
        both[count++] = (CK_ATTRIBUTE){CKA_LABEL, n->label, strlen(n->label)};
    if (!status_of(s, o->module->f->C_SetAttributeValue(o->session, o->handle, both, count),
                   "C_SetAttributeValue"))
        return false;
    for (CK_ULONG i = 0; i < count; i++)
        if (!holds(o, both[i].type, both[i].pValue, both[i].ulValueLen))
            return status_fail(s, CKR_GENERAL_ERROR, "C_SetAttributeValue",
                               "the token said that it is done, and has not changed %s",
                               both[i].type == CKA_ID ? "CKA_ID" : "CKA_LABEL");
    return true;
}

bool object_set_names(struct module *m, const struct wire_new_names *n, struct wire_status *s)
{
    struct object_ref o = {.module = m};

    if (!which_session(m, n->which.slot, &o.session, s))
        return false;
    if (which_find(m, o.session, &n->which, &o.handle, s))
        set(&o, n, s);
    m->f->C_CloseSession(o.session);
    return s->rv == CKR_OK;
}
