/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists: who was revoked, when, and which lists say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "countersigning.h"
#include "judging.h"

/* What is signed is stamped at the beginning of 2025; now it is 2026. */
enum { YEAR_2024 = 1704067200, YEAR_2025 = 1735689600, DAY = 24 * 60 * 60 };

static struct signing_identity signer;
static struct countersigning_authority authority, stranger;
static EVP_PKEY *another_key;
static X509 *silent; /* the CA, but it may not sign lists */

static int set_up(void **state)
{
    const struct certificate clock = {
        .name = "Clock", .usage = "digitalSignature", .purposes = "critical,timeStamping"};

    (void)state;
    signing_identity_make(&signer, "P-256");
    countersigning_authority_make(&authority, "P-256", &clock);
    countersigning_authority_make(&stranger, "P-256", &clock);
    another_key = make_key("P-256");
    silent = make_certificate(&(struct certificate){.name = "Test CA",
                                                    .key = signer.ca_key,
                                                    .issuer = signer.root,
                                                    .issuer_key = signer.ca_key,
                                                    .serial = 2,
                                                    .ca = true,
                                                    .usage = "keyCertSign"});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&signer);
    countersigning_authority_free(&authority);
    countersigning_authority_free(&stranger);
    EVP_PKEY_free(another_key);
    X509_free(silent);
    return 0;
}

enum of { NOBODY, SIGNER, CA, AUTHORITY };

static const struct list_case {
    const char *name;
    enum of of;                      /* whose list it is; SIGNER: it is by the CA and of signers */
    struct countersigning_list list; /* without issuer and key; dates 0: in force now */
    bool stamped, forged, none;
    enum verify_revocation state;
    const char *problem, *note;
} cases[] = {
    {.name = "nobody", .of = SIGNER, .state = VERIFY_NOT_REVOKED, .note = "the CA 'Test CA'"},
    {.name = "another",
     .of = SIGNER,
     .list = {.serial = 4, .revoked = YEAR_2024, .reason = 1},
     .state = VERIFY_NOT_REVOKED,
     .note = "whether the CA 'Test CA' was revoked is not known"},
    {.name = "revoked",
     .of = SIGNER,
     .list = {.serial = 3, .revoked = YEAR_2024, .reason = -1},
     .state = VERIFY_REVOKED,
     .problem = "certificate 'Test Signer' was revoked at 2024-01-01T00:00:00Z (no reason is "
                "given), and no timestamp counts that proves that it signed before",
     .note = "the CA 'Test CA'"},
    {.name = "revoked before the timestamp",
     .of = SIGNER,
     .stamped = true,
     .list = {.serial = 3, .revoked = YEAR_2024, .reason = 4},
     .state = VERIFY_REVOKED,
     .problem = "was revoked at 2024-01-01T00:00:00Z (it was replaced), before the timestamp of "
                "2025-01-01T00:00:00Z",
     .note = "the CA 'Test CA'"},
    {.name = "revoked at the second of the timestamp",
     .of = SIGNER,
     .stamped = true,
     .list = {.serial = 3, .revoked = YEAR_2025, .reason = 4},
     .state = VERIFY_REVOKED,
     .problem = "before the timestamp",
     .note = "the CA 'Test CA'"},
    {.name = "revoked after the timestamp",
     .of = SIGNER,
     .stamped = true,
     .list = {.serial = 3, .revoked = YEAR_2025 + 1, .reason = 1},
     .state = VERIFY_REVOKED_LATER,
     .note = "certificate 'Test Signer' was revoked at 2025-01-01T00:00:01Z (its key was "
             "compromised), but signed before, as the timestamp of 2025-01-01T00:00:00Z proves"},
    {.name = "revoked after, the key lost before",
     .of = SIGNER,
     .stamped = true,
     .list = {.serial = 3, .revoked = YEAR_2025 + 9, .invalid = YEAR_2024, .reason = 1},
     .state = VERIFY_REVOKED,
     .problem = "was revoked at 2025-01-01T00:00:09Z (its key was compromised), and counts for "
                "nothing since 2024-01-01T00:00:00Z",
     .note = "the CA 'Test CA'"},
    {.name = "revoked after, the key lost after",
     .of = SIGNER,
     .stamped = true,
     .list = {.serial = 3, .revoked = YEAR_2025 + 9, .invalid = YEAR_2025 + 1, .reason = 1},
     .state = VERIFY_REVOKED_LATER,
     .note = "but signed before"},
    {.name = "on hold",
     .of = SIGNER,
     .list = {.serial = 3, .revoked = YEAR_2024, .reason = 6},
     .state = VERIFY_REVOKED,
     .problem = "it is on hold",
     .note = "the CA 'Test CA'"},
    {.name = "the CA",
     .of = CA,
     .list = {.serial = 2, .revoked = YEAR_2024, .reason = 2},
     .state = VERIFY_REVOKED,
     .problem =
         "certificate 'Test CA' was revoked at 2024-01-01T00:00:00Z (its CA was compromised)"},
    {.name = "the CA, after the timestamp",
     .of = CA,
     .stamped = true,
     .list = {.serial = 2, .revoked = YEAR_2025 + 1, .reason = 5},
     .state = VERIFY_NOT_KNOWN, /* the signer is on no list */
     .problem = "whether 'Test Signer' was revoked is not known",
     .note = "certificate 'Test CA' was revoked at 2025-01-01T00:00:01Z (it is out of use), but"},
    {.name = "stale",
     .of = SIGNER,
     .list = {.from = YEAR_2024, .to = YEAR_2025},
     .state = VERIFY_NOT_KNOWN,
     .problem = "the revocation list of O=Practice, CN=Test CA was to be renewed at "
                "2025-01-01T00:00:00Z",
     .note = "the CA 'Test CA'"},
    {.name = "stale, and revoked",
     .of = SIGNER,
     .list = {.from = YEAR_2024, .to = YEAR_2025, .serial = 3, .revoked = YEAR_2024, .reason = 1},
     .state = VERIFY_REVOKED,
     .problem = "certificate 'Test Signer' was revoked at",
     .note = "the CA 'Test CA'"},
    {.name = "of tomorrow",
     .of = SIGNER,
     .list = {.from = YEAR_2026 + DAY, .to = YEAR_2026 + 2 * DAY},
     .state = VERIFY_NOT_KNOWN,
     .problem = "of 2026-01-02T00:00:00Z, which is to come",
     .note = "the CA 'Test CA'"},
    {.name = "forged",
     .of = SIGNER,
     .forged = true,
     .state = VERIFY_NOT_KNOWN,
     .problem = "in the name of O=Practice, CN=Test CA was not signed by it",
     .note = "the CA 'Test CA'"},
    {.name = "critical extension",
     .of = SIGNER,
     .list = {.critical = true},
     .state = VERIFY_NOT_KNOWN,
     .problem = "has a critical extension that is not known here",
     .note = "the CA 'Test CA'"},
    {.name = "of another issuer",
     .of = AUTHORITY,
     .state = VERIFY_NOT_KNOWN,
     .problem = "whether 'Test Signer' was revoked is not known: none of the lists given is by its "
                "issuer, O=Practice, CN=Test CA",
     .note = "the CA 'Test CA'"},
    {.name = "not asked", .none = true, .state = VERIFY_NOT_ASKED},
};

