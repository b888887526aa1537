/* SPDX-License-Identifier: Apache-2.0 */
/* Fields with names, help and a check of each value while it is typed. */
#ifndef SIGNET_TUI_VIEW_FORM_H
#define SIGNET_TUI_VIEW_FORM_H

#include "tui/view/window.h"

enum { FORM_PASTE_MAX = 64 << 10 };

enum form_type { FORM_TEXT, FORM_PATH, FORM_CHOICE, FORM_SWITCH };

struct form_field {
    const char *name;
    const char *help;
    enum form_type type;
    const char *const *choices; /* NULL-terminated. Of FORM_CHOICE, "" may be one; of FORM_TEXT,
                                   what Tab offers, may be NULL */
    bool required;
    bool pastes; /* several lines that are pasted are its value, FORM_PASTE_MAX bytes at most */
};

/* `check` says why a value will not do; false for one that does. */
typedef bool form_check(void *data, size_t index, const char *value, char *why, size_t size);
/* All fields are good and the person is done. False keeps the form open; `why` is shown. */
typedef bool form_done(struct console *c, void *data, const char *const *values, char *why,
                       size_t size);

struct form_spec {
    const char *title;
    const char *verb; /* what Ctrl-S does: "Save" */
    const struct form_field *fields;
    size_t count;
    form_check *check; /* NULL: none */
    form_done *done;
    void (*free_data)(void *data); /* NULL */
    void *data;
};

/* Copies the spec, not what its fields point to. `values` may be NULL, and so may each. */
struct window *form_new(const struct form_spec *spec, const char *const *values);

#endif
