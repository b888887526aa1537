/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps in a signature: what each kind proves, and what makes it worth nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cert/view.h"
#include "countersigning.h"
#include "judging.h"
#include "sign/authenticode.h"
#include "sign/unsigned.h"

/* The signer's certificate is of 2024 and 2025; the authority's, of 2020 to 2030; now it is 2026.
 */
enum {
    YEAR_2023 = 1672531200,
    YEAR_2024 = 1704067200,
    YEAR_2025 = 1735689600,
    YEAR_2027 = 1798761600,
    YEAR_2030 = 1893456000,
};

static struct signing_identity signer, lifetime;
static struct countersigning_authority clock_ec, clock_rsa, other, for_code, for_both, soft,
    expired, sealed, ancient, broken;

static void make_signer(struct signing_identity *i, const char *purposes)
{
    signing_identity_make(i, "P-256");
    X509_free(i->leaf);
    make_free_stack(i->chain);
    i->leaf = make_certificate(&(struct certificate){.name = "Test Signer",
                                                     .key = i->key,
                                                     .issuer = i->intermediate,
                                                     .issuer_key = i->ca_key,
                                                     .serial = 3,
                                                     .from = YEAR_2024,
                                                     .to = YEAR_2026 - 1,
                                                     .usage = "critical,digitalSignature",
                                                     .purposes = purposes});
    i->chain = make_stack(i->leaf, i->intermediate, NULL);
}

static void make_clock(struct countersigning_authority *a, const char *key, const char *name,
                       const char *usage, const char *purposes, time_t to)
{
    countersigning_authority_make(
        a, key,
        &(struct certificate){
            .name = name, .from = YEAR_2020, .to = to, .usage = usage, .purposes = purposes});
}

static void make_old_clock(struct countersigning_authority *a, const char *key, const char *name,
                           const char *md)
{
    countersigning_authority_make(a, key,
                                  &(struct certificate){.name = name,
                                                        .from = YEAR_2020,
                                                        .to = YEAR_2030,
                                                        .purposes = "critical,timeStamping",
                                                        .md = md});
}

static int set_up(void **state)
{
    const char *stamps = "critical,timeStamping", *usage = "critical,digitalSignature";

    (void)state;
    make_signer(&signer, "codeSigning");
    make_signer(&lifetime, "codeSigning,1.3.6.1.4.1.311.10.3.13");
    make_clock(&clock_ec, "P-256", "Clock", usage, stamps, YEAR_2030);
    make_clock(&clock_rsa, "RSA:2048", "Clock", NULL, stamps, YEAR_2030);
    make_clock(&other, "P-256", "Unknown Clock", usage, stamps, YEAR_2030);
    make_clock(&for_code, "P-256", "No Clock", usage, "critical,codeSigning", YEAR_2030);
    make_clock(&for_both, "P-256", "Own Clock", usage, "timeStamping,codeSigning", YEAR_2030);
    make_clock(&soft, "P-256", "Soft Clock", usage, "timeStamping", YEAR_2030);
    make_clock(&expired, "P-256", "Old Clock", usage, stamps, YEAR_2025 - 1);
    make_old_clock(&ancient, "RSA:1024", "Ancient Clock", "SHA1");
    make_old_clock(&broken, "RSA:512", "Broken Clock", "MD5");
    make_clock(&sealed, "P-256", "Sealed Clock", "keyEncipherment", stamps, YEAR_2030);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&signer);
    signing_identity_free(&lifetime);
    countersigning_authority_free(&clock_ec);
    countersigning_authority_free(&clock_rsa);
    countersigning_authority_free(&other);
    countersigning_authority_free(&for_code);
    countersigning_authority_free(&for_both);
    countersigning_authority_free(&soft);
    countersigning_authority_free(&expired);
    countersigning_authority_free(&sealed);
    countersigning_authority_free(&ancient);
    countersigning_authority_free(&broken);
    return 0;
}

/* All authorities but `other`. */
static struct verify_options trust(const struct signing_identity *i)
{
    struct countersigning_authority *const known[] = {
        &clock_ec, &clock_rsa, &for_code, &for_both, &soft, &expired, &sealed, &ancient, &broken};
    struct verify_options options = signing_trust(i);

    options.timestamp_trust = X509_STORE_new();
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        assert_int_equal(X509_STORE_add_cert(options.timestamp_trust, known[k]->root), 1);
    return options;
}

static void forget(struct verify_options *options)
{
    X509_STORE_free(options->trust);
    X509_STORE_free(options->timestamp_trust);
}

