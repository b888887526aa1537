/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term/event.h"

#include <ncurses.h>
#include <stdio.h>
#include <string.h>

enum { PASTE_START = KEY_MAX + 1, PASTE_END };

static bool pasting;

static const struct {
    int ncurses, ours;
    const char *name;
} keys[] = {
    {KEY_UP, KEYS_UP, "Up"},
    {KEY_DOWN, KEYS_DOWN, "Down"},
    {KEY_LEFT, KEYS_LEFT, "Left"},
    {KEY_RIGHT, KEYS_RIGHT, "Right"},
    {KEY_HOME, KEYS_HOME, "Home"},
    {KEY_END, KEYS_END, "End"},
    {KEY_PPAGE, KEYS_PAGE_UP, "PgUp"},
    {KEY_NPAGE, KEYS_PAGE_DOWN, "PgDn"},
    {KEY_BACKSPACE, KEYS_BACKSPACE, "Backspace"},
    {KEY_DC, KEYS_DELETE, "Delete"},
    {KEY_BTAB, KEYS_BACK_TAB, "Shift-Tab"},
    {KEY_F(1), KEYS_F1, "F1"},
    {KEY_ENTER, KEYS_ENTER, "Enter"},
};

/* Many a TERM does not tell what its terminal sends: these mean the same everywhere. */
static const struct {
    const char *sequence;
    int key;
} sequences[] = {
    {"\033[A", KEY_UP},     {"\033OA", KEY_UP},         {"\033[B", KEY_DOWN},
    {"\033OB", KEY_DOWN},   {"\033[C", KEY_RIGHT},      {"\033OC", KEY_RIGHT},
    {"\033[D", KEY_LEFT},   {"\033OD", KEY_LEFT},       {"\033[H", KEY_HOME},
    {"\033OH", KEY_HOME},   {"\033[1~", KEY_HOME},      {"\033[7~", KEY_HOME},
    {"\033[F", KEY_END},    {"\033OF", KEY_END},        {"\033[4~", KEY_END},
    {"\033[8~", KEY_END},   {"\033[5~", KEY_PPAGE},     {"\033[6~", KEY_NPAGE},
    {"\033[3~", KEY_DC},    {"\033[Z", KEY_BTAB},       {"\033OP", KEY_F(1)},
    {"\033[11~", KEY_F(1)}, {"\033[200~", PASTE_START}, {"\033[201~", PASTE_END},
};

void event_init(void)
{
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++)
        define_key(sequences[i].sequence, sequences[i].key);
    pasting = false;
}

static struct event mouse_event(void)
{
    struct event e = {.type = EVENT_NONE};
    MEVENT m;

    if (getmouse(&m) != OK)
        return e;
    e.row = m.y;
    e.column = m.x;
    if (m.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
        e.type = EVENT_PRESS;
    else if (m.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
        e.type = EVENT_WHEEL;
        e.key = m.bstate & BUTTON4_PRESSED ? KEYS_UP : KEYS_DOWN;
    }
    return e;
}

static struct event special(wint_t code)
{
    if (code == KEY_RESIZE)
        return (struct event){.type = EVENT_RESIZE};
    if (code == KEY_MOUSE)
        return mouse_event();
    if (code == PASTE_START || code == PASTE_END) {
        pasting = code == PASTE_START;
        return event_next();
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].ncurses == (int)code)
            return (struct event){.type = EVENT_KEY, .key = keys[i].ours};
    return (struct event){.type = EVENT_KEY, .key = KEYS_UNKNOWN};
}

/* The rest of a sequence that nobody knows: its letters are no keys. ECMA-48 section 5.4. */
static bool swallow_sequence(void)
{
    wint_t code;

    if (get_wch(&code) == ERR)
        return false;
    if (code != '[' && code != 'O') {
        unget_wch((wchar_t)code);
        return false;
    }
    while (get_wch(&code) == OK && (code < 0x40 || code > 0x7e))
        continue;
    return true;
}

struct event event_next(void)
{
    wint_t code;
    int result = get_wch(&code);

    if (result == ERR)
        return (struct event){.type = EVENT_NONE};
    if (result == KEY_CODE_YES)
        return special(code);
    if (code == 127 || code == 8)
        return (struct event){.type = EVENT_KEY, .key = KEYS_BACKSPACE};
    if (code == 10)
        code = KEYS_ENTER;
    if (code == KEYS_ESCAPE && !pasting && swallow_sequence())
        return (struct event){.type = EVENT_KEY, .key = KEYS_UNKNOWN};
    return (struct event){.type = pasting ? EVENT_PASTED : EVENT_KEY, .key = (int)code};
}

const char *event_key_name(int key, char out[16])
{
    char text[5];

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].ours == key) {
            snprintf(out, 16, "%s", keys[i].name);
            return out;
        }
    if (key == KEYS_TAB)
        snprintf(out, 16, "Tab");
    else if (key == KEYS_ESCAPE)
        snprintf(out, 16, "Esc");
    else if (key == ' ')
        snprintf(out, 16, "Space");
    else if (key > 0 && key < ' ')
        snprintf(out, 16, "Ctrl-%c", key + '@');
    else if (event_utf8(key, text) > 0)
        snprintf(out, 16, "%s", text);
    else
        snprintf(out, 16, "?");
    return out;
}

size_t event_utf8(int key, char out[5])
{
    unsigned code = (unsigned)key;
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    memset(out, 0, 5);
    if (key < ' ' || key == 127 || (key >= 0x80 && key < 0xa0) || key >= KEYS_SPECIAL ||
        (key >= 0xd800 && key < 0xe000))
        return 0;
    if (length == 1) {
        out[0] = (char)code;
        return 1;
    }
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)((0xf00u >> length) | code);
    return length;
}
