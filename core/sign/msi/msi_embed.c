/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Installer's files as a format, written: a signature goes in, or comes out, and all else
 * stays where it is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sign/authenticode.h"
#include "sign/msi/cfb_edit.h"
#include "sign/msi/cfb_undo.h"
#include "sign/msi/msi_file.h"
#include "sign/note.h"

/* The note of the signature that the input carries; empty: there is none. */
static bool own_note(struct format_file *f, struct buffer *note, struct error *e)
{
    struct buffer signature = BUFFER_INIT;
    bool good = true;

    buffer_reset(note);
    if (msi_extract(f, 0, &signature, NULL) && signature.length > 0)
        good = note_get(&signature, note, e);
    buffer_free(&signature);
    return good;
}

/* Puts the file in `output` back to what it was before it was signed. `fits`: nothing but what
 * belongs to the signature is different now; else there may be anything in it. */
static bool undo(struct format_file *f, int output, const struct buffer *note, bool *fits,
                 struct error *e)
{
    struct cfb *c = cfb_open(output, f->name, e);
    uint8_t before[EVP_MAX_MD_SIZE], after[EVP_MAX_MD_SIZE];
    struct error why = ERROR_INIT;
    bool done = c != NULL && msi_fingerprint(c, before, e);

    *fits = done && cfb_undo(c, note, &why);
    cfb_close(&c);
    if (why.code == ERROR_SYSTEM || why.code == ERROR_MEMORY)
        return error_set(e, why.code, "%s", why.text);
    if (!*fits)
        return done;
    c = cfb_open(output, f->name, NULL);
    *fits = c != NULL && msi_fingerprint(c, after, NULL) &&
            memcmp(before, after, (size_t)EVP_MD_get_size(EVP_sha256())) == 0 &&
            cfb_find(c, msi_signature_name, sizeof msi_signature_name) == CFB_NOBODY &&
            cfb_find(c, msi_ex_name, sizeof msi_ex_name) == CFB_NOBODY;
    cfb_close(&c);
    return true;
}

/* The last pass once more, which must find what it found before. */
static bool write_again(struct format_file *f, int output, struct error *e)
{
    const struct format_options options = {.signature_ex = f->wants_ex, .append = f->keeps_ex};
    const EVP_MD *md[FORMAT_DIGESTS];
    uint8_t before[FORMAT_DIGESTS][EVP_MAX_MD_SIZE], after[FORMAT_DIGESTS][EVP_MAX_MD_SIZE];
    const struct format_pass p = {
        .options = f->makes_signature ? &options : NULL,
        .output = output,
        .md = md,
        .count = f->md_count,
        .digest = after,
    };

    memcpy(md, f->md, sizeof md);
    memcpy(before, f->digest, sizeof before);
    if (ftruncate(output, 0) != 0)
        return error_set_errno(e, "cannot write the signed '%s'", f->name);
    if (!msi_digest(f, &p, e))
        return false;
    for (size_t i = 0; i < f->md_count; i++)
        if (memcmp(before[i], after[i], (size_t)EVP_MD_get_size(md[i])) != 0)
            return error_set(e, ERROR_FORMAT, "'%s': it was changed while it was read", f->name);
    return true;
}

/* The input was signed after a note was taken: the output becomes what it was before. A note does
 * not fit where another program has written the file anew since. */
static bool undo_own(struct format_file *f, int output, struct error *e)
{
    struct buffer note = BUFFER_INIT;
    bool fits = true, good;

    if (f->signature == CFB_NOBODY)
        return true;
    good = own_note(f, &note, e) && (note.length == 0 || undo(f, output, &note, &fits, e)) &&
           (fits || write_again(f, output, e));
    buffer_free(&note);
    return good;
}

/* What the stream MsiDigitalSignatureEx shall hold; nothing: there shall be none. */
static bool find_ex(const struct format_file *f, const struct buffer *signature, struct buffer *ex,
                    struct error *e)
{
    struct authenticode_view view;
    bool good = false;

