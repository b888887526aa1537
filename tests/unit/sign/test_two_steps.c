/* SPDX-License-Identifier: Apache-2.0 */
/* Signing without the file, attaching, extracting, stripping: and that all ways lead to the same
 * bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cab_builder.h"
#include "pe_builder.h"
#include "sign/attach.h"
#include "sign/authenticode.h"
#include "sign/content.h"
#include "sign/extract.h"
#include "sign/file_digest.h"
#include "sign/le.h"
#include "sign/note.h"
#include "sign/strip.h"
#include "signing.h"

static struct signing_identity rsa, other;
static struct buffer program = BUFFER_INIT, changed = BUFFER_INIT;

static int set_up(void **state)
{
    struct pe_image image;

    (void)state;
    signing_identity_make(&rsa, "RSA:2048");
    signing_identity_make(&other, "RSA:2048");
    pe_build(&image,
             &(struct pe_recipe){.plus = true, .sections = 2, .section_size = 600, .overlay = 77});
    program = image.bytes;
    buffer_append(&changed, program.data, program.length);
    changed.data[program.length - 1] ^= 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&rsa);
    signing_identity_free(&other);
    buffer_free(&program);
    buffer_free(&changed);
    return 0;
}

static void must_be(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->data, b->data, a->length);
}

static struct sign_spec spec_of(const struct signing_identity *i, enum sign_existing existing)
{
    struct sign_spec spec = signing_spec(i);

    spec.existing = existing;
    return spec;
}

static bool digest_of(const struct buffer *file, const struct sign_spec *spec,
                      struct file_digest *out, struct error *e)
{
    const struct file_digest_options options = {
        .hash = spec->hash, .existing = spec->existing, .page_hashes = spec->page_hashes};
    int fd = signing_file(file->data, file->length);
    bool made = file_digest_make(fd, "test.exe", &options, out, NULL, e);

    close(fd);
    return made;
}

/* The signature of a file, made from its digest alone. */
static void sign_elsewhere(const struct signing_identity *i, const struct sign_spec *spec,
                           const struct buffer *file, struct buffer *signature)
{
    struct file_digest d;
    struct error e = ERROR_INIT;
    struct buffer value = BUFFER_INIT;
    struct sign_job *job;
    const uint8_t *digest;
    size_t length;

    assert_true(digest_of(file, spec, &d, &e));
    assert_true(d.content.length > 0);
    assert_string_equal(d.format, "pe");
    job = sign_begin_content(&d.content, d.digest, "test.exe", spec, &e);
    assert_non_null(job);
    digest = sign_file_digest(job, &length);
    assert_int_equal(length, d.length);
    assert_memory_equal(digest, d.digest, length);
    digest = sign_digest(job, &length);
    signing_sign(i->key, spec->hash, digest, length, &value);
    assert_true(sign_put(job, value.data, value.length, &e));
    buffer_reset(signature);
    buffer_append(signature, sign_made(job)->data, sign_made(job)->length);
    sign_free(&job);
    buffer_free(&value);
    file_digest_free(&d);
}

static bool attach(const struct buffer *file, const struct buffer *signature,
                   enum sign_existing existing, struct buffer *out, enum attach_state *state,
                   struct error *e)
{
    const struct attach_spec spec = {.signature = signature, .existing = existing};
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    struct attach_result result;
    bool done = attach_signature(input, "test.exe", output, &spec, &result, NULL, e);

    if (state != NULL)
        *state = result.state;
    assert_int_equal(done, result.signer != NULL);
    if (done)
        assert_int_equal(result.size, file->length);
    free(result.signer);
    signing_read(output, out);
    close(input);
    close(output);
    return done;
}

/* digest, sign, attach: what signing at once makes, bit for bit. */
static void equals_signing_at_once(void **state)
{
    static const enum sign_existing existing[] = {SIGN_KEEP, SIGN_REPLACE, SIGN_APPEND};
    struct buffer direct = BUFFER_INIT, signature = BUFFER_INIT, out = BUFFER_INIT;
    struct buffer first = BUFFER_INIT;
    struct sign_spec spec = spec_of(&other, SIGN_KEEP);

    (void)state;
    signing_must(&other, &spec, &program, &first);
    for (size_t i = 0; i < 3; i++) {
        /* On a file that is signed already, too; keeping has nothing to do there. */
        const struct buffer *file = i == 0 ? &program : &first;

        spec = spec_of(&rsa, existing[i]);
        signing_must(&rsa, &spec, file, &direct);
        sign_elsewhere(&rsa, &spec, file, &signature);
        assert_true(attach(file, &signature, existing[i], &out, NULL, NULL));
        must_be(&out, &direct);
    }
    buffer_free(&direct);
    buffer_free(&signature);
    buffer_free(&out);
    buffer_free(&first);
}

