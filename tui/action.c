/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/action.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"

const struct action actions[] = {
    {"enter",
     "Go",
     "open",
     "do the next step of the list, open or close a row",
     ACTION_FOOTER,
     {KEYS_ENTER},
     command_enter},
    {"other-pane",
     "Go",
     "pane",
     "go to the other pane",
     ACTION_FOOTER | ACTION_MOVE,
     {KEYS_TAB, KEYS_BACK_TAB},
     command_other_pane},
    {"up", "Go", "up", "one row up", ACTION_MOVE, {KEYS_UP, 'k'}, command_up},
    {"down", "Go", "down", "one row down", ACTION_MOVE, {KEYS_DOWN, 'j'}, command_down},
    {"left",
     "Go",
     "left",
     "close the row, or go to the one that it belongs to",
     ACTION_MOVE,
     {KEYS_LEFT, 'h'},
     command_left},
    {"right",
     "Go",
     "right",
     "open the row, or go to its details",
     ACTION_MOVE,
     {KEYS_RIGHT, 'l'},
     command_right},
    {"page-up",
     "Go",
     "page up",
     "one page up",
     ACTION_MOVE,
     {KEYS_PAGE_UP, KEYS_CTRL('B')},
     command_page_up},
    {"page-down",
     "Go",
     "page down",
     "one page down",
     ACTION_MOVE,
     {KEYS_PAGE_DOWN, KEYS_CTRL('F')},
     command_page_down},
    {"home", "Go", "first", "to the first row", ACTION_MOVE, {KEYS_HOME, 'g'}, command_home},
    {"end", "Go", "last", "to the last row", ACTION_MOVE, {KEYS_END, 'G'}, command_end},
    {"search",
     "Go",
     "search",
     "find text in the tree, or in the details",
     ACTION_FOOTER,
     {'/'},
     command_search},
    {"search-next", "Go", "next match", "go to the next match", 0, {'n'}, command_search_next},
    {"search-previous",
     "Go",
     "previous match",
     "go to the match before",
     0,
     {'N'},
     command_search_previous},

    {"copy",
     "Copy and export",
     "copy",
     "copy the line under the cursor to the clipboard",
     ACTION_FOOTER,
     {'y'},
     command_copy},
    {"copy-uri",
     "Copy and export",
     "copy URI",
     "copy the pkcs11: URI of the row",
     ACTION_TOKEN,
     {'u'},
     command_copy_uri},
    {"copy-pem",
     "Copy and export",
     "copy PEM",
     "copy the certificate as PEM",
     ACTION_CERT,
     {'Y'},
     command_copy_pem},
    {"copy-signtool",
     "Copy and export",
     "copy signtool line",
     "copy the equal command for signtool, jsign and osslsigncode",
     0,
     {'w'},
     command_copy_signtool},
    {"export",
     "Copy and export",
     "export",
     "write the certificate to a file: PEM, DER or PKCS#7",
     ACTION_CERT | ACTION_FOOTER,
     {'e'},
     command_export},

    {"full",
     "Tokens",
     "details",
     "show the token in full, or the way to signed builds",
     ACTION_TOKEN | ACTION_FOOTER,
     {'d'},
     command_full},
    {"login",
     "Tokens",
     "log in and list",
     "log in once to see keys that the token hides before, and log out again",
     ACTION_TOKEN,
     {'i'},
     command_login},
    {"reset-counter",
     "Tokens",
     "reset counter",
     "log in once, so that the failed-login counter goes back to its maximum",
     ACTION_TOKEN,
     {'R'},
     command_reset_counter},
    {"counters",
     "Tokens",
     "tries left",
     "ask the token again how many tries each PIN has left; none is spent",
     0,
     {'C'},
     command_counters},
    {"unblock",
     "Tokens",
     "unblock",
     "set a new PIN where the old one is blocked, or forgotten",
     ACTION_TOKEN | ACTION_BLOCKED | ACTION_VERB,
     {'U'},
     command_unblock},
    {"change-pin",
     "Tokens",
     "change PIN",
     "change the user PIN",
     ACTION_TOKEN,
     {'P'},
     command_change_pin},
    {"doctor",
     "Tokens",
     "doctor",
     "find out why a token cannot be used here",
     ACTION_VERB,
     {'W'},
     command_doctor},
    {"hidden",
     "Tokens",
     "hidden",
     "show hidden slots and tokens, or hide them again",
     0,
     {'H'},
     command_hidden},
    {"refresh",
     "Tokens",
     "read again",
     "start every module anew, and read all tokens",
     0,
     {'r', KEYS_CTRL('R')},
     command_refresh},
    {"restart-module",
     "Tokens",
     "restart module",
     "end the process of this module, and start anew",
     ACTION_MODULE,
     {'M'},
     command_restart_module},

    {"init",
     "Keys and orders",
     "new token",
     "make a token of an empty slot, also one to practise with",
     ACTION_BLANK | ACTION_VERB,
     {'T'},
     command_init},
    {"keygen",
     "Keys and orders",
     "new key",
     "make a key on the token, for a certificate",
     ACTION_TOKEN | ACTION_CHANGES | ACTION_MAKES | ACTION_VERB,
     {'K'},
     command_keygen},
    {"csr",
     "Keys and orders",
     "CSR and order",
     "make a request for a certificate of the key, in a folder for the CA",
     ACTION_TOKEN | ACTION_KEY | ACTION_VERB,
     {'O'},
     command_csr},
    {"import",
     "Keys and orders",
     "import",
     "put the certificate that the CA returned beside its key",
     ACTION_TOKEN | ACTION_CHANGES | ACTION_KEY | ACTION_VERB,
     {'I'},
     command_import},
    {"delete",
     "Keys and orders",
     "delete from token",
     "delete the key or certificate; asks, and says what is lost with it",
     ACTION_OBJECT | ACTION_CHANGES | ACTION_VERB,
     {'X'},
     command_delete},

    {"profile-new",
     "Profiles",
     "new profile",
     "make a profile from the token under the cursor",
     0,
     {'p'},
     command_profile_new},
    {"profile-edit",
     "Profiles",
     "edit profile",
     "edit the profile in a form",
     0,
     {'o'},
     command_profile_edit},
    {"profile-check",
     "Profiles",
     "check",
     "find every reason why signing would fail; no try is spent",
     0,
     {'c'},
     command_profile_check},
    {"pin-store",
     "Profiles",
     "store build PIN",
     "type the PIN once, prove it by a login, keep it for builds",
     0,
     {'b'},
     command_pin_store},
    {"trial",
     "Profiles",
     "trial signature",
     "log in, have a random digest signed and stamped: proves PIN, key, certificate, servers",
     0,
     {'t'},
     command_profile_trial},
    {"run-files",
     "Profiles",
     "run on files",
     "sign files with the profile, here and now",
     0,
     {'F'},
     command_run_files},
    {"copy-line",
     "Profiles",
     "copy build line",
     "copy the signet-batch line for a build",
     0,
     {'s'},
     command_copy_line},
    {"profile-duplicate",
     "Profiles",
     "duplicate",
     "save the profile under another name",
     ACTION_PROFILE,
     {'D'},
     command_profile_duplicate},
    {"profile-delete",
     "Profiles",
     "delete",
     "delete the profile's file",
     ACTION_PROFILE,
     {'x', KEYS_DELETE},
     command_profile_delete},

    {"cancel",
     "Signet",
     "cancel",
     "cancel what is at work",
     0,
     {KEYS_ESCAPE, KEYS_CTRL('G')},
     command_cancel},
    {"palette",
     "Signet",
     "actions",
     "find any action or verb by a few letters",
     ACTION_FOOTER,
     {':'},
     command_palette},
    {"log",
     "Signet",
     "log",
     "show what was asked of the tokens, and how long it took",
     0,
     {'L'},
     command_log},
    {"save-log", "Signet", "save log", "write the log to a file", 0, {'S'}, command_save_log},
    {"redraw",
     "Signet",
     "redraw",
     "draw the screen anew",
     ACTION_MOVE,
     {KEYS_CTRL('L')},
     command_redraw},
    {"help", "Signet", "help", "show all keys", ACTION_FOOTER, {'?', KEYS_F1}, command_help},
    {"quit",
     "Signet",
     "quit",
     "leave the console",
     ACTION_FOOTER,
     {'q', KEYS_CTRL('C')},
     command_quit},
};

