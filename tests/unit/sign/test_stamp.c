/* SPDX-License-Identifier: Apache-2.0 */
/* Which signatures of a file get a timestamp, and that each gets its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "pe_builder.h"
#include "signing.h"
#include "stamping.h"

static struct signing_identity ours, theirs;
static struct stamping server;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&ours, "RSA:2048");
    signing_identity_make(&theirs, "P-384");
    stamping_make(&server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&ours);
    signing_identity_free(&theirs);
    stamping_free(&server);
    return 0;
}

static void plain_program(struct buffer *file)
{
    static const struct pe_recipe recipe = {.sections = 2, .section_size = 600, .overlay = 77};
    struct pe_image image;

    pe_build(&image, &recipe);
    *file = image.bytes;
}

/* One more signature, nested in the first where there is one. */
static void add(struct buffer *file, const struct signing_identity *by, enum signer_hash hash)
{
    struct sign_spec spec = signing_spec(by);
    struct buffer more = BUFFER_INIT;

    spec.hash = hash;
    spec.existing = SIGN_APPEND;
    signing_must(by, &spec, file, &more);
    buffer_free(file);
    *file = more;
}

/* What came of one file. */
struct outcome {
    enum sign_state state;
    size_t stamps;
    struct buffer file; /* what was written; empty: nothing */
    struct error e;
};

static bool put_stamps(struct sign_job *job, size_t most, struct outcome *out)
{
    const uint8_t *value;
    size_t length;
    bool good = true;

    while (good && out->stamps < most && (value = sign_to_stamp(job, &length)) != NULL) {
        struct buffer token = BUFFER_INIT;

        stamping_token(&server, value, length, &token);
        good = sign_put_timestamp(job, &token, &out->e);
        out->stamps += good;
        buffer_free(&token);
    }
    return good;
}

/* The whole way, with up to `most` timestamps. */
static bool run(const struct buffer *file, const struct sign_spec *spec, size_t most,
                struct outcome *out)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    struct sign_job *job;
    struct buffer signature = BUFFER_INIT;
    size_t length;
    bool good;

    *out = (struct outcome){0};
    job = sign_begin(input, "test.exe", output, spec, &out->state, NULL, &out->e);
    good = job != NULL;
    if (good && out->state == SIGN_READY) {
        const uint8_t *digest = sign_digest(job, &length);

        signing_sign(ours.key, spec->hash, digest, length, &signature);
        good = sign_put(job, signature.data, signature.length, &out->e);
    }
    good = good && put_stamps(job, most, out) &&
           (out->state == SIGN_KEPT || sign_finish(job, &out->e));
    signing_read(output, &out->file);
    sign_free(&job);
    buffer_free(&signature);
    close(input);
    close(output);
    return good;
}

static struct sign_spec stamped_spec(enum sign_existing existing)
{
    struct sign_spec spec = signing_spec(&ours);

    spec.existing = existing;
    spec.timestamp = true;
    return spec;
}

static size_t all_good(const struct buffer *file)
{
    struct verify_options options = signing_trust(&ours);
    struct verify_report report;
    int fd = signing_file(file->data, file->length);
    size_t count;

    assert_int_equal(X509_STORE_add_cert(options.trust, theirs.root), 1);
    assert_int_equal(X509_STORE_add_cert(options.trust, server.root), 1);
    options.now = time(NULL);
    assert_true(verify_file(fd, "test.exe", &options, &report, NULL, NULL));
    assert_true(report.good);
    count = report.count;
    verify_report_free(&report);
    X509_STORE_free(options.trust);
    close(fd);
    return count;
}

