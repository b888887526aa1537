/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 as a box that certificates come in. The keys in it stay shut. */
#include "cert/pkcs12.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

/* Real files say 2,000 to 1,000,000 rounds; a hostile one may say so many, or have so many parts,
 * that deriving its keys takes days. The sum of all derivations is what is bounded. */
enum { ROUNDS_MAX = 5000000, ROUNDS_OF_EMPTY = 200000, DEPTH_MAX = 8 };

struct box {
    const char *name;
    struct cert_reading *reading;
    STACK_OF(X509) * out;
    int most;
    struct secret *password; /* once it was asked for */
    OSSL_LIB_CTX *library;   /* with the ciphers of old files (RC2), where this OpenSSL has them */
    OSSL_PROVIDER *standard, *legacy;
    long rounds;
    struct error *e; /* never NULL */
};

/* OpenSSL's default library stays without the old ciphers: they are for this file alone. */
static bool open_library(struct box *b)
{
    if (b->library != NULL)
        return true;
    b->library = OSSL_LIB_CTX_new();
    b->standard = b->library == NULL ? NULL : OSSL_PROVIDER_load(b->library, "default");
    if (b->standard == NULL)
        return error_set_openssl(b->e, ERROR_SYSTEM, "cannot set up OpenSSL for '%s'", b->name);
    b->legacy = OSSL_PROVIDER_load(b->library, "legacy");
    ERR_clear_error();
    return true;
}

static void close_box(struct box *b)
{
    if (b->legacy != NULL)
        OSSL_PROVIDER_unload(b->legacy);
    if (b->standard != NULL)
        OSSL_PROVIDER_unload(b->standard);
    OSSL_LIB_CTX_free(b->library);
    secret_free(&b->password);
}

static void *parameter(const X509_ALGOR *how, const ASN1_ITEM *item)
{
    return ASN1_TYPE_unpack_sequence(item, how->parameter);
}

/* PBES1 of PKCS#12 (RFC 7292 appendix C), and PBES2 with PBKDF2 (RFC 8018 section 6.2); -1 for what
 * is neither. */
static long rounds_of(const X509_ALGOR *how)
{
    long rounds = -1;

    if (OBJ_obj2nid(how->algorithm) == NID_pbes2) {
        PBE2PARAM *scheme = parameter(how, ASN1_ITEM_rptr(PBE2PARAM));
        PBKDF2PARAM *derive =
            scheme != NULL && OBJ_obj2nid(scheme->keyfunc->algorithm) == NID_id_pbkdf2
                ? parameter(scheme->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM))
                : NULL;

        if (derive != NULL)
            rounds = ASN1_INTEGER_get(derive->iter);
        PBKDF2PARAM_free(derive);
        PBE2PARAM_free(scheme);
    } else {
        PBEPARAM *scheme = parameter(how, ASN1_ITEM_rptr(PBEPARAM));

        if (scheme != NULL)
            rounds = ASN1_INTEGER_get(scheme->iter);
        PBEPARAM_free(scheme);
    }
    ERR_clear_error();
    return rounds;
}

static bool count_rounds(struct box *b, const X509_ALGOR *how)
{
    long rounds = rounds_of(how);

    if (rounds < 1)
        return error_set(b->e, ERROR_FORMAT,
                         "'%s' is encrypted in a way that is not known here; ask the CA for PEM",
                         b->name);
    if (rounds > ROUNDS_MAX || b->rounds + rounds > ROUNDS_MAX)
        return error_set(b->e, ERROR_FORMAT,
                         "'%s' asks for more than %d rounds to try a password; no honest file "
                         "does",
                         b->name, ROUNDS_MAX);
    b->rounds += rounds;
    return true;
}

static STACK_OF(PKCS12_SAFEBAG) *
    open_with(struct box *b, const PKCS7_ENC_CONTENT *shut, const char *password, size_t length)
{
    if (!count_rounds(b, shut->algorithm))
        return NULL;
    return PKCS12_item_decrypt_d2i_ex(shut->algorithm, ASN1_ITEM_rptr(PKCS12_SAFEBAGS), password,
                                      (int)length, shut->enc_data, 1, b->library, NULL);
}

static bool ask_password(struct box *b)
{
    struct cert_reading *r = b->reading;

    if (r == NULL || r->password == NULL)
        return error_set(b->e, ERROR_PIN_SOURCE,
                         "'%s' is encrypted: its password is needed, or the certificates as PEM",
                         b->name);
    b->password = r->password(r->data, b->name, b->e);
    return b->password != NULL;
}