static void refuse(const struct buffer *file, const struct buffer *signature, const char *says)
{
    static const enum sign_existing existing[] = {SIGN_KEEP, SIGN_REPLACE, SIGN_APPEND};

    for (size_t i = 0; i < 3; i++) {
        struct buffer out = BUFFER_INIT;
        struct error e = ERROR_INIT;

        assert_false(attach(file, signature, existing[i], &out, NULL, &e));
        if (strstr(e.text, says) == NULL)
            fail_msg("%s", e.text);
        buffer_free(&out);
    }
}

static bool extract(const struct buffer *file, unsigned index, struct buffer *der)
{
    int fd = signing_file(file->data, file->length);
    bool good = extract_signature(fd, "test.exe", index, der, NULL);

    close(fd);
    return good;
}

/* The page hashes of a signature must be the file's, too. */
static void with_page_hashes(void **state)
{
    struct buffer direct = BUFFER_INIT, signature = BUFFER_INIT, out = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);
    struct content content;
    struct buffer value = BUFFER_INIT;
    struct sign_job *job;
    struct file_digest d;
    const uint8_t *digest;
    size_t length;

    (void)state;
    spec.page_hashes = true;
    signing_must(&rsa, &spec, &program, &direct);
    sign_elsewhere(&rsa, &spec, &program, &signature);
    assert_true(attach(&program, &signature, SIGN_KEEP, &out, NULL, NULL));
    must_be(&out, &direct);
    assert_true(digest_of(&program, &spec, &d, NULL));
    assert_true(content_read("pe", d.content.data, d.content.length, &content, NULL));
    assert_true(content.page_hashes);
    /* The file's digest is right, the hash of its last page is not. */
    d.content.data[d.content.length - 36 - 55] ^= 1;
    job = sign_begin_content(&d.content, d.digest, "test.exe", &spec, NULL);
    digest = sign_digest(job, &length);
    signing_sign(rsa.key, spec.hash, digest, length, &value);
    assert_true(sign_put(job, value.data, value.length, NULL));
    refuse(&program, sign_made(job), "the page hashes in the signature are not the file's");
    sign_free(&job);
    file_digest_free(&d);
    buffer_free(&value);
    buffer_free(&direct);
    buffer_free(&signature);
    buffer_free(&out);
}

static bool strip(const struct buffer *file, struct buffer *out, enum strip_state *state,
                  struct error *e)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    uint64_t size = 0;
    bool done = strip_file(input, "test.exe", output, state, &size, NULL, e);

    if (done)
        assert_int_equal(size, file->length);
    signing_read(output, out);
    close(input);
    close(output);
    return done;
}

/* All that was put in goes, and what is left is the original. */
static void strip_gives_back(void **state)
{
    struct buffer once = BUFFER_INIT, twice = BUFFER_INIT, out = BUFFER_INIT, der = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP), append = spec_of(&other, SIGN_APPEND);
    struct error e = ERROR_INIT;
    enum strip_state what;

    (void)state;
    signing_must(&rsa, &spec, &program, &once);
    signing_must(&other, &append, &once, &twice);
    assert_true(strip(&once, &out, &what, &e));
    assert_int_equal(what, STRIP_DONE);
    must_be(&out, &program);
    assert_true(strip(&twice, &out, &what, &e));
    must_be(&out, &program);
    assert_true(extract(&twice, 0, &der));
    assert_true(attach(&out, &der, SIGN_KEEP, &once, NULL, NULL));
    must_be(&once, &twice);
    assert_true(strip(&program, &out, &what, &e));
    assert_int_equal(what, STRIP_UNSIGNED);
    /* One that does not hold, or is no signature at all, goes, too. */
    once.data[program.length - 1] ^= 1;
    assert_true(strip(&once, &out, &what, &e));
    assert_int_equal(what, STRIP_DONE);
    must_be(&out, &changed);
    memset(once.data + once.length - der.length / 2, 0xff, der.length / 2);
    assert_true(strip(&once, &out, &what, &e));
    assert_int_equal(what, STRIP_DONE);
    assert_true(extract(&out, 0, &der));
    assert_int_equal(der.length, 0);
    buffer_reset(&once);
    buffer_append_text(&once, "not a program");
    assert_false(strip(&once, &out, &what, &e));
    assert_int_equal(e.code, ERROR_UNSUPPORTED);
    buffer_free(&once);
    buffer_free(&twice);
    buffer_free(&out);
    buffer_free(&der);
}

