/* SPDX-License-Identifier: Apache-2.0 */
#include "host/request.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/card/cards.h"
#include "host/pkcs11/delete.h"
#include "host/pkcs11/generate.h"
#include "host/pkcs11/init.h"
#include "host/pkcs11/key.h"
#include "host/pkcs11/login.h"
#include "host/pkcs11/module.h"
#include "host/pkcs11/objects.h"
#include "host/pkcs11/slots.h"
#include "host/pkcs11/store.h"
#include "host/pkcs11/vendor.h"
#include "host/status.h"

enum { MOST_KEYS = 64 };

/* This process is one module: its state is the process's. */
static struct module module;
static atomic_bool pcsc;     /* ... or PC/SC */
static atomic_bool parallel; /* the module can lock: lanes may call it side by side */
static struct host_key keys[MOST_KEYS];
static _Atomic uint32_t key_count;
static pthread_mutex_t keys_mutex = PTHREAD_MUTEX_INITIALIZER;

/* A handler reads its request and appends its answer; false, with `s` set, when there is none. */
typedef bool handler(struct wire_reader *r, unsigned lane, struct buffer *answer,
                     struct wire_status *s);

static bool malformed(struct wire_status *s)
{
    return status_fail(s, CKR_ARGUMENTS_BAD, "", "the request cannot be read");
}

static bool load(struct wire_reader *r, unsigned lane, struct buffer *answer, struct wire_status *s)
{
    char *path = wire_get_text(r);
    bool loaded;

    (void)lane;
    if (path == NULL)
        return malformed(s);
    if (strcmp(path, WIRE_PCSC) == 0) {
        /* Each lane has a context of its own. */
        module.info.can_lock = loaded = true;
        atomic_store(&pcsc, true);
    } else {
        loaded = module_load(&module, path, s);
    }
    if (loaded)
        wire_module_put(answer, &module.info);
    atomic_store(&parallel, loaded && module.info.can_lock);
    free(path);
    return loaded;
}

static bool slots(struct wire_reader *r, unsigned lane, struct buffer *answer,
                  struct wire_status *s)
{
    struct wire_slots all;
    bool read = slots_read(&module, &all, s);

    (void)r, (void)lane;
    if (read)
        wire_slots_put(answer, &all);
    wire_slots_free(&all);
    return read;
}

static bool token(struct wire_reader *r, unsigned lane, struct buffer *answer,
                  struct wire_status *s)
{
    struct wire_slot slot;
    bool read = slot_read(&module, (CK_SLOT_ID)wire_get_u64(r), &slot, s);

    (void)lane;
    if (read)
        wire_slot_put(answer, &slot);
    wire_slot_free(&slot);
    return read;
}

static bool objects(struct wire_reader *r, unsigned lane, struct buffer *answer,
                    struct wire_status *s)
{
    CK_SLOT_ID slot = (CK_SLOT_ID)wire_get_u64(r);
    uint32_t first = wire_get_u32(r), most = wire_get_u32(r);
    bool certificates = wire_get_bool(r);
    struct wire_objects page;
    bool read;

    (void)lane;
    if (r->failed || most == 0)
        return malformed(s);
    read = objects_page(&module, slot, certificates, first, most, &page, s);
    if (read)
        wire_objects_put(answer, &page);
    wire_objects_free(&page);
    return read;
}

static bool vendor(struct wire_reader *r, unsigned lane, struct buffer *answer,
                   struct wire_status *s)
{
    CK_SLOT_ID slot = (CK_SLOT_ID)wire_get_u64(r);
    struct wire_application out;
    bool read;

    (void)lane;
    if (r->failed)
        return malformed(s);
    read = vendor_describe(&module, slot, &out, s);
    if (read)
        wire_application_put(answer, &out);
    wire_application_free(&out);
    return read;
}

static bool open_key(struct wire_reader *r, unsigned lane, struct buffer *answer,
                     struct wire_status *s)
{
    struct wire_open_key want;
    struct wire_opened opened = {0};
    struct host_key *key;
    bool found = false;

    (void)lane;
    if (!wire_open_key_get(r, &want))
        return malformed(s);
    if (!module.info.can_lock)
        want.lanes = 1;
    pthread_mutex_lock(&keys_mutex);
    key = &keys[key_count % MOST_KEYS];
    if (key_count == MOST_KEYS) {
        status_fail(s, CKR_SESSION_COUNT, "", "too many keys are open");
    } else if (key_find(&module, &want, key, opened.path, sizeof opened.path, s)) {
        opened.key = key_count;
        opened.lanes = key->lanes;
        opened.always_authenticate = key->always_authenticate;
        wire_opened_put(answer, &opened);
        key_count++;
        found = true;
    }
    pthread_mutex_unlock(&keys_mutex);
    wire_open_key_free(&want);
    return found;
}