/* Runs once, looks at the state and the timestamps, and again: nothing is left to do. */
static void stamps(struct buffer *file, const struct sign_spec *spec, enum sign_state state,
                   size_t signatures, size_t fresh, size_t all)
{
    struct outcome out;
    struct buffer empty;

    assert_true(run(file, spec, SIZE_MAX, &out));
    assert_int_equal(out.state, state);
    assert_int_equal(out.stamps, fresh);
    assert_int_equal(stamping_count(&server, &out.file), all);
    assert_int_equal(all_good(&out.file), signatures);
    buffer_free(file);
    *file = out.file;
    if (spec->existing == SIGN_REPLACE)
        return;
    assert_true(run(file, spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_KEPT);
    assert_int_equal(out.stamps, 0);
    empty = out.file;
    if (spec->existing == SIGN_KEEP)
        assert_int_equal(empty.length, 0);
    buffer_free(&empty);
}

static void a_signature_gets_one_as_it_is_made(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file;

    (void)state;
    plain_program(&file);
    stamps(&file, &spec, SIGN_READY, 1, 1, 1);
    spec.existing = SIGN_REPLACE;
    stamps(&file, &spec, SIGN_READY, 1, 1, 1);
    buffer_free(&file);
}

static void none_is_asked_for_unless_wanted(void **state)
{
    struct sign_spec spec = signing_spec(&ours);
    struct buffer file;
    struct outcome out;

    (void)state;
    plain_program(&file);
    assert_true(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.stamps, 0);
    buffer_free(&file);
    file = out.file;
    assert_true(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_KEPT);
    assert_int_equal(out.stamps, 0);
    buffer_free(&out.file);
    buffer_free(&file);
}

/* A server that is down: the signature can be written without, and gets the timestamp later. */
static void one_that_failed_is_made_up_for(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file, before = BUFFER_INIT, after = BUFFER_INIT;
    struct outcome out;

    (void)state;
    plain_program(&file);
    assert_true(run(&file, &spec, 0, &out));
    assert_int_equal(out.state, SIGN_READY);
    assert_int_equal(stamping_count(&server, &out.file), 0);
    assert_int_equal(all_good(&out.file), 1);
    buffer_free(&file);
    file = out.file;
    signing_extract(&file, 0, &before);
    stamps(&file, &spec, SIGN_UNSTAMPED, 1, 1, 1);
    signing_extract(&file, 0, &after);
    assert_true(after.length > before.length);
    buffer_free(&before);
    buffer_free(&after);
    buffer_free(&file);
}

/* Outer and nested; those of others are theirs to stamp. */
static void each_of_ours_gets_one(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file;

    (void)state;
    plain_program(&file);
    add(&file, &ours, SIGNER_SHA256);
    add(&file, &theirs, SIGNER_SHA256);
    add(&file, &ours, SIGNER_SHA384);
    add(&file, &ours, SIGNER_SHA512);
    stamps(&file, &spec, SIGN_UNSTAMPED, 4, 3, 3);
    buffer_free(&file);
}

static void those_of_others_alone_are_kept(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file;
    struct outcome out;

    (void)state;
    plain_program(&file);
    add(&file, &theirs, SIGNER_SHA256);
    assert_true(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_KEPT);
    assert_int_equal(out.file.length, 0);
    buffer_free(&out.file);
    buffer_free(&file);
}

static void appending_stamps_what_is_new_and_what_lacks_one(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_APPEND);
    struct buffer file;

    (void)state;
    plain_program(&file);
    add(&file, &theirs, SIGNER_SHA256);
    stamps(&file, &spec, SIGN_READY, 2, 1, 1);
    add(&file, &ours, SIGNER_SHA512);
    spec.hash = SIGNER_SHA384;
    stamps(&file, &spec, SIGN_READY, 4, 2, 3);
    buffer_free(&file);
    plain_program(&file);
    add(&file, &theirs, SIGNER_SHA256);
    add(&file, &ours, SIGNER_SHA384);
    stamps(&file, &spec, SIGN_UNSTAMPED, 2, 1, 1);
    buffer_free(&file);
}

/* Two certificates in the table, as EFI images have them. */
static void those_side_by_side_get_theirs(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file, one = BUFFER_INIT, two = BUFFER_INIT;
    struct pe_image image;

    (void)state;
    for (int i = 0; i < 2; i++) {
        plain_program(&file);
        add(&file, i == 0 ? &theirs : &ours, i == 0 ? SIGNER_SHA256 : SIGNER_SHA512);
        signing_extract(&file, 0, i == 0 ? &one : &two);
        buffer_free(&file);
    }
    pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 600, .overlay = 77});
    pe_add_certificate(&image, 2, one.data, one.length, true);
    pe_add_certificate(&image, 2, two.data, two.length, true);
    stamps(&image.bytes, &spec, SIGN_UNSTAMPED, 2, 1, 1);
    spec.stamp_only = true;
    stamps(&image.bytes, &spec, SIGN_UNSTAMPED, 2, 1, 2);
    buffer_free(&one);
    buffer_free(&two);
    buffer_free(&image.bytes);
}

static void without_a_signer_each_gets_one(void **state)
{
    const struct sign_spec spec = {.timestamp = true, .stamp_only = true};
    struct buffer file;
    struct outcome out;

    (void)state;
    assert_true(sign_spec_check(&spec, NULL));
    plain_program(&file);
    assert_false(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(out.e.text, "'test.exe' is not signed"));
    assert_int_equal(out.file.length, 0);
    buffer_free(&out.file);
    add(&file, &theirs, SIGNER_SHA256);
    add(&file, &ours, SIGNER_SHA384);
    add(&file, &theirs, SIGNER_SHA512);
    stamps(&file, &spec, SIGN_UNSTAMPED, 3, 3, 3);
    buffer_free(&file);
}

