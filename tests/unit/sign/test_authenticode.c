/* SPDX-License-Identifier: Apache-2.0 */
/* What a signature looks like, byte by byte where Windows is particular (PKCS#7, RFC 2315;
 * Windows Authenticode Portable Executable Signature Format 1.0). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "der.h"
#include "pe_builder.h"
#include "sign/authenticode.h"
#include "sign/format.h"
#include "sign/unsigned.h"
#include "signing.h"

#define INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"
#define NESTED "1.3.6.1.4.1.311.2.4.1"

static const struct kind {
    const char *key;
    enum signer_hash hash;
    const char *md, *digest_oid, *signature_oid;
    bool with_null; /* parameters of the signature's algorithm */
} kinds[] = {
    {"RSA:2048", SIGNER_SHA256, "SHA256", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.1", true},
    {"RSA:2048", SIGNER_SHA384, "SHA384", "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.1", true},
    {"RSA:2048", SIGNER_SHA512, "SHA512", "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.1", true},
    {"P-256", SIGNER_SHA256, "SHA256", "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2", false},
    {"P-384", SIGNER_SHA384, "SHA384", "2.16.840.1.101.3.4.2.2", "1.2.840.10045.4.3.3", false},
    {"P-521", SIGNER_SHA512, "SHA512", "2.16.840.1.101.3.4.2.3", "1.2.840.10045.4.3.4", false},
    {"P-256", SIGNER_SHA512, "SHA512", "2.16.840.1.101.3.4.2.3", "1.2.840.10045.4.3.4", false},
};

static void sign_image(const struct signing_identity *i, const struct sign_spec *spec,
                       struct buffer *file)
{
    struct pe_image image;

    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    signing_must(i, spec, &image.bytes, file);
    buffer_free(&image.bytes);
}

/* The parts of one ContentInfo. */
struct parts {
    struct der signed_data, content, certificates, signer, attributes;
};

static struct parts take_apart(const uint8_t *der, size_t length)
{
    struct der info = der_read(der, length);
    struct parts p;

    assert_int_equal(info.tag, DER_SEQUENCE);
    assert_int_equal(info.size, length);
    assert_true(der_is_oid(der_at(info, 0), "1.2.840.113549.1.7.2"));
    p.signed_data = der_get(der_get(info, 1, DER_CONTEXT_0), 0, DER_SEQUENCE);
    assert_int_equal(der_count(p.signed_data), 5);
    p.content = der_get(p.signed_data, 2, DER_SEQUENCE);
    p.certificates = der_get(p.signed_data, 3, DER_CONTEXT_0);
    p.signer = der_get(der_get(p.signed_data, 4, DER_SET), 0, DER_SEQUENCE);
    assert_int_equal(der_count(der_at(p.signed_data, 4)), 1);
    p.attributes = der_get(p.signer, 3, DER_CONTEXT_0);
    return p;
}

/* The one value of the attribute. */
static struct der attribute(struct der attributes, const char *oid)
{
    for (size_t i = 0; i < der_count(attributes); i++) {
        struct der one = der_get(attributes, i, DER_SEQUENCE);

        if (!der_is_oid(der_at(one, 0), oid))
            continue;
        assert_int_equal(der_count(der_get(one, 1, DER_SET)), 1);
        return der_at(der_at(one, 1), 0);
    }
    fail_msg("no attribute %s", oid);
    return (struct der){0};
}

static bool is_one(struct der integer)
{
    return integer.tag == DER_INTEGER && integer.length == 1 && integer.value[0] == 1;
}

static void check_content(const struct parts *p, const struct kind *k)
{
    static const uint8_t image_data[] = {0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01,
                                         0x82, 0x37, 0x02, 0x01, 0x0f, 0x30, 0x09, 0x03, 0x01,
                                         0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00};
    struct der indirect = der_get(der_get(p->content, 1, DER_CONTEXT_0), 0, DER_SEQUENCE);
    struct der stated = attribute(p->attributes, "1.2.840.113549.1.9.4");
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length;

    assert_true(der_is_oid(der_at(p->content, 0), INDIRECT_DATA));
    assert_int_equal(der_count(indirect), 2);
    assert_int_equal(der_at(indirect, 0).size, sizeof image_data);
    assert_memory_equal(der_at(indirect, 0).start, image_data, sizeof image_data);
    assert_true(der_is_algorithm(der_at(der_at(indirect, 1), 0), k->digest_oid, true));
    /* Over the value octets, without tag and length. */
    assert_int_equal(
        EVP_Q_digest(NULL, k->md, NULL, indirect.value, indirect.length, digest, &length), 1);
    assert_int_equal(stated.tag, DER_OCTETS);
    assert_int_equal(stated.length, length);
    assert_memory_equal(stated.value, digest, length);
    assert_int_equal(der_get(der_at(indirect, 1), 1, DER_OCTETS).length, length);
}

/* What the token signed: the digest of the attributes as a SET, not as the [0] that they stand in.
 */
static void check_signature(const struct parts *p, const struct kind *k, EVP_PKEY *key)
{
    struct buffer set = BUFFER_INIT;
    struct der value = der_get(p->signer, 5, DER_OCTETS);
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t length;

    buffer_append(&set, p->attributes.start, p->attributes.size);
    set.data[0] = DER_SET;
    assert_int_equal(EVP_Q_digest(NULL, k->md, NULL, set.data, set.length, digest, &length), 1);
    assert_true(signer_verify(key, k->hash, digest, length, value.value, value.length, NULL));
    buffer_free(&set);
}

static void shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *k = &kinds[i];
        struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
        struct signing_identity identity;
        struct sign_spec spec;
        struct parts p;

        signing_identity_make(&identity, k->key);
        spec = signing_spec(&identity);
        spec.hash = k->hash;
        sign_image(&identity, &spec, &file);
        signing_extract(&file, 0, &der);
        p = take_apart(der.data, der.length);
        assert_true(is_one(der_at(p.signed_data, 0)));
        assert_true(is_one(der_at(p.signer, 0)));
        assert_int_equal(der_count(der_get(p.signed_data, 1, DER_SET)), 1);
        assert_true(der_is_algorithm(der_at(der_at(p.signed_data, 1), 0), k->digest_oid, true));
        assert_true(der_is_algorithm(der_at(p.signer, 2), k->digest_oid, true));
        assert_true(der_is_algorithm(der_at(p.signer, 4), k->signature_oid, k->with_null));
        assert_int_equal(der_count(p.signer), 6); /* nothing unsigned */
        assert_true(der_is_sorted(p.attributes));
        check_content(&p, k);
        check_signature(&p, k, identity.key);
        buffer_free(&file);
        buffer_free(&der);
        signing_identity_free(&identity);
    }
}

