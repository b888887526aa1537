/* SPDX-License-Identifier: Apache-2.0 */
/* Recording errors as one printable line each. */
#include "base/error.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
    int status;
    const char *name;
} codes[] = {
#define X(code, status, name) [code] = {status, name},
    ERROR_CODES(X)
#undef X
};

__attribute__((format(printf, 4, 0))) static void
record(struct error *e, enum error_code code, uint64_t detail, const char *format, va_list args)
{
    /* The arguments may point into the text that is replaced. */
    char text[sizeof e->text];

    vsnprintf(text, sizeof text, format, args);
    text_make_printable(text);
    e->code = code;
    e->detail = detail;
    memcpy(e->text, text, sizeof text);
}

static void add(struct error *e, const char *separator, const char *more)
{
    size_t used = strlen(e->text);

    snprintf(e->text + used, sizeof e->text - used, "%s%s", separator, more);
    text_make_printable(e->text);
}

bool error_set(struct error *e, enum error_code code, const char *format, ...)
{
    va_list args;

    if (e == NULL)
        return false;
    va_start(args, format);
    record(e, code, 0, format, args);
    va_end(args);
    return false;
}

bool error_set_errno(struct error *e, const char *format, ...)
{
    int number = errno;
    char reason[128];
    va_list args;

    if (e == NULL)
        return false;
    va_start(args, format);
    record(e, ERROR_SYSTEM, (uint64_t)number, format, args);
    va_end(args);
    add(e, ": ", strerror_r(number, reason, sizeof reason));
    return false;
}

bool error_set_openssl(struct error *e, enum error_code code, const char *format, ...)
{
    unsigned long number = ERR_peek_last_error();
    const char *reason = number == 0 ? NULL : ERR_reason_error_string(number);
    va_list args;

    if (e != NULL) {
        va_start(args, format);
        record(e, code, 0, format, args);
        va_end(args);
        if (reason != NULL)
            add(e, ": ", reason);
    }
    ERR_clear_error();
    return false;
}

bool error_set_memory(struct error *e)
{
    return error_set(e, ERROR_MEMORY, "not enough memory");
}

bool error_prefix(struct error *e, const char *format, ...)
{
    char old[sizeof e->text];
    va_list args;

    if (e == NULL)
        return false;
    memcpy(old, e->text, sizeof old);
    va_start(args, format);
    record(e, e->code, e->detail, format, args);
    va_end(args);
    add(e, ": ", old);
    return false;
}

void error_clear(struct error *e)
{
    if (e == NULL)
        return;
    e->code = ERROR_NONE;
    e->detail = 0;
    e->text[0] = '\0';
}

int error_exit_status(enum error_code code)
{
    return codes[code].status;
}

const char *error_code_name(enum error_code code)
{
    return codes[code].name;
}