static X509_CRL *make(const struct list_case *c)
{
    struct countersigning_list list = c->list;

    list.issuer = c->of == AUTHORITY ? authority.root
                  : c->of == CA      ? signer.root
                                     : signer.intermediate;
    list.key = c->forged ? another_key : c->of == AUTHORITY ? authority.key : signer.ca_key;
    if (list.from == 0) {
        list.from = YEAR_2026 - DAY;
        list.to = YEAR_2026 + DAY;
    }
    return countersigning_list(&list);
}

static struct verify_options trust(void)
{
    struct verify_options options = signing_trust(&signer);

    options.crls = sk_X509_CRL_new_null();
    options.timestamp_trust = X509_STORE_new();
    assert_int_equal(X509_STORE_add_cert(options.timestamp_trust, authority.root), 1);
    return options;
}

static void forget(struct verify_options *options)
{
    X509_STORE_free(options->trust);
    X509_STORE_free(options->timestamp_trust);
    sk_X509_CRL_pop_free(options->crls, X509_CRL_free);
}

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct list_case *c = &cases[i];
        struct verify_options options = trust();
        STACK_OF(X509_CRL) *all = options.crls;
        struct buffer der = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;

        sk_X509_CRL_push(options.crls, make(c));
        if (c->none)
            options.crls = NULL;
        judging_sign(&signer, &der);
        if (c->stamped)
            countersigning_add(&der, &(struct countersigning){.by = &authority, .when = YEAR_2025});
        judging_verify(&der, &options, &report);
        s = &report.signature[0];
        if ((c->problem != NULL && !judging_told(s->problems, s->problem_count, c->problem)) ||
            (c->note != NULL && !judging_told(s->notes, s->note_count, c->note)) ||
            s->revocation != c->state)
            fail_msg("%s: state %d", c->name, s->revocation);
        assert_int_equal(report.good, c->problem == NULL);
        assert_int_equal(s->chain_good, c->problem == NULL);
        assert_int_equal(s->saved, c->problem == NULL && c->state == VERIFY_REVOKED_LATER);
        verify_report_free(&report);
        options.crls = all;
        forget(&options);
        buffer_free(&der);
    }
}