static bool sign_with(struct wire_reader *r, unsigned lane, bool login, struct buffer *answer,
                      struct wire_status *s)
{
    struct wire_sign what;
    struct buffer signature = BUFFER_INIT;
    bool done;

    if (!wire_sign_get(r, &what))
        return malformed(s);
    if (what.key >= key_count)
        done = status_fail(s, CKR_KEY_HANDLE_INVALID, "", "no such key is open");
    else
        done = key_signature(&keys[what.key], lane, &what, login, &signature, s);
    if (login && !done && what.key < key_count)
        login_note_flags(&module, keys[what.key].slot, s);
    if (done)
        wire_put_bytes(answer, signature.data, signature.length);
    buffer_free(&signature);
    wire_sign_free(&what);
    return done;
}

static bool sign(struct wire_reader *r, unsigned lane, struct buffer *answer, struct wire_status *s)
{
    return sign_with(r, lane, false, answer, s);
}

static bool sign_login(struct wire_reader *r, unsigned lane, struct buffer *answer,
                       struct wire_status *s)
{
    return sign_with(r, lane, true, answer, s);
}

static bool login(struct wire_reader *r, unsigned lane, struct buffer *answer,
                  struct wire_status *s)
{
    struct wire_login what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_login_get(r, &what))
        return malformed(s);
    done = login_once(&module, &what, s);
    wire_login_free(&what);
    return done;
}

static bool set_pin(struct wire_reader *r, unsigned lane, struct buffer *answer,
                    struct wire_status *s)
{
    struct wire_set_pin what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_set_pin_get(r, &what))
        return malformed(s);
    done = login_set_pin(&module, &what, s);
    wire_set_pin_free(&what);
    return done;
}

static bool init_pin(struct wire_reader *r, unsigned lane, struct buffer *answer,
                     struct wire_status *s)
{
    struct wire_init_pin what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_init_pin_get(r, &what))
        return malformed(s);
    done = login_init_pin(&module, &what, s);
    wire_init_pin_free(&what);
    return done;
}

static bool generate(struct wire_reader *r, unsigned lane, struct buffer *answer,
                     struct wire_status *s)
{
    struct wire_new_key what;
    struct wire_object made;
    bool done;

    (void)lane;
    if (!wire_new_key_get(r, &what))
        return malformed(s);
    done = generate_key(&module, &what, &made, s);
    if (done)
        wire_object_put(answer, &made);
    wire_object_free(&made);
    wire_new_key_free(&what);
    return done;
}

static bool store_certificate(struct wire_reader *r, unsigned lane, struct buffer *answer,
                              struct wire_status *s)
{
    struct wire_new_certificate what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_new_certificate_get(r, &what))
        return malformed(s);
    done = certificate_store(&module, &what, s);
    wire_new_certificate_free(&what);
    return done;
}

static bool set_names(struct wire_reader *r, unsigned lane, struct buffer *answer,
                      struct wire_status *s)
{
    struct wire_new_names what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_new_names_get(r, &what))
        return malformed(s);
    done = object_set_names(&module, &what, s);
    wire_new_names_free(&what);
    return done;
}

static bool delete (struct wire_reader *r, unsigned lane, struct buffer *answer,
                    struct wire_status *s)
{
    struct wire_which what;
    bool done;

    (void)lane, (void)answer;
    if (!wire_which_get(r, &what))
        return malformed(s);
    done = object_delete(&module, &what, s);
    wire_which_free(&what);
    return done;
}

static bool init(struct wire_reader *r, unsigned lane, struct buffer *answer, struct wire_status *s)
{
    struct wire_init_token what;
    struct wire_slot slot;
    bool done;

    (void)lane;
    if (!wire_init_token_get(r, &what))
        return malformed(s);
    done = token_init(&module, &what, &slot, s);
    if (done)
        wire_slot_put(answer, &slot);
    wire_slot_free(&slot);
    wire_init_token_free(&what);
    return done;
}

static bool logout(struct wire_reader *r, unsigned lane, struct buffer *answer,
                   struct wire_status *s)
{
    (void)lane, (void)answer;
    return login_end(&module, (CK_SLOT_ID)wire_get_u64(r), s);
}

static bool readers(struct wire_reader *r, unsigned lane, struct buffer *answer,
                    struct wire_status *s)
{
    struct wire_readers all;
    bool read = cards_readers(lane, &all, s);

    (void)r;
    if (read)
        wire_readers_put(answer, &all);
    wire_readers_free(&all);
    return read;
}

static bool readers_wait(struct wire_reader *r, unsigned lane, struct buffer *answer,
                         struct wire_status *s)
{
    struct wire_readers known, all;
    bool read;

    if (!wire_readers_get(r, &known))
        return malformed(s);
    read = cards_wait(lane, &known, &all, s);
    if (read)
        wire_readers_put(answer, &all);
    wire_readers_free(&known);
    wire_readers_free(&all);
    return read;
}

