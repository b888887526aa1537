/* SPDX-License-Identifier: Apache-2.0 */
/* signet and signet-batch, between main and the operations. */
#include "profiles/program.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/text.h"
#include "op/args.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/schema.h"
#include "profiles/terminal.h"

static const char about_signet[] =
    "inspect signing tokens, export certificates, save signing profiles";
static const char about_batch[] = "sign the files of a release with a saved profile, in one login";

/* One run of one operation. */
struct run {
    const char *program;
    const struct op *op;
    bool json, yes, verbose;
    bool emitted; /* a document was printed */
    bool output_failed;
    char now[256]; /* what a person is to do, on the terminal until it is done; "" */
    /* The engine tells from several threads. While a question is open, all else waits: what is
     * printed would stand between the question and its answer. */
    pthread_mutex_t printing;
};

static struct cancel stop;
/* The files in hand may take their time, and a person at the terminal is told so. */
static volatile sig_atomic_t tell_of_stop;

static const struct op *const own_table[] = {
    &op_pin_store,     &op_profile_new,        &op_profile_list,  &op_profile_show,
    &op_profile_check, &op_profile_edit,       &op_profile_renew, &op_profile_signtool,
    &op_batch_sign,    &op_batch_check,        &op_batch_verify,  &op_batch_timestamp,
    &op_batch_digest,  &op_batch_attach,       &op_batch_extract, &op_batch_remove,
    &op_doctor,        &op_certificate_import,
};

const struct op *const *program_table(size_t *count)
{
    static const struct op *table[64];
    size_t n = 0;

    for (size_t i = 0; i < op_core_count; i++)
        table[n++] = op_core_table[i];
    for (size_t i = 0; i < sizeof own_table / sizeof *own_table; i++)
        table[n++] = own_table[i];
    table[n] = NULL;
    *count = n;
    return table;
}

static void on_signal(int number)
{
    static const char told[] = "\nstopping; once more stops it at once\n";
    int was = errno;

    (void)number;
    /* The second one does not wait. */
    if (cancel_requested(&stop)) {
        terminal_restore();
        _exit(130);
    }
    cancel_request(&stop);
    /* stdio is not for signal handlers. */
    if (tell_of_stop && write(STDERR_FILENO, told, sizeof told - 1) < 0)
        tell_of_stop = false;
    errno = was;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* A limit on the size of files is an error of the file that met it, not the end. */
    signal(SIGXFSZ, SIG_IGN);
}

static void print(struct run *r, const char *text, size_t length)
{
    terminal_progress_clear();
    if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
        r->output_failed = true;
}

static void emit_json(struct run *r, json_t *record)
{
    bool stream = r->op->effects & OP_STREAMS;
    char *text = json_dumps(record, stream ? JSON_COMPACT : JSON_INDENT(2));

    if (text != NULL) {
        print(r, text, strlen(text));
        print(r, "\n", 1);
    }
    free(text);
}

static void emit_text(struct run *r, const char *kind, const json_t *record)
{
    struct buffer out = BUFFER_INIT;

    if (r->op->text != NULL)
        r->op->text(kind, record, terminal_width(STDOUT_FILENO), terminal_colour(STDOUT_FILENO),
                    &out);
    else
        op_plain(record, 0, &out);
    if (out.length > 0)
        print(r, (const char *)out.data, out.length);
    buffer_free(&out);
}

/* Behind what was printed over it. */
static void show_now(struct run *r)
{
    if (r->now[0] != '\0')
        terminal_now(r->now);
}

static void emit(void *data, const char *kind, json_t *record)
{
    struct run *r = data;

    pthread_mutex_lock(&r->printing);
    if (r->json)
        emit_json(r, record);
    else
        emit_text(r, kind, record);
    r->emitted = true;
    show_now(r);
    pthread_mutex_unlock(&r->printing);
    json_decref(record);
}

static void progress(void *data, uint64_t done, uint64_t total, const char *what)
{
    struct run *r = data;

    if (r->json)
        return;
    pthread_mutex_lock(&r->printing);
    if (r->now[0] == '\0')
        terminal_progress(done, total, what);
    pthread_mutex_unlock(&r->printing);
}

static void tell(void *data, const char *line)
{
    struct run *r = data;

    pthread_mutex_lock(&r->printing);
    terminal_progress_clear();
    fprintf(stderr, "%s: %s\n", r->program, line);
    show_now(r);
    pthread_mutex_unlock(&r->printing);
}

/* With --json, records say it. Lines of --verbose come at any time and would wipe it away: it gets
 * a line of its own there, as where nothing can be drawn. */
