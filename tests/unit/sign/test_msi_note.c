/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of how a package was before it was signed: those that tell all, and those that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cfb_builder.h"
#include "packaging.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/note.h"
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

static const struct cfb_item few[] = {
    {.name = "\5SummaryInformation", .size = 480},
    {.name = "Tables", .size = 100},
    {.name = "cabinet", .size = 20000},
    {.name = "Empty", .size = 0},
};

static const struct cfb_item one[] = {{.name = "one", .size = 1}};

#define OF(items) .item = items, .count = sizeof items / sizeof *items

/* A note must bring back what grew: header, FAT, DIFAT, mini FAT, directory. The signature is as
 * long as one can be made with many certificates. */
static void note_with_growth(void **state)
{
    const struct cfb_item item[] = {{.name = "large", .size = 13952 * 512 - 80000},
                                    {.name = "small", .size = 4000},
                                    {.name = "smaller", .size = 4032}};
    static char long_text[60001];
    struct cfb_image *image = malloc(sizeof *image);
    struct buffer file = BUFFER_INIT, out = BUFFER_INIT;

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    for (int large = 0; large < 2; large++)
        for (unsigned in_list = 0; in_list < 2; in_list++) {
            struct sign_spec spec = signing_spec(&identity);

            cfb_build(image, &(struct cfb_recipe){OF(item), .large = large, .list = in_list,
                                                  .many = large ? 29 : 1});
            spec.description = long_text;
            spec.signature_ex = true;
            signing_must(&identity, &spec, &image->bytes, &file);
            packaging_must_be_good(&identity, "growth", &file, 1);
            packaging_check_structure(&file, in_list == 0);
            packaging_take_out(&file, true, &out);
            packaging_same("growth", "taken out", &out, &image->bytes);
            buffer_free(&image->bytes);
        }
    buffer_free(&file);
    buffer_free(&out);
    free(image);
}

/* A note that does not fit must not do harm: the signature comes out all the same, and every stream
 * is as it was. */
static void strange_notes(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT, note = BUFFER_INIT, out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(few), .many = 20, .slack = true});
    spec.signature_ex = true;
    signing_must(&identity, &spec, &image->bytes, &file);
    signing_extract(&file, 0, &der);
    assert_true(note_get(&der, &note, &e));
    assert_true(note.length > 60);
    for (size_t i = 0; i < note.length * 3; i++) {
        int input = signing_file(file.data, file.length), output = signing_file("", 0);
        struct format_file *f = format_msi.open(input, "made", &e);
        struct buffer strange = BUFFER_INIT;

        buffer_append(&strange, note.data, i % 3 == 2 ? i / 3 : note.length);
        if (i % 3 < 2)
            strange.data[i / 3] ^= i % 3 == 0 ? 1 : 0xff;
        if (!format_msi.remove(f, &strange, output, NULL, &e))
            fail_msg("note %zu: %s", i, e.text);
        signing_read(output, &out);
        format_msi.close(&f);
        f = format_msi.open(output, "taken out", &e);
        if (f == NULL)
            fail_msg("note %zu: %s", i, e.text);
        packaging_check_untouched(image, &out);
        format_msi.close(&f);
        buffer_free(&strange);
        close(input);
        close(output);
    }
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&note);
    buffer_free(&out);
    buffer_free(&image->bytes);
    free(image);
}

/* `file` with another note in its signature, which still holds: nobody signed the note. */
static void set_note(const struct buffer *file, const struct buffer *note, struct buffer *out)
{
    int input = signing_file(file->data, file->length), output = signing_file("", 0);
    const struct format_pass pass = {.output = output};
    struct buffer der = BUFFER_INIT, noted = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct format_file *f = format_msi.open(input, "made", &e);

    signing_extract(file, 0, &der);
    if (f == NULL || !note_add(&der, note, &noted, &e) || !format_msi.digest(f, &pass, &e) ||
        !format_msi.embed(f, output, &noted, 1, &e))
        fail_msg("%s", e.text);
    signing_read(output, out);
    format_msi.close(&f);
    buffer_free(&der);
    buffer_free(&noted);
    close(input);
    close(output);
}

/* Another mini FAT, in a sector that nothing uses, has small streams that begin where they did and
 * go on elsewhere. A note that leads to it would exchange what was signed for something else. */
