/* SPDX-License-Identifier: Apache-2.0 */
/* Questions: yes or no, a line of text, a secret. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/text.h"
#include "tui/view/input.h"
#include "tui/view/window.h"
#include "tui/view/wrap.h"

enum { WIDTH = 70, SHOW_MS = 150 };

struct ask {
    struct window window;
    struct job *job;
    ask_answered *answered;
    char *data;
    bool yes_no, secret, is_path, done;
    bool waiting; /* for the next question of the job */
    bool early;   /* keys came before the question did: nothing of that is a PIN */
    int64_t since;
    char *text;
    struct input input;
    /* Of a secret: in locked memory, never drawn, wiped with the window. */
    uint8_t *pin;
    size_t pin_length;
};

static void forget_pin(struct ask *a)
{
    if (a->pin != NULL)
        secret_wipe(a->pin, SECRET_MAX);
    a->pin_length = 0;
}

/* A job's window stays for its next question. */
static void wait_on(struct ask *a)
{
    forget_pin(a);
    a->waiting = true;
    a->early = false;
    a->since = clock_ms();
}

static void answer(struct ask *a, struct console *c, const char *text)
{
    if (a->done)
        return;
    if (a->job == NULL) {
        a->done = true;
        a->answered(c, a->data, text);
    } else if (!a->waiting) {
        job_answer(a->job, text);
        wait_on(a);
    }
}

static void answer_pin(struct ask *a)
{
    struct secret *pin = secret_take(a->pin, a->pin_length, NULL);

    a->pin_length = 0;
    if (pin != NULL)
        job_answer_secret(a->job, pin);
    else
        job_answer(a->job, NULL);
    wait_on(a);
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

/* False: the window closes. */
static bool enter(struct ask *a, struct console *c)
{
    if (a->waiting)
        a->early = true;
    else if (a->secret && a->early)
        a->early = false;
    else if (a->secret && a->pin_length > 0)
        answer_pin(a);
    else if (a->yes_no)
        answer(a, c, NULL);
    else if (!a->secret)
        answer(a, c, a->input.text);
    return a->job != NULL;
}

static bool give_up(struct ask *a, struct console *c)
{
    if (a->waiting)
        job_cancel(a->job);
    answer(a, c, NULL);
    return a->job != NULL;
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct ask *a = (struct ask *)w;

    if (e->type != EVENT_KEY && e->type != EVENT_PASTED)
        return true;
    if (e->type == EVENT_KEY && (e->key == KEYS_ESCAPE || e->key == KEYS_CTRL('C')))
        return give_up(a, c);
    if (e->type == EVENT_KEY && e->key == KEYS_ENTER)
        return enter(a, c);
    if (a->yes_no && !a->waiting) {
        if (e->key != 'y' && e->key != 'Y' && e->key != 'n' && e->key != 'N')
            return true;
        answer(a, c, e->key == 'y' || e->key == 'Y' ? "yes" : NULL);
        return a->job != NULL;
    }
    if (a->waiting)
        a->early = true;
    if (a->waiting || (a->secret && a->early))
        return true;
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
    if (a->secret && a->early)
        return "Enter, then the PIN   Esc give up: no try";
    if (a->secret)
        return "Nothing shows while you type.   Enter go on   Esc give up: no try";
    return a->is_path ? "Enter go on   Tab complete   Esc give up" : "Enter go on   Esc give up";
}

/* What takes no time is not shown. */
static void draw_waiting(const struct ask *a)
{
    int64_t ms = clock_ms() - a->since;
    struct area area;

    if (ms < SHOW_MS)
        return;
    area = draw_window(3, WIDTH, job_op(a->job)->verb);
    draw_format(&area, 0, 0, STYLE_PLAIN, "%s at work, %lld s",
                screen_spinner((unsigned)(ms / 120)), (long long)ms / 1000);
    draw_text(&area, 2, 0, STYLE_DIM, "Keys do nothing until it asks or ends.   Esc cancels");
}

static void draw_question(const struct ask *a, struct console *c)
{
    struct wrapped text = wrap_text(a->text, WIDTH);
    int rows = (int)text.count + (a->yes_no ? 2 : 4);
    struct area area = draw_window(rows + 1, WIDTH, a->secret ? "PIN" : "Question");
    int row = 0;

    (void)c;
    for (size_t i = 0; i < text.count; i++)
        draw_text(&area, row++, 0, STYLE_PLAIN, text.line[i]);
    if (!a->yes_no) {
        row++;
        if (a->secret && a->early)
            draw_text(&area, row, 0, STYLE_WARN,
                      "Keys came before this question: nothing of that counts as a PIN.");
        else if (a->secret)
            screen_cursor(area.row + row, area.column);
        else
            input_draw(&a->input, &area, row, 0, true);
        row++;
    }
    draw_text(&area, row + 1, 0, STYLE_DIM, keys_of(a));
    wrap_free(&text);
}

static void draw(struct window *w, struct console *c)
{
    struct ask *a = (struct ask *)w;

    if (a->waiting)
        draw_waiting(a);
    else
        draw_question(a, c);
}

static void close_window(struct window *w)
{
    struct ask *a = (struct ask *)w;

    forget_pin(a);
    if (a->pin != NULL)
        munlock(a->pin, SECRET_MAX);
    free(a->pin);
    free(a->text);
    free(a->data);
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

struct window *ask_wait(struct job *j)
{
    struct ask *a = ask_new("");

    if (a == NULL)
        return NULL;
    a->job = j;
    a->window.job = j;
    a->pin = calloc(1, SECRET_MAX);
    if (a->pin == NULL) {
        close_window(&a->window);
        return NULL;
    }
    mlock(a->pin, SECRET_MAX);
    wait_on(a);
    return &a->window;
}

static bool set_question(struct ask *a, const struct job_question *q)
{
    char *text =
        q->kind == QUESTION_LABEL ? text_format("%s (%s)", q->text, q->expected) : strdup(q->text);
    char *safe = text == NULL ? NULL : text_printable(text, strlen(text));

    free(text);
    if (safe == NULL)
        return false;
    free(a->text);
    a->text = safe;
    a->yes_no = q->kind == QUESTION_YES_NO;
    a->secret = q->kind == QUESTION_SECRET;
    a->waiting = false;
    input_set(&a->input, NULL);
    a->early = a->early && a->secret;
    return true;
}

static struct window *waiting_for(struct window *windows, const struct job *j)
{
    while (windows != NULL && (windows->job != j || windows->key != key))
        windows = windows->below;
    return windows;
}

struct window *ask_job(struct window *windows, struct job *j, const struct job_question *q)
{
    struct window *there = waiting_for(windows, j), *w = there == NULL ? ask_wait(j) : there;

    if (w == NULL || !set_question((struct ask *)w, q)) {
        job_answer(j, NULL);
        return NULL;
    }
    return there == NULL ? w : NULL;
}

static struct ask *ask_console(const char *text, ask_answered *answered, const char *data)
{
    struct ask *a = ask_new(text);

    if (a != NULL) {
        a->answered = answered;
        a->data = data == NULL ? NULL : strdup(data);
    }
    return a;
}

struct window *ask_yes_no(const char *text, ask_answered *answered, const char *data)
{
    struct ask *a = ask_console(text, answered, data);

    if (a == NULL)
        return NULL;
    a->yes_no = true;
    return &a->window;
}

struct window *ask_text(const char *text, const char *value, bool is_path, ask_answered *answered,
                        const char *data)
{
    struct ask *a = ask_console(text, answered, data);

    if (a == NULL)
        return NULL;
    a->is_path = is_path;
    input_set(&a->input, value);
    return &a->window;
}
