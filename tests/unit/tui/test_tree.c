/* SPDX-License-Identifier: Apache-2.0 */
/* The tree: rows of records, what folds, and where the cursor can stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <string.h>

#include "tui/model/tree.h"

static struct store store;
static struct tree tree;

static const char tokens[] =
    "{\"tokens\": ["
    "  {\"uri\": \"t1\", \"label\": \"first\", \"serial\": \"1\", \"number\": 1, \"user-pin\": "
    "\"\","
    "   \"module\": \"m\", \"hidden\": null},"
    "  {\"label\": \"\", \"hidden\": \"empty slot\", \"module\": \"m\","
    "   \"slot\": {\"id\": 7, \"description\": \"slot seven\"}}],"
    " \"modules\": [{\"name\": \"m\", \"path\": \"/m.so\"},"
    "  {\"name\": \"bad\", \"path\": \"/b.so\", \"error\": \"it crashed\"}]}";

static const char objects[] =
    "{\"total\": 4, \"others\": 0, \"objects\": ["
    "  {\"group\": 0, \"class\": \"private-key\", \"uri\": \"k\", \"label\": \"key\","
    "   \"type\": \"RSA-3072\", \"leaves-device\": false, \"ca-accepts\": true},"
    "  {\"group\": 0, \"class\": \"certificate\", \"uri\": \"old\", \"name\": \"Old\","
    "   \"type\": \"RSA-3072\", \"days-left\": -1},"
    "  {\"group\": 0, \"class\": \"certificate\", \"uri\": \"new\", \"name\": \"New\","
    "   \"type\": \"RSA-3072\", \"days-left\": 300},"
    "  {\"group\": 3, \"class\": \"certificate\", \"uri\": \"ca\", \"name\": \"CA\","
    "   \"type\": \"RSA-4096\", \"days-left\": 900}]}";

static int open_tree(void **state)
{
    json_t *t = json_loads(tokens, 0, NULL), *o = json_loads(objects, 0, NULL);

    (void)state;
    assert_true(store_init(&store) && tree_init(&tree));
    store_set_tokens(&store, t, true);
    store_set_objects(&store, "t1", o);
    json_decref(t);
    json_decref(o);
    tree_build(&tree, &store);
    return 0;
}

static int close_tree(void **state)
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

static void test_rows(void **state)
{
    (void)state;
    assert_string_equal(row_of("first")->right, "@1");
    /* The newest certificate of a key gives it its name. */
    assert_non_null(row_of("New  (key + cert)"));
    assert_non_null(row_of("RSA-3072, cannot leave the device"));
    assert_non_null(row_of("300 days left"));
    assert_non_null(row_of("CA  (certificate)"));
    assert_string_equal(row_of("bad")->right, "cannot be used");
    assert_null(row_of("slot seven"));
    assert_non_null(row_of("1 empty slot"));
}

static void test_folding(void **state)
{
    const struct row *key = row_of("New  (key + cert)");

    (void)state;
    assert_null(row_of("private-key key"));
    tree_fold(&tree, key->id, true);
    tree_build(&tree, &store);
    assert_non_null(row_of("private-key key"));
    assert_non_null(row_of("certificate Old"));
    tree_fold(&tree, row_of("first")->id, false);
    tree_build(&tree, &store);
    assert_null(row_of("New"));
}

static void test_hidden(void **state)
{
    (void)state;
    tree_show_hidden(&tree, true);
    tree_build(&tree, &store);
    assert_non_null(row_of("slot seven: empty slot"));
}

static void test_where_the_cursor_stands(void **state)
{
    size_t first = tree_next(&tree, 0), last = tree_previous(&tree, tree.count);

    (void)state;
    assert_int_equal(first, 0);
    assert_string_equal(tree.row[last].text, "bad");
    assert_null(tree.row[1].id);
    assert_int_equal(tree_next(&tree, tree.count), tree.count);
    assert_int_equal(tree_previous(&tree, 1), 0);
    assert_int_equal(tree_find(&tree, tree.row[last].id), last);
    assert_int_equal(tree_find(&tree, "nothing"), tree.count);
    assert_int_equal(tree_find(&tree, NULL), tree.count);
}

/* Built only where something changed: thousands of rows cost time. */
static void test_nothing_changed(void **state)
{
    const struct row *before = tree.row;
    json_t *detail = json_object();

    (void)state;
    store_set_detail(&store, "k", detail);
    tree_build(&tree, &store);
    assert_ptr_equal(tree.row, before);
    json_decref(detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, open_tree, close_tree),
        cmocka_unit_test_setup_teardown(test_folding, open_tree, close_tree),
        cmocka_unit_test_setup_teardown(test_hidden, open_tree, close_tree),
        cmocka_unit_test_setup_teardown(test_where_the_cursor_stands, open_tree, close_tree),
        cmocka_unit_test_setup_teardown(test_nothing_changed, open_tree, close_tree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