static void a_note_to_other_content(void **state)
{
    static const struct cfb_item items[] = {
        {.name = "a", .size = 100}, {.name = "b", .size = 100}, {.name = "large", .size = 5000}};
    enum { NOTED_MINI_FAT = 1 + 8 + 4 + 0x3c - 0x28 };
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, forged = BUFFER_INIT, note = BUFFER_INIT, out = BUFFER_INIT;
    struct buffer der = BUFFER_INIT;
    const uint32_t next[] = {3, (uint32_t)-2, 1, (uint32_t)-2}; /* was 1, -2, 3, -2 */
    uint8_t *spare;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(items)});
    spare = buffer_extend(&image->bytes, image->sector_size);
    memset(spare, 0xff, image->sector_size);
    for (size_t i = 0; i < 4; i++)
        le_put_32(spare + 4 * i, next[i]);
    le_put_32(image->bytes.data + cfb_fat_slot(image, (uint32_t)image->sectors), (uint32_t)-2);
    signing_must(&identity, &spec, &image->bytes, &file);
    signing_extract(&file, 0, &der);
    assert_true(note_get(&der, &note, NULL));
    le_put_32(note.data + NOTED_MINI_FAT, (uint32_t)image->sectors);
    set_note(&file, &note, &forged);
    packaging_must_be_good(&identity, "a forged note", &forged, 1);

    packaging_take_out(&forged, true, &out);
    assert_int_equal(le_32(out.data + 0x3c), le_32(image->bytes.data + 0x3c));
    packaging_check_untouched(image, &out);
    spec.description = "another";
    for (int existing = SIGN_REPLACE; existing <= SIGN_APPEND; existing++) {
        spec.existing = (enum sign_existing)existing;
        signing_must(&identity, &spec, &forged, &out);
        packaging_must_be_good(&identity, "signed again", &out, existing == SIGN_APPEND ? 2 : 1);
    }
    buffer_free(&file);
    buffer_free(&forged);
    buffer_free(&note);
    buffer_free(&out);
    buffer_free(&der);
    buffer_free(&image->bytes);
    free(image);
}

/* The file ends with the last byte of the last small stream, whose sector has room for more. */
static void ends_in_a_small_stream(void **state)
{
    struct cfb_image *image = malloc(sizeof *image);
    struct sign_spec spec = signing_spec(&identity);
    struct buffer file = BUFFER_INIT, out = BUFFER_INIT, *bytes = &image->bytes;
    size_t sector;

    (void)state;
    cfb_build(image, &(struct cfb_recipe){OF(one)});
    sector = image->mini_stream / image->sector_size - 1;
    buffer_extend(bytes, image->sector_size);
    memmove(bytes->data + bytes->length - image->sector_size, bytes->data + image->mini_stream,
            image->sector_size);
    memset(bytes->data + image->mini_stream, 0, image->sector_size);
    bytes->length -= image->sector_size - 1;
    le_put_32(bytes->data + cfb_fat_slot(image, (uint32_t)sector), (uint32_t)-1);
    le_put_32(bytes->data + cfb_fat_slot(image, (uint32_t)image->sectors), (uint32_t)-2);
    le_put_32(bytes->data + image->entry[0] + 116, (uint32_t)image->sectors);
    le_put_32(bytes->data + image->entry[0] + 120, 1);
    signing_must(&identity, &spec, bytes, &file);
    packaging_must_be_good(&identity, "cut", &file, 1);
    packaging_take_out(&file, true, &out);
    packaging_same("cut", "taken out", &out, bytes);
    buffer_free(&file);
    buffer_free(&out);
    buffer_free(bytes);
    free(image);
}

/* Another program has written the file anew, with our signature and its note, which fits no more.
 */
static void written_anew(void **state)
{
    struct cfb_image *image = malloc(sizeof *image), *anew = malloc(sizeof *anew);
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT, theirs = BUFFER_INIT, out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    (void)state;
    for (int ex = 0; ex < 2; ex++) {
        struct sign_spec spec = signing_spec(&identity);

        spec.signature_ex = ex;
        cfb_build(image, &(struct cfb_recipe){OF(few)});
        cfb_build(anew, &(struct cfb_recipe){OF(few), .scattered = true, .slack = true});
        signing_must(&identity, &spec, &image->bytes, &file);
        signing_extract(&file, 0, &der);
        if (!packaging_attach(&anew->bytes, &der, ex, &theirs, &e))
            fail_msg("%s", e.text);
        packaging_must_be_good(&identity, "written anew", &theirs, 1);
        spec.description = "second";
        for (int existing = SIGN_REPLACE; existing <= SIGN_APPEND; existing++) {
            spec.existing = (enum sign_existing)existing;
            signing_must(&identity, &spec, &theirs, &out);
            packaging_must_be_good(&identity, "and signed", &out, existing == SIGN_APPEND ? 2 : 1);
            packaging_check_untouched(anew, &out);
        }
        packaging_take_out(&out, true, &file);
        packaging_check_structure(&file, true);
        packaging_check_untouched(anew, &file);
        buffer_free(&image->bytes);
        buffer_free(&anew->bytes);
    }
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&theirs);
    buffer_free(&out);
    free(image);
    free(anew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(note_with_growth),
        cmocka_unit_test(strange_notes),
        cmocka_unit_test(a_note_to_other_content),
        cmocka_unit_test(ends_in_a_small_stream),
        cmocka_unit_test(written_anew),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
