/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be wrong with a signed file, and the words for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pkcs7.h>

#include "cert/view.h"
#include "judging.h"
#include "pe_builder.h"
#include "sign/authenticode.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/spc.h"
#include "sign/unsigned.h"
#include "signing.h"

static struct signing_identity identity;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&identity, "P-256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&identity);
    return 0;
}

static void signed_file(const struct signing_identity *i, struct buffer *file)
{
    struct sign_spec spec = signing_spec(i);
    struct pe_image image;

    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    signing_must(i, &spec, &image.bytes, file);
    buffer_free(&image.bytes);
}

static void judge(const struct buffer *file, const struct verify_options *options,
                  struct verify_report *report)
{
    int fd = signing_file(file->data, file->length);
    struct error e = ERROR_INIT;

    if (!verify_file(fd, "test.exe", options, report, NULL, &e))
        fail_msg("%s", e.text);
    close(fd);
}

static void good_file(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct buffer file = BUFFER_INIT;
    struct verify_report report;
    const struct verify_signature *s;
    char *pin = cert_pin(identity.leaf);

    (void)state;
    signed_file(&identity, &file);
    options.certificate = pin;
    judge(&file, &options, &report);
    s = &report.signature[0];
    assert_true(report.good);
    assert_string_equal(report.format, "pe");
    assert_int_equal(report.count, 1);
    assert_int_equal(report.problem_count, 0);
    assert_int_equal(s->depth, 0);
    assert_int_equal(X509_cmp(s->signer, identity.leaf), 0);
    assert_int_equal(sk_X509_num(s->certificates), 2);
    assert_string_equal(s->description, "Example");
    assert_string_equal(s->url, "https://example.com");
    assert_true(s->commercial);
    assert_false(s->has_timestamp);
    assert_true(s->digest_good);
    assert_true(s->signature_good);
    assert_true(s->chain_good);
    assert_int_equal(s->problem_count, 0);
    verify_report_free(&report);
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    buffer_free(&file);
    free(pin);
}

static void unsigned_file(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct verify_report report;
    struct pe_image image;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    judge(&image.bytes, &options, &report);
    assert_false(report.good);
    assert_int_equal(report.count, 0);
    assert_true(judging_told(report.problems, report.problem_count, "it is not signed"));
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    buffer_free(&image.bytes);
}

/* Changes to the signed file. Its headers are those of the builder's PE32. */
static void change_data(struct buffer *file)
{
    file->data[700] ^= 1;
}

static void change_checksum(struct buffer *file)
{
    file->data[128 + 88] ^= 1;
}

static void zero_checksum(struct buffer *file)
{
    memset(file->data + 128 + 88, 0, 4);
}

static void set_checksum(struct buffer *file)
{
    le_put_32(file->data + 128 + 88, pe_expected_checksum(file));
}

static void stuff(struct buffer *file)
{
    uint8_t *entry = file->data + 128 + 152;
    size_t table = le_32(entry), size = le_32(entry + 4) + 16;

    buffer_append(file, "something hidden", 16);
    le_put_32(file->data + 128 + 152 + 4, (uint32_t)size);
    le_put_32(file->data + table, (uint32_t)size);
    set_checksum(file);
}

static void stuff_zeros(struct buffer *file)
{
    stuff(file);
    memset(file->data + file->length - 16, 0, 16);
    set_checksum(file);
}

