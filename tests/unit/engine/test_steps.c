/* SPDX-License-Identifier: Apache-2.0 */
/* The files that travel between two steps: what is written is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profiles/engine/digests.h"
#include "profiles/engine/steps.h"

/* SpcIndirectDataContent of a program, with a SHA-256 of 32 times 0xd1. */
static const uint8_t content[] = {
    0x30, 0x4c, 0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f,
    0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00, 0x30, 0x31, 0x30, 0x0d, 0x06,
    0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20, 0xd1, 0xd1,
    0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1,
    0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1, 0xd1,
};

#define DIGEST "d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"
#define BASE64                                                                                     \
    "MEwwFwYKKwYBBAGCNwIBDzAJAwEAoASiAoAAMDEwDQYJYIZIAWUDBAIBBQAEINHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR" \
    "0dHR0dHR0dHR"
#define REST                                                                                       \
    "\"format\":\"pe\",\"hash\":\"sha256\",\"digest\":\"" DIGEST "\",\"content\":\"" BASE64 "\"}"

static char folder[] = "/tmp/signet-test-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink("lines");
    unlink("out");
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static struct step sample(const char *file)
{
    struct step s = {
        .file = (char *)file,
        .format = (char *)"pe",
        .hash = SIGNER_SHA256,
        .digest_length = 32,
        .der = {.data = (uint8_t *)content, .length = sizeof content},
    };

    memset(s.digest, 0xd1, 32);
    return s;
}

static void put(const char *text)
{
    FILE *file = fopen("lines", "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
}

static void line_is_as_documented(void **state)
{
    struct step s = sample("dist/app.exe");
    json_t *record = step_record(STEP_DIGEST, &s, NULL);
    char *text = json_dumps(record, JSON_COMPACT);

    (void)state;
    assert_string_equal(text, "{\"signet-digest\":1,\"file\":\"dist/app.exe\"," REST);
    free(text);
    json_decref(record);
}

/* Every field comes back, whatever is in a name, and the lines in their order, however they come.
 */
static void written_is_read(void **state)
{
    static const char *const names[] = {"a.exe", "Größe \"x\"\n\\.exe", "-", "@list", "a b"};
    static const size_t came[] = {3, 0, 4, 1, 2};
    struct steps_output *o = steps_create(STEP_DIGEST, "out", NULL);
    struct steps *all;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct step s = sample(names[came[i]]);

        s.existing = (enum sign_existing)(came[i] % 3);
        assert_true(steps_add(o, came[i], &s, NULL));
    }
    assert_int_equal(access("out", F_OK), -1);
    assert_true(steps_commit(o, NULL));
    steps_output_free(&o);
    all = steps_open(STEP_DIGEST, "out", NULL);
    assert_non_null(all);
    assert_int_equal(steps_count(all), 5);
    for (size_t i = 0; i < 5; i++) {
        struct step s;

        assert_int_equal(steps_at(all, i)->der.length, 0);
        assert_true(steps_read(all, i, &s, NULL));
        assert_string_equal(s.file, names[i]);
        assert_string_equal(s.format, "pe");
        assert_int_equal(s.existing, i % 3);
        assert_int_equal(s.hash, SIGNER_SHA256);
        assert_int_equal(s.der.length, sizeof content);
        assert_memory_equal(s.der.data, content, sizeof content);
        step_free(&s);
    }
    steps_close(&all);
}

static void refused(enum step_kind kind, const char *text, const char *says)
{
    struct error e = ERROR_INIT;
    struct steps *s;

    put(text);
    s = steps_open(kind, "lines", &e);
    assert_null(s);
    if (strstr(e.text, says) == NULL)
        fail_msg("%s\n%s", text, e.text);
}

static void bad_lines(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"x", "it is no JSON object"},
        {"[]", "it is no JSON object"},
        {"{}", "it is not a line that signet-batch wrote"},
        {"{\"signet-digest\":2,\"file\":\"a\"," REST, "another version of Signet"},
        {"{\"signet-digest\":true,\"file\":\"a\"," REST, "another version of Signet"},
        {"{\"signet-signature\":1,\"file\":\"a\"," REST, "the wrong file is named"},
        {"{\"signet-digest\":1,\"signet-signature\":1,\"file\":\"a\"," REST, "is not known here"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"url\":\"x\"," REST, "\"url\" is not known here"},
        {"{\"signet-digest\":1," REST, "\"file\" is no name"},
        {"{\"signet-digest\":1,\"file\":\"\"," REST, "\"file\" is no name"},
        {"{\"signet-digest\":1,\"file\":[\"a\"]," REST, "\"file\" is no name"},
        {"{\"signet-digest\":1,\"file\":\"a\\u0000b\"," REST, "it is no JSON object"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"file\":\"a\"," REST, "it is no JSON object"},
        {"{\"signet-digest\":1,\"file\":\"a\"," REST "x", "it is no JSON object"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"existing\":\"\"," REST, "\"existing\" is not"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"page-hashes\":true," REST, "has no page hashes"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"page-hashes\":\"yes\"," REST, "is no boolean"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"msi-signature-ex\":true," REST,
         "no option of this"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"format\":\"pe\",\"hash\":\"sha256\",\"digest\":"
         "\"" DIGEST "\"}",
         "\"content\" is missing"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"format\":\"pe\",\"hash\":\"sha256\",\"digest\":"
         "\"D1" DIGEST "\",\"content\":\"" BASE64 "\"}",
         "has not the length"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"format\":\"pe\",\"hash\":\"sha1\",\"digest\":"
         "\"" DIGEST "\",\"content\":\"" BASE64 "\"}",
         "\"hash\" is not"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"format\":\"zip\",\"hash\":\"sha256\",\"digest\":"
         "\"" DIGEST "\",\"content\":\"" BASE64 "\"}",
         "\"format\" is none"},
        {"{\"signet-digest\":1,\"file\":\"a\",\"format\":\"msi\",\"hash\":\"sha256\",\"digest\":"
         "\"" DIGEST "\",\"content\":\"" BASE64 "\"}",
         "not one of the format 'msi'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(STEP_DIGEST, cases[i].line, cases[i].says);
    refused(STEP_DIGEST, "\n{\"signet-digest\":1,\"file\":\"a\"," REST "\n\nx\n",
            "line 4: it is no");
}