/* With the lists of all issuers nothing is left to note; the newest of one issuer counts. */
static void complete(void **state)
{
    const struct countersigning_list old = {
        .issuer = signer.intermediate,
        .key = signer.ca_key,
        .from = YEAR_2024,
        .to = YEAR_2025,
    };
    struct verify_options options = trust();
    struct buffer der = BUFFER_INIT;
    struct verify_report report;

    (void)state;
    sk_X509_CRL_push(options.crls, countersigning_list(&old));
    sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = SIGNER}));
    sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = CA}));
    judging_sign(&signer, &der);
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    assert_int_equal(report.signature[0].note_count, 0);
    assert_int_equal(report.signature[0].revocation, VERIFY_NOT_REVOKED);
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
}

/* RFC 3161 section 4: what an authority stamped before it gave up its work is good; when its key
 * may be known to others, nothing is. */
static void authorities(void **state)
{
    static const struct {
        time_t revoked, invalid;
        int reason;
        bool good;
        const char *says;
    } revocations[] = {
        {YEAR_2025 + 1, 0, 5, true,
         "'Clock' was revoked at 2025-01-01T00:00:01Z (it is out of use), after this timestamp"},
        {YEAR_2025 + 1, 0, 4, true, "after this timestamp"},
        {YEAR_2025 + 1, 0, 1, false, "none of its timestamps holds, earlier ones neither"},
        {YEAR_2025 + 9, YEAR_2025 + 1, 1, false, "none of its timestamps holds"},
        {YEAR_2025 + 9, YEAR_2024, 1, false, "counts for nothing since 2024-01-01T00:00:00Z"},
        {YEAR_2025 + 9, YEAR_2024, 5, false, "counts for nothing since 2024-01-01T00:00:00Z"},
        {YEAR_2025 + 1, 0, -1, false, "none of its timestamps holds, earlier ones neither"},
        {YEAR_2024, 0, 5, false, "before the timestamp of 2025-01-01T00:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof revocations / sizeof *revocations; i++) {
        struct verify_options options = trust();
        struct buffer der = BUFFER_INIT;
        struct verify_report report;
        const struct verify_signature *s;

        sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = SIGNER}));
        sk_X509_CRL_push(options.crls,
                         make(&(struct list_case){.of = AUTHORITY,
                                                  .list = {.serial = 77,
                                                           .revoked = revocations[i].revoked,
                                                           .invalid = revocations[i].invalid,
                                                           .reason = revocations[i].reason}}));
        judging_sign(&signer, &der);
        countersigning_add(&der, &(struct countersigning){
                                     .by = &authority, .when = YEAR_2025, .legacy = i % 2 == 1});
        judging_verify(&der, &options, &report);
        s = &report.signature[0];
        assert_int_equal(report.good, revocations[i].good);
        assert_int_equal(s->timestamp != NULL, revocations[i].good);
        assert_int_equal(s->timestamps[0].revocation,
                         revocations[i].good ? VERIFY_REVOKED_LATER : VERIFY_REVOKED);
        assert_true(revocations[i].good
                        ? judging_told(s->notes, s->note_count, revocations[i].says)
                        : judging_told(s->problems, s->problem_count, revocations[i].says));
        verify_report_free(&report);
        forget(&options);
        buffer_free(&der);
    }
}

/* Nobody has the lists of authorities at hand: without them they are not asked about. */
static void authority_without_a_list(void **state)
{
    struct verify_options options = trust();
    struct buffer der = BUFFER_INIT;
    struct verify_report report;

    (void)state;
    sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = SIGNER}));
    judging_sign(&signer, &der);
    countersigning_add(&der, &(struct countersigning){.by = &authority, .when = YEAR_2025});
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    assert_int_equal(report.signature[0].timestamps[0].revocation, VERIFY_NOT_ASKED);
    verify_report_free(&report);
    sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = AUTHORITY}));
    judging_verify(&der, &options, &report);
    assert_true(report.good);
    assert_int_equal(report.signature[0].timestamps[0].revocation, VERIFY_NOT_REVOKED);
    verify_report_free(&report);
    forget(&options);
    buffer_free(&der);
}

/* A CA whose key usage has no cRLSign. */
static void may_not_sign_lists(void **state)
{
    struct verify_options options = trust();
    struct signing_identity own = signer;
    struct buffer der = BUFFER_INIT;
    struct verify_report report;
    const struct verify_signature *s;

    (void)state;
    own.chain = make_stack(signer.leaf, silent, NULL);
    sk_X509_CRL_push(options.crls, make(&(struct list_case){.of = SIGNER}));
    judging_sign(&own, &der);
    judging_verify(&der, &options, &report);
    s = &report.signature[0];
    assert_false(report.good);
    assert_true(judging_told(s->problems, s->problem_count, "may not sign revocation lists"));
    verify_report_free(&report);
    forget(&options);
    make_free_stack(own.chain);
    buffer_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(complete),
        cmocka_unit_test(authorities),
        cmocka_unit_test(authority_without_a_list),
        cmocka_unit_test(may_not_sign_lists),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
