/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: yes or no, a line of text, a secret. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "tui/view/input.h"
#include "tui/view/window.h"
#include "tui/view/wrap.h"

enum { WIDTH = 70 };

struct ask {
    struct window window;
    struct job *job;
    ask_answered *answered;
    void *data;
    bool yes_no, secret, is_path, done;
    char *text, *expected;
    struct input input;
    /* Of a secret: in locked memory, never drawn, wiped with the window. */
    uint8_t *pin;
    size_t pin_length;
};

static void answer(struct ask *a, struct console *c, const char *text)
{
    if (a->done)
        return;
    a->done = true;
    if (a->job != NULL)
        job_answer(a->job, text);
    else
        a->answered(c, a->data, text);
}

static void answer_pin(struct ask *a)
{
    struct secret *pin = secret_take(a->pin, a->pin_length, NULL);

    a->pin_length = 0;
    a->done = true;
    if (pin != NULL)
        job_answer_secret(a->job, pin);
    else
        job_answer(a->job, NULL);
}

static bool pin_key(struct ask *a, const struct event *e)
{
    char bytes[5];
    size_t length = event_utf8(e->key, bytes);

    if (e->key == KEYS_BACKSPACE) {
        while (a->pin_length > 0 && (a->pin[a->pin_length - 1] & 0xc0) == 0x80)
            a->pin_length--;
        a->pin_length -= a->pin_length > 0;
    } else if (e->key == KEYS_CTRL('U')) {
        secret_wipe(a->pin, a->pin_length);
        a->pin_length = 0;
    } else if (length > 0 && a->pin_length + length <= SECRET_MAX) {
        memcpy(a->pin + a->pin_length, bytes, length);
        a->pin_length += length;
    }
    secret_wipe(bytes, sizeof bytes);
    return true;
}

static bool is_entered(struct ask *a, struct console *c)
{
    if (a->secret && a->pin_length == 0)
        return false;
    if (a->secret)
        answer_pin(a);
    else if (a->yes_no)
        answer(a, c, NULL);
    else
        answer(a, c, a->input.text);
    return true;
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct ask *a = (struct ask *)w;

    if (e->type != EVENT_KEY && e->type != EVENT_PASTED)
        return true;
    if (e->type == EVENT_KEY && (e->key == KEYS_ESCAPE || e->key == KEYS_CTRL('C'))) {
        answer(a, c, NULL);
        return false;
    }
    if (e->type == EVENT_KEY && e->key == KEYS_ENTER)
        return !is_entered(a, c);
    if (a->yes_no) {
        if (e->key != 'y' && e->key != 'Y' && e->key != 'n' && e->key != 'N')
            return true;
        answer(a, c, e->key == 'y' || e->key == 'Y' ? "yes" : NULL);
        return false;
    }
    if (a->secret)
        return pin_key(a, e);
    if (e->key == KEYS_TAB && a->is_path)
        input_complete_path(&a->input);
    else
        input_key(&a->input, e);
    return true;
}

static const char *keys_of(const struct ask *a)
{
    if (a->yes_no)
        return "y yes   n no";
    if (a->secret)
        return "Nothing shows while you type.   Enter go on   Esc give up: no try";
    return a->is_path ? "Enter go on   Tab complete   Esc give up" : "Enter go on   Esc give up";
}

static void draw(struct window *w, struct console *c)
{
    struct ask *a = (struct ask *)w;
    struct wrapped text = wrap_text(a->text, WIDTH);
    int rows = (int)text.count + (a->yes_no ? 2 : 4);
    struct area area = draw_window(rows + 1, WIDTH, a->secret ? "PIN" : "Question");
    int row = 0;

    (void)c;
    for (size_t i = 0; i < text.count; i++)
        draw_text(&area, row++, 0, STYLE_PLAIN, text.line[i]);
    if (!a->yes_no) {
        row++;
        if (a->secret)
            screen_cursor(area.row + row, area.column);
        else
            input_draw(&a->input, &area, row, 0, true);
        row++;
    }
    draw_text(&area, row + 1, 0, STYLE_DIM, keys_of(a));
    wrap_free(&text);
}

static void close_window(struct window *w)
{
    struct ask *a = (struct ask *)w;

    /* Closed from outside: that is a no. */
    if (!a->done && a->job != NULL)
        job_answer(a->job, NULL);
    if (a->pin != NULL) {
        secret_wipe(a->pin, SECRET_MAX);
        munlock(a->pin, SECRET_MAX);
    }
    free(a->pin);
    free(a->text);
    free(a->expected);
    free(a);
}

static struct ask *ask_new(const char *text)
{
    struct ask *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->window = (struct window){.draw = draw, .key = key, .close = close_window};
    a->text = text_printable(text, strlen(text));
    if (a->text == NULL) {
        free(a);
        return NULL;
    }
    return a;
}

struct window *ask_job(struct job *j, const struct job_question *q)
{
    char *text =
        q->kind == QUESTION_LABEL ? text_format("%s (%s)", q->text, q->expected) : strdup(q->text);
    struct ask *a = text == NULL ? NULL : ask_new(text);

    free(text);
    if (a == NULL) {
        job_answer(j, NULL);
        return NULL;
    }
    a->job = j;
    a->window.job = j;
    a->yes_no = q->kind == QUESTION_YES_NO;
    a->secret = q->kind == QUESTION_SECRET;
    if (a->secret)
        a->pin = calloc(1, SECRET_MAX);
    if (a->secret && a->pin == NULL) {
        close_window(&a->window);
        return NULL;
    }
    if (a->secret)
        mlock(a->pin, SECRET_MAX);
    return &a->window;
}

static struct ask *ask_console(const char *text, ask_answered *answered, void *data)
{
    struct ask *a = ask_new(text);

    if (a != NULL) {
        a->answered = answered;
        a->data = data;
    }
    return a;
}

struct window *ask_yes_no(const char *text, ask_answered *answered, void *data)
{
    struct ask *a = ask_console(text, answered, data);

    if (a == NULL)
        return NULL;
    a->yes_no = true;
    return &a->window;
}

struct window *ask_text(const char *text, const char *value, bool is_path, ask_answered *answered,
                        void *data)
{
    struct ask *a = ask_console(text, answered, data);

    if (a == NULL)
        return NULL;
    a->is_path = is_path;
    input_set(&a->input, value);
    return &a->window;
}
