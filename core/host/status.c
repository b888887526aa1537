/* SPDX-License-Identifier: Apache-2.0 */
#include "host/status.h"

#include <stdarg.h>
#include <stdio.h>

bool status_of(struct wire_status *s, CK_RV rv, const char *function)
{
    s->rv = rv;
    s->text[0] = '\0';
    snprintf(s->function, sizeof s->function, "%s", rv == CKR_OK ? "" : function);
    return rv == CKR_OK;
}

bool status_fail(struct wire_status *s, CK_RV rv, const char *function, const char *format, ...)
{
    va_list args;

    s->rv = rv;
    snprintf(s->function, sizeof s->function, "%s", function);
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
    return false;
}