/* A certificate that has ended: a timestamp of today is of no use. */
static void what_is_too_late_gets_none(void **state)
{
    const struct sign_spec spec = {.timestamp = true, .stamp_only = true};
    struct signing_identity late = ours;
    struct buffer file;
    struct outcome out;

    (void)state;
    late.leaf = make_certificate(&(struct certificate){.name = "Late",
                                                       .key = ours.key,
                                                       .issuer = ours.intermediate,
                                                       .issuer_key = ours.ca_key,
                                                       .from = YEAR_2020,
                                                       .to = YEAR_2026,
                                                       .serial = 9,
                                                       .usage = "critical,digitalSignature",
                                                       .purposes = "codeSigning"});
    late.chain = make_stack(late.leaf, ours.intermediate, NULL);
    plain_program(&file);
    add(&file, &late, SIGNER_SHA256);
    assert_false(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(out.e.text, "'Late', whose certificate expired at 2026-01-01"));
    buffer_free(&out.file);
    /* Another signature in the same file is in time. */
    add(&file, &theirs, SIGNER_SHA256);
    assert_true(run(&file, &spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_UNSTAMPED);
    assert_int_equal(stamping_count(&server, &out.file), 1);
    buffer_free(&out.file);
    buffer_free(&file);
    X509_free(late.leaf);
    make_free_stack(late.chain);
}

/* Only some of them came: each that came is in its place, the rest can follow. */
static void some_may_come_later(void **state)
{
    const struct sign_spec spec = {.timestamp = true, .stamp_only = true};
    struct buffer file;
    struct outcome out;

    (void)state;
    plain_program(&file);
    add(&file, &theirs, SIGNER_SHA256);
    for (int i = 0; i < 5; i++)
        add(&file, i % 2 == 0 ? &ours : &theirs, (enum signer_hash)((i + 1) / 2));
    for (size_t had = 0; had < 4; had += 2) {
        assert_true(run(&file, &spec, 2, &out));
        assert_int_equal(out.state, SIGN_UNSTAMPED);
        assert_int_equal(stamping_count(&server, &out.file), had + 2);
        assert_int_equal(all_good(&out.file), 6);
        buffer_free(&file);
        file = out.file;
    }
    stamps(&file, &spec, SIGN_UNSTAMPED, 6, 2, 6);
    buffer_free(&file);
}

/* Some programs hide a setting of an installer behind the signature: it is not lost. */
static void what_stands_behind_a_signature_is_not_lost(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file, der = BUFFER_INIT;
    struct pe_image image;
    struct outcome out;

    (void)state;
    plain_program(&file);
    add(&file, &ours, SIGNER_SHA256);
    signing_extract(&file, 0, &der);
    buffer_append(&der, "a setting", 9);
    pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 600, .overlay = 77});
    pe_add_certificate(&image, 2, der.data, der.length, true);
    assert_false(run(&image.bytes, &spec, SIZE_MAX, &out));
    assert_int_equal(out.e.code, ERROR_UNSUPPORTED);
    assert_non_null(strstr(out.e.text, "no timestamp can be added: 'test.exe'"));
    buffer_free(&out.file);
    spec.timestamp = false;
    assert_true(run(&image.bytes, &spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_KEPT);
    buffer_free(&out.file);
    buffer_free(&der);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

static void a_legacy_timestamp_is_one(void **state)
{
    static const uint8_t counter[] = {0x30, 0x03, 0x02, 0x01, 0x01};
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer file, der = BUFFER_INIT;
    struct pe_image image;
    struct outcome out;

    (void)state;
    plain_program(&file);
    add(&file, &ours, SIGNER_SHA256);
    signing_extract(&file, 0, &der);
    signing_add_unsigned(&der, "1.2.840.113549.1.9.6", counter, sizeof counter);
    pe_build(&image, &(struct pe_recipe){.sections = 2, .section_size = 600, .overlay = 77});
    pe_add_certificate(&image, 2, der.data, der.length, true);
    assert_true(run(&image.bytes, &spec, SIZE_MAX, &out));
    assert_int_equal(out.state, SIGN_KEPT);
    buffer_free(&out.file);
    buffer_free(&der);
    buffer_free(&file);
    buffer_free(&image.bytes);
}

/* What an earlier run left: compared with what this one would make of the input. */
static enum sign_made made(const struct buffer *input, const struct buffer *output,
                           const struct sign_spec *spec)
{
    int in = signing_file(input->data, input->length);
    int out = signing_file(output->data, output->length);
    enum sign_state state;
    struct sign_job *job = sign_begin(in, "test.exe", -1, spec, &state, NULL, NULL);
    enum sign_made is;

    assert_non_null(job);
    assert_int_not_equal(state, SIGN_KEPT);
    is = sign_is_made(job, out, NULL);
    sign_free(&job);
    close(in);
    close(out);
    return is;
}

static void what_was_made_may_lack_its_timestamp(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer plain;
    struct outcome without, with;

    (void)state;
    plain_program(&plain);
    assert_true(run(&plain, &spec, 0, &without));
    assert_true(run(&without.file, &spec, 1, &with));
    assert_int_equal(made(&plain, &without.file, &spec), SIGN_MADE_UNSTAMPED);
    assert_int_equal(made(&plain, &with.file, &spec), SIGN_MADE);
    assert_int_equal(made(&plain, &plain, &spec), SIGN_NOT_MADE);
    /* The input is one of ours without a timestamp, the output is the same with it. */
    assert_int_equal(made(&without.file, &with.file, &spec), SIGN_MADE);
    assert_int_equal(made(&without.file, &without.file, &spec), SIGN_MADE_UNSTAMPED);
    assert_int_equal(made(&without.file, &plain, &spec), SIGN_NOT_MADE);
    add(&with.file, &theirs, SIGNER_SHA256);
    assert_int_equal(made(&without.file, &with.file, &spec), SIGN_NOT_MADE);
    spec.timestamp = false;
    assert_int_equal(made(&plain, &without.file, &spec), SIGN_MADE);
    buffer_free(&plain);
    buffer_free(&without.file);
    buffer_free(&with.file);
}

static void what_was_appended_may_lack_it_too(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_APPEND);
    struct buffer file;
    struct outcome without, with;

    (void)state;
    plain_program(&file);
    add(&file, &theirs, SIGNER_SHA256);
    assert_true(run(&file, &spec, 0, &without));
    assert_true(run(&without.file, &spec, 1, &with));
    assert_int_equal(with.state, SIGN_UNSTAMPED);
    assert_int_equal(made(&file, &without.file, &spec), SIGN_MADE_UNSTAMPED);
    assert_int_equal(made(&file, &with.file, &spec), SIGN_MADE);
    assert_int_equal(made(&without.file, &with.file, &spec), SIGN_MADE);
    assert_int_equal(made(&without.file, &file, &spec), SIGN_NOT_MADE);
    buffer_free(&file);
    buffer_free(&without.file);
    buffer_free(&with.file);
}

