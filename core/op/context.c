/* SPDX-License-Identifier: Apache-2.0 */
/* What operations say and ask, through the outside that program or console gave them. Names of
 * readers and tokens are in it, which no terminal may be harmed by. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/tempfile.h"
#include "base/text.h"
#include "op/op.h"
#include "token/pool.h"

void op_emit(struct op_ctx *ctx, const char *kind, json_t *record)
{
    if (record != NULL)
        ctx->outside->emit(ctx->data, kind, record);
}

void op_progress(struct op_ctx *ctx, uint64_t done, uint64_t total, const char *what)
{
    if (ctx->outside->progress != NULL)
        ctx->outside->progress(ctx->data, done, total, what);
}

static void say(struct op_ctx *ctx, void (*how)(void *data, const char *line), const char *format,
                va_list args) __attribute__((format(printf, 3, 0)));

static void say(struct op_ctx *ctx, void (*how)(void *data, const char *line), const char *format,
                va_list args)
{
    char *line = NULL;

    if (how == NULL || vasprintf(&line, format, args) < 0)
        return;
    text_make_printable(line);
    how(ctx->data, line);
    free(line);
}

void op_tell(struct op_ctx *ctx, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(ctx, ctx->outside->tell, format, args);
    va_end(args);
}

void op_now(struct op_ctx *ctx, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(ctx, ctx->outside->now, format, args);
    va_end(args);
}

bool op_ask_yes(struct op_ctx *ctx, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    bool yes;

    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    if (text != NULL)
        text_make_printable(text);
    yes = text != NULL && ctx->outside->ask != NULL &&
          ctx->outside->ask(ctx->data, OP_ASK_YES_NO, text, NULL, NULL, 0);
    free(text);
    return yes;
}

bool op_may_replace(struct op_ctx *ctx, const char *path, struct error *e)
{
    if (!tempfile_may_take(path, e))
        return false;
    return access(path, F_OK) != 0 || op_ask_yes(ctx, "'%s' exists; replace it?", path) ||
           error_set(e, ERROR_USAGE, "'%s' exists; --yes replaces it", path);
}

struct host_pool *op_hosts_new(struct error *e)
{
    return host_pool_new(e);
}

void op_hosts_drop(struct host_pool *pool, const char *path)
{
    host_pool_drop(pool, path);
}

void op_hosts_free(struct host_pool **pool)
{
    host_pool_free(pool);
}

static struct secret *person_secret(void *data, const char *text, struct error *e)
{
    struct op_ctx *ctx = data;

    return ctx->outside->secret(ctx->data, text, e);
}

static bool person_type_label(void *data, const char *text, const char *expected)
{
    struct op_ctx *ctx = data;

    return ctx->outside->ask(ctx->data, OP_ASK_TYPE_LABEL, text, expected, NULL, 0);
}

static void person_tell(void *data, const char *text)
{
    op_tell(data, "%s", text);
}

struct gate_person op_person(struct op_ctx *ctx)
{
    return (struct gate_person){
        .data = ctx,
        .secret = ctx->outside->secret == NULL ? NULL : person_secret,
        .type_label = ctx->outside->ask == NULL ? NULL : person_type_label,
        .tell = person_tell,
    };
}
