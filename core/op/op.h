/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operation: one thing that a person can ask for, on the command line or in the console (design
 * section 1b). Each stands in one file with one descriptor. The descriptor's arguments feed the
 * parser, the console's forms, --help, the manual and the completions; `run` is plain sequential
 * code that speaks to the outside through its context only.
 */
#ifndef SIGNET_OP_OP_H
#define SIGNET_OP_OP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "gate/gate.h"

enum op_arg_type {
    OP_TEXT,
    OP_FLAG,    /* no value */
    OP_INTEGER, /* minimum … maximum */
    OP_CHOICE,  /* one of `choices` */
    OP_PATH,    /* a file or folder */
    OP_TOKEN,   /* a token, as op_named takes it */
    OP_OBJECT,  /* a key or certificate: a pkcs11: URI */
    OP_PROFILE, /* a profile's name or path */
    OP_MODULE,  /* a module's name or path */
    OP_PIN,     /* a PIN source */
};

struct op_arg {
    const char
        *name; /* "label" is --label; of a positional one its name in the usage: "TOKEN", "FILE" */
    enum op_arg_type type;
    const char
        *value; /* what stands for the value in the usage: "FILE"; NULL for flags and positionals */
    const char *help;           /* one sentence, no period */
    const char *default_text;   /* NULL: none */
    const char *const *choices; /* NULL-terminated; OP_CHOICE only */
    long minimum, maximum;      /* OP_INTEGER only */
    char letter;                /* -o; 0: none */
    bool positional;
    bool required;
    bool repeatable; /* a positional one that repeats comes last */
};

/* What an operation does to the world; shown in help and obeyed by console and dispatcher. */
enum op_effect {
    OP_READS = 0,
    OP_WRITES = 1 << 0,      /* files */
    OP_CHANGES = 1 << 1,     /* the token */
    OP_DESTROYS = 1 << 2,    /* something that cannot be had again: asks */
    OP_LOGS_IN = 1 << 3,     /* can spend a try, through the gate */
    OP_STREAMS = 1 << 4,     /* --json: one line per record instead of one document */
    OP_TERMINAL = 1 << 5,    /* needs a terminal ($EDITOR) */
    OP_OWN_SECRETS = 1 << 6, /* with OP_LOGS_IN: it has options for its secrets, and no --pin */
};

/* Arguments that every verb has, declared once: --module, --json, --yes, --verbose, --help; and
 * --pin where op_takes_pin. */
extern const struct op_arg op_common_args[];
extern const size_t op_common_arg_count;
extern const struct op_arg op_pin_arg;
struct op;
bool op_takes_pin(const struct op *op);

/* Parsed, checked values. */
struct op_args;
const char *op_text(const struct op_args *a,
                    const char *name); /* NULL when not given and no default */
bool op_flag(const struct op_args *a, const char *name);
bool op_given(const struct op_args *a, const char *name);   /* by the user, not by default */
long op_integer(const struct op_args *a, const char *name); /* 0 when not given and no default */
size_t op_count(const struct op_args *a, const char *name); /* values of a repeatable one */
const char *op_text_at(const struct op_args *a, const char *name, size_t index);

enum op_ask { OP_ASK_YES_NO, OP_ASK_TYPE_LABEL, OP_ASK_TEXT };

/* The outside, filled in by program or console. */
struct op_outside {
    /* One record; its "kind" is in `kind`. Takes the reference to `record` (NULL: no memory,
     * ignored). */
    void (*emit)(void *data, const char *kind, json_t *record);
    /* total 0: unknown. */
    void (*progress)(void *data, uint64_t done, uint64_t total, const char *what);
    /* One line for a person while work goes on. */
    void (*tell)(void *data, const char *line);
    /* The same, of what a person is to do right now; it stays in sight until "" ends it. NULL where
     * records tell it. */
    void (*now)(void *data, const char *line);
    /* YES_NO: true for yes (--yes answers). TYPE_LABEL: `expected` was typed at a terminal (--yes
     * does not answer). TEXT: fills `answer`. False when nobody can be asked. */
    bool (*ask)(void *data, enum op_ask kind, const char *text, const char *expected, char *answer,
                size_t size);
    /* A secret without echo. */
    struct secret *(*secret)(void *data, const char *text, struct error *e);
};

struct op;

/* Module hosts that rest between the operations of a program that stays: see op_ctx.pool. NULL: no
 * memory. `drop` ends those of the module at `path` (NULL: all), so that the next use starts it
 * anew. */
struct host_pool;
struct host_pool *op_hosts_new(struct error *e);
void op_hosts_drop(struct host_pool *pool, const char *path);
void op_hosts_free(struct host_pool **pool);

struct op_ctx {
    const struct op *op;
    const char *program; /* "signet" or "signet-batch" */
    const struct op_outside *outside;
    void *data; /* for the outside's functions */
    struct cancel *cancel;
    bool json; /* records will be JSON: leave out what only people need */
    bool verbose;
    bool terminal; /* a person is at a terminal */

    /* Of a program that stays, the console: */
    struct host_pool *pool; /* hosts that rest between its operations; NULL: none */
    bool live;              /* "tokens-part" and "objects-part" come before "tokens" and "objects",
                               and objects in brief */
};

void op_emit(struct op_ctx *ctx, const char *kind, json_t *record);
void op_progress(struct op_ctx *ctx, uint64_t done, uint64_t total, const char *what);
void op_tell(struct op_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
void op_now(struct op_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool op_ask_yes(struct op_ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True where nothing is at `path`, or a person lets the file there be replaced; by --yes, where
 * nobody can be asked. ERROR_USAGE; ERROR_UNSUPPORTED: what is there is no file. */
bool op_may_replace(struct op_ctx *ctx, const char *path, struct error *e);

/* The gate's way to the same person. Valid as long as ctx. */
struct gate_person op_person(struct op_ctx *ctx);

enum op_program { OP_SIGNET, OP_BATCH };

struct op {
    const char *verb;        /* "tokens", "profile new" */
    const char *group;       /* heading in --help: "Look", "Keys and PINs", "Profiles", "Sign" */
    const char *summary;     /* one line, no period */
    const char *description; /* paragraphs for the manual and `VERB --help`; may be NULL */
    const char *example;     /* a command line or several, newline separated; may be NULL */
    enum op_program program;
    unsigned effects; /* enum op_effect */
    const struct op_arg *args;
    size_t arg_count;
    bool (*run)(const struct op_args *args, struct op_ctx *ctx, struct error *e);
    /* Appends a record as text, for `width` columns; `colour` allows SGR sequences. NULL: a generic
     * "key: value". */
    void (*text)(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out);
};

/* The operations of core: tokens, objects, show, export, reset-counter, change-pin. Static. */
extern const struct op *const op_core_table[];
extern const size_t op_core_count;

#endif
