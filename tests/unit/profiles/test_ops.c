/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on profiles that need no token: what they report, in records and in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "../base/scratch.h"
#include "base/path.h"
#include "op/args.h"
#include "op/text.h"
#include "profiles/ops.h"
#include "profiles/profile.h"

/* The outside of an operation: keeps the record, and answers from a script. */
struct outside {
    json_t *record;
    struct buffer text, told;
    const char *answers; /* one letter each: what the next question gets */
    unsigned asked;
    bool yes;
};

static struct op_ctx ctx;

static void keep(void *data, const char *kind, json_t *record)
{
    struct outside *o = data;

    json_decref(o->record);
    o->record = record;
    if (ctx.op->text != NULL)
        ctx.op->text(kind, record, 100, false, &o->text);
}

static void listen(void *data, const char *line)
{
    buffer_printf(&((struct outside *)data)->told, "%s\n", line);
}

static bool answer(void *data, enum op_ask kind, const char *text, const char *expected,
                   char *reply, size_t size)
{
    struct outside *o = data;

    (void)text, (void)expected;
    o->asked++;
    if (kind == OP_ASK_YES_NO)
        return o->yes;
    if (o->answers == NULL || *o->answers == '\0')
        return false;
    snprintf(reply, size, "%c", *o->answers++);
    return true;
}

static const struct op_outside functions = {.emit = keep, .tell = listen, .ask = answer};

static bool run(const struct op *op, struct outside *o, struct error *e, int count,
                const char *const *words)
{
    struct op_args *args = op_args_parse(op, count, words, e);
    bool done;

    if (args == NULL)
        return false;
    ctx = (struct op_ctx){.op = op, .program = "signet", .outside = &functions, .data = o};
    done = op->run(args, &ctx, e);
    op_args_free(&args);
    return done;
}

#define RUN(op, o, e, ...)                                                                         \
    run(op, o, e, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                   \
        (const char *[]){__VA_ARGS__})

static void outside_free(struct outside *o)
{
    json_decref(o->record);
    buffer_free(&o->text);
    buffer_free(&o->told);
    *o = (struct outside){0};
}

static char *named(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof paths[0], "%s/signet/profiles/%s.yaml", scratch, name);
    return path;
}

static void put(const char *name, const char *text)
{
    scratch_write(named(name), text, 0644);
}

static char *contents(const char *path)
{
    struct buffer text = BUFFER_INIT;
    struct error e = ERROR_INIT;

    assert_true(path_read_file(path, 100000, &text, &e));
    return buffer_take(&text);
}

static int open_folder(void **state)
{
    struct error e = ERROR_INIT;

    if (scratch_open(state) != 0)
        return -1;
    setenv("XDG_CONFIG_HOME", scratch, 1);
    unsetenv("VISUAL");
    return !path_make_folders(scratch_path("signet/profiles"), 0755, &e);
}

static void test_show(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;
    const char *text;

    (void)state;
    put("room", "signet: 1\nkey: pkcs11:token=a\npin: env:X\n");
    put("app", "signet: 1\nuse: room\nfiles: [a, b]\nlimits: {sessions: 4}\npage-hashes: true\n");
    assert_true(RUN(&op_profile_show, &o, &e, "app"));
    text = buffer_text(&o.text);
    assert_non_null(strstr(text, "key                          pkcs11:token=a  (room)\n"));
    assert_non_null(strstr(text, "files                        a\n"
                                 "                             b\n"));
    assert_non_null(strstr(text, "limits.sessions              4\n"));
    assert_non_null(strstr(text, "limits.wait-for-token        10m  (default)\n"));
    assert_null(strstr(text, "description"));
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(o.record, "limits"), "sessions")), 4);
    assert_true(op_true(o.record, "page-hashes"));
    assert_true(json_is_null(json_object_get(o.record, "url")));
    assert_string_equal(op_string(json_object_get(o.record, "origin"), "pin"), "use");
    outside_free(&o);
}

