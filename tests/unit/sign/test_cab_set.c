/* SPDX-License-Identifier: Apache-2.0 */
/* Cabinets of a set: signed only where the ones that they name are at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "cab_builder.h"
#include "sign/format.h"
#include "sign/le.h"
#include "signing.h"

static struct signing_identity identity;
static char folder[] = "/tmp/cab-set-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    signing_identity_make(&identity, "P-256");
    return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    signing_identity_free(&identity);
    return rmdir(folder);
}

static void path_of(char path[64], const char *name)
{
    snprintf(path, 64, "%s/%s", folder, name);
}

static void put(const char *name, const struct cab_recipe *recipe)
{
    struct cab_image image;
    char path[64];

    path_of(path, name);
    cab_build(&image, recipe);
    assert_true(path_write_file(path, image.bytes.data, image.bytes.length, 0600, NULL));
    buffer_free(&image.bytes);
}

static void drop(const char *name)
{
    char path[64];

    path_of(path, name);
    assert_int_equal(unlink(path), 0);
}

/* True when the pass that is to sign it succeeds. */
static bool can_sign_at(const char *path, struct error *e)
{
    const struct format_options options = {.append = false};
    const struct format_pass pass = {.options = &options, .output = -1};
    struct format_file *f;
    bool done;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    f = format_cab.open(fd, path, e);
    done = f != NULL && format_cab.digest(f, &pass, e);
    format_cab.close(&f);
    close(fd);
    return done;
}

static bool can_sign(const char *name, struct error *e)
{
    char path[64];

    path_of(path, name);
    return can_sign_at(path, e);
}

static void must_sign(const char *name)
{
    struct error e = ERROR_INIT;

    if (!can_sign(name, &e))
        fail_msg("%s", e.text);
}

static void must_refuse(const char *name, enum error_code code, const char *says)
{
    struct error e = ERROR_INIT;

    assert_false(can_sign(name, &e));
    if (e.code != code || strstr(e.text, says) == NULL)
        fail_msg("%s", e.text);
}

#define DATA .folders = 1, .blocks = 2, .block_size = 50, .files = 1

static const struct cab_recipe first = {DATA, .set = 77, .next = "two.cab"};
static const struct cab_recipe second = {DATA, .set = 77, .number = 1, .previous = "one.cab",
                                         .next = "three.cab"};
static const struct cab_recipe third = {DATA, .set = 77, .number = 2, .previous = "two.cab"};

static void whole_set(void **state)
{
    (void)state;
    put("one.cab", &first);
    put("TWO.CAB", &second); /* as a disk of old times has it */
    put("three.cab", &third);
    must_sign("one.cab");
    must_sign("TWO.CAB");
    must_sign("three.cab");
    drop("one.cab");
    drop("TWO.CAB");
    drop("three.cab");
}

static void missing_ones(void **state)
{
    (void)state;
    put("one.cab", &first);
    put("three.cab", &third);
    must_refuse("one.cab", ERROR_FORMAT, "the next one, 'two.cab', is not in its folder");
    must_refuse("three.cab", ERROR_FORMAT, "the previous one, 'two.cab', is not in its folder");
    put("two.cab", &second);
    drop("three.cab");
    must_sign("one.cab");
    must_refuse("two.cab", ERROR_FORMAT, "number 2 of a set of cabinets, but the next one, 'three");
    drop("one.cab");
    drop("two.cab");
}

/* The same, with a file that is said to be longer than the data of its folder. */
static void put_long(const char *name, const struct cab_recipe *recipe, size_t number)
{
    struct cab_image image;
    char path[64];

    path_of(path, name);
    cab_build(&image, recipe);
    le_put_32(image.bytes.data + image.files + number * 26, 100000);
    assert_true(path_write_file(path, image.bytes.data, image.bytes.length, 0600, NULL));
    buffer_free(&image.bytes);
}

/* A file of the last folder may go on in the next cabinet, one of the first may have begun in the
 * previous one; no other may. */
static void files_that_go_on(void **state)
{
    static const struct {
        bool previous, next;
        size_t number; /* of the file that is too long, of three folders with one each */
        bool good;
    } cases[] = {
        {false, false, 0, false}, {false, false, 1, false}, {false, false, 2, false},
        {true, false, 0, true},   {true, false, 1, false},  {true, false, 2, false},
        {false, true, 0, false},  {false, true, 1, false},  {false, true, 2, true},
        {true, true, 0, true},    {true, true, 1, false},   {true, true, 2, true},
    };

    (void)state;
    put("one.cab", &first);
    put("three.cab", &third);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cab_recipe recipe = {.folders = 3,
                                          .blocks = 2,
                                          .block_size = 50,
                                          .files = 1,
                                          .set = 77,
                                          .number = 1,
                                          .previous = cases[i].previous ? "one.cab" : NULL,
                                          .next = cases[i].next ? "three.cab" : NULL};
        struct error e = ERROR_INIT;

        put_long("two.cab", &recipe, cases[i].number);
        if (can_sign("two.cab", &e) != cases[i].good)
            fail_msg("%zu: %s", i, e.text);
        if (!cases[i].good)
            assert_non_null(strstr(e.text, "are said to take 100000 bytes"));
        drop("two.cab");
    }
    drop("one.cab");
    drop("three.cab");
}

