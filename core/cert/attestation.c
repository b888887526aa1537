/* SPDX-License-Identifier: Apache-2.0 */
#include "cert/attestation.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cert/view.h"

#define YUBICO "1.3.6.1.4.1.41482."
static const char oid_version[] = YUBICO "3.3"; /* three bytes */
static const char oid_serial[] = YUBICO "3.7";  /* an INTEGER */
static const char oid_policy[] = YUBICO "3.8";  /* two bytes: PIN, touch */
static const char oid_form[] = YUBICO "3.9";    /* one byte */
/* Being there is what they say; newer devices have them in the certificate of slot F9. */
static const char oid_fips[] = YUBICO "3.10";
static const char oid_cspn[] = YUBICO "3.11";

enum { FORM_FIPS = 0x80, FORM_MASK = 0x0f, LONGEST_CHAIN = 8 };

static const char *const pin_policies[] = {"default", "never",      "once",
                                           "always",  "match once", "match always"};
static const char *const touch_policies[] = {"default", "never", "always", "cached 15 s"};
static const char *const form_factors[] = {
    "not told",   "USB-A keychain",      "USB-A nano",         "USB-C keychain",
    "USB-C nano", "USB-C and Lightning", "USB-A, fingerprint", "USB-C, fingerprint"};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void name(char *out, size_t size, const char *const *words, size_t count, uint8_t number)
{
    if (number < count)
        snprintf(out, size, "%s", words[number]);
    else
        snprintf(out, size, "unknown (%u)", number);
}

static X509 *read_certificate(const uint8_t *der, size_t length, const char *what, struct error *e)
{
    const uint8_t *at = der;
    X509 *x = length > INT32_MAX ? NULL : d2i_X509(NULL, &at, (long)length);

    if (x != NULL && at == der + length)
        return x;
    X509_free(x);
    ERR_clear_error();
    error_set(e, ERROR_FORMAT, "%s is no certificate", what);
    return NULL;
}

/* An extension that must not be there twice; *value is NULL where it is not there. */
static bool find(const X509 *x, const char *oid, const ASN1_OCTET_STRING **value, struct error *e)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    int at = object == NULL ? -1 : X509_get_ext_by_OBJ(x, object, -1);
    bool twice = at >= 0 && X509_get_ext_by_OBJ(x, object, at) >= 0;

    *value = at < 0 ? NULL : X509_EXTENSION_get_data(X509_get_ext(x, at));
    if (object == NULL)
        return error_set_memory(e);
    ASN1_OBJECT_free(object);
    return !twice || error_set(e, ERROR_FORMAT, "the attestation has extension %s twice", oid);
}

/* The same with a value of so many bytes; NULL where it is not there. */
static bool find_bytes(const X509 *x, const char *oid, int length, const uint8_t **bytes,
                       struct error *e)
{
    const ASN1_OCTET_STRING *value;

    *bytes = NULL;
    if (!find(x, oid, &value, e))
        return false;
    if (value == NULL)
        return true;
    if (ASN1_STRING_length(value) != length)
        return error_set(e, ERROR_FORMAT,
                         "the attestation's extension %s has %d bytes where %d belong", oid,
                         ASN1_STRING_length(value), length);
    *bytes = ASN1_STRING_get0_data(value);
    return true;
}

static bool read_version(struct attestation *a, struct error *e)
{
    const uint8_t *bytes;

    a->version[0] = ATTESTATION_UNTOLD;
    if (!find_bytes(a->statement, oid_version, 3, &bytes, e))
        return false;
    for (int i = 0; bytes != NULL && i < 3; i++)
        a->version[i] = bytes[i];
    return true;
}