static void test_list(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;

    (void)state;
    put("good", "signet: 1\ndescription: The good one\n");
    put("bad", "signet: 1\nno-such: 1\n");
    assert_true(RUN(&op_profile_list, &o, &e, "--names"));
    assert_non_null(strstr(buffer_text(&o.text), "bad\n"));
    assert_non_null(strstr(buffer_text(&o.text), "good\n"));
    outside_free(&o);
    ctx.op = &op_profile_list;
    assert_true(run(&op_profile_list, &o, &e, 0, NULL));
    assert_non_null(strstr(buffer_text(&o.text), "The good one"));
    assert_non_null(strstr(buffer_text(&o.text), "no-such: unknown key"));
    outside_free(&o);
}

static void test_check(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;
    json_t *problems;

    (void)state;
    put("good", "signet: 1\n");
    put("bad", "signet: 1\nno-such: 1\nname: [a]\n");
    assert_false(RUN(&op_profile_check, &o, &e, "good", "bad", "none"));
    assert_int_equal(error_exit_status(e.code), 2);
    assert_string_equal(e.text, "2 of 3 profiles are not valid");
    problems =
        json_object_get(json_array_get(json_object_get(o.record, "profiles"), 1), "problems");
    assert_int_equal(json_array_size(problems), 2);
    assert_non_null(strstr(buffer_text(&o.text), "good: valid\n"));
    assert_non_null(strstr(buffer_text(&o.text), "bad.yaml:2:1: no-such: unknown key\n"));
    assert_non_null(strstr(buffer_text(&o.text), "bad.yaml:3:7: name: should be a single value\n"));
    assert_non_null(strstr(buffer_text(&o.text), "there is no profile 'none'"));
    outside_free(&o);
}

#define FINGERPRINT "e51000000000000000000000000000000000000000000000000000000000000f"

static void test_signtool(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;

    (void)state;
    put("full", "signet: 1\nmodule: /lib/m.so\nkey: pkcs11:token=a;id=%01\npin: env:X\n"
                "certificate: leaf.pem\nchain: [one.pem, 'two .pem']\n"
                "container: {name: \"p11#01\", provider: eToken Base Cryptographic Provider}\n"
                "digest: sha384\ndescription: Bob's \"App\" & more\nurl: https://a.b/?c=100%\n"
                "timestamp: {servers: [http://t.s]}\nexisting: append\npage-hashes: true\n");
    assert_true(RUN(&op_profile_signtool, &o, &e, "full"));
    assert_string_equal(
        op_string(o.record, "signtool"),
        "signtool sign /fd sha384 /f \"leaf.pem\" /csp \"eToken Base Cryptographic "
        "Provider\" /k \"[{{PIN}}]=p11#01\" /ac \"one.pem\" /ac \"two .pem\" /d ^\"Bob's "
        "\\^\"App\\^\" ^& "
        "more^\" /du \"https://a.b/?c=100%%\" /tr \"http://t.s\" /td sha384 /as /ph FILE");
    assert_non_null(strstr(op_string(o.record, "jsign"), " --alg SHA-384 --name 'Bob'\\''s "));
    assert_non_null(strstr(op_string(o.record, "jsign"), " --storepass PIN "));
    assert_non_null(strstr(op_string(o.record, "osslsigncode"),
                           "osslsigncode sign -pkcs11module /lib/m.so -key "
                           "'pkcs11:token=a;id=%01' -readpass PIN-FILE -certs chain.pem -h sha384 "
                           "-comm -n 'Bob'\\''s"));
    assert_non_null(strstr(op_string(o.record, "jsign"), " --certfile chain.pem "));
    assert_non_null(strstr(op_string(o.record, "osslsigncode"), " -ph -in FILE -out SIGNED"));
    assert_non_null(strstr(op_string(o.record, "join-chain"), "/two .pem' >chain.pem"));
    assert_non_null(strstr(op_string(o.record, "join-chain"), "/leaf.pem "));
    assert_true(json_is_null(json_object_get(o.record, "export-cer")));
    assert_true(json_is_null(json_object_get(o.record, "export-pem")));
    assert_non_null(strstr(buffer_text(&o.text), "-nest too"));
    assert_null(strstr(buffer_text(&o.text), "unsigned files only"));
    assert_null(strstr(buffer_text(&o.text), "The container is not known"));
    outside_free(&o);
    put("pinned", "signet: 1\nkey: pkcs11:token=a;id=%01\ncertificate: sha256:" FINGERPRINT "\n");
    assert_true(RUN(&op_profile_signtool, &o, &e, "pinned"));
    assert_string_equal(op_string(o.record, "export-pem"),
                        "signet export 'pkcs11:token=a;id=%01' --certificate sha256:" FINGERPRINT
                        " -o certificate.pem --format pem");
    assert_non_null(strstr(op_string(o.record, "jsign"), " --certfile certificate.pem "));
    assert_non_null(strstr(buffer_text(&o.text), "unsigned files only"));
    outside_free(&o);
    put("bare", "signet: 1\n");
    assert_true(RUN(&op_profile_signtool, &o, &e, "bare"));
    assert_string_equal(op_string(o.record, "signtool"),
                        "signtool sign /fd sha256 /f \"certificate.cer\" /csp \"PROVIDER\" /k "
                        "\"[{{PIN}}]=CONTAINER\" FILE");
    assert_non_null(strstr(buffer_text(&o.text), "The container is not known"));
    outside_free(&o);
}

