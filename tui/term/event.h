/* SPDX-License-Identifier: Apache-2.0 */
/* What a person does: keys, by one number each, the mouse, a new size. */
#ifndef SIGNET_TUI_TERM_EVENT_H
#define SIGNET_TUI_TERM_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/* Keys that are no character; characters are their Unicode code point, Ctrl-A is 1 and so on. */
enum key {
    KEYS_TAB = 9,
    KEYS_ENTER = 13,
    KEYS_ESCAPE = 27,
    KEYS_SPECIAL = 0x110000, /* beyond Unicode */
    KEYS_UP,
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_HOME,
    KEYS_END,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_BACKSPACE,
    KEYS_DELETE,
    KEYS_BACK_TAB,
    KEYS_F1,
    KEYS_UNKNOWN,
};

#define KEYS_CTRL(letter) ((letter)&0x1f)

enum event_type {
    EVENT_NONE,
    EVENT_KEY,
    EVENT_PASTED, /* a character of a pasted text */
    EVENT_PRESS,  /* the left button */
    EVENT_WHEEL,  /* key: KEYS_UP or KEYS_DOWN */
    EVENT_RESIZE,
};

struct event {
    enum event_type type;
    int key;
    int row, column; /* of the mouse */
};

/* Declares the sequences that ncurses does not know. Once, after screen_open. */
void event_init(void);

/* The next one; EVENT_NONE when there is none now. Never waits. */
struct event event_next(void);

/* "Enter", "Ctrl-L", "q": written into `out`, which has room for 16. */
const char *event_key_name(int key, char out[16]);

/* A character as UTF-8, terminated; 0 for keys that are none. Room for 5. */
size_t event_utf8(int key, char out[5]);

#endif
