/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: monkey COUNT SEED PROGRAM [ARGUMENT…]
 * Presses COUNT random keys, PIN prompts included, turns the mouse and the window. The program may
 * quit, and is started again; a crash, or a try of a PIN that was not typed, is a failure.
 * $SHIM_LOG has the calls of the module.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "terminal.h"

enum { ROWS = 30, COLUMNS = 100, SETTLE_MS = 4, START_MS = 5000 };

static unsigned state;

/* xorshift: the same keys for the same seed, everywhere. */
static unsigned next(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static bool shows(const struct terminal *t, const char *text)
{
    char row[ROW_BYTES];

    for (int i = 0; i < t->rows; i++) {
        terminal_row(t, i, row);
        if (strstr(row, text) != NULL)
            return true;
    }
    return false;
}

static bool start(struct terminal *t, char **argv)
{
    int64_t end = terminal_now() + START_MS;

    terminal_close(t);
    terminal_open(t, ROWS, COLUMNS);
    if (!terminal_run(t, argv))
        return false;
    while (t->running && terminal_now() < end && !shows(t, "key + cert"))
        terminal_wait(t, 20);
    return t->running;
}

static const char *random_key(void)
{
    static const char *const keys[] = {"Enter",  "Esc",  "Tab",   "Up",    "Down", "Left",
                                       "Right",  "Home", "End",   "PgUp",  "PgDn", "Backspace",
                                       "Delete", "F1",   "S-Tab", "Space", "C-s",  "C-u",
                                       "C-l",    "C-r",  "C-g"};
    static char letter[2];

    if (next(3) == 0)
        return keys[next(sizeof keys / sizeof *keys)];
    letter[0] = (char)(' ' + 1 + (int)next(94));
    return letter;
}

static void disturb(struct terminal *t)
{
    if (next(40) == 0)
        terminal_resize(t, 10 + (int)next(50), 40 + (int)next(160));
    if (next(20) == 0) {
        vterm_mouse_move(t->vterm, (int)next((unsigned)t->rows), (int)next((unsigned)t->columns),
                         VTERM_MOD_NONE);
        vterm_mouse_button(t->vterm, next(2) == 0 ? 1 : 4 + (int)next(2), true, VTERM_MOD_NONE);
        terminal_flush(t);
    }
    if (next(200) == 0)
        terminal_send(t, "\033[200~pasted\r\n\t\033[201~", 21);
    if (next(100) == 0)
        terminal_send(t, "\033[9;9x\033[?\xff\xfe\xc3", 12);
}

static int logins(void)
{
    FILE *file = fopen(getenv("SHIM_LOG"), "r");
    char line[64];
    int count = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        count += strcmp(line, "C_Login\n") == 0 || strcmp(line, "C_SetPIN\n") == 0;
    if (file != NULL)
        fclose(file);
    return count;
}

/* A key for what is seen; counts the PINs that were entered. */
static void press(struct terminal *t, int *entered)
{
    const char *key = random_key();

    /* What the console shows, we have seen. */
    while (terminal_wait(t, SETTLE_MS) || !terminal_is_still(t))
        continue;
    /* No path that it types leads out of its folder. */
    if (key[0] == '/' && shows(t, "Esc "))
        return;
    if (strcmp(key, "Enter") == 0 && shows(t, "PIN"))
        ++*entered;
    terminal_key(t, key);
}

int main(int argc, char **argv)
{
    int count = argc > 3 ? atoi(argv[1]) : 0, entered = 0, starts = 0;
    struct terminal t = {.master = -1, .slave = -1};

    if (count <= 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    state = (unsigned)atoi(argv[2]) | 1u;
    for (int i = 0; i < count; i++) {
        if (!t.running) {
            if (starts++ > 0 && t.status != 0) {
                printf("# after %d keys: status %x\n# %.2000s\n", i, (unsigned)t.status,
                       t.raw_length > 2000 ? t.raw + t.raw_length - 2000 : t.raw);
                terminal_close(&t);
                return 1;
            }
            if (!start(&t, argv + 3)) {
                printf("# it does not start\n");
                return 1;
            }
        }
        disturb(&t);
        press(&t, &entered);
    }
    terminal_close(&t);
    printf("# %d keys, %d starts, %d PINs entered, %d logins\n", count, starts, entered, logins());
    return logins() > entered;
}