static void changed_files(void **state)
{
    static const struct {
        void (*change)(struct buffer *);
        bool good, digest_good;
        const char *of_file, *of_signature;
    } cases[] = {
        {change_data, false, false, "CheckSum in its header is wrong", "not what was signed"},
        {change_checksum, false, true, "CheckSum in its header is wrong", NULL},
        {zero_checksum, true, true, NULL, NULL},
        {set_checksum, true, true, NULL, NULL},
        {stuff, false, true, "bytes stand behind the signature", NULL},
        {stuff_zeros, true, true, NULL, NULL},
    };
    struct verify_options options = signing_trust(&identity);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer file = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;

        signed_file(&identity, &file);
        cases[i].change(&file);
        judge(&file, &options, &report);
        s = &report.signature[0];
        assert_int_equal(report.good, cases[i].good);
        assert_int_equal(s->digest_good, cases[i].digest_good);
        assert_true(s->signature_good);
        assert_int_equal(report.problem_count, cases[i].of_file != NULL);
        assert_int_equal(s->problem_count, cases[i].of_signature != NULL);
        if (cases[i].of_file != NULL)
            assert_true(judging_told(report.problems, report.problem_count, cases[i].of_file));
        if (cases[i].of_signature != NULL)
            assert_true(judging_told(s->problems, s->problem_count, cases[i].of_signature));
        verify_report_free(&report);
        buffer_free(&file);
    }
    X509_STORE_free(options.trust);
}

static void another_certificate(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct buffer file = BUFFER_INIT;
    struct verify_report report;
    char *pin = cert_pin(identity.root);

    (void)state;
    signed_file(&identity, &file);
    options.certificate = pin;
    judge(&file, &options, &report);
    assert_false(report.good);
    assert_true(judging_told(report.problems, report.problem_count, "the profile's certificate"));
    assert_int_equal(report.signature[0].problem_count, 0);
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    buffer_free(&file);
    free(pin);
}

/* Leaves and chains that are not right, each with all that must be said about it. */
static const struct chain_case {
    const char *name, *usage, *purposes;
    time_t from, to;
    const char *ca_purposes;
    const char *key, *md; /* of the leaf; NULL: P-256, SHA256 */
    bool ca_is_none, untrusted, without_intermediate;
    const char *says[3];
} chains[] = {
    {.name = "expired",
     .purposes = "codeSigning",
     .from = YEAR_2020,
     .to = YEAR_2026 - 1,
     .says = {"certificate 'Leaf' expired at 2025-12-31T23:59:59Z"}},
    {.name = "not yet",
     .purposes = "codeSigning",
     .from = YEAR_2026 + 1,
     .to = YEAR_2040,
     .says = {"certificate 'Leaf' is valid only from 2026-01-01T00:00:01Z on"}},
    {.name = "for servers", .purposes = "serverAuth", .says = {"not for code signing"}},
    {.name = "for nothing", .says = {"not for code signing"}},
    {.name = "may not sign",
     .purposes = "codeSigning",
     .usage = "keyEncipherment",
     .says = {"key usage does not allow signatures"}},
    {.name = "untrusted",
     .purposes = "codeSigning",
     .untrusted = true,
     .says = {"the root 'Root' is not trusted here"}},
    {.name = "no issuer",
     .purposes = "codeSigning",
     .without_intermediate = true,
     .says = {"no trusted root for 'Leaf'"}},
    {.name = "no CA",
     .purposes = "codeSigning",
     .ca_is_none = true,
     .says = {"certificate 'CA': invalid CA certificate"}},
    {.name = "CA for servers",
     .purposes = "codeSigning",
     .ca_purposes = "serverAuth",
     .says = {"the CA 'CA' may not issue certificates for code signing"}},
    {.name = "RSA of 1024 bits",
     .purposes = "codeSigning",
     .key = "RSA:1024",
     .says = {"certificate 'Leaf' has a key that is too weak (RSA-1024)"}},
    {.name = "RSA of 2048 bits", .purposes = "codeSigning", .key = "RSA:2048"},
    {.name = "issued with SHA-1",
     .purposes = "codeSigning",
     .md = "SHA1",
     .says = {"certificate 'Leaf' was issued with SHA1, which nobody trusts any more"}},
    {.name = "CA for all", .purposes = "codeSigning", .ca_purposes = "anyExtendedKeyUsage"},
    {.name = "CA for code", .purposes = "codeSigning", .ca_purposes = "serverAuth,codeSigning"},
    {.name = "all at once",
     .purposes = "serverAuth",
     .from = YEAR_2020,
     .to = YEAR_2026 - 1,
     .untrusted = true,
     .says = {"expired", "not trusted here", "not for code signing"}},
};

