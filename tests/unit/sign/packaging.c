/* SPDX-License-Identifier: Apache-2.0 */
#include "packaging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "sign/format.h"
#include "sign/le.h"
#include "sign/msi/msi.h"
#include "sign/note.h"

/* Trees must keep the order; those of the builder are red-black, and must stay so. */
static unsigned black_height(const struct cfb *c, uint32_t id, bool parent_red)
{
    const uint8_t *entry = cfb_entry(c, id);
    bool red;
    unsigned left, right;

    if (id == CFB_NOBODY)
        return 1;
    red = entry[CFB_ENTRY_COLOUR] == CFB_RED;
    assert_false(red && parent_red);
    left = black_height(c, le_32(entry + CFB_ENTRY_LEFT), red);
    right = black_height(c, le_32(entry + CFB_ENTRY_RIGHT), red);
    assert_int_equal(left, right);
    return left + (red ? 0 : 1);
}

void packaging_check_structure(const struct buffer *file, bool balanced)
{
    int fd = signing_file(file->data, file->length);
    struct error e = ERROR_INIT;
    struct cfb *c = cfb_open(fd, "made", &e);

    if (c == NULL)
        fail_msg("%s", e.text);
    assert_int_equal(file->length, cfb_place(c, c->end)); /* nothing behind it */
    assert_int_equal(cfb_length(c, 0) % 64, 0);
    if (balanced)
        black_height(c, le_32(cfb_entry(c, 0) + CFB_ENTRY_CHILD), true);
    cfb_close(&c);
    close(fd);
}

/* Streams and their sectors are where they were. */
void packaging_check_untouched(const struct cfb_image *image, const struct buffer *file)
{
    for (size_t i = 1; i <= image->count; i++) {
        size_t unit = image->item[i].size < 4096 ? 64 : image->sector_size;
        size_t length = image->item[i].size < unit ? image->item[i].size : unit;
        const uint8_t *entry = file->data + image->entry[i];

        assert_memory_equal(file->data + image->data[i], image->bytes.data + image->data[i],
                            length);
        assert_memory_equal(entry, image->bytes.data + image->entry[i], 67);
        assert_memory_equal(entry + 80, image->bytes.data + image->entry[i] + 80, 48);
    }
    assert_memory_equal(file->data, image->bytes.data, 40); /* the version among it */
}

void packaging_verify(const struct signing_identity *i, const struct buffer *file,
                      struct verify_report *report)
{
    struct verify_options options = signing_trust(i);
    int fd = signing_file(file->data, file->length);
    struct error e = ERROR_INIT;

    if (!verify_file(fd, "made", &options, report, NULL, &e))
        fail_msg("%s", e.text);
    close(fd);
    X509_STORE_free(options.trust);
}

void packaging_must_be_good(const struct signing_identity *i, const char *name,
                            const struct buffer *file, size_t signatures)
{
    struct verify_report report;

    packaging_verify(i, file, &report);
    if (!report.good)
        fail_msg("%s: %s", name,
                 report.problem_count > 0 ? report.problems[0] : report.signature[0].problems[0]);
    assert_int_equal(report.count, signatures);
    verify_report_free(&report);
}

/* As `remove` does it: with the note of the signature, or without. */
void packaging_take_out(const struct buffer *file, bool with_note, struct buffer *out)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    struct buffer der = BUFFER_INIT, note = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct format_file *f = format_msi.open(input, "made", &e);

    if (f == NULL || !format_msi.extract(f, 0, &der, &e) ||
        (with_note && der.length > 0 && !note_get(&der, &note, &e)) ||
        !format_msi.remove(f, &note, output, NULL, &e))
        fail_msg("%s", e.text);
    signing_read(output, out);
    format_msi.close(&f);
    buffer_free(&der);
    buffer_free(&note);
    close(input);
    close(output);
}

/* Puts a signature into a file that has none. */
bool packaging_attach(const struct buffer *file, const struct buffer *der, bool ex,
                      struct buffer *out, struct error *e)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    const struct format_options options = {.signature_ex = ex};
    const EVP_MD *md = EVP_sha256();
    uint8_t digest[1][EVP_MAX_MD_SIZE];
    const struct format_pass pass = {
        .options = &options, .output = output, .md = &md, .count = 1, .digest = digest};
    struct format_file *f = format_msi.open(input, "made", e);
    bool done =
        f != NULL && format_msi.digest(f, &pass, e) && format_msi.embed(f, output, der, 1, e);

    signing_read(output, out);
    format_msi.close(&f);
    close(input);
    close(output);
    return done;
}

void packaging_same(const char *name, const char *what, const struct buffer *a,
                    const struct buffer *b)
{
    size_t at = 0;

    while (at < a->length && at < b->length && a->data[at] == b->data[at])
        at++;
    if (a->length != b->length || at < a->length)
        fail_msg("%s: %s: %zu and %zu bytes, the first difference at %zu", name, what, a->length,
                 b->length, at);
}