/* A note that came with the signature is of the file it was taken from. */
static void note_is_of_the_file(void **state)
{
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT, out = BUFFER_INIT, back = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);
    struct pe_image image;
    enum strip_state what;

    (void)state;
    pe_build(&image,
             &(struct pe_recipe){.plus = true, .sections = 2, .section_size = 600, .overlay = 77});
    must_be(&image.bytes, &program);
    signing_must(&rsa, &spec, &program, &file);
    assert_true(extract(&file, 0, &der));
    /* Two checksums that the digest does not cover. */
    for (uint8_t checksum = 1; checksum < 3; checksum++) {
        image.bytes.data[image.checksum] = checksum;
        assert_true(attach(&image.bytes, &der, SIGN_KEEP, &out, NULL, NULL));
        assert_true(extract(&out, 0, &der));
        assert_true(strip(&out, &back, &what, NULL));
        must_be(&back, &image.bytes);
    }
    /* Padded, and with the right checksum, it has the same digest, and needs no note. */
    while (image.bytes.length % 8 != 0)
        buffer_append_byte(&image.bytes, 0);
    le_put_32(image.bytes.data + image.checksum, pe_expected_checksum(&image.bytes));
    assert_true(attach(&image.bytes, &der, SIGN_KEEP, &out, NULL, NULL));
    assert_true(strip(&out, &back, &what, NULL));
    must_be(&back, &image.bytes);
    buffer_free(&image.bytes);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&out);
    buffer_free(&back);
}

/* Overwrites the length at the start of the signature: that is no DER any more. */
static void spoil(struct buffer *file)
{
    struct buffer der = BUFFER_INIT;
    uint8_t *at;

    assert_true(extract(file, 0, &der));
    at = memmem(file->data, file->length, der.data, der.length);
    assert_non_null(at);
    memset(at + 1, 0xff, 5);
    buffer_free(&der);
}

/* Of a file whose signature cannot be read nothing is noted: it is not the original. */
static void unreadable_and_replaced(void **state)
{
    struct buffer file = BUFFER_INIT, again = BUFFER_INIT, out = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP), anew = spec_of(&other, SIGN_REPLACE);
    struct pe_image program_image;
    struct cab_image cabinet;
    struct error e = ERROR_INIT;
    enum strip_state what;

    (void)state;
    pe_build(&program_image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    cab_build(&cabinet,
              &(struct cab_recipe){.folders = 1, .blocks = 1, .block_size = 100, .files = 1});
    for (int i = 0; i < 2; i++) {
        struct buffer *original = i == 0 ? &program_image.bytes : &cabinet.bytes;

        signing_must(&rsa, &spec, original, &file);
        spoil(&file);
        assert_false(extract(&file, 0, &out));
        signing_must(&other, &anew, &file, &again);
        if (!strip(&again, &out, &what, &e))
            fail_msg("%s", e.text);
        must_be(&out, original);
        buffer_free(original);
    }
    buffer_free(&file);
    buffer_free(&again);
    buffer_free(&out);
}

/* One more attribute with a note; a SignerInfo may have one twice (RFC 5652 section 11.4). */
static void push_note(struct buffer *der, const char *note)
{
    const unsigned char *at = der->data;
    PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der->length);
    PKCS7_SIGNER_INFO *info = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(p7), 0);
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create_by_txt(
        NULL, NOTE_OID, V_ASN1_OCTET_STRING, (const unsigned char *)note, (int)strlen(note));
    unsigned char *encoded = NULL;
    int length;

    assert_true(sk_X509_ATTRIBUTE_push(info->unauth_attr, attribute) > 0);
    length = i2d_PKCS7(p7, &encoded);
    assert_true(length > 0);
    buffer_reset(der);
    buffer_append(der, encoded, (size_t)length);
    OPENSSL_free(encoded);
    PKCS7_free(p7);
}