static void make_chain(struct signing_identity *i, const struct chain_case *c)
{
    *i = (struct signing_identity){.key = make_key(c->key == NULL ? "P-256" : c->key),
                                   .ca_key = make_key("P-256")};
    i->root = make_certificate(&(struct certificate){.name = "Root", .key = i->ca_key, .ca = true});
    i->intermediate = make_certificate(&(struct certificate){.name = "CA",
                                                             .key = i->ca_key,
                                                             .issuer = i->root,
                                                             .issuer_key = i->ca_key,
                                                             .serial = 2,
                                                             .ca = !c->ca_is_none,
                                                             .purposes = c->ca_purposes});
    i->leaf = make_certificate(&(struct certificate){.name = "Leaf",
                                                     .key = i->key,
                                                     .issuer = i->intermediate,
                                                     .issuer_key = i->ca_key,
                                                     .from = c->from,
                                                     .to = c->to,
                                                     .serial = 3,
                                                     .usage = c->usage,
                                                     .purposes = c->purposes,
                                                     .md = c->md});
    if (c->without_intermediate)
        i->chain = make_stack(i->leaf, NULL);
    else if (c->untrusted)
        i->chain = make_stack(i->leaf, i->intermediate, i->root, NULL);
    else
        i->chain = make_stack(i->leaf, i->intermediate, NULL);
}

static void bad_chains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        const struct chain_case *c = &chains[i];
        struct verify_options options;
        struct signing_identity own;
        struct buffer file = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;
        size_t wanted = 0;

        make_chain(&own, c);
        signed_file(&own, &file);
        options = signing_trust(c->untrusted ? &identity : &own);
        judge(&file, &options, &report);
        s = &report.signature[0];
        for (; wanted < 3 && c->says[wanted] != NULL; wanted++)
            if (!judging_told(s->problems, s->problem_count, c->says[wanted]))
                fail_msg("%s", c->name);
        if (s->problem_count != wanted || s->chain_good != (wanted == 0) ||
            report.good != (wanted == 0))
            fail_msg("%s: %zu problems: %s", c->name, s->problem_count,
                     s->problem_count == 0 ? "" : s->problems[s->problem_count - 1]);
        assert_true(s->digest_good && s->signature_good);
        verify_report_free(&report);
        X509_STORE_free(options.trust);
        buffer_free(&file);
        signing_identity_free(&own);
    }
}

