/* SPDX-License-Identifier: Apache-2.0 */
/* Which reader a slot is, and which application of a card a token is; and what a host keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token/attempt.h"
#include "token/card.h"

static void add(struct wire_readers *all, const char *name)
{
    struct wire_reader_state *r = wire_readers_add(all);

    assert_non_null(r);
    r->name = strdup(name);
}

static CK_SLOT_INFO slot_of(const char *description)
{
    CK_SLOT_INFO slot = {0};
    size_t length = strlen(description);

    memset(slot.slotDescription, ' ', sizeof slot.slotDescription);
    memcpy(slot.slotDescription, description,
           length < sizeof slot.slotDescription ? length : sizeof slot.slotDescription);
    return slot;
}

/* A slot shows 64 characters of a name; the number of a second reader may stand behind them. */
static void test_readers_that_a_slot_does_not_tell_apart(void **state)
{
    const char *first = "Some Maker With A Long Name, Model With A Longer Name [Interface] 00 00";
    const char *second = "Some Maker With A Long Name, Model With A Longer Name [Interface] 01 00";
    CK_SLOT_INFO slot = slot_of(first), other = slot_of("Short 00 00");
    struct wire_readers all = {0};

    (void)state;
    add(&all, "Short 00 00");
    add(&all, first);
    assert_string_equal(card_reader_of(&all, &slot)->name, first);
    assert_string_equal(card_reader_of(&all, &other)->name, "Short 00 00");
    add(&all, second);
    assert_null(card_reader_of(&all, &slot));
    wire_readers_free(&all);
}

static CK_TOKEN_INFO token_of(const char *label)
{
    CK_TOKEN_INFO token = {0};

    memset(token.label, ' ', sizeof token.label);
    memcpy(token.label, label, strlen(label));
    return token;
}

static void add_application(struct wire_card *c, const char *family)
{
    struct wire_application *a = wire_card_add(c);

    assert_non_null(a);
    snprintf(a->family, sizeof a->family, "%s", family);
}

static void test_an_application_is_not_guessed(void **state)
{
    CK_TOKEN_INFO token = token_of("release"), gpg = token_of("OpenPGP card (User PIN)");
    struct wire_card c = {0};

    (void)state;
    add_application(&c, "openpgp");
    assert_string_equal(card_application_of(&c, &token)->family, "openpgp");
    /* The other may be there, and was not read. */
    snprintf(c.problem, sizeof c.problem, "the card stopped answering");
    assert_null(card_application_of(&c, &token));
    assert_string_equal(card_application_of(&c, &gpg)->family, "openpgp");
    add_application(&c, "piv");
    assert_string_equal(card_application_of(&c, &token)->family, "piv");
    add_application(&c, "gids");
    assert_null(card_application_of(&c, &token));
    wire_card_free(&c);
}

/* Sends what spends a try to a reader that is not there, with the write end of a pipe as the lock.
 */
static int attempt(struct host *h)
{
    struct wire_unblock u = {.reader = (char *)(uintptr_t) "no such reader", .by = WIRE_PIN_PUK};
    struct buffer body = BUFFER_INIT;
    struct attempt result = {0};
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    u.secret = u.new_pin = secret_new("12345678", 8, NULL);
    wire_unblock_put(&body, &u);
    assert_false(
        attempt_send(h, WIRE_UNBLOCK, 0, &body, ends[1], false, NULL, &result, NULL, NULL));
    assert_true(result.answered && !result.status.attempted);
    buffer_free(&body);
    secret_free(&u.secret);
    close(ends[1]);
    return ends[0];
}

static bool is_held(int end)
{
    struct pollfd p = {.fd = end, .events = POLLIN};

    return poll(&p, 1, 0) == 0;
}

static void test_a_host_keeps_one_lock(void **state)
{
    struct host *h = card_host_start(NULL, NULL);
    int first, second;

    (void)state;
    assert_non_null(h);
    first = attempt(h);
    assert_true(is_held(first));
    second = attempt(h);
    assert_false(is_held(first));
    assert_true(is_held(second));
    host_stop(&h);
    assert_false(is_held(second));
    close(first);
    close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_that_a_slot_does_not_tell_apart),
        cmocka_unit_test(test_an_application_is_not_guessed),
        cmocka_unit_test(test_a_host_keeps_one_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