static void one_note_alone(void **state)
{
    struct buffer note = {.data = (uint8_t *)(uintptr_t) "zzz", .length = 3}, none = BUFFER_INIT;
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT, twice = BUFFER_INIT, out = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);
    struct buffer got = BUFFER_INIT;

    (void)state;
    signing_must(&rsa, &spec, &program, &file);
    assert_true(extract(&file, 0, &der));
    assert_true(note_add(&der, &none, &out, NULL));
    assert_true(note_get(&out, &got, NULL));
    assert_int_equal(got.length, 0);
    push_note(&der, "one");
    push_note(&der, "two");
    assert_true(note_add(&der, &note, &twice, NULL));
    assert_true(note_get(&twice, &got, NULL));
    must_be(&got, &note);
    assert_true(extract(&file, 0, &der));
    buffer_reset(&out);
    assert_true(note_add(&der, &note, &out, NULL));
    must_be(&twice, &out);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&twice);
    buffer_free(&out);
    buffer_free(&got);
}

static void kept(void **state)
{
    struct buffer direct = BUFFER_INIT, signature = BUFFER_INIT, out = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP), append = spec_of(&rsa, SIGN_APPEND);
    struct error e = ERROR_INIT;
    enum attach_state result;
    struct file_digest d;

    (void)state;
    signing_must(&rsa, &spec, &program, &direct);
    sign_elsewhere(&rsa, &spec, &program, &signature);
    assert_true(attach(&direct, &signature, SIGN_KEEP, &out, &result, &e));
    assert_int_equal(result, ATTACH_KEPT);
    /* The very signature is there. */
    assert_true(attach(&direct, &signature, SIGN_APPEND, &out, &result, &e));
    assert_int_equal(result, ATTACH_KEPT);
    assert_true(attach(&direct, &signature, SIGN_REPLACE, &out, &result, &e));
    assert_int_equal(result, ATTACH_DONE);
    must_be(&out, &direct);
    /* Nothing is to be signed. */
    assert_true(digest_of(&direct, &spec, &d, &e));
    assert_int_equal(d.content.length, 0);
    assert_non_null(d.signer);
    file_digest_free(&d);
    /* One that does not hold is neither kept nor built upon. */
    direct.data[program.length - 1] ^= 1;
    assert_false(attach(&direct, &signature, SIGN_KEEP, &out, NULL, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    assert_false(digest_of(&direct, &spec, &d, &e));
    file_digest_free(&d);
    assert_false(digest_of(&direct, &append, &d, &e));
    file_digest_free(&d);
    buffer_free(&direct);
    buffer_free(&signature);
    buffer_free(&out);
}

static void wrong_signatures(void **state)
{
    struct buffer signature = BUFFER_INIT, bad = BUFFER_INIT, empty = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);

    (void)state;
    sign_elsewhere(&rsa, &spec, &program, &signature);
    refuse(&changed, &signature, "is of another file, or of another version");
    buffer_append(&bad, signature.data, signature.length);
    bad.data[bad.length - 1] ^= 1;
    refuse(&program, &bad, "the signature does not hold");
    bad.length /= 2;
    refuse(&program, &bad, "the signature cannot be read");
    refuse(&program, &empty, "the signature cannot be read");
    buffer_free(&signature);
    buffer_free(&bad);
}

/* Signs the program's digest with another type over it: 1.3.6.1.4.1.311.2.1.TYPE. */
static void sign_as(uint8_t kind, struct buffer *signature)
{
    static const uint8_t pe[] = {0x82, 0x37, 0x02, 0x01, 0x0f};
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);
    struct buffer value = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct file_digest d;
    struct sign_job *job;
    const uint8_t *digest;
    uint8_t *type;
    size_t length;

    assert_true(digest_of(&program, &spec, &d, &e));
    type = memmem(d.content.data, d.content.length, pe, sizeof pe);
    assert_non_null(type);
    type[4] = kind;
    job = sign_begin_content(&d.content, d.digest, "test.exe", &spec, &e);
    digest = sign_digest(job, &length);
    signing_sign(rsa.key, spec.hash, digest, length, &value);
    assert_true(sign_put(job, value.data, value.length, &e));
    buffer_append(signature, sign_made(job)->data, sign_made(job)->length);
    sign_free(&job);
    buffer_free(&value);
    file_digest_free(&d);
}

