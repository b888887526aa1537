/* SPDX-License-Identifier: Apache-2.0 */
/* What was signed is given back bit for bit, however often it was signed; and a note that lies does
 * no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "pe_builder.h"
#include "sign/format.h"
#include "sign/le.h"
#include "sign/note.h"
#include "signing.h"

static struct signing_identity identity, other;

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&identity, "P-256");
    signing_identity_make(&other, "P-256");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&identity);
    signing_identity_free(&other);
    return 0;
}

static void assert_same(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->data, b->data, a->length);
}

static void remove_gives(const struct buffer *file, const struct buffer *original)
{
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;

    if (!signing_remove(file, &out, &e))
        fail_msg("%s", e.text);
    assert_same(&out, original);
    buffer_free(&out);
}

/* Signs `file` anew, by `i`, as `existing` says. */
static void sign_again(const struct signing_identity *i, enum sign_existing existing,
                       struct buffer *file)
{
    struct sign_spec spec = signing_spec(i);
    struct buffer out = BUFFER_INIT;

    spec.existing = existing;
    signing_must(i, &spec, file, &out);
    buffer_free(file);
    *file = out;
}

static void get_note(const struct buffer *file, struct buffer *note)
{
    struct buffer der = BUFFER_INIT;

    signing_extract(file, 0, &der);
    assert_true(note_get(&der, note, NULL));
    buffer_free(&der);
}

/* Signed once, replaced, two more added; the original each time. */
static void round_trip(const struct buffer *original)
{
    struct buffer file = BUFFER_INIT;

    buffer_append(&file, original->data, original->length);
    sign_again(&identity, SIGN_KEEP, &file);
    remove_gives(&file, original);
    sign_again(&other, SIGN_REPLACE, &file);
    remove_gives(&file, original);
    sign_again(&identity, SIGN_APPEND, &file);
    remove_gives(&file, original);
    buffer_free(&file);
}

/* All shapes; each with its CheckSum right, zero, and wrong. */
static void all_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < pe_shape_count; i++) {
        struct pe_image image;

        print_message("%s\n", pe_shapes[i].name);
        pe_build(&image, &pe_shapes[i].recipe);
        round_trip(&image.bytes);
        le_put_32(image.bytes.data + image.checksum, 0);
        round_trip(&image.bytes);
        le_put_32(image.bytes.data + image.checksum, 0xdeadbeef);
        round_trip(&image.bytes);
        buffer_free(&image.bytes);
    }
}