static const char saved[] = "certificate 'Test Signer' expired at 2025-12-31T23:59:59Z, but signed "
                            "before, as the timestamp of 2025-01-01T00:00:00Z proves";

/* Each with all that must be said: of problems, and of notes. */
static const struct stamp_case {
    const char *name;
    struct countersigning stamp[3];        /* up to one without `by` */
    const struct signing_identity *signer; /* NULL: the first */
    int good;                              /* which of them counts; -1: none */
    const char *problems[4], *notes[3];
} cases[] = {
    {.name = "none",
     .good = -1,
     .problems = {"certificate 'Test Signer' expired at 2025-12-31T23:59:59Z, and no timestamp "
                  "proves that it signed before"}},
    {.name = "token", .stamp = {{.by = &clock_ec, .when = YEAR_2025}}, .notes = {saved}},
    {.name = "token, RSA", .stamp = {{.by = &clock_rsa, .when = YEAR_2025}}, .notes = {saved}},
    {.name = "token, SHA-512",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .md = "SHA512"}},
     .notes = {saved}},
    {.name = "token, SHA-1",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .md = "SHA1"}},
     .notes = {saved, "is over SHA1, as was usual long ago"}},
    {.name = "legacy",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true}},
     .notes = {saved}},
    {.name = "legacy, RSA, SHA-1",
     .stamp = {{.by = &clock_rsa, .when = YEAR_2025, .legacy = true, .md = "SHA1"}},
     .notes = {saved, "is over SHA1, as was usual long ago"}},
    {.name = "legacy, RSA, MD5",
     .stamp = {{.by = &clock_rsa, .when = YEAR_2025, .legacy = true, .md = "MD5"}},
     .good = -1,
     .problems = {"it rests on MD5, which proves nothing", "none of its timestamps is good"}},
    {.name = "token, MD5",
     .stamp = {{.by = &clock_rsa, .when = YEAR_2025, .md = "MD5"}},
     .good = -1,
     .problems = {"it rests on MD5, which proves nothing", "none of its timestamps is good"}},
    {.name = "token, SHA-3",
     .stamp = {{.by = &clock_rsa, .when = YEAR_2025, .md = "SHA3-256"}},
     .good = -1,
     .problems = {"it rests on SHA3-256, which proves nothing", "none of its timestamps is good"}},
    {.name = "legacy, RSA of 1024 bits, issued with SHA-1",
     .stamp = {{.by = &ancient, .when = YEAR_2025, .legacy = true}},
     .notes = {saved}},
    {.name = "RSA of 512 bits, issued with MD5",
     .stamp = {{.by = &broken, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"certificate 'Broken Clock' has a key that is too weak (RSA-512)",
                  "certificate 'Clock Root' has a key that is too weak (RSA-512)",
                  "certificate 'Broken Clock' was issued with MD5, which nobody trusts any more",
                  "none of its timestamps is good"}},
    {.name = "legacy, with the content type of something else",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .typed = "1.2.3.4"}},
     .good = -1,
     .problems = {"it was made over something else (content type)",
                  "none of its timestamps is good"}},
    {.name = "legacy, without a content type",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .typed = ""}},
     .notes = {saved}},
    {.name = "both kinds",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true},
               {.by = &clock_ec, .when = YEAR_2025}},
     .notes = {saved}},
    {.name = "after the certificate",
     .stamp = {{.by = &clock_ec, .when = YEAR_2026 - 0}},
     .problems = {"certificate 'Test Signer' expired at 2025-12-31T23:59:59Z, before the timestamp "
                  "of 2026-01-01T00:00:00Z"}},
    {.name = "before the certificate",
     .stamp = {{.by = &clock_ec, .when = YEAR_2023}},
     .problems = {"certificate 'Test Signer' is valid only from 2024-01-01T00:00:00Z on, after the "
                  "timestamp of 2023-01-01T00:00:00Z"}},
    {.name = "of another signature",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .of_another = true}},
     .good = -1,
     .problems = {"its timestamp of 2025-01-01T00:00:00Z: it is of another signature",
                  "and none of its timestamps is good"}},
    {.name = "legacy, of another signature",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .of_another = true}},
     .good = -1,
     .problems = {"its timestamp of 2025-01-01T00:00:00Z: it is of another signature",
                  "and none of its timestamps is good"}},
    {.name = "legacy, over something else",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .digested = "something else"}},
     .good = -1,
     .problems = {"it is of another signature", "and none of its timestamps is good"}},
    {.name = "damaged",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .damaged = true}},
     .good = -1,
     .problems = {"its signature does not hold", "and none of its timestamps is good"}},
    {.name = "legacy, damaged",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .damaged = true}},
     .good = -1,
     .problems = {"its signature does not hold", "and none of its timestamps is good"}},
    {.name = "without certificates",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .bare = true}},
     .good = -1,
     .problems = {"the certificate of its signer is not in it", "none of its timestamps is good"}},
    {.name = "legacy, without certificates",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true, .bare = true}},
     .good = -1,
     .problems = {"the certificate of its signer is not in the signature",
                  "none of its timestamps is good"}},
    {.name = "without a name of the signer",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .without_ess = true}},
     .good = -1,
     .problems = {"no ESSCertID", "none of its timestamps is good"}},
    {.name = "critical extension",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .critical = true}},
     .good = -1,
     .problems = {"critical and not known", "none of its timestamps is good"}},
    {.name = "legacy, without a time",
     .stamp = {{.by = &clock_ec, .legacy = true}},
     .good = -1,
     .problems = {"its timestamp: it has no time", "none of its timestamps is good"}},
    {.name = "by a signer of code",
     .stamp = {{.by = &for_code, .when = YEAR_2025}},
     .good = -1,
     .problems = {"'No Clock' is not for timestamps alone", "none of its timestamps is good"}},
    {.name = "legacy, by a signer of code",
     .stamp = {{.by = &for_code, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"its certificate is not for timestamps", "none of its timestamps is good"}},
    {.name = "legacy, by one who could sign code too",
     .stamp = {{.by = &for_both, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"its certificate is not for timestamps alone", "none of its timestamps is good"}},
    {.name = "by one whose purpose is not critical",
     .stamp = {{.by = &soft, .when = YEAR_2025}},
     .notes = {saved}},
    {.name = "legacy, by one whose purpose is not critical",
     .stamp = {{.by = &soft, .when = YEAR_2025, .legacy = true}},
     .notes = {saved}},
    {.name = "by a key that may not sign",
     .stamp = {{.by = &sealed, .when = YEAR_2025}},
     .good = -1,
     .problems = {"may not sign (key usage)", "none of its timestamps is good"}},
    {.name = "legacy, by a key that may not sign",
     .stamp = {{.by = &sealed, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"its certificate may not sign (key usage)", "none of its timestamps is good"}},
    {.name = "by who is not trusted",
     .stamp = {{.by = &other, .when = YEAR_2025}},
     .good = -1,
     .problems = {"no trusted root for 'Unknown Clock': its issuer, O=Practice, CN=Clock Root, is "
                  "not known here; name the root with --tsa-ca FILE",
                  "none of its timestamps is good"}},
    {.name = "legacy, by who is not trusted",
     .stamp = {{.by = &other, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"no trusted root for 'Unknown Clock'", "none of its timestamps is good"}},
    {.name = "by an authority that has expired since",
     .stamp = {{.by = &expired, .when = YEAR_2024 + 1}},
     .notes = {"as the timestamp of 2024-01-01T00:00:01Z proves"}},
    {.name = "legacy, by an authority that has expired since",
     .stamp = {{.by = &expired, .when = YEAR_2024 + 1, .legacy = true}},
     .notes = {"as the timestamp of 2024-01-01T00:00:01Z proves"}},
    {.name = "by an authority that had expired",
     .stamp = {{.by = &expired, .when = YEAR_2025}},
     .good = -1,
     .problems = {"'Old Clock' expired at 2024-12-31T23:59:59Z, before",
                  "none of its timestamps is good"}},
    {.name = "legacy, by an authority that had expired",
     .stamp = {{.by = &expired, .when = YEAR_2025, .legacy = true}},
     .good = -1,
     .problems = {"'Old Clock' expired at 2024-12-31T23:59:59Z, before it made this timestamp",
                  "none of its timestamps is good"}},
    {.name = "of tomorrow",
     .stamp = {{.by = &clock_ec, .when = YEAR_2027}},
     .good = -1,
     .problems = {"its time, 2027-01-01T00:00:00Z, is still to come",
                  "none of its timestamps is good"}},
    /* Tokens come first; among those of a kind it is the encoding that orders them. */
    {.name = "the first that is good",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025, .legacy = true},
               {.by = &clock_ec, .when = YEAR_2025 - 1, .of_another = true}},
     .good = 1,
     .problems = {"its timestamp of 2024-12-31T23:59:59Z: it is of another signature"},
     .notes = {saved}},
    {.name = "lifetime signing",
     .stamp = {{.by = &clock_ec, .when = YEAR_2025}},
     .signer = &lifetime,
     .problems = {"certificate 'Test Signer' expired at 2025-12-31T23:59:59Z; it is for lifetime "
                  "signing, which a timestamp does not extend"}},
};

/* All of them, and no others. */
static bool says(const char *const *wanted, size_t most, char *const *list, size_t count)
{
    size_t n = 0;

    for (; n < most && wanted[n] != NULL; n++)
        if (!judging_told(list, count, wanted[n]))
            return false;
    return count == n || judging_told(list, count, "there are too many");
}

static void kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct stamp_case *c = &cases[i];
        const struct signing_identity *by = c->signer == NULL ? &signer : c->signer;
        struct verify_options options = trust(by);
        struct buffer der = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;
        size_t count = 0;

        judging_sign(by, &der);
        for (; count < 3 && c->stamp[count].by != NULL; count++)
            countersigning_add(&der, &c->stamp[count]);
        judging_verify(&der, &options, &report);
        s = &report.signature[0];
        if (!says(c->problems, 4, s->problems, s->problem_count) ||
            !says(c->notes, 3, s->notes, s->note_count))
            fail_msg("%s", c->name);
        assert_int_equal(s->timestamp_count, count);
        assert_int_equal(s->has_timestamp, count > 0);
        assert_int_equal(report.good, c->problems[0] == NULL);
        assert_int_equal(s->saved, c->notes[0] != NULL);
        if ((s->timestamp == NULL) != (c->good < 0) ||
            (s->timestamp != NULL && s->timestamp != &s->timestamps[c->good]))
            fail_msg("%s: another timestamp counts", c->name);
        assert_int_equal(s->judged_at,
                         s->timestamp == NULL || by == &lifetime ? YEAR_2026 : s->timestamp->when);
        verify_report_free(&report);
        forget(&options);
        buffer_free(&der);
    }
}