static bool read_serial(struct attestation *a, struct error *e)
{
    const ASN1_OCTET_STRING *value;
    const uint8_t *at, *end;
    ASN1_INTEGER *number;
    uint64_t serial = 0;
    bool good;

    a->serial = ATTESTATION_UNTOLD;
    if (!find(a->statement, oid_serial, &value, e))
        return false;
    if (value == NULL)
        return true;
    at = ASN1_STRING_get0_data(value);
    end = at + ASN1_STRING_length(value);
    number = d2i_ASN1_INTEGER(NULL, &at, ASN1_STRING_length(value));
    good = number != NULL && at == end && ASN1_INTEGER_get_uint64(&serial, number) == 1 &&
           serial <= UINT32_MAX;
    ASN1_INTEGER_free(number);
    ERR_clear_error();
    if (!good)
        return error_set(e, ERROR_FORMAT, "the attestation's extension %s is no serial number",
                         oid_serial);
    a->serial = (int64_t)serial;
    return true;
}

static bool read_policies(struct attestation *a, struct error *e)
{
    const uint8_t *bytes;

    if (!find_bytes(a->statement, oid_policy, 2, &bytes, e))
        return false;
    if (bytes != NULL) {
        name(a->pin_policy, sizeof a->pin_policy, pin_policies, COUNT(pin_policies), bytes[0]);
        name(a->touch_policy, sizeof a->touch_policy, touch_policies, COUNT(touch_policies),
             bytes[1]);
    }
    return true;
}

static bool has(const X509 *x, const char *oid)
{
    const ASN1_OCTET_STRING *value = NULL;

    return x != NULL && (!find(x, oid, &value, NULL) || value != NULL);
}

static bool read_form(struct attestation *a, struct error *e)
{
    const uint8_t *bytes;

    if (!find_bytes(a->statement, oid_form, 1, &bytes, e))
        return false;
    if (bytes != NULL)
        name(a->form_factor, sizeof a->form_factor, form_factors, COUNT(form_factors),
             bytes[0] & FORM_MASK);
    a->fips = (bytes != NULL && (bytes[0] & FORM_FIPS)) || has(a->statement, oid_fips) ||
              has(a->device, oid_fips);
    a->cspn = has(a->statement, oid_cspn) || has(a->device, oid_cspn);
    return true;
}

/* "YubiKey PIV Attestation 9c" */
static void read_slot(struct attestation *a)
{
    static const char before[] = "YubiKey PIV Attestation ";
    char *subject = cert_common_name(a->statement);
    uint8_t number;
    size_t length;

    a->slot = ATTESTATION_UNTOLD;
    if (subject != NULL && strncmp(subject, before, sizeof before - 1) == 0 &&
        text_unhex(subject + sizeof before - 1, &number, 1, &length) && length == 1)
        a->slot = number;
    free(subject);
}

bool attestation_read(const uint8_t *statement, size_t length, const uint8_t *device,
                      size_t device_length, struct attestation *out, struct error *e)
{
    *out = (struct attestation){0};
    ERR_clear_error();
    out->statement = read_certificate(statement, length, "the attestation of the key", e);
    if (out->statement == NULL)
        return false;
    if (device_length > 0) {
        out->device =
            read_certificate(device, device_length, "what the device holds in slot F9", e);
        if (out->device == NULL)
            return false;
    }
    read_slot(out);
    return read_version(out, e) && read_serial(out, e) && read_policies(out, e) &&
           read_form(out, e);
}

void attestation_free(struct attestation *a)
{
    X509_free(a->statement);
    X509_free(a->device);
    *a = (struct attestation){0};
}

bool attestation_is_of(const struct attestation *a, const uint8_t *spki, size_t length)
{
    const uint8_t *at = spki;
    EVP_PKEY *key = length > INT32_MAX ? NULL : d2i_PUBKEY(NULL, &at, (long)length);
    EVP_PKEY *attested = X509_get0_pubkey(a->statement);
    bool same =
        key != NULL && at == spki + length && attested != NULL && EVP_PKEY_eq(key, attested) == 1;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return same;
}

/* A device's certificate of some YubiKeys 4, which says nothing of being a CA though it issues
 * (RFC 5280 section 4.2.1.9 would refuse it). It stands right below the root; a statement, which
 * says nothing of it either and whose key is anybody's to use, does not. */
static bool is_old_device(X509_STORE_CTX *ctx)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    const X509 *x = X509_STORE_CTX_get_current_cert(ctx);

    return X509_STORE_CTX_get_error_depth(ctx) == 1 && sk_X509_num(chain) == 3 &&
           X509_get_ext_by_NID(x, NID_basic_constraints, -1) < 0 &&
           X509_get_ext_by_NID(x, NID_key_usage, -1) < 0 && !has(x, oid_policy);
}