const size_t action_count = sizeof actions / sizeof *actions;

bool action_exists(const struct action *a)
{
    return !(a->flags & ACTION_VERB) || jobs_op(a->id) != NULL;
}

const struct action *action_of_key(int key)
{
    for (size_t i = 0; i < action_count; i++)
        for (size_t j = 0; j < ACTION_KEYS && actions[i].keys[j] != 0; j++)
            if (actions[i].keys[j] == key && action_exists(&actions[i]))
                return &actions[i];
    return NULL;
}

static bool is_certificate(const json_t *object)
{
    return object != NULL && strcmp(op_string(object, "class"), "certificate") == 0;
}

const char *action_why_not(const struct console *c, const struct action *a)
{
    const struct row *r = console_row(c);
    const json_t *blank;

    if (!action_exists(a))
        return "this version has no such verb";
    if ((a->flags & ACTION_TOKEN) && console_token(c) == NULL)
        return "no token here";
    if ((a->flags & ACTION_OBJECT) && console_object(c) == NULL)
        return "no key or certificate here";
    if ((a->flags & ACTION_CERT) && !is_certificate(console_object(c)))
        return "no certificate here";
    if ((a->flags & ACTION_BLANK) && store_blanks(&c->store, &blank) == 0)
        return "no empty slot here";
    if ((a->flags & ACTION_CHANGES) &&
        op_true(json_object_get(console_token(c), "flags"), "write-protected"))
        return "the token is write-protected";
    if ((a->flags & ACTION_MAKES) && command_no_key_made(c) != NULL)
        return command_no_key_made(c);
    if ((a->flags & ACTION_KEY) && command_key_here(c) == NULL)
        return "no key here";
    if ((a->flags & ACTION_PROFILE) && console_profile(c) == NULL)
        return "no profile here";
    if ((a->flags & ACTION_MODULE) && (r == NULL || r->kind != ROW_MODULE))
        return "no module here";
    return NULL;
}