/* Many files have an empty password, in one of its two spellings (none, or an empty string): a
 * person is asked when neither opens it. */
static STACK_OF(PKCS12_SAFEBAG) * open_shut(struct box *b, const PKCS7_ENC_CONTENT *shut)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;

    if (!open_library(b))
        return NULL;
    if (b->password == NULL && rounds_of(shut->algorithm) <= ROUNDS_OF_EMPTY) {
        bags = open_with(b, shut, "", 0);
        if (bags == NULL && b->e->code == ERROR_NONE)
            bags = open_with(b, shut, NULL, 0);
    }
    if (bags == NULL && b->e->code == ERROR_NONE && (b->password != NULL || ask_password(b))) {
        bags =
            open_with(b, shut, (const char *)secret_bytes(b->password), secret_length(b->password));
        if (bags == NULL && b->e->code == ERROR_NONE)
            error_set(b->e, ERROR_PIN_SOURCE,
                      "'%s' does not open: the password is another, the file is damaged, or this "
                      "OpenSSL lacks its cipher (%s)",
                      b->name, OBJ_nid2ln(OBJ_obj2nid(shut->algorithm->algorithm)));
    }
    ERR_clear_error();
    return bags;
}

static bool take(struct box *b, const PKCS12_SAFEBAG *bag)
{
    X509 *x = PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate ? PKCS12_SAFEBAG_get1_cert(bag)
                                                                     : NULL;

    if (x == NULL)
        return error_set(b->e, ERROR_FORMAT,
                         "'%s' holds a certificate that cannot be read; get the file again",
                         b->name);
    if (sk_X509_num(b->out) < b->most && sk_X509_push(b->out, x) > 0)
        return true;
    X509_free(x);
    return error_set(b->e, ERROR_FORMAT, "'%s' holds too many certificates", b->name);
}

static bool take_bags(struct box *b, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
    bool taken = true;

    for (int i = 0; taken && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_certBag:
            taken = take(b, bag);
            break;
        case NID_keyBag:
        case NID_pkcs8ShroudedKeyBag:
            if (b->reading != NULL)
                b->reading->private_key = true;
            break;
        case NID_safeContentsBag:
            taken = depth < DEPTH_MAX
                        ? take_bags(b, PKCS12_SAFEBAG_get0_safes(bag), depth + 1)
                        : error_set(b->e, ERROR_FORMAT, "'%s' is nested too deeply", b->name);
            break;
        default:
            break;
        }
    }
    return taken;
}

/* A part of the file: bags in the open, or shut by a password. Those shut for a public key have no
 * certificate that anyone here could read. */
static bool take_part(struct box *b, PKCS7 *part)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    bool taken = true;

    if (PKCS7_type_is_data(part)) {
        bags = PKCS12_unpack_p7data(part);
        if (bags == NULL)
            taken = error_set(b->e, ERROR_FORMAT, "'%s' is damaged; get the file again", b->name);
    } else if (PKCS7_type_is_encrypted(part) && part->d.encrypted != NULL &&
               part->d.encrypted->enc_data != NULL &&
               part->d.encrypted->enc_data->enc_data != NULL) {
        bags = open_shut(b, part->d.encrypted->enc_data);
        taken = bags != NULL;
    }
    taken = taken && take_bags(b, bags, 0);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return taken;
}

enum pkcs12_outcome pkcs12_read(const char *name, const uint8_t *der, size_t length,
                                struct cert_reading *reading, int most, STACK_OF(X509) * out,
                                struct error *e)
{
    const uint8_t *end = der + length;
    PKCS12 *p12 = d2i_PKCS12(NULL, &der, (long)length);
    STACK_OF(PKCS7) *parts = p12 == NULL || der != end ? NULL : PKCS12_unpack_authsafes(p12);
    struct error own = ERROR_INIT;
    struct box b = {.name = name, .reading = reading, .out = out, .most = most, .e = &own};
    bool taken = parts != NULL;

    for (int i = 0; taken && i < sk_PKCS7_num(parts); i++)
        taken = take_part(&b, sk_PKCS7_value(parts, i));
    close_box(&b);
    sk_PKCS7_pop_free(parts, PKCS7_free);
    PKCS12_free(p12);
    ERR_clear_error();
    if (parts == NULL)
        return PKCS12_IS_NONE;
    if (!taken && e != NULL)
        *e = own;
    return taken ? PKCS12_READ : PKCS12_REFUSED;
}