/* A trust anchor is a name and a key (RFC 5280 section 6.1): what a root says of the length of
 * paths binds nobody. Yubico's older root says 0, and has a device's certificate below it. */
static int judge(int good, X509_STORE_CTX *ctx)
{
    int last = sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) - 1;

    switch (X509_STORE_CTX_get_error(ctx)) {
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
        good = X509_STORE_CTX_get_error_depth(ctx) == last;
        break;
    case X509_V_ERR_INVALID_CA:
        good = is_old_device(ctx);
        break;
    default:
        break;
    }
    if (good)
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return good;
}

static bool explain(X509_STORE_CTX *ctx, struct error *e)
{
    const X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    char *who = at == NULL ? NULL : cert_common_name(at);

    error_set(e, ERROR_UNFIT, "the attestation's chain does not hold at '%s': %s",
              who == NULL ? "?" : who,
              X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    free(who);
    return false;
}

/* Signatures, names, basic constraints and path lengths count. Dates do not: a statement bears
 * those of the device's certificate, a device has no clock, and what is proved (this key was made
 * there, with these policies) does not end. */
static bool verify(const struct attestation *a, X509_STORE *roots, STACK_OF(X509) * between,
                   char **root, struct error *e)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    STACK_OF(X509) * chain;
    bool holds;

    if (ctx == NULL || X509_STORE_CTX_init(ctx, roots, a->statement, between) != 1) {
        X509_STORE_CTX_free(ctx);
        return error_set_memory(e);
    }
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
    X509_VERIFY_PARAM_set_depth(param, LONGEST_CHAIN);
    X509_VERIFY_PARAM_set_auth_level(param, 1); /* no SHA-1, no MD5 */
    X509_STORE_CTX_set_verify_cb(ctx, judge);
    holds = X509_verify_cert(ctx) == 1 || explain(ctx, e);
    chain = X509_STORE_CTX_get0_chain(ctx);
    if (holds && (sk_X509_num(chain) < 2 || X509_cmp(sk_X509_value(chain, 1), a->device) != 0))
        holds = error_set(e, ERROR_UNFIT,
                          "the attestation was not signed by the key of the device's certificate");
    if (holds && root != NULL)
        *root = cert_subject(sk_X509_value(chain, sk_X509_num(chain) - 1));
    X509_STORE_CTX_free(ctx);
    return holds;
}

/* Roots into the store, what may stand between into the stack (which borrows). */
static bool sort(STACK_OF(X509) * given, X509_STORE *roots, STACK_OF(X509) * between, bool *any,
                 struct error *e)
{
    for (int i = 0; i < sk_X509_num(given); i++) {
        X509 *x = sk_X509_value(given, i);
        bool root = X509_self_signed(x, 1) == 1;

        *any = *any || root;
        if (!(root ? X509_STORE_add_cert(roots, x) == 1 : sk_X509_push(between, x) > 0))
            return error_set_memory(e);
    }
    return true;
}

bool attestation_prove(const struct attestation *a, STACK_OF(X509) * given, char **root,
                       struct error *e)
{
    X509_STORE *roots = X509_STORE_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    bool any = false, holds = false;

    if (root != NULL)
        *root = NULL;
    if (roots == NULL || between == NULL)
        error_set_memory(e);
    else if (a->device == NULL)
        error_set(e, ERROR_UNFIT,
                  "the device holds no certificate in slot F9; the attestation cannot be checked");
    else if (sk_X509_push(between, a->device) <= 0)
        error_set_memory(e);
    else if (sort(given, roots, between, &any, e))
        holds = any ? verify(a, roots, between, root, e)
                    : error_set(e, ERROR_USAGE,
                                "none of the certificates given is a root (signed by itself); "
                                "Yubico publishes its own, the organisation that wrote slot F9 "
                                "has its own");
    sk_X509_free(between);
    X509_STORE_free(roots);
    ERR_clear_error();
    return holds;
}