static bool card(struct wire_reader *r, unsigned lane, struct buffer *answer, struct wire_status *s)
{
    char *reader = wire_get_text(r);
    bool counters_alone = wire_get_bool(r), read = false;
    struct wire_card out;

    if (r->failed) {
        malformed(s);
    } else if (cards_read(lane, reader, counters_alone, &out, s)) {
        wire_card_put(answer, &out);
        wire_card_free(&out);
        read = true;
    }
    free(reader);
    return read;
}

static bool attest(struct wire_reader *r, unsigned lane, struct buffer *answer,
                   struct wire_status *s)
{
    char *reader = wire_get_text(r);
    uint8_t slot = wire_get_u8(r);
    struct wire_attestation out = {0};
    bool done = false;

    if (r->failed)
        malformed(s);
    else
        done = cards_attest(lane, reader, slot, &out, s);
    if (done)
        wire_attestation_put(answer, &out);
    wire_attestation_free(&out);
    free(reader);
    return done;
}

static bool unblock(struct wire_reader *r, unsigned lane, struct buffer *answer,
                    struct wire_status *s)
{
    struct wire_unblock what;
    bool done;

    (void)answer;
    if (!wire_unblock_get(r, &what))
        return malformed(s);
    done = cards_unblock(lane, &what, s);
    wire_unblock_free(&what);
    return done;
}

static bool card_generate(struct wire_reader *r, unsigned lane, struct buffer *answer,
                          struct wire_status *s)
{
    struct wire_generate what;
    struct buffer spki = BUFFER_INIT;
    bool done;

    if (!wire_generate_get(r, &what))
        return malformed(s);
    done = cards_generate(lane, &what, &spki, s);
    if (done)
        wire_put_bytes(answer, spki.data, spki.length);
    buffer_free(&spki);
    wire_generate_free(&what);
    return done;
}

static bool card_store(struct wire_reader *r, unsigned lane, struct buffer *answer,
                       struct wire_status *s)
{
    struct wire_store what;
    bool done;

    (void)answer;
    if (!wire_store_get(r, &what))
        return malformed(s);
    done = cards_store(lane, &what, s);
    wire_store_free(&what);
    return done;
}

static handler *const handlers[WIRE_TYPES] = {
    [WIRE_LOAD] = load,
    [WIRE_SLOTS] = slots,
    [WIRE_TOKEN] = token,
    [WIRE_OBJECTS] = objects,
    [WIRE_OPEN_KEY] = open_key,
    [WIRE_SIGN] = sign,
    [WIRE_LOGOUT] = logout,
    [WIRE_LOGIN] = login,
    [WIRE_SET_PIN] = set_pin,
    [WIRE_INIT_PIN] = init_pin,
    [WIRE_SIGN_LOGIN] = sign_login,
    [WIRE_GENERATE] = generate,
    [WIRE_STORE_CERTIFICATE] = store_certificate,
    [WIRE_SET_NAMES] = set_names,
    [WIRE_DELETE] = delete,
    [WIRE_INIT_TOKEN] = init,
    [WIRE_VENDOR] = vendor,
    [WIRE_READERS] = readers,
    [WIRE_READERS_WAIT] = readers_wait,
    [WIRE_CARD] = card,
    [WIRE_ATTEST] = attest,
    [WIRE_UNBLOCK] = unblock,
    [WIRE_CARD_GENERATE] = card_generate,
    [WIRE_CARD_STORE] = card_store,
};

/* What it takes to answer: a module, or PC/SC. */
static bool is_ready(enum wire_type type)
{
    if (type == WIRE_LOAD)
        return !atomic_load(&pcsc);
    return type >= WIRE_READERS ? atomic_load(&pcsc) : module.f != NULL;
}

void request_answer(const struct wire_frame *request, struct buffer *reply)
{
    struct wire_reader r = wire_reader_of(request->body.data, request->body.length);
    struct wire_status s = {.rv = CKR_OK};
    struct buffer answer = BUFFER_INIT;
    handler *handle = request->type < WIRE_TYPES ? handlers[request->type] : NULL;

    if (handle == NULL)
        status_fail(&s, CKR_FUNCTION_NOT_SUPPORTED, "", "an unknown request");
    else if (!is_ready((enum wire_type)request->type))
        status_fail(&s, CKR_CRYPTOKI_NOT_INITIALIZED, "", "no module is loaded");
    else
        handle(&r, request->lane, &answer, &s);
    wire_status_put(reply, &s);
    if (s.rv == CKR_OK)
        buffer_append(reply, answer.data, answer.length);
    reply->failed = reply->failed || answer.failed;
    buffer_free(&answer);
}

bool request_can_run_parallel(void)
{
    return atomic_load(&parallel);
}

void request_finalize(void)
{
    module_finalize(&module);
}