/* An editor is a command that gets the copy as its last argument. */
static void set_editor(const char *script)
{
    char *path = scratch_path("editor.sh");
    char text[512];

    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", script);
    scratch_write(path, text, 0755);
    setenv("EDITOR", path, 1);
}

static unsigned copies_left(void)
{
    char *command = scratch_path("signet/profiles/.edit-");
    char line[512];
    unsigned count = 0;
    FILE *list;

    snprintf(line, sizeof line, "ls -A %s* 2>/dev/null | wc -l", command);
    list = popen(line, "r");
    assert_int_equal(fscanf(list, "%u", &count), 1);
    pclose(list);
    return count;
}

static void check_edit(const char *script, const char *answers, bool done, const char *after,
                       unsigned asked)
{
    struct outside o = {.answers = answers};
    struct error e = ERROR_INIT;
    char *now;

    put("edited", "signet: 1\n# mine\n");
    assert_int_equal(chmod(named("edited"), 0640), 0);
    set_editor(script);
    assert_int_equal(RUN(&op_profile_edit, &o, &e, "edited"), done);
    now = contents(named("edited"));
    assert_string_equal(now, after);
    assert_int_equal(o.asked, asked);
    assert_int_equal(copies_left(), 0);
    free(now);
    outside_free(&o);
}

