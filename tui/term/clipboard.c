/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term/clipboard.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/process.h"
#include "tui/term/screen.h"

void clipboard_sequence(const char *text, size_t length, bool tmux, struct buffer *out)
{
    size_t size = 4 * ((length + 2) / 3);
    uint8_t *base64;

    buffer_append_text(out, tmux ? "\033Ptmux;\033\033]52;c;" : "\033]52;c;");
    base64 = buffer_extend(out, size + 1);
    if (base64 != NULL) {
        EVP_EncodeBlock(base64, (const unsigned char *)text, (int)length);
        out->length--; /* EVP_EncodeBlock's NUL */
    }
    buffer_append_text(out, tmux ? "\007\033\\" : "\007");
}

enum { PROGRAM_MS = 500 };

/* A program that takes the clipboard on its standard input, and goes to the background with it.
 * Whether there is such a program is of no interest. */
static void give_to(const char *const *argv, const char *text, size_t length)
{
    int fd = memfd_create("clipboard", MFD_CLOEXEC), status;
    pid_t pid = -1;

    if (fd >= 0 && write(fd, text, length) == (ssize_t)length && lseek(fd, 0, SEEK_SET) == 0)
        pid = process_start(argv, (struct process_fd[]){{fd, 0}, {-1, 1}, {-1, 2}}, 3, NULL);
    if (pid > 0)
        process_wait(pid, &status, PROGRAM_MS, NULL);
    if (fd >= 0)
        close(fd);
}

bool clipboard_copy(const char *text, size_t length)
{
    static const char *const wayland[] = {"wl-copy", NULL};
    static const char *const x11[] = {"xclip", "-selection", "clipboard", NULL};
    struct buffer sequence = BUFFER_INIT;

    if (length > CLIPBOARD_MAX)
        return false;
    clipboard_sequence(text, length, false, &sequence);
    if (getenv("TMUX") != NULL)
        clipboard_sequence(text, length, true, &sequence);
    if (buffer_ok(&sequence, NULL))
        screen_send((const char *)sequence.data, sequence.length);
    buffer_free(&sequence);
    if (getenv("WAYLAND_DISPLAY") != NULL)
        give_to(wayland, text, length);
    else if (getenv("DISPLAY") != NULL)
        give_to(x11, text, length);
    return true;
}
