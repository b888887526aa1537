/* SPDX-License-Identifier: Apache-2.0 */
/* Readers, cards and figures in store and tree: what is shown once, what stays, what goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "tui/model/tree.h"
#include "tui/model/tries.h"

static struct store store;
static struct tree tree;

static const char tokens[] =
    "{\"modules\": [], \"tokens\": [{\"uri\": \"t1\", \"label\": \"first\", \"serial\": \"1\","
    " \"user-pin\": \"by flags\", \"slot\": {\"description\": \"Reader A\"}}]}";
static const char with_card[] =
    "{\"readers\": [{\"reader\": \"Reader A\", \"card\": true, \"atr\": \"3b00\"},"
    " {\"reader\": \"Reader B\", \"card\": false, \"atr\": null}]}";
static const char in_use[] =
    "{\"readers\": [{\"reader\": \"Reader A\", \"card\": true, \"atr\": \"3b00\","
    " \"state\": \"in-use\"}, {\"reader\": \"Reader B\", \"card\": false, \"atr\": null}]}";
static const char pulled[] =
    "{\"readers\": [{\"reader\": \"Reader A\", \"card\": false, \"atr\": null},"
    " {\"reader\": \"Reader B\", \"card\": false, \"atr\": null}]}";
static const char other_card[] =
    "{\"readers\": [{\"reader\": \"Reader B\", \"card\": true, \"atr\": \"3b01\"}]}";
static const char two_left[] =
    "{\"uri\": \"t1\", \"counters\": [{\"pin\": \"user\", \"name\": \"PIN\", \"left\": 2,"
    " \"maximum\": 3, \"known-by\": \"card\"}]}";
static const char blocked[] =
    "{\"uri\": \"t1\", \"counters\": [{\"pin\": \"user\", \"name\": \"PIN\", \"left\": 0,"
    " \"maximum\": 3, \"known-by\": \"card\"}]}";
static const char not_asked[] =
    "{\"uri\": \"t1\", \"problem\": \"in use\", \"counters\": [{\"pin\": \"user\","
    " \"name\": \"PIN\", \"left\": null, \"maximum\": null, \"state\": \"by flags\"}]}";

static bool set_readers(const char *text)
{
    json_t *document = json_loads(text, 0, NULL);
    bool changed = store_set_readers(&store, document);

    json_decref(document);
    tree_build(&tree, &store);
    return changed;
}

static void set_tokens(void)
{
    json_t *document = json_loads(tokens, 0, NULL);

    store_set_tokens(&store, document, true);
    json_decref(document);
    tree_build(&tree, &store);
}

static void set_figures(const char *name, const char *text, const char *time)
{
    json_t *device = json_loads(text, 0, NULL);

    store_set_figures(&store, name, device, time);
    json_decref(device);
    tree_build(&tree, &store);
}

static const json_t *token(void)
{
    return json_array_get(json_object_get(store.tokens, "tokens"), 0);
}

static int open_all(void **state)
{
    (void)state;
    assert_true(store_init(&store) && tree_init(&tree));
    set_tokens();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    tree_free(&tree);
    store_free(&store);
    return 0;
}

static const struct row *row_of(const char *text)
{
    for (size_t i = 0; i < tree.count; i++)
        if (tree.row[i].text != NULL && strstr(tree.row[i].text, text) != NULL)
            return &tree.row[i];
    return NULL;
}

static void test_one_device_is_shown_once(void **state)
{
    (void)state;
    set_readers(with_card);
    assert_non_null(row_of("first"));
    assert_null(row_of("Reader A"));
    assert_string_equal(row_of("Reader B")->right, "empty");
    assert_int_equal(row_of("Reader B")->kind, ROW_READER);
}

static void test_a_card_without_module(void **state)
{
    (void)state;
    set_readers(other_card);
    assert_int_equal(row_of("A card")->kind, ROW_CARD);
    set_figures("Reader B", "{\"title\": \"Some PIV\", \"counters\": []}", "12:00:00");
    assert_non_null(row_of("Some PIV"));
    assert_non_null(row_of("no driver shows it"));
    assert_non_null(row_of("first"));
    store.settled = false;
    store.version++;
    tree_build(&tree, &store);
    assert_null(row_of("no driver shows it"));
}

/* It stays away until its module has told of it again: it may be another one. */
static void test_a_card_pulled_out_goes_at_once(void **state)
{
    (void)state;
    assert_false(set_readers(with_card));
    set_figures("t1", two_left, "12:00:00");
    assert_false(store_needs_figures(&store, "t1"));
    assert_false(set_readers(in_use));
    assert_non_null(row_of("first"));
    assert_true(set_readers(pulled));
    assert_null(row_of("first"));
    assert_int_equal(row_of("No token here.")->kind, ROW_NONE);
    assert_true(set_readers(with_card));
    assert_null(row_of("first"));
    set_tokens();
    assert_non_null(row_of("first"));
    assert_true(store_needs_figures(&store, "t1"));
}