/* What is known of one is told, good or not. */
static void told_of_each(void **state)
{
    struct verify_options options = trust(&signer);
    struct buffer der = BUFFER_INIT;
    struct verify_report report;
    const struct verify_timestamp *t;

    (void)state;
    judging_sign(&signer, &der);
    countersigning_add(&der,
                       &(struct countersigning){
                           .by = &clock_rsa, .when = YEAR_2025, .legacy = true, .md = "SHA1"});
    countersigning_add(
        &der, &(struct countersigning){.by = &other, .when = YEAR_2025 + 5, .md = "SHA384"});
    judging_verify(&der, &options, &report);
    assert_false(report.good);
    assert_int_equal(report.signature[0].timestamp_count, 2);
    t = report.signature[0].timestamps;
    assert_int_equal(t[0].kind, COUNTERSIGNATURE_RFC3161);
    assert_int_equal(t[0].when, YEAR_2025 + 5);
    assert_int_equal(X509_cmp(t[0].signer, other.leaf), 0);
    assert_true(EVP_MD_is_a(t[0].hash, "SHA384"));
    assert_false(t[0].good);
    assert_int_equal(t[0].problem_count, 1);
    assert_int_equal(t[1].kind, COUNTERSIGNATURE_LEGACY);
    assert_int_equal(t[1].when, YEAR_2025);
    assert_int_equal(X509_cmp(t[1].signer, clock_rsa.leaf), 0);
    assert_true(EVP_MD_is_a(t[1].hash, "SHA1"));
    assert_true(t[1].good);
    assert_int_equal(t[1].problem_count, 0);
    assert_ptr_equal(report.signature[0].timestamp, &t[1]);
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
}

