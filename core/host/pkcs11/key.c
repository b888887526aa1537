/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/key.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pkcs11/objects.h"
#include "host/pkcs11/public_key.h"
#include "host/status.h"

enum { SIGNATURE_MAX = 2048 }; /* bytes: RSA-16384 */

/* True when the object's public half is `want`. A private EC key does not tell it: then the public
 * key object or certificate with its CKA_ID speaks for it, as the id that was asked for does. */
static bool is_key(const struct object_ref *o, CK_KEY_TYPE type, EVP_PKEY *want,
                   const struct wire_open_key *k, bool *certain)
{
    EVP_PKEY *have = public_key_read(o, type);
    struct buffer id = BUFFER_INIT;
    bool same;

    *certain = have != NULL;
    if (have != NULL) {
        same = EVP_PKEY_eq(have, want) == 1;
    } else {
        same = attribute_bytes(o, CKA_ID, &id) == CKR_OK && id.length == k->id_length &&
               (id.length == 0 || memcmp(id.data, k->id, id.length) == 0);
    }
    buffer_free(&id);
    EVP_PKEY_free(have);
    return same;
}

static CK_KEY_TYPE type_of(EVP_PKEY *key)
{
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? CKK_RSA : CKK_EC;
}

/* A key that is proved wins over one that merely has the right id. */
static CK_OBJECT_HANDLE choose(struct module *m, CK_SESSION_HANDLE session,
                               const CK_OBJECT_HANDLE *handles, size_t count, EVP_PKEY *want,
                               const struct wire_open_key *k)
{
    CK_OBJECT_HANDLE probable = CK_INVALID_HANDLE;

    for (size_t i = 0; i < count; i++) {
        struct object_ref o = {m, session, handles[i]};
        bool certain;

        if (!is_key(&o, type_of(want), want, k, &certain))
            continue;
        if (certain)
            return handles[i];
        if (probable == CK_INVALID_HANDLE)
            probable = handles[i];
    }
    return probable;
}

static bool find_handle(struct host_key *key, EVP_PKEY *want, const struct wire_open_key *k,
                        struct wire_status *s)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_KEY_TYPE type = type_of(want);
    CK_ATTRIBUTE match[] = {{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}};
    CK_OBJECT_HANDLE *handles = NULL;
    size_t count = 0;

    if (!objects_search(key->module, key->session[0], match, 2, &handles, &count, s))
        return false;
    key->handle = choose(key->module, key->session[0], handles, count, want, k);
    free(handles);
    if (key->handle == CK_INVALID_HANDLE)
        return status_fail(s, CKR_KEY_HANDLE_INVALID, "C_FindObjects",
                           "the token has no private key that belongs to this public key");
    return true;
}

/* As many as the token gives; one is enough. */
static bool open_sessions(struct host_key *key, uint32_t wanted, struct wire_status *s)
{
    key->session = calloc(wanted, sizeof *key->session);
    if (key->session == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    while (key->lanes < wanted) {
        CK_RV rv = key->module->f->C_OpenSession(key->slot, CKF_SERIAL_SESSION, NULL, NULL,
                                                 &key->session[key->lanes]);

        if (rv != CKR_OK && key->lanes == 0)
            return status_of(s, rv, "C_OpenSession");
        if (rv != CKR_OK)
            break;
        key->lanes++;
    }
    return true;
}

/* libp11 keeps its own sessions and signs under one lock: good for one lane, of no use to several;
 * and it asks for the PIN of a key with always-authenticate by itself. */
static void choose_path(struct host_key *key, EVP_PKEY *want, char *path, size_t path_size)
{
    const char *why = NULL;

    if (key->always_authenticate)
        why = "the key wants a login for each signature";
    else if (key->lanes > 1)
        why = "several sessions";
    else
        key->p11 = p11_open(key->module->path, key->slot, want, &why);
    if (key->p11 != NULL)
        snprintf(path, path_size, "libp11");
    else
        snprintf(path, path_size, "C_Sign: %s", why);
}

bool key_find(struct module *m, const struct wire_open_key *want, struct host_key *out, char *path,
              size_t path_size, struct wire_status *s)
{
    const unsigned char *at = want->spki;
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at, (long)want->spki_length);
    bool found = false;

    *out = (struct host_key){.module = m, .slot = want->slot};
    if (public_key == NULL) {
        ERR_clear_error();
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "the public key cannot be read");
    }
    out->rsa = type_of(public_key) == CKK_RSA;
    if (open_sessions(out, want->lanes, s) && find_handle(out, public_key, want, s)) {
        struct object_ref o = {m, out->session[0], out->handle};

        attribute_bool(&o, CKA_ALWAYS_AUTHENTICATE, &out->always_authenticate);
        choose_path(out, public_key, path, path_size);
        found = true;
    }
    if (!found)
        key_close(out);
    EVP_PKEY_free(public_key);
    return found;
}