/* No signing time, so that the same input makes the same output; everything else is there. */
static void attributes(void **state)
{
    static const uint8_t commercial[] = {0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01,
                                         0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x16};
    /* programName [0] { [0] BMPString }, moreInfo [1] { [0] IA5String } */
    static const uint8_t opus[] = {0x30, 0x13, 0xa0, 0x08, 0x80, 0x06, 0x00, 0xc4, 0x20, 0xac, 0x00,
                                   0x61, 0xa1, 0x07, 0x80, 0x05, 'h',  't',  't',  'p',  ':'};
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct signing_identity identity;
    struct sign_spec spec;
    struct parts p;
    struct der value;

    (void)state;
    signing_identity_make(&identity, "P-256");
    spec = signing_spec(&identity);
    spec.description = "Ä€a";
    spec.url = "http:";
    sign_image(&identity, &spec, &file);
    signing_extract(&file, 0, &der);
    p = take_apart(der.data, der.length);
    assert_int_equal(der_count(p.attributes), 4);
    assert_true(der_is_sorted(p.attributes));
    assert_true(der_is_oid(attribute(p.attributes, "1.2.840.113549.1.9.3"), INDIRECT_DATA));
    value = attribute(p.attributes, "1.3.6.1.4.1.311.2.1.11");
    assert_int_equal(value.size, sizeof commercial);
    assert_memory_equal(value.start, commercial, sizeof commercial);
    value = attribute(p.attributes, "1.3.6.1.4.1.311.2.1.12");
    assert_int_equal(value.size, sizeof opus);
    assert_memory_equal(value.start, opus, sizeof opus);
    buffer_free(&file);
    buffer_free(&der);
    signing_identity_free(&identity);
}