/* The roots of signers count for timestamps too, where no others are named; and the reverse never.
 */
static void roots(void **state)
{
    struct verify_options options = signing_trust(&signer);
    struct buffer der = BUFFER_INIT;
    struct verify_report report;

    (void)state;
    judging_sign(&signer, &der);
    countersigning_add(&der, &(struct countersigning){.by = &clock_ec, .when = YEAR_2025});
    judging_verify(&der, &options, &report);
    assert_false(report.good);
    verify_report_free(&report);
    assert_int_equal(X509_STORE_add_cert(options.trust, clock_ec.root), 1);
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    verify_report_free(&report);
    options.timestamp_trust = options.trust;
    options.trust = X509_STORE_new();
    X509_STORE_add_cert(options.trust, clock_ec.root);
    judging_verify(&der, &options, &report);
    assert_false(report.good);
    assert_non_null(report.signature[0].timestamp);
    assert_true(judging_told(report.signature[0].problems, report.signature[0].problem_count,
                             "no trusted root for 'Test CA'"));
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
}

/* A timestamp for the outer signature is none for the one that is nested in it. */
static void nested(void **state)
{
    struct verify_options options = trust(&signer);
    struct buffer outer = BUFFER_INIT, inner = BUFFER_INIT, both = BUFFER_INIT;
    struct verify_report report;

    (void)state;
    judging_sign(&signer, &outer);
    countersigning_add(&outer, &(struct countersigning){.by = &clock_ec, .when = YEAR_2025});
    judging_sign(&signer, &inner);
    assert_true(unsigned_nest(&outer, &inner, &both, NULL));
    judging_verify(&both, &options, &report);
    assert_false(report.good);
    assert_int_equal(report.count, 2);
    assert_int_equal(report.signature[0].problem_count, 0);
    assert_true(report.signature[0].saved);
    assert_int_equal(report.signature[1].problem_count, 1);
    assert_false(report.signature[1].has_timestamp);
    verify_report_free(&report);

    countersigning_add(
        &inner, &(struct countersigning){.by = &clock_rsa, .when = YEAR_2025, .legacy = true});
    buffer_reset(&both);
    assert_true(unsigned_nest(&outer, &inner, &both, NULL));
    judging_verify(&both, &options, &report);
    assert_true(report.good);
    assert_int_equal(report.signature[1].timestamp->kind, COUNTERSIGNATURE_LEGACY);
    verify_report_free(&report);
    forget(&options);
    buffer_free(&outer);
    buffer_free(&inner);
    buffer_free(&both);
}

