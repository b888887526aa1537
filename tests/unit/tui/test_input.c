/* SPDX-License-Identifier: Apache-2.0 */
/* A line that is typed: UTF-8 stays whole, and nothing leaves its room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "tui/view/input.h"

static void press(struct input *i, int key)
{
    input_key(i, &(struct event){.type = EVENT_KEY, .key = key});
}

static void test_editing(void **state)
{
    struct input i = {0};

    (void)state;
    press(&i, 'a');
    press(&i, 0x6f22); /* 漢 */
    press(&i, 'b');
    assert_string_equal(i.text, "a漢b");
    press(&i, KEYS_LEFT);
    press(&i, KEYS_BACKSPACE);
    assert_string_equal(i.text, "ab");
    press(&i, KEYS_HOME);
    press(&i, KEYS_DELETE);
    assert_string_equal(i.text, "b");
    press(&i, KEYS_DELETE);
    press(&i, KEYS_DELETE);
    press(&i, KEYS_BACKSPACE);
    assert_string_equal(i.text, "");
    input_set(&i, "one two/three");
    press(&i, KEYS_CTRL('W'));
    assert_string_equal(i.text, "one two/");
    press(&i, KEYS_CTRL('W'));
    assert_string_equal(i.text, "one two");
    press(&i, KEYS_CTRL('W'));
    press(&i, KEYS_CTRL('W'));
    assert_string_equal(i.text, "");
    input_set(&i, "keep this");
    press(&i, KEYS_CTRL('A'));
    press(&i, KEYS_RIGHT);
    press(&i, KEYS_CTRL('K'));
    assert_string_equal(i.text, "k");
}

static void test_no_more_than_there_is_room(void **state)
{
    struct input i = {0};

    (void)state;
    for (int n = 0; n < 3 * INPUT_SIZE; n++)
        press(&i, n % 2 == 0 ? 0x1f600 : 'x');
    assert_true(i.length < INPUT_SIZE);
    assert_int_equal(strlen(i.text), i.length);
    assert_true(text_is_utf8(i.text, i.length));
}

static void test_control_characters_are_no_text(void **state)
{
    struct input i = {0};

    (void)state;
    press(&i, 0x9b);
    press(&i, 1);
    press(&i, 0xd800);
    input_key(&i, &(struct event){.type = EVENT_PASTED, .key = '\n'});
    input_key(&i, &(struct event){.type = EVENT_PASTED, .key = 'p'});
    assert_string_equal(i.text, "p");
}

static void test_paths_are_completed(void **state)
{
    char folder[] = "/tmp/signet-input-XXXXXX", path[64];
    struct input i = {0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/release", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/rel", folder);
    input_set(&i, path);
    assert_true(input_complete_path(&i));
    snprintf(path, sizeof path, "%s/release/", folder);
    assert_string_equal(i.text, path);
    assert_false(input_complete_path(&i));
    press(&i, KEYS_LEFT);
    assert_false(input_complete_path(&i));
    rmdir(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_editing),
        cmocka_unit_test(test_no_more_than_there_is_room),
        cmocka_unit_test(test_control_characters_are_no_text),
        cmocka_unit_test(test_paths_are_completed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