static void attributes_of_a_bare_spec(void **state)
{
    static const uint8_t individual[] = {0x30, 0x0c, 0x06, 0x0a, 0x2b, 0x06, 0x01,
                                         0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x15};
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct signing_identity identity;
    struct sign_spec spec;
    struct parts p;

    (void)state;
    signing_identity_make(&identity, "P-256");
    spec = signing_spec(&identity);
    spec.description = spec.url = NULL;
    spec.purpose = SIGN_INDIVIDUAL;
    sign_image(&identity, &spec, &file);
    signing_extract(&file, 0, &der);
    p = take_apart(der.data, der.length);
    assert_int_equal(der_count(p.attributes), 4);
    assert_memory_equal(attribute(p.attributes, "1.3.6.1.4.1.311.2.1.11").start, individual,
                        sizeof individual);
    assert_int_equal(attribute(p.attributes, "1.3.6.1.4.1.311.2.1.12").length, 0);
    buffer_free(&file);
    buffer_free(&der);
    signing_identity_free(&identity);
}

/* Leaf and intermediates, sorted, whatever order they were given in; no root. */
static void certificates(void **state)
{
    struct signing_identity identity;
    STACK_OF(X509) * reversed;

    (void)state;
    signing_identity_make(&identity, "P-256");
    reversed = make_stack(identity.intermediate, identity.leaf, NULL);
    for (int i = 0; i < 2; i++) {
        struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
        struct sign_spec spec = signing_spec(&identity);
        struct parts p;

        spec.chain = i == 0 ? identity.chain : reversed;
        sign_image(&identity, &spec, &file);
        signing_extract(&file, 0, &der);
        p = take_apart(der.data, der.length);
        assert_int_equal(der_count(p.certificates), 2);
        assert_true(der_is_sorted(p.certificates));
        buffer_free(&file);
        buffer_free(&der);
    }
    make_free_stack(reversed);
    signing_identity_free(&identity);
}

/* RSA signatures of the same bytes are the same, all of the file. */
static void reproducible(void **state)
{
    struct buffer one = BUFFER_INIT, two = BUFFER_INIT;
    struct signing_identity identity;
    struct sign_spec spec;

    (void)state;
    signing_identity_make(&identity, "RSA:2048");
    spec = signing_spec(&identity);
    sign_image(&identity, &spec, &one);
    sign_image(&identity, &spec, &two);
    assert_int_equal(one.length, two.length);
    assert_memory_equal(one.data, two.data, one.length);
    buffer_free(&one);
    buffer_free(&two);
    signing_identity_free(&identity);
}

/* All nested signatures in one attribute, one more and again one more, up to as many as a file may
 * have; what was there stays as it was. */