/* What the profile wants, it wants of its own signer. */
static void demanded(void **state)
{
    struct verify_options options = trust(&signer);
    struct buffer der = BUFFER_INIT;
    struct verify_report report;
    const struct verify_signature *s;
    char *ours = cert_pin(signer.leaf), *theirs = cert_pin(lifetime.leaf);

    (void)state;
    options.now = YEAR_2025;
    judging_sign(&signer, &der);
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    assert_false(report.signature[0].saved);
    verify_report_free(&report);

    options.timestamp = true;
    options.certificate = ours;
    judging_verify(&der, &options, &report);
    s = &report.signature[0];
    assert_false(report.good);
    assert_true(judging_told(s->problems, s->problem_count,
                             "it has no timestamp, and the profile wants one"));
    verify_report_free(&report);

    options.certificate = theirs;
    judging_verify(&der, &options, &report);
    assert_int_equal(report.signature[0].problem_count, 0);
    assert_int_equal(report.problem_count, 1);
    verify_report_free(&report);

    options.certificate = ours;
    countersigning_add(&der, &(struct countersigning){.by = &other, .when = YEAR_2025});
    judging_verify(&der, &options, &report);
    s = &report.signature[0];
    assert_true(judging_told(s->problems, s->problem_count,
                             "none of its timestamps is good, and the profile wants one"));
    verify_report_free(&report);

    buffer_reset(&der);
    judging_sign(&signer, &der);
    countersigning_add(&der, &(struct countersigning){.by = &clock_ec, .when = YEAR_2025});
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    assert_false(report.signature[0].saved);
    assert_int_equal(report.signature[0].note_count, 0);
    verify_report_free(&report);

    options.page_hashes = true;
    judging_verify(&der, &options, &report);
    s = &report.signature[0];
    assert_int_equal(s->page_hashes, VERIFY_PAGES_NONE);
    assert_true(judging_told(s->problems, s->problem_count,
                             "it has no page hashes, and the profile wants them"));
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
    free(ours);
    free(theirs);
}

/* Work is bounded whatever a file carries. */
static void too_many(void **state)
{
    struct verify_options options = trust(&signer);
    struct buffer der = BUFFER_INIT;
    struct verify_report report;
    const struct verify_signature *s;

    (void)state;
    judging_sign(&signer, &der);
    for (int i = 0; i < 20; i++)
        countersigning_add(&der, &(struct countersigning){
                                     .by = &clock_ec, .when = YEAR_2025 + i, .legacy = i % 2 == 1});
    judging_verify(&der, &options, &report);
    s = &report.signature[0];
    assert_false(report.good);
    assert_int_equal(s->timestamp_count, 16);
    assert_int_equal(s->problem_count, 1);
    assert_true(judging_told(s->problems, s->problem_count, "more than 16 timestamps"));
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),  cmocka_unit_test(told_of_each), cmocka_unit_test(roots),
        cmocka_unit_test(nested), cmocka_unit_test(demanded),     cmocka_unit_test(too_many),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