static void now(void *data, const char *line)
{
    struct run *r = data;

    if (r->json)
        return;
    pthread_mutex_lock(&r->printing);
    snprintf(r->now, sizeof r->now, "%s", line);
    if (*line != '\0' && (r->verbose || !terminal_now(line))) {
        fprintf(stderr, "%s: %s\n", r->program, line);
        r->now[0] = '\0';
    }
    pthread_mutex_unlock(&r->printing);
}

static bool read_answer(struct run *r, const char *question, char *line, size_t size)
{
    bool answered;

    pthread_mutex_lock(&r->printing);
    answered = terminal_line(question, line, size, &stop);
    pthread_mutex_unlock(&r->printing);
    return answered;
}

static bool ask(void *data, enum op_ask kind, const char *text, const char *expected, char *answer,
                size_t size)
{
    struct run *r = data;
    char line[256], *question;
    bool answered;

    if (kind == OP_ASK_YES_NO && r->yes)
        return true;
    question = kind == OP_ASK_YES_NO       ? text_format("%s [y/N] ", text)
               : kind == OP_ASK_TYPE_LABEL ? text_format("%s (%s): ", text, expected)
                                           : text_format("%s: ", text);
    answered = question != NULL && read_answer(r, question, line, sizeof line);
    free(question);
    if (!answered)
        return false;
    if (kind == OP_ASK_YES_NO)
        return strcmp(line, "y") == 0 || strcmp(line, "yes") == 0;
    if (kind == OP_ASK_TYPE_LABEL)
        return strcmp(line, expected) == 0;
    snprintf(answer, size, "%s", line);
    return true;
}

static struct secret *secret(void *data, const char *text, struct error *e)
{
    struct run *r = data;
    struct secret *typed;

    pthread_mutex_lock(&r->printing);
    typed = terminal_secret(text, &stop, e);
    pthread_mutex_unlock(&r->printing);
    return typed;
}

static const struct op_outside outside = {
    .emit = emit,
    .progress = progress,
    .tell = tell,
    .now = now,
    .ask = ask,
    .secret = secret,
};

/* Waits for nothing: what has the lock above may have something to log itself. */
static void log_to_stderr(void *data, const char *line)
{
    (void)data;
    terminal_progress_clear();
    fprintf(stderr, "  %s\n", line);
}

static json_t *error_record(const struct error *e)
{
    return json_pack("{s:{s:s, s:s, s:i}}", "error", "code", error_code_name(e->code), "text",
                     e->text, "exit", error_exit_status(e->code));
}

/* With --json the error is the document, or the last line; in any case it is told to people. */
static void report(struct run *r, const struct error *e)
{
    terminal_progress_clear();
    fprintf(stderr, "%s: %s\n", r->program, e->text);
    if (r->json && (!r->emitted || (r->op->effects & OP_STREAMS))) {
        json_t *record = error_record(e);

        if (record != NULL)
            emit_json(r, record);
        json_decref(record);
    }
}

static int run_op(const char *program, const struct op *op, const struct op_args *args)
{
    struct run r = {
        .program = program,
        .op = op,
        .json = op_flag(args, "json"),
        .yes = op_flag(args, "yes"),
        .verbose = op_flag(args, "verbose"),
        .printing = PTHREAD_MUTEX_INITIALIZER,
    };
    struct op_ctx ctx = {
        .op = op,
        .program = program,
        .outside = &outside,
        .data = &r,
        .cancel = &stop,
        .json = r.json,
        .verbose = r.verbose,
        .terminal = terminal_present(),
    };
    struct error e = ERROR_INIT;
    bool done;

    tell_of_stop = (op->effects & OP_STREAMS) && isatty(STDERR_FILENO);
    if (r.verbose)
        log_set_sink(log_to_stderr, NULL);
    if ((op->effects & OP_TERMINAL) && !ctx.terminal)
        done = error_set(&e, ERROR_USAGE, "%s needs a terminal", op->verb);
    else
        done = op->run(args, &ctx, &e);
    terminal_progress_clear();
    if (!done)
        report(&r, &e);
    if (r.output_failed && done) {
        error_set(&e, ERROR_SYSTEM, "all was done, but it cannot write the output");
        done = false;
        if (errno != EPIPE)
            fprintf(stderr, "%s: %s\n", program, e.text);
    }
    return done ? 0 : error_exit_status(e.code);
}

