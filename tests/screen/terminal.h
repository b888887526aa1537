/* SPDX-License-Identifier: Apache-2.0 */
/* A program in a terminal of libvterm's: what it draws, and the keys it gets. */
#ifndef SIGNET_TESTS_SCREEN_TERMINAL_H
#define SIGNET_TESTS_SCREEN_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

enum { RAW_SIZE = 1 << 20, MOST_ROWS = 200, MOST_COLUMNS = 400, ROW_BYTES = MOST_COLUMNS * 8 };

struct terminal {
    VTerm *vterm;
    VTermScreen *screen;
    int rows, columns;
    int master, slave; /* the slave stays open: its modes outlive the program */
    struct termios before;
    pid_t pid;
    bool running, cursor;
    int status; /* of waitpid */
    VTermPos at;
    char *raw; /* the last bytes that the program wrote */
    size_t raw_length;
    unsigned long changes; /* counts the pieces of output */
};

/* A fresh screen. */
void terminal_open(struct terminal *t, int rows, int columns);
void terminal_close(struct terminal *t);

bool terminal_run(struct terminal *t, char *const *argv);
void terminal_resize(struct terminal *t, int rows, int columns);

/* Takes what the program writes for up to `ms`; false when nothing came. Sees that it ended. */
bool terminal_wait(struct terminal *t, int ms);

/* It has ended, or its main thread waits: with nothing to read, it has drawn all that it wants. */
bool terminal_is_still(const struct terminal *t);

/* Sends what libvterm made of keys and mouse, and bytes as they are. */
void terminal_flush(struct terminal *t);
void terminal_send(struct terminal *t, const char *bytes, size_t length);
bool terminal_key(struct terminal *t, const char *name);

/* A row as text, without blanks at its end. */
void terminal_row(const struct terminal *t, int row, char out[ROW_BYTES]);
VTermScreenCell terminal_cell(const struct terminal *t, int row, int column);

/* The screen as SVG (1.1), for a page that shows it. */
bool terminal_svg(const struct terminal *t, const char *path);

int64_t terminal_now(void); /* ms */

#endif