/* An image with a signature over the digest by `md`, whose content says it is of `kind`. */
static void signed_as(const struct format *kind, const EVP_MD *md, struct pe_image *image)
{
    struct sign_spec spec = signing_spec(&identity);
    struct buffer content = BUFFER_INIT, signature = BUFFER_INIT, der = BUFFER_INIT;
    uint8_t digest[1][EVP_MAX_MD_SIZE];
    const struct format_pass pass = {.output = -1, .md = &md, .count = 1, .digest = digest};
    const uint8_t *to_sign;
    struct authenticode *a;
    struct format_file *f;
    size_t length;
    int fd;

    pe_build(image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    fd = signing_file(image->bytes.data, image->bytes.length);
    f = format_pe.open(fd, "test.exe", NULL);
    assert_true(format_pe.digest(f, &pass, NULL));
    /* That of a cabinet does not look at its file. */
    assert_true(kind->content(f, md, digest[0], &content, NULL));
    a = authenticode_new(&spec, &content, NULL);
    to_sign = authenticode_digest(a, &length);
    signing_sign(identity.key, spec.hash, to_sign, length, &signature);
    assert_true(authenticode_finish(a, signature.data, signature.length, &der, NULL));
    pe_add_certificate(image, 2, der.data, der.length, true);
    authenticode_free(&a);
    format_pe.close(&f);
    close(fd);
    buffer_free(&content);
    buffer_free(&signature);
    buffer_free(&der);
}

/* Right in every way, but of an age when SHA-1 was enough, or by a hash that Windows has no
 * signature with; or made for a cabinet of that digest. */
static void old_digest_or_other_kind(void **state)
{
    static const struct {
        const struct format *kind;
        const char *md, *says;
    } cases[] = {
        {&format_pe, "SHA1", "SHA1, which Windows does not trust"},
        {&format_pe, "SHA224", "SHA224, which Windows does not trust"},
        {&format_pe, "SHA3-256", "SHA3-256, which Windows does not trust"},
        {&format_pe, "SHA512-256", "SHA512-256, which Windows does not trust"},
        {&format_pe, "BLAKE2s256", "BLAKE2s256, which Windows does not trust"},
        {&format_cab, "SHA256", "it was made for another kind of file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verify_options options = signing_trust(&identity);
        struct sign_spec spec = signing_spec(&identity);
        struct buffer out = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct verify_report report;
        struct pe_image image;

        signed_as(cases[i].kind, EVP_get_digestbyname(cases[i].md), &image);
        judge(&image.bytes, &options, &report);
        assert_false(report.good);
        assert_int_equal(report.signature[0].digest_good, cases[i].kind == &format_pe);
        assert_int_equal(report.signature[0].problem_count, 1);
        assert_true(judging_told(report.signature[0].problems, 1, cases[i].says));
        verify_report_free(&report);
        /* And nothing is added to it. */
        spec.existing = SIGN_APPEND;
        if (cases[i].kind == &format_cab) {
            assert_false(signing_run(&identity, &spec, &image.bytes, &out, NULL, &e));
            assert_non_null(strstr(e.text, "it is of another kind of file"));
        }
        X509_STORE_free(options.trust);
        buffer_free(&image.bytes);
        buffer_free(&out);
    }
}

/* What stands in the place of a timestamp and is none: it is seen, is a problem, saves nothing. */
static void timestamps(void **state)
{
    static const uint8_t value[] = {0x30, 0x00};
    static const struct {
        const char *oid;
        bool is_timestamp;
    } cases[] = {
        {"1.3.6.1.4.1.311.3.3.1", true}, /* RFC 3161, as Authenticode has it */
        {"1.2.840.113549.1.9.6", true},  /* a countersignature, the legacy kind */
        {"1.3.6.1.4.1.311.2.99", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verify_options options = signing_trust(&identity);
        struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;
        struct pe_image image;

        signed_file(&identity, &file);
        signing_extract(&file, 0, &der);
        signing_add_unsigned(&der, cases[i].oid, value, sizeof value);
        pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
        pe_add_certificate(&image, 2, der.data, der.length, true);
        options.now = YEAR_2040 + 1;
        judge(&image.bytes, &options, &report);
        s = &report.signature[0];
        assert_int_equal(s->has_timestamp, cases[i].is_timestamp);
        assert_false(report.good);
        assert_true(
            judging_told(s->problems, s->problem_count, "certificate 'Test Signer' expired"));
        assert_int_equal(
            judging_told(s->problems, s->problem_count, "and none of its timestamps is good"),
            cases[i].is_timestamp);
        assert_int_equal(judging_told(s->problems, s->problem_count, "its timestamp: "),
                         cases[i].is_timestamp);
        assert_int_equal(s->timestamp_count, cases[i].is_timestamp);
        assert_int_equal(s->note_count, !cases[i].is_timestamp);
        if (!cases[i].is_timestamp)
            assert_true(judging_told(s->notes, 1,
                                     "it carries 17 bytes of a kind not known here "
                                     "(1.3.6.1.4.1.311.2.99), which no signature protects"));
        assert_null(s->timestamp);
        verify_report_free(&report);
        X509_STORE_free(options.trust);
        buffer_free(&file);
        buffer_free(&der);
        buffer_free(&image.bytes);
    }
}

/* What the signature lacks may come from the pool. */
static void intermediate_from_the_pool(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;
    struct verify_report report;
    struct pe_image image;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    spec.chain = make_stack(identity.leaf, NULL);
    signing_must(&identity, &spec, &image.bytes, &file);
    judge(&file, &options, &report);
    assert_false(report.good);
    verify_report_free(&report);
    options.pool = make_stack(identity.intermediate, NULL);
    judge(&file, &options, &report);
    assert_true(report.good);
    verify_report_free(&report);
    make_free_stack(options.pool);
    make_free_stack(spec.chain);
    X509_STORE_free(options.trust);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* A signature that does not bring its certificate. */
static void no_certificate(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT;
    struct verify_report report;
    struct pe_image image;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    spec.chain = make_stack(identity.intermediate, NULL);
    signing_must(&identity, &spec, &image.bytes, &file);
    judge(&file, &options, &report);
    assert_false(report.good);
    assert_null(report.signature[0].signer);
    assert_true(judging_told(report.signature[0].problems, report.signature[0].problem_count,
                             "the signer's certificate is not in the signature"));
    verify_report_free(&report);
    make_free_stack(spec.chain);
    X509_STORE_free(options.trust);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* One bad signature beside or inside a good one: the file is not good. */
static void one_of_two_is_bad(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer other = BUFFER_INIT, file = BUFFER_INIT, ours = BUFFER_INIT, theirs = BUFFER_INIT,
                  nested = BUFFER_INIT;
    struct pe_image images[2], elsewhere;

    (void)state;
    pe_build(&elsewhere, &(struct pe_recipe){.sections = 1, .section_size = 100});
    signing_must(&identity, &spec, &elsewhere.bytes, &other);
    signing_extract(&other, 0, &theirs);
    signed_file(&identity, &file);
    signing_extract(&file, 0, &ours);
    assert_true(unsigned_nest(&ours, &theirs, &nested, NULL));
    for (size_t i = 0; i < 2; i++) {
        const struct buffer *first = i == 0 ? &ours : &nested;
        struct verify_report report;

        pe_build(&images[i], &(struct pe_recipe){.sections = 1, .section_size = 512});
        pe_add_certificate(&images[i], 2, first->data, first->length, true);
        if (i == 0)
            pe_add_certificate(&images[i], 2, theirs.data, theirs.length, true);
        judge(&images[i].bytes, &options, &report);
        assert_false(report.good);
        assert_int_equal(report.count, 2);
        assert_int_equal(report.signature[0].problem_count, 0);
        assert_int_equal(report.signature[1].depth, i);
        assert_true(judging_told(report.signature[1].problems, report.signature[1].problem_count,
                                 "not what was signed"));
        verify_report_free(&report);
        buffer_free(&images[i].bytes);
    }
    X509_STORE_free(options.trust);
    buffer_free(&elsewhere.bytes);
    buffer_free(&other);
    buffer_free(&file);
    buffer_free(&ours);
    buffer_free(&theirs);
    buffer_free(&nested);
}

/* `times` side by side. */
static void refused_times(const struct buffer *der, int times, const char *says)
{
    struct verify_options options = signing_trust(&identity);
    struct verify_report report;
    struct error e = ERROR_INIT;
    struct pe_image image;
    int fd;

    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    for (int i = 0; i < times; i++)
        pe_add_certificate(&image, 2, der->data, der->length, true);
    fd = signing_file(image.bytes.data, image.bytes.length);
    assert_false(verify_file(fd, "test.exe", &options, &report, NULL, &e));
    if (strstr(e.text, says) == NULL || strstr(e.text, "'test.exe'") == NULL)
        fail_msg("%s", e.text);
    X509_STORE_free(options.trust);
    close(fd);
    buffer_free(&image.bytes);
}

static void refused(const struct buffer *der, const char *says)
{
    refused_times(der, 1, says);
}

/* `outer` with `inner` nested in it. */
static void nest(struct buffer *outer, const struct buffer *inner)
{
    struct buffer whole = BUFFER_INIT;

    assert_true(unsigned_nest(outer, inner, &whole, NULL));
    buffer_free(outer);
    *outer = whole;
}

static void copy(struct buffer *to, const struct buffer *from)
{
    buffer_reset(to);
    buffer_append(to, from->data, from->length);
}

/* What others made has limits: depth, number, kind. */
static void limits(void **state)
{
    const struct unsigned_value odd = {
        .oid = SPC_NESTED_SIGNATURE_OID,
        .type = V_ASN1_OCTET_STRING,
        .data = (const uint8_t *)"odd",
        .length = 3,
    };
    const struct unsigned_value large = {
        .oid = "1.2.3.4",
        .type = V_ASN1_OCTET_STRING,
        .data = calloc(1, FORMAT_SIGNATURE_MAX / 2),
        .length = FORMAT_SIGNATURE_MAX / 2,
    };
    struct buffer file = BUFFER_INIT, one = BUFFER_INIT, many = BUFFER_INIT, outer = BUFFER_INIT;

    (void)state;
    signed_file(&identity, &file);
    signing_extract(&file, 0, &one);
    assert_true(unsigned_add(&one, 0, &large, &outer, NULL));
    refused_times(&outer, 2, "its signatures are larger than 16 MiB together");
    free((void *)large.data);

    copy(&many, &one);
    for (int i = 0; i < 9; i++) {
        copy(&outer, &one);
        nest(&outer, &many);
        copy(&many, &outer);
    }
    refused(&many, "nested too deep");

    copy(&many, &one);
    signing_add_many(&many, SPC_NESTED_SIGNATURE_OID, one.data, (int)one.length,
                     FORMAT_SIGNATURES - 1);
    copy(&outer, &one);
    nest(&outer, &many);
    refused(&outer, "more than 1024 signatures");

    buffer_reset(&outer);
    assert_true(unsigned_add(&one, 0, &odd, &outer, NULL));
    refused(&outer, "in the place of a nested signature");

    buffer_reset(&outer);
    buffer_append(&outer, "\x30\x03\x02\x01\x07", 5);
    refused(&outer, "not one that Authenticode knows");
    buffer_free(&file);
    buffer_free(&one);
    buffer_free(&many);
    buffer_free(&outer);
}

/* What is nested in a second attribute of that kind, where others may not look, is judged too. */
static void nested_twice(void **state)
{
    struct verify_options options = signing_trust(&identity);
    struct buffer one = BUFFER_INIT, other = BUFFER_INIT, whole = BUFFER_INIT;
    struct verify_report report;
    X509_ATTRIBUTE *attribute;
    unsigned char *der = NULL;
    const unsigned char *at;
    PKCS7_SIGNER_INFO *info;
    PKCS7 *p7;
    int length;

    (void)state;
    judging_sign(&identity, &one);
    judging_sign(&identity, &other);
    /* The last byte is of the signature's value. */
    other.data[other.length - 1] ^= 1;
    assert_true(unsigned_nest(&one, &one, &whole, NULL));
    at = whole.data;
    p7 = d2i_PKCS7(NULL, &at, (long)whole.length);
    info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
    attribute = X509_ATTRIBUTE_create_by_txt(NULL, "1.3.6.1.4.1.311.2.4.1", V_ASN1_SEQUENCE,
                                             other.data, (int)other.length);
    assert_true(sk_X509_ATTRIBUTE_push(info->unauth_attr, attribute) == 2);
    length = i2d_PKCS7(p7, &der);
    buffer_reset(&whole);
    buffer_append(&whole, der, (size_t)length);
    judging_verify(&whole, &options, &report);
    assert_int_equal(report.count, 3);
    assert_false(report.good);
    assert_int_equal(report.signature[1].problem_count + report.signature[2].problem_count, 1);
    verify_report_free(&report);
    OPENSSL_free(der);
    PKCS7_free(p7);
    X509_STORE_free(options.trust);
    buffer_free(&one);
    buffer_free(&other);
    buffer_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file),      cmocka_unit_test(unsigned_file),
        cmocka_unit_test(changed_files),  cmocka_unit_test(another_certificate),
        cmocka_unit_test(bad_chains),     cmocka_unit_test(old_digest_or_other_kind),
        cmocka_unit_test(timestamps),     cmocka_unit_test(intermediate_from_the_pool),
        cmocka_unit_test(no_certificate), cmocka_unit_test(one_of_two_is_bad),
        cmocka_unit_test(limits),         cmocka_unit_test(nested_twice),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
