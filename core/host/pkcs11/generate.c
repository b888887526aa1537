/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/generate.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pkcs11/objects.h"
#include "host/pkcs11/which.h"
#include "host/status.h"
#include "wire/rv.h"

enum { MOST_ATTRIBUTES = 16, MOST_ID = 255 };

/* DER of the named curve's OID (RFC 5480 section 2.1.1.1). */
static const struct curve {
    const char *name;
    uint8_t der[12];
    CK_ULONG length;
} curves[] = {
    {"P-256", {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10},
    {"P-384", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7},
};

/* 65537, as most CAs want it. */
static const uint8_t exponent[] = {0x01, 0x00, 0x01};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

struct template
{
    CK_ATTRIBUTE attribute[MOST_ATTRIBUTES];
    CK_ULONG count;
};

static void add(struct template *t, CK_ATTRIBUTE_TYPE type, void *value, CK_ULONG length)
{
    t->attribute[t->count++] = (CK_ATTRIBUTE){type, value, length};
}

static void add_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value)
{
    add(t, type, value ? &yes : &no, sizeof(CK_BBOOL));
}

static void add_names(struct template *t, const struct wire_new_key *k)
{
    add(t, CKA_ID, k->id, k->id_length);
    add(t, CKA_LABEL, k->label, strlen(k->label));
}

/* A key's two halves. `strict` also says what the key shall not do; some tokens do not take that.
 */
struct request {
    CK_MECHANISM mechanism;
    struct template public_half, private_half;
    CK_ULONG bits;
};

static void fill_private(struct request *r, const struct wire_new_key *k, bool strict)
{
    struct template *t = &r->private_half;

    add_bool(t, CKA_TOKEN, true);
    add_bool(t, CKA_PRIVATE, true);
    add_bool(t, CKA_SENSITIVE, true);
    add_bool(t, CKA_EXTRACTABLE, false);
    add_bool(t, CKA_SIGN, true);
    if (strict) {
        add_bool(t, CKA_DECRYPT, false);
        add_bool(t, CKA_UNWRAP, false);
        add_bool(t, CKA_DERIVE, false);
    }
    add_names(t, k);
}

static bool fill_public(struct request *r, const struct wire_new_key *k)
{
    struct template *t = &r->public_half;

    add_bool(t, CKA_TOKEN, true);
    add_bool(t, CKA_VERIFY, true);
    add_names(t, k);
    if (k->rsa_bits > 0) {
        r->bits = k->rsa_bits;
        add(t, CKA_MODULUS_BITS, &r->bits, sizeof r->bits);
        add(t, CKA_PUBLIC_EXPONENT, (void *)(uintptr_t)exponent, sizeof exponent);
        return true;
    }
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (strcmp(curves[i].name, k->curve) == 0) {
            add(t, CKA_EC_PARAMS, (void *)(uintptr_t)curves[i].der, curves[i].length);
            return true;
        }
    return false;
}

static bool fill(struct request *r, const struct wire_new_key *k, bool strict)
{
    *r = (struct request){0};
    r->mechanism.mechanism = k->rsa_bits > 0 ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN;
    fill_private(r, k, strict);
    return fill_public(r, k);
}

/* Both halves as the token knows them. */
struct pair {
    struct module *m;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_half, private_half;
};

static CK_RV call(struct pair *p, struct request *r)
{
    return p->m->f->C_GenerateKeyPair(p->session, &r->mechanism, r->public_half.attribute,
                                      r->public_half.count, r->private_half.attribute,
                                      r->private_half.count, &p->public_half, &p->private_half);
}

/* Values that may be about the template; tpm2-pkcs11 says CKR_GENERAL_ERROR of one that denies what
 * the TPM does by itself. */
static bool may_dislike_template(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT ||
           rv == CKR_ARGUMENTS_BAD || rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED;
}

/* How many objects have the key's id, which was free before; false: that cannot be told. */
static bool count_made(const struct pair *p, const struct wire_new_key *k, size_t *count)
{
    CK_ATTRIBUTE id[] = {{CKA_ID, k->id, k->id_length}};
    struct wire_status ignored = {0};
    CK_OBJECT_HANDLE *handles;
    bool searched = objects_search(p->m, p->session, id, 1, &handles, count, &ignored);

    free(handles);
    return searched;
}

/* A call that failed made nothing, as far as the token shows. */
static bool is_nothing_there(const struct pair *p, const struct wire_new_key *k)
{
    size_t count;

    return count_made(p, k, &count) && count == 0;
}

static const char *hex(const struct wire_new_key *k, char out[2 * MOST_ID + 1])
{
    out[0] = '\0';
    for (size_t i = 0; i < k->id_length && i < MOST_ID; i++)
        sprintf(out + 2 * i, "%02x", k->id[i]);
    return out;
}

/* The token failed. What it may have made of the key on the way is named. */
static bool not_made(const struct pair *p, const struct wire_new_key *k, CK_RV rv,
                     struct wire_status *s)
{
    char name[RV_TEXT_SIZE], id[2 * MOST_ID + 1];
    size_t count;

    if (!count_made(p, k, &count) || count == 0)
        return status_of(s, rv, "C_GenerateKeyPair");
    return status_fail(s, rv, "C_GenerateKeyPair",
                       "%s; and a part of the key is left on the token: signet delete with its id "
                       "%.64s removes it",
                       rv_name(rv, name), hex(k, id));
}

