/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "tui/term/style.h"

/* Bracketed paste, asked for and given back. */
static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";

static struct {
    bool open, utf8;
    SCREEN *ncurses;
    struct termios before;
    char restore[256]; /* what gives the terminal back, made in advance: for a signal handler */
    size_t restore_length;
} screen;

static const char *const glyphs[GLYPH_COUNT][2] = {
    [GLYPH_OPEN] = {"v", "▾"},        [GLYPH_CLOSED] = {">", "▸"},
    [GLYPH_FULL] = {"*", "●"},        [GLYPH_EMPTY] = {".", "○"},
    [GLYPH_BAR] = {"#", "█"},         [GLYPH_BAR_EMPTY] = {".", "░"},
    [GLYPH_DONE] = {"+", "✓"},        [GLYPH_NEXT] = {">", "▶"},
    [GLYPH_WAITING] = {"-", "·"},     [GLYPH_WRONG] = {"x", "✗"},
    [GLYPH_ACROSS] = {"-", "─"},      [GLYPH_DOWN] = {"|", "│"},
    [GLYPH_TEE] = {"+", "┬"},         [GLYPH_TEE_UP] = {"+", "┴"},
    [GLYPH_TOP_LEFT] = {"+", "┌"},    [GLYPH_TOP_RIGHT] = {"+", "┐"},
    [GLYPH_BOTTOM_LEFT] = {"+", "└"}, [GLYPH_BOTTOM_RIGHT] = {"+", "┘"},
    [GLYPH_MORE] = {"~", "…"},
};

static void append_capability(const char *name)
{
    const char *text = tigetstr(name);
    size_t length;

    if (text == NULL || text == (const char *)-1)
        return;
    length = strlen(text);
    if (screen.restore_length + length >= sizeof screen.restore)
        return;
    memcpy(screen.restore + screen.restore_length, text, length);
    screen.restore_length += length;
}

static void prepare_restore(void)
{
    static const char mouse_off[] = "\033[?1006l\033[?1000l";

    screen.restore_length = 0;
    append_capability("sgr0");
    append_capability("rmkx");
    append_capability("rmcup");
    append_capability("cnorm"); /* last: see show_cursor */
    if (screen.restore_length + sizeof mouse_off + sizeof paste_off > sizeof screen.restore ||
        key_mouse == NULL)
        return;
    memcpy(screen.restore + screen.restore_length, mouse_off, sizeof mouse_off - 1);
    screen.restore_length += sizeof mouse_off - 1;
    memcpy(screen.restore + screen.restore_length, paste_off, sizeof paste_off - 1);
    screen.restore_length += sizeof paste_off - 1;
}

/* Async-signal-safe: the terminal is given back, then the signal does what it would have done. */
static void give_back_and_die(int number)
{
    if (screen.open) {
        ssize_t written = write(STDOUT_FILENO, screen.restore, screen.restore_length);

        (void)written;
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_crashes(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};
    struct sigaction action = {.sa_handler = give_back_and_die, .sa_flags = SA_NODEFER};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

static void set_modes(void)
{
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    set_escdelay(25); /* ms: people press Esc, and terminals send sequences at once */
    leaveok(stdscr, FALSE);
    curs_set(0);
    mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
    mouseinterval(0);
}

static void send_paste(const char *sequence)
{
    if (key_mouse != NULL)
        screen_send(sequence, strlen(sequence));
}

bool screen_open(struct error *e)
{
    const char *term = getenv("TERM");

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(
            e, ERROR_USAGE,
            "the console needs a terminal; for scripts there are verbs: signet --help");
    setlocale(LC_ALL, "");
    screen.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    tcgetattr(STDIN_FILENO, &screen.before);
    screen.ncurses = newterm(NULL, stdout, stdin);
    if (screen.ncurses == NULL)
        return error_set(e, ERROR_USAGE, "the terminal '%s' is not known here; set TERM",
                         term == NULL ? "" : term);
    if (cursor_address == NULL) {
        endwin();
        delscreen(screen.ncurses);
        return error_set(e, ERROR_USAGE,
                         "the terminal '%s' cannot move its cursor, and the console needs that; "
                         "the verbs do not: signet --help",
                         term == NULL ? "" : term);
    }
    prepare_restore();
    screen.open = true;
    catch_crashes();
    style_init();
    set_modes();
    send_paste(paste_on);
    return true;
}

/* Some terminals, libvterm's in editors, save with the cursor's place whether it is shown, and
 * restore that with the screen: ncurses saves it hidden when it scrolls, and shows it too early. */
static void show_cursor(void)
{
    if (cursor_normal == NULL)
        return;
    putp(cursor_normal);
    fflush(stdout);
}

void screen_close(void)
{
    if (!screen.open)
        return;
    send_paste(paste_off);
    endwin();
    show_cursor();
    screen.open = false;
    delscreen(screen.ncurses);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

int screen_rows(void)
{
    return LINES;
}

int screen_columns(void)
{
    return COLS;
}

bool screen_too_small(void)
{
    return LINES < SCREEN_LEAST_ROWS || COLS < SCREEN_LEAST_COLUMNS;
}

bool screen_utf8(void)
{
    return screen.utf8;
}

void screen_redraw(void)
{
    clearok(curscr, TRUE);
}

void screen_clear(void)
{
    erase();
    curs_set(0);
}

void screen_show(void)
{
    refresh();
}

void screen_cursor(int row, int column)
{
    curs_set(row >= 0);
    if (row >= 0)
        move(row, column);
}

const char *screen_glyph(enum glyph g)
{
    return glyphs[g][screen.utf8];
}

const char *screen_spinner(unsigned ticks)
{
    static const char *const frames[2][8] = {
        {"|", "/", "-", "\\", "|", "/", "-", "\\"},
        {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"},
    };

    return frames[screen.utf8][ticks % 8];
}

void screen_send(const char *bytes, size_t length)
{
    fflush(stdout);
    while (length > 0) {
        ssize_t sent = write(STDOUT_FILENO, bytes, length);

        if (sent <= 0)
            return;
        bytes += sent;
        length -= (size_t)sent;
    }
}