static void test_the_last_figures_stay(void **state)
{
    (void)state;
    assert_non_null(row_of("by flags"));
    set_figures("t1", not_asked, "11:00:00");
    assert_non_null(row_of("by flags"));
    set_figures("t1", two_left, "12:00:00");
    assert_non_null(row_of("PIN 2 of 3"));
    assert_null(row_of("12:00:00"));
    set_figures("t1", not_asked, "13:00:00");
    assert_non_null(row_of("PIN 2 of 3 (at 12:00:00)"));
    assert_false(store_needs_figures(&store, "t1"));
    store_touch_figures(&store, "t1");
    assert_true(store_needs_figures(&store, "t1"));
    set_figures("t1", blocked, "14:00:00");
    assert_non_null(row_of("PIN BLOCKED"));
    assert_null(row_of("12:00:00"));
}

static void test_blocked(void **state)
{
    (void)state;
    assert_false(store_is_blocked(&store, token()));
    set_figures("t1", blocked, "14:00:00");
    assert_true(store_is_blocked(&store, token()));
    set_figures("t1", two_left, "15:00:00");
    assert_false(store_is_blocked(&store, token()));
}

static struct tries tries(const char *text)
{
    json_t *counter = json_loads(text, 0, NULL);
    struct tries t = tries_of(counter);

    json_decref(counter);
    return t;
}

static void test_tries(void **state)
{
    struct tries t = tries("{\"left\": 3, \"maximum\": 3}");

    (void)state;
    assert_true(t.known && t.left == 3 && t.total == 3 && t.style == STYLE_GOOD);
    t = tries("{\"left\": 2, \"maximum\": 3}");
    assert_true(t.style == STYLE_WARN);
    assert_string_equal(t.words, "2 of 3");
    t = tries("{\"left\": 1, \"maximum\": 3}");
    assert_int_equal(t.style, STYLE_BAD);
    t = tries("{\"left\": 2, \"maximum\": null}");
    assert_string_equal(t.words, "2 left");
    t = tries("{\"left\": 0, \"maximum\": 3}");
    assert_string_equal(t.words, "BLOCKED");
    t = tries("{\"left\": 14, \"maximum\": 15}");
    assert_int_equal(t.total, 0);
    t = tries("{\"left\": null, \"logged-in\": true}");
    assert_false(t.known);
    t = tries("{\"left\": 0, \"maximum\": 3, \"unset\": true}");
    assert_string_equal(t.words, "not set");
}

/* Modules have 64 bytes for the name of a reader. */
static void test_long_names(void **state)
{
    json_t *reader = json_pack("{s:s}", "reader",
                               "A Reader With A Name That Is Longer Than What PKCS#11 Has Room For "
                               "00 00");
    json_t *slot = json_pack("{s:{s:s}}", "slot", "description",
                             "A Reader With A Name That Is Longer Than What PKCS#11 Has Room F");

    (void)state;
    assert_true(store_reader_is_slot(reader, slot));
    json_object_set_new(reader, "reader", json_string("A Reader"));
    assert_false(store_reader_is_slot(reader, slot));
    json_decref(reader);
    json_decref(slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_device_is_shown_once, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_a_card_without_module, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_a_card_pulled_out_goes_at_once, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_the_last_figures_stay, open_all, close_all),
        cmocka_unit_test_setup_teardown(test_blocked, open_all, close_all),
        cmocka_unit_test(test_tries),
        cmocka_unit_test_setup_teardown(test_long_names, open_all, close_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