static void test_edit(void **state)
{
    struct stat status;

    (void)state;
    check_edit("echo 'name: a' >>\"$1\"", NULL, true, "signet: 1\n# mine\nname: a\n", 0);
    assert_int_equal(stat(named("edited"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    check_edit("true", NULL, true, "signet: 1\n# mine\n", 0);
    check_edit("echo 'nmae: a' >>\"$1\"", "x", false, "signet: 1\n# mine\n", 1);
    check_edit("echo 'nmae: a' >>\"$1\"", "?ex", false, "signet: 1\n# mine\n", 3);
    check_edit("echo 'use: edited' >>\"$1\"", "x", false, "signet: 1\n# mine\n", 1);
    check_edit("exit 3", NULL, false, "signet: 1\n# mine\n", 0);
    /* The second time the mistake is put right. */
    check_edit("grep -q nmae \"$1\" && sed -i s/nmae/name/ \"$1\" || echo 'nmae: a' >>\"$1\"", "e",
               true, "signet: 1\n# mine\nname: a\n", 1);
}

/* Somebody else was faster. */
static void test_edit_of_what_changed_meanwhile(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;
    char script[256], *now;

    (void)state;
    put("edited", "signet: 1\n");
    snprintf(script, sizeof script, "echo 'name: mine' >>\"$1\"; echo 'name: theirs' >>%s",
             named("edited"));
    set_editor(script);
    assert_false(RUN(&op_profile_edit, &o, &e, "edited"));
    now = contents(named("edited"));
    assert_string_equal(now, "signet: 1\nname: theirs\n");
    free(now);
    outside_free(&o);
}

static void test_new_without_a_token(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;
    char *now;

    (void)state;
    put("room", "signet: 1\nkey: pkcs11:token=a\n");
    assert_true(RUN(&op_profile_new, &o, &e, "fresh", "--use", "room", "--description", "My App",
                    "--files", "dist/*.exe", "--files", "!dist/x", "--timestamp", "http://t.s",
                    "--output", "signed", "--digest", "sha384"));
    now = contents(named("fresh"));
    assert_string_equal(now, "signet: 1\nname: fresh\nuse: room\ndigest: sha384\n"
                             "description: My App\ntimestamp:\n  servers: [\"http://t.s\"]\n"
                             "files: [\"dist/*.exe\", \"!dist/x\"]\noutput:\n"
                             "  directory: signed\n");
    free(now);
    outside_free(&o);
    assert_false(RUN(&op_profile_new, &o, &e, "fresh", "--use", "room"));
    assert_int_equal(e.code, ERROR_USAGE);
    assert_non_null(strstr(e.text, "--yes"));
    outside_free(&o);
    o.yes = true;
    assert_true(RUN(&op_profile_new, &o, &e, "fresh", "--use", "room"));
    outside_free(&o);
}

/* What is relative to the shell's folder is written whole. */
static void test_new_with_relative_paths(void **state)
{
    struct outside o = {0};
    struct error e = ERROR_INIT;
    char *now, *wanted;

    (void)state;
    assert_int_equal(chdir(scratch), 0);
    scratch_write(scratch_path("leaf.pem"), "", 0644);
    scratch_write(scratch_path("m.so"), "", 0644);
    assert_true(RUN(&op_profile_new, &o, &e, "whole", "--key", "pkcs11:token=a;id=%01",
                    "--certificate", "leaf.pem", "--chain", "leaf.pem", "--module", "./m.so",
                    "--pin", "file:none.pin"));
    now = contents(named("whole"));
    assert_true(asprintf(&wanted,
                         "signet: 1\nname: whole\nmodule: \"%s/m.so\"\n"
                         "key: pkcs11:token=a;id=%%01\ncertificate: \"%s/leaf.pem\"\n"
                         "chain: [\"%s/leaf.pem\"]\npin: file:%s/none.pin\n",
                         scratch, scratch, scratch, scratch) > 0);
    assert_string_equal(now, wanted);
    free(now);
    free(wanted);
    outside_free(&o);
}

static void test_new_refuses(void **state)
{
    static const struct {
        const char *option, *value, *why;
    } cases[] = {
        {"--key", "pkcs11:token=a;id=%01?pin-value=123456", "without a PIN"},
        {"--pin", "123456", "shell's history"},
        {"--url", "example.com", "--url: should be an http"},
        {"--use", "romm", "did you mean 'room'"},
        {"--chain", "/no/such.pem", "--chain: cannot open '/no/such.pem'"},
        {"--description", "a\nb", "line breaks"},
    };

    (void)state;
    put("room", "signet: 1\nkey: pkcs11:token=a\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outside o = {0};
        struct error e = ERROR_INIT;
        const char *use = strcmp(cases[i].option, "--use") == 0 ? "--digest" : "--use";

        assert_false(RUN(&op_profile_new, &o, &e, "refused", cases[i].option, cases[i].value, use,
                         use[2] == 'd' ? "sha256" : "room"));
        assert_non_null(strstr(e.text, cases[i].why));
        assert_null(strstr(e.text, "123456"));
        assert_int_not_equal(access(named("refused"), F_OK), 0);
        outside_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_signtool),
        cmocka_unit_test(test_edit),
        cmocka_unit_test(test_edit_of_what_changed_meanwhile),
        cmocka_unit_test(test_new_without_a_token),
        cmocka_unit_test(test_new_with_relative_paths),
        cmocka_unit_test(test_new_refuses),
    };

    return cmocka_run_group_tests(tests, open_folder, scratch_close);
}