static bool make(struct pair *p, const struct wire_new_key *k, struct wire_status *s)
{
    struct request r;
    CK_RV rv;

    if (k->id_length > MOST_ID || !fill(&r, k, true))
        return status_fail(s, CKR_ARGUMENTS_BAD, "", "such a key is not made");
    rv = call(p, &r);
    if (may_dislike_template(rv) && is_nothing_there(p, k) && fill(&r, k, false))
        rv = call(p, &r);
    return rv == CKR_OK || not_made(p, k, rv, s);
}

/* The key is not to stay: deletes both halves, or says what is left and how to go on. */
static bool take_back(const struct pair *p, const struct wire_new_key *k, CK_RV rv, const char *why,
                      struct wire_status *s)
{
    char name[RV_TEXT_SIZE], id[2 * MOST_ID + 1];
    CK_RV first = p->m->f->C_DestroyObject(p->session, p->private_half);
    CK_RV second = p->m->f->C_DestroyObject(p->session, p->public_half);

    if (first == CKR_OK && second == CKR_OK)
        return status_fail(s, rv, "", "%s; it was deleted again", why);
    return status_fail(s, rv, "",
                       "%s; and it cannot be deleted now (C_DestroyObject: %s). It may be left on "
                       "the token: signet delete with its id %.64s removes it",
                       why, rv_name(first == CKR_OK ? second : first, name), hex(k, id));
}

static bool told(const struct wire_object *o, enum wire_flag flag, bool value)
{
    return (o->flags_known & 1u << flag) && ((o->flags_set & 1u << flag) != 0) == value;
}

static bool same_bytes(const uint8_t *a, size_t a_length, const uint8_t *b, size_t b_length)
{
    return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

static bool has_exponent(const struct wire_object *o)
{
    const unsigned char *at = o->spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)o->spki_length);
    BIGNUM *wanted = BN_bin2bn(exponent, sizeof exponent, NULL), *e = NULL;
    bool same = key != NULL && wanted != NULL &&
                EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
                BN_cmp(e, wanted) == 0;

    BN_free(e);
    BN_free(wanted);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return same;
}

/* Why this is not the key that was asked for; NULL. What the token does not tell is not held
 * against it. */
static const char *complaint(const struct wire_object *o, const struct wire_new_key *k)
{
    if (told(o, WIRE_SENSITIVE, false) || told(o, WIRE_ALWAYS_SENSITIVE, false))
        return "the token made a key whose value can be read (CKA_SENSITIVE)";
    if (told(o, WIRE_EXTRACTABLE, true) || told(o, WIRE_NEVER_EXTRACTABLE, false))
        return "the token made a key that can leave it (CKA_EXTRACTABLE)";
    if (told(o, WIRE_PRIVATE, false))
        return "the token made a key that signs without a login (CKA_PRIVATE)";
    if (told(o, WIRE_LOCAL, false))
        return "the token says that it did not make this key itself (CKA_LOCAL)";
    if (told(o, WIRE_TOKEN_OBJECT, false))
        return "the token made a key that ends with this session (CKA_TOKEN)";
    if (told(o, WIRE_CAN_SIGN, false))
        return "the token made a key that cannot sign (CKA_SIGN)";
    if (o->spki == NULL)
        return "the token does not tell the public half of the key that it made";
    if (k->rsa_bits > 0 ? o->bits != k->rsa_bits || o->curve[0] != '\0'
                        : strcmp(o->curve, k->curve) != 0)
        return "the token made a key of another size or curve";
    if (k->rsa_bits > 0 && !has_exponent(o))
        return "the token made a key with another public exponent than 65537";
    if (!same_bytes(o->id, o->id_length, k->id, k->id_length))
        return "the token gave the key another id (CKA_ID)";
    if (o->label == NULL || strcmp(o->label, k->label) != 0)
        return "the token gave the key another label (CKA_LABEL)";
    return NULL;
}

/* The private key's record with the public half from its public key object; a private EC key has no
 * point. */
static bool read_back(const struct pair *p, struct wire_object *out)
{
    struct object_ref private_half = {p->m, p->session, p->private_half};
    struct object_ref public_half = {p->m, p->session, p->public_half};
    struct wire_object half;

    if (!object_read(&private_half, out))
        return false;
    if (!object_read(&public_half, &half))
        return true;
    if (half.spki != NULL) {
        free(out->spki);
        out->spki = half.spki;
        out->spki_length = half.spki_length;
        out->bits = half.bits;
        memcpy(out->curve, half.curve, sizeof out->curve);
        half.spki = NULL;
    }
    wire_object_free(&half);
    return true;
}

static bool judge(const struct pair *p, const struct wire_new_key *k, struct wire_object *out,
                  struct wire_status *s)
{
    const char *why;

    if (!read_back(p, out))
        return take_back(p, k, CKR_GENERAL_ERROR,
                         "the key was made, but the token does not show it", s);
    why = complaint(out, k);
    return why == NULL || take_back(p, k, CKR_TEMPLATE_INCONSISTENT, why, s);
}

bool generate_key(struct module *m, const struct wire_new_key *k, struct wire_object *out,
                  struct wire_status *s)
{
    struct pair pair = {.m = m};
    bool done;

    *out = (struct wire_object){0};
    if (!which_session(m, k->slot, &pair.session, s))
        return false;
    done = make(&pair, k, s) && judge(&pair, k, out, s);
    m->f->C_CloseSession(pair.session);
    return done;
}