static void nesting(void **state)
{
    struct buffer file = BUFFER_INIT, inner = BUFFER_INIT, outer = BUFFER_INIT;
    struct signing_identity identity;
    struct error e = ERROR_INIT;
    struct sign_spec spec;
    struct parts before, after;
    struct der nested;

    (void)state;
    signing_identity_make(&identity, "P-256");
    spec = signing_spec(&identity);
    sign_image(&identity, &spec, &file);
    signing_extract(&file, 0, &inner);
    buffer_append(&outer, inner.data, inner.length);
    signing_add_many(&outer, NESTED, inner.data, (int)inner.length, FORMAT_SIGNATURES - 1 - 20);
    for (int i = 0; i < 20; i++) {
        struct buffer next = BUFFER_INIT;

        if (!unsigned_nest(&outer, &inner, &next, &e))
            fail_msg("number %d: %s", i, e.text);
        buffer_free(&outer);
        outer = next;
    }
    assert_false(unsigned_nest(&outer, &inner, &file, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);

    before = take_apart(inner.data, inner.length);
    after = take_apart(outer.data, outer.length);
    assert_int_equal(before.content.size, after.content.size);
    assert_memory_equal(before.content.start, after.content.start, before.content.size);
    assert_memory_equal(before.certificates.start, after.certificates.start,
                        before.certificates.size);
    assert_int_equal(der_count(after.signer), 7);
    for (size_t i = 0; i < 6; i++)
        assert_memory_equal(der_at(before.signer, i).start, der_at(after.signer, i).start,
                            der_at(before.signer, i).size);
    nested = der_get(after.signer, 6, DER_CONTEXT_1);
    assert_int_equal(der_count(nested), 1);
    assert_true(der_is_oid(der_at(der_at(nested, 0), 0), NESTED));
    nested = der_get(der_at(nested, 0), 1, DER_SET);
    assert_int_equal(der_count(nested), FORMAT_SIGNATURES - 1);
    assert_int_equal(der_at(nested, 1022).size, inner.length);
    assert_memory_equal(der_at(nested, 1022).start, inner.data, inner.length);
    buffer_free(&file);
    buffer_free(&inner);
    buffer_free(&outer);
    signing_identity_free(&identity);
}

static void add_octets(PKCS7_SIGNER_INFO *info, const char *oid, const char *octets)
{
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_txt(
        NULL, oid, V_ASN1_OCTET_STRING, (const unsigned char *)octets, (int)strlen(octets));

    if (info->auth_attr == NULL)
        info->auth_attr = sk_X509_ATTRIBUTE_new_null();
    assert_true(sk_X509_ATTRIBUTE_push(info->auth_attr, attribute) > 0);
}

/* What stands there twice could be read in two ways: it is as if it were not there. */
static void once_or_never(void **state)
{
    PKCS7_SIGNER_INFO *info = PKCS7_SIGNER_INFO_new();
    const ASN1_TYPE *value;

    (void)state;
    assert_null(authenticode_attribute(info, PKCS9_MESSAGE_DIGEST_OID));
    add_octets(info, "1.2.3.4", "one");
    add_octets(info, PKCS9_MESSAGE_DIGEST_OID, "two");
    value = authenticode_attribute(info, PKCS9_MESSAGE_DIGEST_OID);
    assert_non_null(value);
    assert_memory_equal(ASN1_STRING_get0_data(value->value.octet_string), "two", 3);
    assert_int_equal(X509_ATTRIBUTE_set1_data(sk_X509_ATTRIBUTE_value(info->auth_attr, 0),
                                              V_ASN1_OCTET_STRING, "more", 4),
                     1);
    assert_null(authenticode_attribute(info, "1.2.3.4"));
    add_octets(info, PKCS9_MESSAGE_DIGEST_OID, "two");
    assert_null(authenticode_attribute(info, PKCS9_MESSAGE_DIGEST_OID));
    PKCS7_SIGNER_INFO_free(info);
}

/* Whoever reads one must know where it ends. */
static void nothing_behind(void **state)
{
    struct signing_identity i;
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct authenticode_view v;
    struct sign_spec spec;

    (void)state;
    signing_identity_make(&i, "P-256");
    spec = signing_spec(&i);
    sign_image(&i, &spec, &file);
    signing_extract(&file, 0, &der);
    assert_true(authenticode_view(der.data, der.length, &v, NULL));
    authenticode_view_free(&v);
    buffer_append_byte(&der, 0);
    assert_false(authenticode_view(der.data, der.length, &v, NULL));
    buffer_free(&file);
    buffer_free(&der);
    signing_identity_free(&i);
}

/* Changes the last byte of an element in a copy; true when the signature still holds. */
static bool holds_with(const struct buffer *signature, const uint8_t *value, size_t length,
                       uint8_t last)
{
    struct buffer copy = BUFFER_INIT;
    struct authenticode_view v;
    struct error e = ERROR_INIT;
    bool good;

    buffer_append(&copy, signature->data, signature->length);
    copy.data[value - signature->data + length - 1] = last;
    assert_true(authenticode_view(copy.data, copy.length, &v, &e));
    good = authenticode_check(&v, &e);
    assert_true(good || e.code == ERROR_SIGNATURE);
    authenticode_view_free(&v);
    buffer_free(&copy);
    return good;
}

/* Versions and names of algorithms, which nobody signed. */
static void unprotected(void **state)
{
    enum { RSA = 1, MD5_RSA = 4, SHA256_RSA = 11, SHA384_RSA = 12, ECDSA = 2, ECDSA_SHA384 = 3 };
    static const char *const keys[] = {"RSA:2048", "P-256"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct signing_identity identity;
        struct buffer file = BUFFER_INIT, signature = BUFFER_INIT;
        struct sign_spec spec;
        struct der digest, key;
        struct parts p;

        signing_identity_make(&identity, keys[i]);
        spec = signing_spec(&identity);
        sign_image(&identity, &spec, &file);
        signing_extract(&file, 0, &signature);
        p = take_apart(signature.data, signature.length);
        digest = der_at(der_at(der_at(p.signed_data, 1), 0), 0);
        key = der_at(der_at(p.signer, 4), 0);
        for (uint8_t version = 0; version < 4; version++) {
            assert_int_equal(holds_with(&signature, der_at(p.signed_data, 0).value, 1, version),
                             version == 1);
            assert_int_equal(holds_with(&signature, der_at(p.signer, 0).value, 1, version),
                             version == 1);
        }
        assert_true(holds_with(&signature, digest.value, digest.length, 1));
        assert_false(holds_with(&signature, digest.value, digest.length, 2));
        assert_false(holds_with(&signature, digest.value, digest.length, 0x7f));
        assert_true(holds_with(&signature, key.value, key.length, i == 0 ? RSA : ECDSA));
        assert_false(holds_with(&signature, key.value, key.length, 0x7f));
        assert_false(
            holds_with(&signature, key.value, key.length, i == 0 ? MD5_RSA : ECDSA_SHA384));
        if (i == 0) {
            assert_true(holds_with(&signature, key.value, key.length, SHA256_RSA));
            assert_false(holds_with(&signature, key.value, key.length, SHA384_RSA));
        }
        buffer_free(&file);
        buffer_free(&signature);
        signing_identity_free(&identity);
    }
}

/* The number of a signature in the place of a hash's, which nobody signed either: Windows finds no
 * hash by it. */
static void hashes_by_their_own_number(void **state)
{
    static const struct {
        int nid;
        bool known;
    } cases[] = {{NID_sha256, true}, {NID_sha256WithRSAEncryption, false}, {NID_undef, false}};
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct signing_identity i;
    struct sign_spec spec;

    (void)state;
    signing_identity_make(&i, "RSA:2048");
    spec = signing_spec(&i);
    sign_image(&i, &spec, &file);
    signing_extract(&file, 0, &der);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const unsigned char *at = der.data;
        PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der.length);
        unsigned char *changed = NULL;
        struct authenticode_view v;
        int length;

        X509_ALGOR_set0(sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0)->digest_alg,
                        OBJ_nid2obj(cases[k].nid), V_ASN1_NULL, NULL);
        length = i2d_PKCS7(p7, &changed);
        assert_int_equal(length > 0 && authenticode_view(changed, (size_t)length, &v, NULL),
                         cases[k].known);
        if (cases[k].known)
            authenticode_view_free(&v);
        OPENSSL_free(changed);
        PKCS7_free(p7);
    }
    buffer_free(&file);
    buffer_free(&der);
    signing_identity_free(&i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unprotected),   cmocka_unit_test(shape),
        cmocka_unit_test(once_or_never), cmocka_unit_test(nothing_behind),
        cmocka_unit_test(attributes),    cmocka_unit_test(attributes_of_a_bare_spec),
        cmocka_unit_test(certificates),  cmocka_unit_test(reproducible),
        cmocka_unit_test(nesting),       cmocka_unit_test(hashes_by_their_own_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