void action_run(struct console *c, const struct action *a)
{
    const char *why = action_why_not(c, a);

    if (why == NULL)
        a->run(c);
    else
        console_say(c, STYLE_WARN, "%s: %s", a->name, why);
}

void action_keys(const struct action *a, char *out, size_t size)
{
    char name[16];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ACTION_KEYS && a->keys[i] != 0 && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 event_key_name(a->keys[i], name));
}

static bool same_key(const struct action *a, const struct action *b)
{
    for (size_t i = 0; i < ACTION_KEYS && a->keys[i] != 0; i++)
        for (size_t j = 0; j < ACTION_KEYS && b->keys[j] != 0; j++)
            if (a->keys[i] == b->keys[j])
                return true;
    return false;
}

char *action_collision(void)
{
    for (size_t i = 0; i < action_count; i++)
        for (size_t j = i + 1; j < action_count; j++)
            if (same_key(&actions[i], &actions[j]) || strcmp(actions[i].id, actions[j].id) == 0)
                return text_format("%s, %s", actions[i].id, actions[j].id);
    return NULL;
}

void action_help(struct buffer *out)
{
    const char *group = "";
    char keys[64];

    for (size_t i = 0; i < action_count; i++) {
        if (!action_exists(&actions[i]))
            continue;
        if (strcmp(group, actions[i].group) != 0)
            buffer_printf(out, "%s%s\n", i > 0 ? "\n" : "", actions[i].group);
        group = actions[i].group;
        action_keys(&actions[i], keys, sizeof keys);
        buffer_printf(out, "  %-14s %s\n", keys, actions[i].help);
    }
    buffer_append_text(out, "\nThe mouse chooses rows and panes; its wheel scrolls.\n");
}

void action_manual(struct buffer *out)
{
    const char *group = "";
    char keys[64];

    for (size_t i = 0; i < action_count; i++) {
        if (!action_exists(&actions[i]))
            continue;
        if (strcmp(group, actions[i].group) != 0)
            buffer_printf(out, "## %s\n\n", actions[i].group);
        group = actions[i].group;
        action_keys(&actions[i], keys, sizeof keys);
        buffer_printf(out, "*%s*\n\t%s\n\n", keys, actions[i].help);
    }
}