/* The other program stands beside this one, installed or in the build tree. */
static char *beside(const char *name)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    const char *build = strcmp(name, "signet") == 0 ? "../tui" : "../profiles";
    char *slash, *path;

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    path = text_format("%s/%s", self, name);
    if (path != NULL && access(path, X_OK) == 0)
        return path;
    free(path);
    path = text_format("%s/%s/%s", self, build, name);
    if (path != NULL && access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static int pass_on(const char *program, const char *other, char **argv)
{
    char *path = beside(other);

    if (path != NULL)
        execv(path, argv);
    else
        execvp(other, argv);
    fprintf(stderr, "%s: cannot run %s: %s\n", program, other, strerror(errno));
    free(path);
    return 1;
}

static int show(struct buffer *text)
{
    bool written = text->length > 0 &&
                   fwrite(text->data, 1, text->length, stdout) == text->length &&
                   fflush(stdout) == 0;

    buffer_free(text);
    return written ? 0 : 1;
}

static const char *program_of(const struct op *op)
{
    return op->program == OP_BATCH ? "signet-batch" : "signet";
}

static int help(const char *program)
{
    struct buffer out = BUFFER_INIT;
    const struct op *const *table;
    size_t count;
    bool batch = strcmp(program, "signet-batch") == 0;

    table = program_table(&count);
    op_help_program(program, batch ? about_batch : about_signet, table, count, &out);
    return show(&out);
}

static int help_verb(const struct op *op)
{
    struct buffer out = BUFFER_INIT;

    op_help_verb(program_of(op), op, &out);
    return show(&out);
}

/* --manual: what man/update.sh puts into the pages. */
static int manual(const char *program, const char *what)
{
    struct buffer out = BUFFER_INIT;
    const struct op *const *table;
    size_t count;

    table = program_table(&count);
    if (what != NULL && strcmp(what, "profile") == 0)
        schema_manual(&out);
    for (size_t i = 0; what == NULL && i < count; i++)
        if (strcmp(program_of(table[i]), program) == 0)
            op_manual_verb(program, table[i], &out);
    return show(&out);
}

static int completion(const char *program)
{
    struct buffer out = BUFFER_INIT;
    const struct op *const *table;
    size_t count;

    table = program_table(&count);
    op_completion(program, table, count, &out);
    return show(&out);
}

/* The words could not be understood, but whether they ask for JSON can be seen. */
static bool ask_for_json(char **argv)
{
    for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--json") == 0)
            return true;
    return false;
}

static int usage(const char *program, char **argv, const struct error *e)
{
    json_t *record = ask_for_json(argv) ? error_record(e) : NULL;

    if (record != NULL && json_dumpf(record, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(record);
    fprintf(stderr, "%s: %s\n", program, e->text);
    return error_exit_status(e->code);
}

static int run_verb(const char *program, int argc, char **argv)
{
    const char *const *words = (const char *const *)(argv + 1);
    struct error e = ERROR_INIT;
    const struct op *const *table;
    const struct op *op;
    struct op_args *args;
    size_t count;
    int used, status;

    table = program_table(&count);
    op = op_find(table, count, argc - 1, words, &used, &e);
    if (op == NULL)
        return usage(program, argv, &e);
    if (strcmp(program_of(op), program) != 0)
        return pass_on(program, program_of(op), argv);
    args = op_args_parse(op, argc - 1 - used, words + used, &e);
    if (args == NULL)
        return usage(program, argv, &e);
    status = op_flag(args, "help") ? help_verb(op) : run_op(program, op, args);
    op_args_free(&args);
    return status;
}

static int run_help(const char *program, int argc, char **argv)
{
    struct error e = ERROR_INIT;
    const struct op *const *table;
    const struct op *op;
    size_t count;
    int used;

    if (argc < 3)
        return help(program);
    table = program_table(&count);
    op = op_find(table, count, argc - 2, (const char *const *)(argv + 2), &used, &e);
    return op == NULL ? usage(program, argv, &e) : help_verb(op);
}

int program_main(const char *program, int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";

    if (!process_fill_standard()) {
        perror(program);
        return 1;
    }
    secret_harden_process();
    catch_signals();
    if (argc < 2) {
        help(program);
        return 2;
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return help(program);
    if (strcmp(first, "help") == 0)
        return run_help(program, argc, argv);
    if (strcmp(first, "--version") == 0)
        return printf("%s %s\n", program, SIGNET_VERSION) > 0 ? 0 : 1;
    if (strcmp(first, "--manual") == 0)
        return manual(program, argc > 2 ? argv[2] : NULL);
    if (strcmp(first, "--completion") == 0)
        return completion(program);
    return run_verb(program, argc, argv);
}