/* A file that says that it goes over an end of the cabinet, where the header names the cabinet
 * there. */
static void ends_that_files_reach_over(void **state)
{
    enum { PREVIOUS = 0xfffd, NEXT = 0xfffe, BOTH = 0xffff };
    static const struct {
        bool previous, next;
        uint16_t folder;
        bool good;
    } cases[] = {
        {true, false, PREVIOUS, true},  {true, false, NEXT, false}, {true, false, BOTH, false},
        {false, true, PREVIOUS, false}, {false, true, NEXT, true},  {false, true, BOTH, false},
        {true, true, PREVIOUS, true},   {true, true, NEXT, true},   {true, true, BOTH, true},
    };

    (void)state;
    put("one.cab", &first);
    put("three.cab", &third);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct cab_recipe recipe = {DATA, .set = 77, .number = 1,
                                          .previous = cases[i].previous ? "one.cab" : NULL,
                                          .next = cases[i].next ? "three.cab" : NULL};
        struct error e = ERROR_INIT;
        struct cab_image image;
        char path[64];

        path_of(path, "two.cab");
        cab_build(&image, &recipe);
        le_put_16(image.bytes.data + image.files + 8, cases[i].folder);
        assert_true(path_write_file(path, image.bytes.data, image.bytes.length, 0600, NULL));
        if (can_sign("two.cab", &e) != cases[i].good)
            fail_msg("%zu: %s", i, e.text);
        if (!cases[i].good)
            assert_non_null(strstr(e.text, "reaches into another cabinet"));
        drop("two.cab");
        buffer_free(&image.bytes);
    }
    drop("one.cab");
    drop("three.cab");
}

/* What stands there under the name. */
static void wrong_ones(void **state)
{
    static const struct cab_recipe others[] = {
        {DATA, .set = 78, .number = 1, .previous = "one.cab"},
        {DATA, .set = 77, .number = 2, .previous = "one.cab"},
        {DATA, .set = 77, .number = 0, .previous = "one.cab"},
        {DATA, .set = 77, .number = 1},
        {DATA, .set = 77, .number = 1, .next = "three.cab"},
    };
    char path[64];

    (void)state;
    put("one.cab", &first);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        put("two.cab", &others[i]);
        must_refuse("one.cab", ERROR_FORMAT, "'two.cab' in its folder is not the next cabinet");
    }
    path_of(path, "two.cab");
    assert_true(path_write_file(path, "MSCF", 4, 0600, NULL));
    must_refuse("one.cab", ERROR_FORMAT, "is not the next cabinet");
    drop("two.cab");
    assert_int_equal(mkfifo(path, 0600), 0);
    must_refuse("one.cab", ERROR_FORMAT, "is not the next cabinet");
    drop("two.cab");
    assert_int_equal(mkdir(path, 0700), 0);
    must_refuse("one.cab", ERROR_FORMAT, "is not the next cabinet");
    assert_int_equal(rmdir(path), 0);
    drop("one.cab");
}

/* makecab makes a folder for each disk; cabinets may have the same name there. */
static void disks(void **state)
{
    static const struct cab_recipe one = {DATA, .set = 9, .next = "data.cab"};
    static const struct cab_recipe two = {DATA, .set = 9, .number = 1, .previous = "data.cab"};
    char first_disk[64], second_disk[64], here[4096];

    (void)state;
    path_of(first_disk, "disk9");
    path_of(second_disk, "disk10");
    assert_int_equal(mkdir(first_disk, 0700) + mkdir(second_disk, 0700), 0);
    put("disk9/data.cab", &one);
    must_refuse("disk9/data.cab", ERROR_FORMAT, "is not the next cabinet of its set");
    put("disk10/data.cab", &two);
    must_sign("disk9/data.cab");
    must_sign("disk10/data.cab");
    /* Named without its folder, too. */
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(first_disk), 0);
    assert_true(can_sign_at("data.cab", NULL));
    assert_int_equal(chdir(here), 0);
    drop("disk9/data.cab");
    must_refuse("disk10/data.cab", ERROR_FORMAT, "is not the previous cabinet of its set");
    drop("disk10/data.cab");
    assert_int_equal(rmdir(first_disk) + rmdir(second_disk), 0);
}

