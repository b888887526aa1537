/* SPDX-License-Identifier: Apache-2.0 */
#include "host/pkcs11/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/status.h"
#include "wire/rv.h"

/* More than any module has; one that claims more is lying. */
enum {
    MOST_SLOTS = 4096,
    MOST_MECHANISMS = 4096,
    READY_MS = 1000,
    READY_STEP_MS = 100,
    LIST_TRIES = 5
};

static void problem(struct wire_slot *slot, const char *function, CK_RV rv)
{
    char name[RV_TEXT_SIZE];

    if (slot->problem[0] == '\0')
        snprintf(slot->problem, sizeof slot->problem, "%s: %s", function, rv_name(rv, name));
}

/* The list may grow between the two calls: then it is asked for again. */
static bool list_ids(struct module *m, CK_SLOT_ID **ids, CK_ULONG *count, struct wire_status *s)
{
    CK_RV rv = CKR_BUFFER_TOO_SMALL;

    *ids = NULL;
    *count = 0;
    for (int i = 0; i < LIST_TRIES && rv == CKR_BUFFER_TOO_SMALL; i++) {
        CK_ULONG room;

        free(*ids);
        *ids = NULL;
        if (!status_of(s, m->f->C_GetSlotList(CK_FALSE, NULL, count), "C_GetSlotList"))
            return false;
        if (*count > MOST_SLOTS)
            return status_fail(s, CKR_GENERAL_ERROR, "C_GetSlotList",
                               "it claims %lu slots, which cannot be", *count);
        room = *count;
        *ids = calloc(room + 1, sizeof **ids);
        if (*ids == NULL)
            return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
        rv = m->f->C_GetSlotList(CK_FALSE, *ids, count);
        if (rv == CKR_OK && *count > room)
            return status_fail(s, CKR_GENERAL_ERROR, "C_GetSlotList",
                               "it wrote %lu slots into room for %lu", *count, room);
    }
    return status_of(s, rv, "C_GetSlotList");
}

static void read_mechanism(struct module *m, CK_SLOT_ID id, struct wire_mechanism *mechanism)
{
    if (m->f->C_GetMechanismInfo(id, mechanism->type, &mechanism->info) != CKR_OK)
        memset(&mechanism->info, 0, sizeof mechanism->info);
}

static void read_mechanisms(struct module *m, struct wire_slot *slot)
{
    CK_MECHANISM_TYPE *types = NULL;
    CK_ULONG count = 0, room;
    CK_RV rv = m->f->C_GetMechanismList(slot->id, NULL, &count);

    if (rv != CKR_OK || count > MOST_MECHANISMS) {
        problem(slot, "C_GetMechanismList", rv == CKR_OK ? CKR_GENERAL_ERROR : rv);
        return;
    }
    room = count;
    types = calloc(room + 1, sizeof *types);
    slot->mechanisms = calloc(room + 1, sizeof *slot->mechanisms);
    if (types == NULL || slot->mechanisms == NULL)
        goto out;
    rv = m->f->C_GetMechanismList(slot->id, types, &count);
    if (rv != CKR_OK || count > room) {
        problem(slot, "C_GetMechanismList", rv == CKR_OK ? CKR_GENERAL_ERROR : rv);
        goto out;
    }
    slot->mechanism_count = count;
    for (CK_ULONG i = 0; i < count; i++) {
        slot->mechanisms[i].type = types[i];
        read_mechanism(m, slot->id, &slot->mechanisms[i]);
    }
out:
    free(types);
}

static void read_token(struct module *m, struct wire_slot *slot)
{
    CK_RV rv = m->f->C_GetTokenInfo(slot->id, &slot->token);

    slot->has_token = rv == CKR_OK;
    if (rv == CKR_OK)
        read_mechanisms(m, slot);
    else if (rv != CKR_TOKEN_NOT_PRESENT)
        problem(slot, "C_GetTokenInfo", rv);
}

bool slot_read(struct module *m, CK_SLOT_ID id, struct wire_slot *out, struct wire_status *s)
{
    *out = (struct wire_slot){.id = id};
    if (!status_of(s, m->f->C_GetSlotInfo(id, &out->info), "C_GetSlotInfo"))
        return false;
    if (out->info.flags & CKF_TOKEN_PRESENT)
        read_token(m, out);
    return true;
}

static bool not_ready(const struct wire_slot *slot)
{
    return (slot->info.flags & CKF_TOKEN_PRESENT) && !slot->has_token;
}

static void read_when_ready(struct module *m, CK_SLOT_ID id, int64_t end, struct wire_slot *out)
{
    struct wire_status s = {0};

    for (;;) {
        if (!slot_read(m, id, out, &s))
            problem(out, s.function, (CK_RV)s.rv);
        if (!not_ready(out) || clock_ms() >= end)
            return;
        wire_slot_free(out);
        clock_sleep_ms(READY_STEP_MS);
    }
}

bool slots_read(struct module *m, struct wire_slots *out, struct wire_status *s)
{
    int64_t end = clock_ms() + READY_MS;
    CK_SLOT_ID *ids = NULL;
    CK_ULONG count = 0;
    bool listed = list_ids(m, &ids, &count, s);

    *out = (struct wire_slots){0};
    if (listed && count > 0) {
        out->slot = calloc(count, sizeof *out->slot);
        if (out->slot == NULL)
            listed = status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    }
    for (CK_ULONG i = 0; listed && i < count; i++)
        read_when_ready(m, ids[i], end, &out->slot[out->count++]);
    free(ids);
    return listed;
}

bool slot_token_flags(struct module *m, CK_SLOT_ID id, CK_FLAGS *flags)
{
    CK_TOKEN_INFO info;

    if (m->f->C_GetTokenInfo(id, &info) != CKR_OK)
        return false;
    *flags = info.flags;
    return true;
}
