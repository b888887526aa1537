/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors. A function that can fail takes a trailing `struct error *`, says
 * false or NULL, and fills it in: what failed, where, and what to do. Core
 * never prints; the programs print `text` and exit with the code's status.
 */
#ifndef SIGNET_BASE_ERROR_H
#define SIGNET_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* code, exit status of the programs (design section 3), name in JSON */
#define ERROR_CODES(X)                                                                             \
    X(ERROR_NONE, 0, "none")                                                                       \
    X(ERROR_SYSTEM, 1, "system")           /* the operating system refused; detail: errno */       \
    X(ERROR_MEMORY, 1, "memory")           /* no memory */                                         \
    X(ERROR_FORMAT, 1, "format")           /* a file is not what it claims to be */                \
    X(ERROR_UNSUPPORTED, 1, "unsupported") /* well formed, but not handled */                      \
    X(ERROR_SIGNATURE, 1, "signature")     /* a signature is missing or does not hold */           \
    X(ERROR_SOME_FAILED, 1, "some-failed") /* a run went on to its end, but not all was done */    \
    X(ERROR_USAGE, 2, "usage")                                                                     \
    X(ERROR_PROFILE, 2, "profile")                                                                 \
    X(ERROR_PIN_SOURCE, 2, "pin-source")                                                           \
    X(ERROR_MISSING, 3, "missing") /* module, token, key or certificate is not there */            \
    X(ERROR_UNFIT, 3, "unfit")     /* it is there, and cannot be used for this */                  \
    X(ERROR_TOKEN, 3, "token")     /* the token refused for no PIN reason; detail: CK_RV */        \
    X(ERROR_PIN_REFUSED, 4, "pin-refused")                                                         \
    X(ERROR_FORBIDDEN, 5, "forbidden") /* the gate did not allow a try */                          \
    X(ERROR_BUSY, 6, "busy")                                                                       \
    X(ERROR_TIMESTAMP, 7, "timestamp")                                                             \
    X(ERROR_HOST, 8, "host") /* a token host crashed or hung */                                    \
    X(ERROR_CANCELLED, 130, "cancelled")

enum error_code {
#define X(code, status, name) code,
    ERROR_CODES(X)
#undef X
};

struct error {
    enum error_code code;
    uint64_t detail; /* errno or CK_RV, where the code has one; else 0 */
    char text[1024]; /* one line, no newline, printable, always terminated */
};

#define ERROR_INIT                                                                                 \
    {                                                                                              \
        ERROR_NONE, 0, ""                                                                          \
    }

/* All of these take a NULL `e` and then record nothing. */

/* Records an error, replacing what was there; cuts a text that is too long.
 * Control characters and bytes that are not UTF-8 become '?'. Returns false, so that a caller
 * can write `return error_set(…)`. */
bool error_set(struct error *e, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ERROR_SYSTEM with ": " and the message of errno added. */
bool error_set_errno(struct error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `code` with ": " and the reason from OpenSSL's error queue, which it empties. */
bool error_set_openssl(struct error *e, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ERROR_MEMORY. */
bool error_set_memory(struct error *e);

/* Puts "prefix: " before the text that is there. Returns false. */
bool error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the error. */
void error_clear(struct error *e);

/* The exit status that the programs give for `code`. */
int error_exit_status(enum error_code code);

/* The name of `code` for JSON, such as "pin-refused". Static storage. */
const char *error_code_name(enum error_code code);

#endif