/* Most files need none. */
static void a_note_only_where_it_is_needed(void **state)
{
    static const struct {
        struct pe_recipe recipe;
        size_t padding;
        bool note;
    } cases[] = {
        {{.sections = 1, .section_size = 512}, 0, false},
        {{.sections = 1, .section_size = 512, .no_checksum = true}, 0, true},
        {{.sections = 1, .section_size = 511}, 1, true},
        {{.sections = 1, .section_size = 505, .no_checksum = true}, 7, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer file = BUFFER_INIT, note = BUFFER_INIT;
        struct pe_image image;

        pe_build(&image, &cases[i].recipe);
        buffer_append(&file, image.bytes.data, image.bytes.length);
        sign_again(&identity, SIGN_KEEP, &file);
        get_note(&file, &note);
        assert_int_equal(note.length, cases[i].note ? 6 : 0);
        if (cases[i].note) {
            assert_int_equal(note.data[0], 1);
            assert_int_equal(note.data[1], cases[i].padding);
            assert_int_equal(le_32(note.data + 2), le_32(image.bytes.data + image.checksum));
        }
        buffer_free(&file);
        buffer_free(&note);
        buffer_free(&image.bytes);
    }
}

/* Of a signature by others: the table goes, with all that is in it, and the CheckSum is right. */
static void without_a_note(void **state)
{
    struct buffer file = BUFFER_INIT, der = BUFFER_INIT;
    struct pe_image image, expected;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    pe_build(&expected, &(struct pe_recipe){.sections = 1, .section_size = 512});
    buffer_append(&file, image.bytes.data, image.bytes.length);
    sign_again(&identity, SIGN_KEEP, &file);
    signing_extract(&file, 0, &der);
    pe_add_certificate(&image, 2, der.data, der.length, false);
    pe_add_certificate(&image, 1, "an X.509 certificate, perhaps", 29, true);
    le_put_32(image.bytes.data + image.checksum, 0);
    remove_gives(&image.bytes, &expected.bytes);
    buffer_free(&file);
    buffer_free(&der);
    buffer_free(&image.bytes);
    buffer_free(&expected.bytes);
}

/* What a note may say, and the length that the file must have afterwards; none of them may cut
 * into what is not padding. */
static void notes_that_lie(void **state)
{
    static const struct {
        uint8_t note[8];
        size_t length, cut;
        bool checksum; /* the note's is taken */
    } cases[] = {
        {{1, 0, 1, 2, 3, 4}, 6, 0, true},
        {{1, 3, 1, 2, 3, 4}, 6, 3, true}, /* as it is */
        {{1, 2, 1, 2, 3, 4}, 6, 2, true}, /* cannot be told from the truth */
        {{1, 4, 1, 2, 3, 4}, 6, 0, true}, /* the fourth is no zero */
        {{1, 8, 1, 2, 3, 4}, 6, 0, true},
        {{1, 255, 1, 2, 3, 4}, 6, 0, true},
        {{2, 3, 1, 2, 3, 4}, 6, 0, false}, /* of a later version */
        {{1, 3, 1, 2, 3}, 5, 0, false},
        {{1, 3, 1, 2, 3, 4, 5}, 7, 0, false},
        {{1}, 1, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer note = BUFFER_INIT, out = BUFFER_INIT;
        struct error e = ERROR_INIT;
        struct format_file *f;
        struct pe_image image;
        int input, output = signing_file("", 0);

        pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 504, .overlay = 5});
        image.bytes.data[image.bytes.length - 1] = 'x';
        pe_add_certificate(&image, 2, "12345678", 8, true);
        input = signing_file(image.bytes.data, image.bytes.length);
        f = format_pe.open(input, "test.exe", &e);
        buffer_append(&note, cases[i].note, cases[i].length);
        assert_true(format_pe.remove(f, &note, output, NULL, &e));
        signing_read(output, &out);
        assert_int_equal(out.length, image.table - cases[i].cut);
        assert_int_equal(le_32(out.data + image.entry), 0);
        assert_int_equal(le_32(out.data + image.entry + 4), 0);
        if (cases[i].checksum)
            assert_memory_equal(out.data + image.checksum, cases[i].note + 2, 4);
        else
            assert_int_equal(le_32(out.data + image.checksum), pe_expected_checksum(&out));
        format_pe.close(&f);
        close(input);
        close(output);
        buffer_free(&note);
        buffer_free(&out);
        buffer_free(&image.bytes);
    }
}

/* Zeros that belong to a section are no padding, whatever a note says. */
static void a_section_is_not_cut(void **state)
{
    const uint8_t lie[] = {1, 7, 0, 0, 0, 0};
    const struct buffer note = {.data = (uint8_t *)lie, .length = sizeof lie};
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct format_file *f;
    struct pe_image image;
    int input, output = signing_file("", 0);

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    memset(image.bytes.data + image.bytes.length - 8, 0, 8);
    pe_add_certificate(&image, 2, "12345678", 8, true);
    input = signing_file(image.bytes.data, image.bytes.length);
    f = format_pe.open(input, "test.exe", &e);
    assert_true(format_pe.remove(f, &note, output, NULL, &e));
    signing_read(output, &out);
    assert_int_equal(out.length, image.table);
    format_pe.close(&f);
    close(input);
    close(output);
    buffer_free(&out);
    buffer_free(&image.bytes);
}

static void nothing_to_remove(void **state)
{
    struct buffer out = BUFFER_INIT;
    struct error e = ERROR_INIT;
    struct pe_image image;

    (void)state;
    pe_build(&image, &(struct pe_recipe){.sections = 1, .section_size = 512});
    assert_false(signing_remove(&image.bytes, &out, &e));
    assert_int_equal(e.code, ERROR_SIGNATURE);
    assert_non_null(strstr(e.text, "'test.exe' carries no signature"));
    assert_int_equal(out.length, 0);
    buffer_free(&out);
    buffer_free(&image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_shapes),           cmocka_unit_test(a_note_only_where_it_is_needed),
        cmocka_unit_test(without_a_note),       cmocka_unit_test(notes_that_lie),
        cmocka_unit_test(a_section_is_not_cut), cmocka_unit_test(nothing_to_remove),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