/* The digest is right, but a cabinet's type stands over it, or the one that pesign writes. */
static void of_another_kind(void **state)
{
    enum { INDIVIDUAL = 0x15, COMMERCIAL = 0x16, CAB = 0x19, SIP = 0x1e };
    static const uint8_t bad[] = {COMMERCIAL, CAB, SIP};
    struct buffer signature = BUFFER_INIT, out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof bad; i++) {
        signature.length = 0;
        sign_as(bad[i], &signature);
        refuse(&program, &signature, "of another kind of file");
    }
    signature.length = 0;
    sign_as(INDIVIDUAL, &signature);
    assert_true(attach(&program, &signature, SIGN_KEEP, &out, NULL, &e));
    buffer_free(&signature);
    buffer_free(&out);
}

/* Each before those nested in it; attached alone, each is a signature of the file. */
static void extract_all(void **state)
{
    struct buffer first = BUFFER_INIT, two = BUFFER_INIT, three = BUFFER_INIT, der = BUFFER_INIT;
    struct buffer out = BUFFER_INIT;
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP), append = spec_of(&other, SIGN_APPEND);
    struct authenticode_view v;

    (void)state;
    signing_must(&rsa, &spec, &program, &first);
    signing_must(&other, &append, &first, &two);
    append.description = "a third";
    signing_must(&other, &append, &two, &three);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(extract(&three, i, &der));
        assert_true(authenticode_view(der.data, der.length, &v, NULL));
        assert_true(authenticode_check(&v, NULL));
        assert_int_equal(X509_cmp(v.signer, i == 0 ? rsa.leaf : other.leaf), 0);
        assert_int_equal(strcmp(v.description, "a third") == 0, i == 2);
        authenticode_view_free(&v);
        assert_true(attach(&program, &der, SIGN_KEEP, &out, NULL, NULL));
        /* The first has the others in it. */
        if (i == 0)
            must_be(&out, &three);
    }
    assert_true(extract(&three, 3, &der));
    assert_int_equal(der.length, 0);
    assert_true(extract(&program, 0, &der));
    assert_int_equal(der.length, 0);
    buffer_free(&first);
    buffer_free(&two);
    buffer_free(&three);
    buffer_free(&der);
    buffer_free(&out);
}

static void write_file(const char *path, const struct buffer *b)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(b->data, 1, b->length, file), b->length);
    fclose(file);
}

static void read_files(void **state)
{
    char path[] = "/tmp/signet-test-XXXXXX";
    struct sign_spec spec = spec_of(&rsa, SIGN_KEEP);
    struct buffer signature = BUFFER_INIT, pem = BUFFER_INIT, der = BUFFER_INIT;
    struct error e = ERROR_INIT;
    int fd = mkstemp(path);

    (void)state;
    close(fd);
    sign_elsewhere(&rsa, &spec, &program, &signature);
    write_file(path, &signature);
    assert_true(extract_read_file(path, &der, &e));
    must_be(&der, &signature);
    buffer_append_text(&pem, "a text before it\n");
    assert_true(extract_pem(&signature, &pem, &e));
    write_file(path, &pem);
    assert_true(extract_read_file(path, &der, &e));
    must_be(&der, &signature);
    pem.length = 60;
    write_file(path, &pem);
    assert_false(extract_read_file(path, &der, &e));
    assert_int_equal(e.code, ERROR_FORMAT);
    pem.length = 0;
    write_file(path, &pem);
    assert_false(extract_read_file(path, &der, &e));
    unlink(path);
    assert_false(extract_read_file(path, &der, &e));
    assert_int_equal(e.code, ERROR_SYSTEM);
    buffer_free(&signature);
    buffer_free(&pem);
    buffer_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_signing_at_once),
        cmocka_unit_test(with_page_hashes),
        cmocka_unit_test(strip_gives_back),
        cmocka_unit_test(unreadable_and_replaced),
        cmocka_unit_test(one_note_alone),
        cmocka_unit_test(note_is_of_the_file),
        cmocka_unit_test(kept),
        cmocka_unit_test(wrong_signatures),
        cmocka_unit_test(of_another_kind),
        cmocka_unit_test(extract_all),
        cmocka_unit_test(read_files),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
