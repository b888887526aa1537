/* SPDX-License-Identifier: Apache-2.0 */
/* Each record of the folder named on the command line is a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "host/card/driver.h"
#include "record.h"

/* Compares what was told, and frees it. */
static void expect(struct record *r, const struct record_line *step, char *text)
{
    char *rest = text, *line;

    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        const struct record_line *expected = record_next(r, RECORD_RESULT);

        if (expected == NULL || strcmp(expected->text, line) != 0)
            fail_msg("%s:%u: told:     %s\nexpected: %s", r->path,
                     expected == NULL ? step->number : expected->number, line,
                     expected == NULL ? "nothing more" : expected->text);
    }
    if (r->at < r->count && r->line[r->at].kind != RECORD_STEP)
        fail_msg("%s:%u: this was not sent, or not told", r->path, r->line[r->at].number);
    free(text);
}

/* Nothing is lost on the way from the host. */
static void over_the_wire(const struct wire_card *c, const char *told)
{
    struct buffer sent = BUFFER_INIT, again = BUFFER_INIT;
    struct wire_reader reader;
    struct wire_card got;

    wire_card_put(&sent, c);
    reader = wire_reader_of(sent.data, sent.length);
    assert_true(wire_card_get(&reader, &got));
    describe_card(&got, &again);
    assert_string_equal(buffer_text(&again), told);
    wire_card_free(&got);
    buffer_free(&sent);
    buffer_free(&again);
}

static void read_card(struct record *r, const struct record_line *step, bool counters_alone)
{
    struct card card = record_card(r);
    struct wire_card found = {.reader.name = strdup("reader")};
    struct wire_status s = {.rv = CKR_OK};
    struct buffer told = BUFFER_INIT;

    r->reading = true;
    if (!drivers_read(&card, counters_alone, &found, &s))
        buffer_printf(&told, "error: %s\n", s.text);
    describe_card(&found, &told);
    if (s.rv == CKR_OK)
        over_the_wire(&found, buffer_text(&told));
    wire_card_free(&found);
    expect(r, step, buffer_take(&told));
}

static const struct card_driver *driver_of(const char *family)
{
    static const struct card_driver *const all[] = {&driver_piv, &driver_openpgp, &driver_gids,
                                                    &driver_idprime, &driver_sc_hsm};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->family, family) == 0)
            return all[i];
    fail_msg("there is no family '%s'", family);
    return NULL;
}

/* One driver alone, so that a record need not hold how the others look for their application. */
static void read_family(struct record *r, const struct record_line *step, const char *family)
{
    const struct card_driver *d = driver_of(family);
    struct card card = record_card(r);
    struct wire_card found = {.reader.name = strdup("reader")};
    struct wire_application *a = wire_card_add(&found);
    struct wire_status s = {.rv = CKR_OK};
    struct buffer told = BUFFER_INIT;
    bool done;

    r->reading = true;
    done = d->detect(&card, a, &s) && (d->counters == NULL || d->counters(&card, a, &s)) &&
           (d->containers == NULL || d->containers(&card, a, &s)) &&
           (d->keys == NULL || d->keys(&card, a, &s));
    if (done)
        describe_card(&found, &told);
    else
        buffer_printf(&told, "%s%s\n", s.rv == CKR_OK ? "another card" : "error: ", s.text);
    if (done)
        over_the_wire(&found, buffer_text(&told));
    wire_card_free(&found);
    expect(r, step, buffer_take(&told));
}

static enum wire_pin pin_of(const char *word)
{
    return strcmp(word, "PUK") == 0  ? WIRE_PIN_PUK
           : strcmp(word, "SO") == 0 ? WIRE_PIN_SO
                                     : WIRE_PIN_RESET;
}

/* "unblock FAMILY by PUK|SO|reset-code SECRET, new PIN" */
static void unblock(struct record *r, const struct record_line *step)
{
    char family[16], by[16], secret[128], fresh[128];
    struct card card = record_card(r);
    struct wire_status s = {.rv = CKR_OK};
    struct buffer told = BUFFER_INIT;
    struct wire_unblock u = {0};
    bool done;

    if (sscanf(step->text, "unblock %15s by %15s %127[^,], new %127s", family, by, secret, fresh) !=
        4)
        fail_msg("%s:%u: unblock FAMILY by PIN SECRET, new PIN", r->path, step->number);
    u.by = pin_of(by);
    u.secret = secret_new(secret, strlen(secret), NULL);
    u.new_pin = secret_new(fresh, strlen(fresh), NULL);
    r->reading = false;
    done = driver_of(family)->unblock(&card, &u, &s);
    describe_unblock(done, &s, &told);
    wire_unblock_free(&u);
    expect(r, step, buffer_take(&told));
}

static void attest(struct record *r, const struct record_line *step)
{
    struct wire_attestation made = {0};
    struct card card = record_card(r);
    struct wire_status s = {.rv = CKR_OK};
    struct buffer told = BUFFER_INIT;
    unsigned slot = (unsigned)strtoul(step->text + strlen("attest "), NULL, 16);

    r->reading = true;
    if (driver_piv.attest(&card, (uint8_t)slot, &made, &s))
        describe_attestation(&made, &told);
    else
        buffer_printf(&told, "error: %s\n", s.text);
    wire_attestation_free(&made);
    expect(r, step, buffer_take(&told));
}

static void run_step(struct record *r, const struct record_line *step)
{
    if (strcmp(step->text, "read") == 0)
        read_card(r, step, false);
    else if (strcmp(step->text, "counters") == 0)
        read_card(r, step, true);
    else if (strncmp(step->text, "read ", 5) == 0)
        read_family(r, step, step->text + 5);
    else if (strncmp(step->text, "unblock ", 8) == 0)
        unblock(r, step);
    else if (strncmp(step->text, "attest ", 7) == 0)
        attest(r, step);
    else
        fail_msg("%s:%u: no such step", r->path, step->number);
}

static void test_record(void **state)
{
    const struct record_line *step;
    struct record r;

    record_load(*state, &r);
    assert_true(r.count > 0);
    while ((step = record_next(&r, RECORD_STEP)) != NULL)
        run_step(&r, step);
    assert_int_equal(r.at, r.count);
    record_free(&r);
}

int main(int argc, char **argv)
{
    char pattern[4096];
    struct CMUnitTest *tests;
    glob_t found;
    int failed;

    if (argc != 2) {
        fprintf(stderr, "usage: test_card_records FOLDER\n");
        return 2;
    }
    snprintf(pattern, sizeof pattern, "%s/*.txt", argv[1]);
    if (glob(pattern, 0, NULL, &found) != 0 ||
        (tests = calloc(found.gl_pathc, sizeof *tests)) == NULL)
        return 2;
    for (size_t i = 0; i < found.gl_pathc; i++)
        tests[i] = (struct CMUnitTest){.name = strrchr(found.gl_pathv[i], '/') + 1,
                                       .test_func = test_record,
                                       .initial_state = found.gl_pathv[i]};
    failed = _cmocka_run_group_tests("card records", tests, found.gl_pathc, NULL, NULL);
    free(tests);
    globfree(&found);
    return failed;
}