/* A changed output is not what would be made, whatever its signatures say. */
static void a_spoiled_output_is_not_made(void **state)
{
    struct sign_spec spec = stamped_spec(SIGN_KEEP);
    struct buffer plain;
    struct outcome without, with;

    (void)state;
    plain_program(&plain);
    assert_true(run(&plain, &spec, 0, &without));
    assert_true(run(&without.file, &spec, 1, &with));
    with.file.data[plain.length - 1] ^= 1;
    assert_int_equal(made(&plain, &with.file, &spec), SIGN_NOT_MADE);
    assert_int_equal(made(&without.file, &with.file, &spec), SIGN_NOT_MADE);
    buffer_free(&plain);
    buffer_free(&without.file);
    buffer_free(&with.file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_gets_one_as_it_is_made),
        cmocka_unit_test(none_is_asked_for_unless_wanted),
        cmocka_unit_test(one_that_failed_is_made_up_for),
        cmocka_unit_test(each_of_ours_gets_one),
        cmocka_unit_test(those_of_others_alone_are_kept),
        cmocka_unit_test(appending_stamps_what_is_new_and_what_lacks_one),
        cmocka_unit_test(those_side_by_side_get_theirs),
        cmocka_unit_test(without_a_signer_each_gets_one),
        cmocka_unit_test(what_is_too_late_gets_none),
        cmocka_unit_test(some_may_come_later),
        cmocka_unit_test(what_stands_behind_a_signature_is_not_lost),
        cmocka_unit_test(a_legacy_timestamp_is_one),
        cmocka_unit_test(what_was_made_may_lack_its_timestamp),
        cmocka_unit_test(what_was_appended_may_lack_it_too),
        cmocka_unit_test(a_spoiled_output_is_not_made),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
