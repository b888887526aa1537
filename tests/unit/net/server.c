/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/process.h"

enum { START_MS = 30000 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "the test server: %s\n", what);
    abort();
}

const char *server_file(const struct server *s, const char *name)
{
    static char file[160];

    snprintf(file, sizeof file, "%s/%s", s->folder, name);
    return file;
}

static bool read_line(const struct server *s, const char *name, char *line, size_t size)
{
    struct buffer text = BUFFER_INIT;
    bool there = path_read_file(server_file(s, name), size - 1, &text, NULL) && text.length > 0;

    if (there)
        snprintf(line, size, "%.*s", (int)strcspn(buffer_text(&text), "\n"), buffer_text(&text));
    buffer_free(&text);
    return there;
}

void server_start(struct server *s, const char *program)
{
    const char *argv[] = {program, s->folder, NULL};
    const struct process_fd fds[] = {{2, 2}};
    int64_t end = clock_ms() + START_MS;

    snprintf(s->folder, sizeof s->folder, "/tmp/signet-test-XXXXXX");
    must(mkdtemp(s->folder) != NULL, "no folder");
    s->pid = process_start(argv, fds, 1, NULL);
    must(s->pid > 0, "it does not start");
    while (!read_line(s, "url", s->url, sizeof s->url)) {
        must(clock_ms() < end, "it is not ready in time");
        clock_sleep_ms(20);
    }
    must(read_line(s, "tls-url", s->tls_url, sizeof s->tls_url), "no TLS");
}

void server_stop(struct server *s)
{
    const char *argv[] = {"rm", "-rf", s->folder, NULL};
    pid_t pid;

    kill(s->pid, SIGTERM);
    waitpid(s->pid, NULL, 0);
    pid = process_start(argv, NULL, 0, NULL);
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

const char *server_url(const struct server *s, const char *path)
{
    static char url[8][256];
    static unsigned next;

    next = (next + 1) % 8;
    snprintf(url[next], sizeof url[next], "%s%s", s->url, path);
    return url[next];
}

size_t server_count(const struct server *s, const char *path)
{
    struct buffer log = BUFFER_INIT;
    size_t count = 0;

    must(path_read_file(server_file(s, "log"), 1 << 20, &log, NULL), "no log");
    for (char *rest = NULL, *line = strtok_r((char *)buffer_text(&log), "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *asked = strrchr(line, ' ');

        count += asked != NULL && strcmp(asked + 1, path) == 0;
    }
    buffer_free(&log);
    return count;
}

size_t server_connections(const struct server *s)
{
    struct buffer lines = BUFFER_INIT;
    size_t count = 0;

    must(path_read_file(server_file(s, "connections"), 1 << 20, &lines, NULL), "no connections");
    for (size_t i = 0; i < lines.length; i++)
        count += lines.data[i] == '\n';
    buffer_free(&lines);
    return count;
}