void key_close(struct host_key *k)
{
    for (uint32_t i = 0; i < k->lanes; i++)
        k->module->f->C_CloseSession(k->session[i]);
    free(k->session);
    k->session = NULL;
    k->lanes = 0;
}

/* RFC 8017 section 9.2: DigestInfo, DER. */
static size_t digest_info(const struct wire_sign *what, uint8_t out[128])
{
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm = NULL;
    ASN1_OCTET_STRING *digest = NULL;
    int length = -1;

    if (info != NULL) {
        X509_SIG_getm(info, &algorithm, &digest);
        /* With NULL parameters, as the RFC has it; X509_ALGOR_set_md would leave them out. */
        if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(signer_hash_md(what->hash))),
                            V_ASN1_NULL, NULL) &&
            ASN1_OCTET_STRING_set(digest, what->digest, (int)what->digest_length)) {
            length = i2d_X509_SIG(info, NULL);
            if (length > 0 && length <= 128)
                i2d_X509_SIG(info, &out);
        }
    }
    X509_SIG_free(info);
    return length > 0 && length <= 128 ? (size_t)length : 0;
}

/* r and s side by side (PKCS#11 2.40 section 2.3.1) become an Ecdsa-Sig-Value (RFC 3279
 * section 2.2.3). */
static bool append_ecdsa(const uint8_t *raw, size_t length, struct buffer *out)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, (int)(length / 2), NULL);
    BIGNUM *s = BN_bin2bn(raw + length / 2, (int)(length / 2), NULL);
    unsigned char *der = NULL;
    int size = -1;

    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s)) {
        r = s = NULL;
        size = i2d_ECDSA_SIG(signature, &der);
    }
    if (size > 0)
        buffer_append(out, der, (size_t)size);
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return size > 0;
}

static bool login_for_signature(struct host_key *k, CK_SESSION_HANDLE session,
                                const struct secret *pin, struct wire_status *s)
{
    CK_RV rv;

    s->attempted = true;
    if (pin == NULL)
        rv = k->module->f->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0);
    else
        rv = k->module->f->C_Login(session, CKU_CONTEXT_SPECIFIC,
                                   (CK_UTF8CHAR_PTR)(uintptr_t)secret_bytes(pin),
                                   secret_length(pin));
    s->accepted = rv == CKR_OK;
    return status_of(s, rv, "C_Login");
}

static bool sign_plain(struct host_key *k, CK_SESSION_HANDLE session, const struct wire_sign *what,
                       bool login, struct buffer *out, struct wire_status *s)
{
    CK_MECHANISM mechanism = {.mechanism = k->rsa ? CKM_RSA_PKCS : CKM_ECDSA};
    uint8_t info[128], signature[SIGNATURE_MAX];
    CK_ULONG length = sizeof signature;
    size_t info_length = digest_info(what, info);
    const uint8_t *data = k->rsa ? info : what->digest;
    size_t data_length = k->rsa ? info_length : what->digest_length;

    if (info_length == 0)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    if (!status_of(s, k->module->f->C_SignInit(session, &mechanism, k->handle), "C_SignInit"))
        return false;
    if (login && !login_for_signature(k, session, what->pin, s))
        return false;
    if (!status_of(s,
                   k->module->f->C_Sign(session, (CK_BYTE_PTR)(uintptr_t)data, data_length,
                                        signature, &length),
                   "C_Sign"))
        return false;
    if (length == 0 || length > sizeof signature || (!k->rsa && length % 2 != 0))
        return status_fail(s, CKR_GENERAL_ERROR, "C_Sign", "a signature of %lu bytes cannot be",
                           length);
    if (k->rsa)
        buffer_append(out, signature, length);
    else if (!append_ecdsa(signature, length, out))
        return status_fail(s, CKR_GENERAL_ERROR, "C_Sign", "not an ECDSA signature");
    return true;
}

static bool sign_p11(struct host_key *k, const struct wire_sign *what, struct buffer *out,
                     struct wire_status *s)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(p11_key(k->p11), NULL);
    uint8_t signature[SIGNATURE_MAX];
    size_t length = sizeof signature;
    bool done = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0;

    if (done && k->rsa)
        done = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    done = done && EVP_PKEY_CTX_set_signature_md(ctx, signer_hash_md(what->hash)) > 0 &&
           EVP_PKEY_sign(ctx, signature, &length, what->digest, what->digest_length) > 0;
    EVP_PKEY_CTX_free(ctx);
    if (done)
        buffer_append(out, signature, length);
    else
        status_fail(s, CKR_GENERAL_ERROR, "libp11", "%s",
                    ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return done;
}

bool key_signature(struct host_key *k, unsigned lane, const struct wire_sign *what, bool login,
                   struct buffer *out, struct wire_status *s)
{
    if (lane >= k->lanes)
        return status_fail(s, CKR_SESSION_HANDLE_INVALID, "", "the key has no session %u", lane);
    if (k->p11 != NULL && !login)
        return sign_p11(k, what, out, s);
    return sign_plain(k, k->session[lane], what, login, out, s);
}
