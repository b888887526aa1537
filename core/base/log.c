/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    char raw[LINE_MAX_BYTES + 1];
    char *line;
    va_list args;

    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    line = text_printable(raw, strlen(raw));
    pthread_mutex_lock(&mutex);
    if (sink_function != NULL && line != NULL)
        sink_function(sink_data, line);
    pthread_mutex_unlock(&mutex);
    free(line);
}