static void names_stand_once(void **state)
{
    (void)state;
    refused(STEP_DIGEST,
            "{\"signet-digest\":1,\"file\":\"a\"," REST "\n\n"
            "{\"signet-digest\":1,\"file\":\"b\"," REST "\n"
            "{\"signet-digest\":1,\"file\":\"a\"," REST "\n",
            "lines 1 and 4: both are for 'a'");
}

/* Blank lines and the line end of another system are no matter; nor is a missing last one. */
static void ends_of_lines(void **state)
{
    struct steps *s;
    struct step read;

    (void)state;
    put("\r\n{\"signet-digest\":1,\"file\":\"a\"," REST
        "\r\n \t\n{\"signet-digest\":1,\"file\":\"b\"," REST);
    s = steps_open(STEP_DIGEST, "lines", NULL);
    assert_non_null(s);
    assert_int_equal(steps_count(s), 2);
    assert_true(steps_read(s, 1, &read, NULL));
    assert_string_equal(read.file, "b");
    step_free(&read);
    steps_close(&s);
    put("");
    s = steps_open(STEP_DIGEST, "lines", NULL);
    assert_non_null(s);
    assert_int_equal(steps_count(s), 0);
    steps_close(&s);
}

/* A line across many pieces, and one that never ends. */
static void long_lines(void **state)
{
    size_t room = (33 << 20) + 1;
    char *text = malloc(room);
    struct error e = ERROR_INIT;

    (void)state;
    memset(text, ' ', room);
    text[room - 1] = '\0';
    put(text);
    assert_null(steps_open(STEP_DIGEST, "lines", &e));
    assert_non_null(strstr(e.text, "line 1: it is longer than 32 MiB"));
    strcpy(text + (1 << 20) + 5, "{\"signet-digest\":1,\"file\":\"a\"," REST);
    put(text);
    for (int i = 0; i < 2; i++) {
        struct steps *s = steps_open(STEP_DIGEST, "lines", &e);
        struct step read;

        assert_non_null(s);
        assert_true(steps_read(s, 0, &read, &e));
        assert_string_equal(read.file, "a");
        step_free(&read);
        steps_close(&s);
    }
    free(text);
}

/* Whoever changes the file between looking and signing does not get past the checks. */
static void changed_meanwhile(void **state)
{
    static const char first[] = "{\"signet-digest\":1,\"file\":\"a\"," REST;
    struct error e = ERROR_INIT;
    struct steps *s;
    struct step read;

    (void)state;
    put(first);
    s = steps_open(STEP_DIGEST, "lines", &e);
    assert_non_null(s);
    put("{\"signet-digest\":1,\"file\":\"b\"," REST);
    assert_false(steps_read(s, 0, &read, &e));
    assert_non_null(strstr(e.text, "it was changed meanwhile"));
    put("{\"signet-digest\":1,");
    assert_false(steps_read(s, 0, &read, &e));
    assert_non_null(strstr(e.text, "it became shorter"));
    put("{\"signet-digest\":1,\"file\":\"a\",\"format\":\"pe\",\"hash\":\"sha256\",\"digest\":"
        "\"" DIGEST "\",\"content\":"
        "\"AEwwFwYKKwYBBAGCNwIBDzAJAwEAoASiAoAAMDEwDQYJYIZIAWUDBAIBBQAEINHR0dHR0dHR0dHR"
        "0dHR0dHR0dHR0dHR0dHR0dHR0dHR\"}");
    assert_false(steps_read(s, 0, &read, &e));
    assert_non_null(strstr(e.text, "no SpcIndirectDataContent"));
    put(first);
    assert_true(steps_read(s, 0, &read, &e));
    step_free(&read);
    steps_close(&s);
}

/* What the profile wants is wanted of each line. */
static void fit_the_profile(void **state)
{
    struct profile *p = profile_new(NULL);
    struct error e = ERROR_INIT;
    struct digests *d;
    struct plan plan;

    (void)state;
    put("{\"signet-digest\":1,\"file\":\"a\"," REST);
    /* What stands there is no signatures. */
    assert_null(digests_open("lines", "lines", p, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_non_null(strstr(e.text, "it is not replaced"));
    unlink("out");
    d = digests_open("lines", "out", p, &e);
    assert_non_null(d);
    assert_true(digests_plan(d, &plan, &e));
    assert_int_equal(plan.count, 1);
    assert_string_equal(plan.item[0].file, "a");
    assert_string_equal(plan.item[0].output, "out");
    plan_free(&plan);
    digests_close(&d);
    p->page_hashes = 1;
    assert_null(digests_open("lines", "out", p, &e));
    assert_int_equal(e.code, ERROR_PROFILE);
    assert_non_null(strstr(e.text, "--page-hashes"));
    p->page_hashes = 0;
    p->digest = SIGNER_SHA384;
    assert_null(digests_open("lines", "out", p, &e));
    assert_non_null(strstr(e.text, "with --digest sha384"));
    assert_null(digests_open("none", "out", p, &e));
    assert_int_equal(e.code, ERROR_USAGE);
    profile_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_as_documented),
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(bad_lines),
        cmocka_unit_test(names_stand_once),
        cmocka_unit_test(ends_of_lines),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(fit_the_profile),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
