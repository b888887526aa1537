/* SPDX-License-Identifier: Apache-2.0 */
/* One sink for the whole program; lines of several threads do not mix. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum { LINE_MAX_BYTES = 1000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static log_sink *sink_function;
static void *sink_data;

void log_set_sink(log_sink *sink, void *data)
{
    pthread_mutex_lock(&mutex);
    sink_function = sink;
    sink_data = data;
    pthread_mutex_unlock(&mutex);
}

void log_line(const char *format, ...)
{
    char line[LINE_MAX_BYTES + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_make_printable(line);
    pthread_mutex_lock(&mutex);
    if (sink_function != NULL)
        sink_function(sink_data, line);
    pthread_mutex_unlock(&mutex);
}