    if (!msi_has_ex(f))
        return true;
    if (f->keeps_ex) {
        buffer_append(ex, f->stored_ex.data, f->stored_ex.length);
        return buffer_ok(ex, e);
    }
    if (!authenticode_view(signature->data, signature->length, &view, e))
        return error_prefix(e, "'%s'", f->name);
    for (size_t i = 0; i < f->md_count && !good; i++)
        if (EVP_MD_get_type(f->md[i]) == EVP_MD_get_type(view.md)) {
            buffer_append(ex, f->prehash[i], (size_t)EVP_MD_get_size(view.md));
            good = true;
        }
    authenticode_view_free(&view);
    return (good && buffer_ok(ex, e)) ||
           error_set(e, ERROR_FORMAT, "'%s': the signature has another digest than was computed",
                     f->name);
}

/* A stream of the root: as it shall be. */
struct wanted {
    const uint8_t *name;
    size_t length;
    const struct buffer *content;
    bool present;
    uint32_t id; /* as it is */
};

/* Sectors that are needed no more are free before others are needed. */
static bool change_streams(struct cfb_edit *edit, struct wanted *w, size_t count, struct error *e)
{
    for (size_t i = 0; i < count; i++)
        if (w[i].id != CFB_NOBODY &&
            !(w[i].present ? cfb_edit_clear(edit, w[i].id, e) : cfb_edit_remove(edit, w[i].id, e)))
            return false;
    for (size_t i = 0; i < count; i++)
        if (w[i].present && w[i].id == CFB_NOBODY &&
            !cfb_edit_add(edit, w[i].name, w[i].length, &w[i].id, e))
            return false;
    for (size_t i = 0; i < count; i++)
        if (w[i].present &&
            !cfb_edit_write(edit, w[i].id, w[i].content->data, w[i].content->length, e))
            return false;
    return cfb_edit_finish(edit, e);
}

/* Empty contents: the stream shall not be there; an empty MsiDigitalSignatureEx may be. */
static bool edit_output(struct format_file *f, int output, const struct buffer *signature,
                        const struct buffer *ex, bool with_ex, struct error *e)
{
    struct cfb *c = cfb_open(output, f->name, e);
    struct cfb_edit *edit = c == NULL ? NULL : cfb_edit_new(c, e);
    bool done = false;

    if (edit != NULL) {
        struct wanted w[] = {
            {msi_signature_name, sizeof msi_signature_name, signature, signature->length > 0,
             cfb_find(c, msi_signature_name, sizeof msi_signature_name)},
            {msi_ex_name, sizeof msi_ex_name, ex, with_ex,
             cfb_find(c, msi_ex_name, sizeof msi_ex_name)},
        };

        done = change_streams(edit, w, 2, e);
    }
    cfb_edit_free(&edit);
    cfb_close(&c);
    return done;
}

bool msi_embed(struct format_file *f, int output, const struct buffer *signature, size_t count,
               struct error *e)
{
    struct buffer ex = BUFFER_INIT;
    bool done;

    (void)count; /* it is one: signatures are nested */
    done = find_ex(f, signature, &ex, e) && undo_own(f, output, e) &&
           edit_output(f, output, signature, &ex, msi_has_ex(f), e);
    buffer_free(&ex);
    return done;
}

bool msi_note(struct format_file *f, struct buffer *note, struct error *e)
{
    const struct cfb_new_name added[] = {
        {msi_signature_name, sizeof msi_signature_name},
        {msi_ex_name, sizeof msi_ex_name},
    };

    if (f->signature != CFB_NOBODY || f->ex != CFB_NOBODY)
        return true;
    return cfb_undo_note(f->c, added, 2, note, e);
}

static bool copy(struct format_file *f, int output, struct cancel *cancel, struct error *e)
{
    uint8_t none[1][EVP_MAX_MD_SIZE];
    const struct format_pass p = {.output = output, .digest = none, .cancel = cancel};

    return (ftruncate(output, 0) == 0 || error_set_errno(e, "cannot write '%s'", f->name)) &&
           msi_digest(f, &p, e);
}

bool msi_remove(struct format_file *f, const struct buffer *note, int output, struct cancel *cancel,
                struct error *e)
{
    static const struct buffer nothing = BUFFER_INIT;
    bool fits = false;

    if (!copy(f, output, cancel, e) || (note->length > 0 && !undo(f, output, note, &fits, e)))
        return false;
    if (fits)
        return true;
    return (note->length == 0 || copy(f, output, cancel, e)) &&
           edit_output(f, output, &nothing, &nothing, false, e);
}
