/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/work/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"

struct log {
    pthread_mutex_t mutex;
    unsigned long total;
    char line[LOG_LINES][LOG_LINE_SIZE];
};

static void sink(void *data, const char *line)
{
    log_add(data, line);
}

struct log *log_open(struct error *e)
{
    struct log *l = calloc(1, sizeof *l);

    if (l == NULL) {
        error_set_memory(e);
        return NULL;
    }
    pthread_mutex_init(&l->mutex, NULL);
    log_set_sink(sink, l);
    return l;
}

void log_close(struct log **l)
{
    if (*l == NULL)
        return;
    log_set_sink(NULL, NULL);
    pthread_mutex_destroy(&(*l)->mutex);
    free(*l);
    *l = NULL;
}

void log_add(struct log *l, const char *line)
{
    time_t now = time(NULL);
    struct tm local;
    char *out;

    pthread_mutex_lock(&l->mutex);
    out = l->line[l->total++ % LOG_LINES];
    localtime_r(&now, &local);
    snprintf(out, LOG_LINE_SIZE, "%02d:%02d:%02d %s", local.tm_hour, local.tm_min, local.tm_sec,
             line);
    text_make_printable(out);
    pthread_mutex_unlock(&l->mutex);
}

unsigned long log_total(struct log *l)
{
    unsigned long total;

    pthread_mutex_lock(&l->mutex);
    total = l->total;
    pthread_mutex_unlock(&l->mutex);
    return total;
}

bool log_get(struct log *l, size_t back, char out[LOG_LINE_SIZE])
{
    bool there;

    pthread_mutex_lock(&l->mutex);
    there = back < l->total && back < LOG_LINES;
    if (there)
        memcpy(out, l->line[(l->total - 1 - back) % LOG_LINES], LOG_LINE_SIZE);
    pthread_mutex_unlock(&l->mutex);
    return there;
}

bool log_save(struct log *l, const char *path, struct error *e)
{
    struct buffer text = BUFFER_INIT;
    char line[LOG_LINE_SIZE];
    bool saved;

    for (size_t back = LOG_LINES; back-- > 0;)
        if (log_get(l, back, line))
            buffer_printf(&text, "%s\n", line);
    if (access(path, F_OK) == 0)
        saved = error_set(e, ERROR_USAGE, "'%s' is there already; nothing was written", path);
    else
        saved = buffer_ok(&text, e) && path_write_file(path, text.data, text.length, 0600, e);
    buffer_free(&text);
    return saved;
}