/* A cabinet's word must not lead out of its folder. */
static void strange_names(void **state)
{
    static const char *const names[] = {
        "", ".", "..", "../one.cab", "/etc/passwd", "c:two.cab", "disk2\\two.cab"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct cab_recipe recipe = {DATA, .set = 77, .next = names[i]};

        put("one.cab", &recipe);
        must_refuse("one.cab", ERROR_FORMAT, "which is no name of a file");
    }
    put("one.cab", &(struct cab_recipe){DATA, .set = 77, .next = "one.cab"});
    must_refuse("one.cab", ERROR_FORMAT, "is not the next cabinet");
    put("one.cab", &(struct cab_recipe){DATA, .set = 77, .previous = "zero.cab"});
    must_refuse("one.cab", ERROR_FORMAT, "to have a previous one");
    drop("one.cab");
}

static void long_names(void **state)
{
    char name[300];
    struct cab_recipe recipe = {DATA, .next = name};
    struct error e = ERROR_INIT;
    struct cab_image image;
    struct format_file *f;
    int fd;

    (void)state;
    for (size_t length = 254; length < 258; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        cab_build(&image, &recipe);
        fd = signing_file(image.bytes.data, image.bytes.length);
        f = format_cab.open(fd, "test.cab", &e);
        if (length <= 255)
            assert_non_null(f);
        else
            assert_non_null(strstr(e.text, "has no end"));
        format_cab.close(&f);
        close(fd);
        buffer_free(&image.bytes);
    }
}

/* Both names, the number and the set are part of what is signed. */
static void all_is_signed(void **state)
{
    struct sign_spec spec = signing_spec(&identity);
    struct verify_options options = signing_trust(&identity);
    struct buffer file = BUFFER_INIT;
    struct error e = ERROR_INIT;
    enum sign_state ready;
    struct sign_job *job;
    const uint8_t *digest;
    struct buffer signature = BUFFER_INIT;
    char path[64];
    size_t length;
    int input, output = signing_file("", 0);

    (void)state;
    put("one.cab", &first);
    put("two.cab", &second);
    put("three.cab", &third);
    path_of(path, "two.cab");
    input = open(path, O_RDONLY | O_CLOEXEC);
    job = sign_begin(input, path, output, &spec, &ready, NULL, &e);
    assert_non_null(job);
    digest = sign_digest(job, &length);
    signing_sign(identity.key, spec.hash, digest, length, &signature);
    assert_true(sign_put(job, signature.data, signature.length, &e) && sign_finish(job, &e));
    signing_read(output, &file);
    /* From setID over the reserve to the names. */
    for (size_t i = 32; i < 60 + 8 + 12 + 10 + 1; i++) {
        struct verify_report report;
        int fd;

        file.data[i] ^= 0x20;
        fd = signing_file(file.data, file.length);
        if (verify_file(fd, "test.cab", &options, &report, NULL, NULL)) {
            assert_false(report.good);
            verify_report_free(&report);
        }
        close(fd);
        file.data[i] ^= 0x20;
    }
    sign_free(&job);
    X509_STORE_free(options.trust);
    buffer_free(&signature);
    buffer_free(&file);
    close(input);
    close(output);
    drop("one.cab");
    drop("two.cab");
    drop("three.cab");
}

/* The names are read from a signed volume alone, too. */
static void verified_alone(void **state)
{
    const EVP_MD *md = EVP_sha256();
    uint8_t out[1][EVP_MAX_MD_SIZE], expected[EVP_MAX_MD_SIZE];
    const struct format_pass pass = {.output = -1, .md = &md, .count = 1, .digest = out};
    struct error e = ERROR_INIT;
    struct cab_image image;
    struct format_file *f;
    size_t length;
    int fd;

    (void)state;
    cab_build(&image, &second);
    fd = signing_file(image.bytes.data, image.bytes.length);
    f = format_cab.open(fd, "test.cab", &e);
    assert_non_null(f);
    assert_true(format_cab.digest(f, &pass, &e));
    cab_expected_digest(&image.bytes, "SHA256", expected, &length);
    assert_memory_equal(out[0], expected, length);
    format_cab.close(&f);
    close(fd);
    buffer_free(&image.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_set),
        cmocka_unit_test(missing_ones),
        cmocka_unit_test(files_that_go_on),
        cmocka_unit_test(ends_that_files_reach_over),
        cmocka_unit_test(wrong_ones),
        cmocka_unit_test(strange_names),
        cmocka_unit_test(disks),
        cmocka_unit_test(long_names),
        cmocka_unit_test(all_is_signed),
        cmocka_unit_test(verified_alone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
