/* SPDX-License-Identifier: Apache-2.0 */
#include "host/card/pcsc.h"

#include <stdlib.h>
#include <string.h>

#include "host/status.h"

enum {
    MOST_READERS = 16, /* PCSCLITE_MAX_READERS_CONTEXTS, and the one that tells of new readers */
    ANSWER_MAX = 65538,
};

/* The state of a reader of this name changes when any reader comes or goes (pcsc-lite, manual of
 * SCardGetStatusChange). */
static const char any_reader[] = "\\\\?PnP?\\Notification";

/* The words for what a person meets; for the rest, those of pcsc-lite. */
static bool failed(struct wire_status *s, LONG rv, const char *function)
{
    switch ((unsigned long)rv) {
    case (unsigned long)SCARD_E_NO_SERVICE:
    case (unsigned long)SCARD_E_SERVICE_STOPPED:
        return status_fail(s, CKR_DEVICE_ERROR, "SCardEstablishContext",
                           "pcscd does not run here; on Debian: apt install pcscd, then "
                           "systemctl start pcscd.socket");
    case (unsigned long)SCARD_E_NO_ACCESS:
    case (unsigned long)SCARD_W_SECURITY_VIOLATION:
        return status_fail(s, CKR_DEVICE_ERROR, "SCardEstablishContext",
                           "pcscd does not let this user at the readers (polkit allows only who "
                           "sits at the machine); a rule in /etc/polkit-1/rules.d may allow "
                           "org.debian.pcsc-lite.access_pcsc and access_card to a group");
    case (unsigned long)SCARD_E_SHARING_VIOLATION:
        return status_fail(s, CKR_DEVICE_ERROR, function,
                           "another program uses the card alone; end it, or wait for it");
    case (unsigned long)SCARD_W_REMOVED_CARD:
    case (unsigned long)SCARD_E_NO_SMARTCARD:
        return status_fail(s, CKR_DEVICE_REMOVED, function, "the card was taken out");
    case (unsigned long)SCARD_E_UNKNOWN_READER:
    case (unsigned long)SCARD_E_READER_UNAVAILABLE:
        return status_fail(s, CKR_DEVICE_REMOVED, function, "the reader was unplugged");
    case (unsigned long)SCARD_W_UNRESPONSIVE_CARD:
    case (unsigned long)SCARD_W_UNPOWERED_CARD:
        return status_fail(s, CKR_DEVICE_ERROR, function,
                           "the card does not answer; is it the right way round?");
    case (unsigned long)SCARD_W_RESET_CARD:
        return status_fail(s, CKR_DEVICE_ERROR, function,
                           "another program reset the card in the middle; try again");
    default:
        return status_fail(s, CKR_DEVICE_ERROR, function, "%s: %s", function,
                           pcsc_stringify_error(rv));
    }
}

static bool open_context(struct pcsc *p, struct wire_status *s)
{
    LONG rv;

    if (p->open && SCardIsValidContext(p->context) == SCARD_S_SUCCESS)
        return true;
    rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context);
    p->open = rv == SCARD_S_SUCCESS;
    return p->open || failed(s, rv, "SCardEstablishContext");
}

/* pcscd went away under the context: the next call begins anew. */
static bool lost(struct pcsc *p, struct wire_status *s, LONG rv, const char *function)
{
    if (p->open)
        SCardReleaseContext(p->context);
    p->open = false;
    return failed(s, rv, function);
}

/* Names, each with its NUL, in one allocation; empty where there are none. */
static bool list_names(struct pcsc *p, char **names, struct wire_status *s)
{
    DWORD length = 0;
    LONG rv = SCardListReaders(p->context, NULL, NULL, &length);

    *names = NULL;
    if (rv == SCARD_S_SUCCESS) {
        *names = calloc(1, length + 2);
        if (*names == NULL)
            return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
        rv = SCardListReaders(p->context, NULL, *names, &length);
    }
    if (rv == SCARD_S_SUCCESS)
        return true;
    free(*names);
    *names = (unsigned long)rv == (unsigned long)SCARD_E_NO_READERS_AVAILABLE ? calloc(1, 2) : NULL;
    return *names != NULL || lost(p, s, rv, "SCardListReaders");
}

static unsigned fill_names(SCARD_READERSTATE *states, const char *names)
{
    unsigned count = 0;

    for (; *names != '\0' && count < MOST_READERS; names += strlen(names) + 1)
        states[count++] = (SCARD_READERSTATE){.szReader = names};
    return count;
}

static bool add_reader(struct wire_readers *out, const SCARD_READERSTATE *state)
{
    struct wire_reader_state *r = wire_readers_add(out);
    DWORD event = state->dwEventState;

    if (r == NULL || (r->name = strdup(state->szReader)) == NULL)
        return false;
    r->present = event & SCARD_STATE_PRESENT;
    r->in_use = event & SCARD_STATE_INUSE;
    r->exclusive = event & SCARD_STATE_EXCLUSIVE;
    r->mute = event & (SCARD_STATE_MUTE | SCARD_STATE_UNPOWERED);
    if (r->present && state->cbAtr <= sizeof r->atr) {
        r->atr_length = state->cbAtr;
        memcpy(r->atr, state->rgbAtr, r->atr_length);
    }
    return true;
}

static bool read_states(struct pcsc *p, const char *names, struct wire_readers *out,
                        struct wire_status *s)
{
    SCARD_READERSTATE states[MOST_READERS] = {0};
    unsigned count = fill_names(states, names);
    LONG rv = count == 0 ? SCARD_S_SUCCESS : SCardGetStatusChange(p->context, 0, states, count);

    if (rv != SCARD_S_SUCCESS && (unsigned long)rv != (unsigned long)SCARD_E_TIMEOUT)
        return lost(p, s, rv, "SCardGetStatusChange");
    for (unsigned i = 0; i < count; i++)
        if (!add_reader(out, &states[i]))
            return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    return true;
}

bool pcsc_readers(struct pcsc *p, struct wire_readers *out, struct wire_status *s)
{
    char *names = NULL;
    bool read;

    *out = (struct wire_readers){0};
    read = open_context(p, s) && list_names(p, &names, s) && read_states(p, names, out, s);
    free(names);
    if (!read)
        wire_readers_free(out);
    return read;
}

/* What is known of a reader, as the event state that it would be told in. */
static DWORD state_of(const struct wire_reader_state *r)
{
    if (!r->present)
        return SCARD_STATE_EMPTY;
    return SCARD_STATE_PRESENT | (r->exclusive ? SCARD_STATE_EXCLUSIVE : 0) |
           (r->in_use ? SCARD_STATE_INUSE : 0) | (r->mute ? SCARD_STATE_MUTE : 0);
}

bool pcsc_wait(struct pcsc *p, const struct wire_readers *known, long ms, struct wire_readers *out,
               struct wire_status *s)
{
    SCARD_READERSTATE states[MOST_READERS + 1] = {{.szReader = any_reader}};
    unsigned count = 1;
    LONG rv;

    *out = (struct wire_readers){0};
    if (!open_context(p, s))
        return false;
    for (size_t i = 0; i < known->count && count <= MOST_READERS; i++)
        states[count++] = (SCARD_READERSTATE){.szReader = known->reader[i].name,
                                              .dwCurrentState = state_of(&known->reader[i])};
    /* Of any_reader, the number of readers is what is known (upper half of the state). */
    states[0].dwCurrentState = (DWORD)known->count << 16;
    rv = SCardGetStatusChange(p->context, (DWORD)ms, states, count);
    if (rv != SCARD_S_SUCCESS && (unsigned long)rv != (unsigned long)SCARD_E_TIMEOUT &&
        (unsigned long)rv != (unsigned long)SCARD_E_UNKNOWN_READER)
        return lost(p, s, rv, "SCardGetStatusChange");
    return pcsc_readers(p, out, s);
}

static bool exchange(void *data, const uint8_t *command, size_t length, struct buffer *answer,
                     struct wire_status *s)
{
    const struct pcsc_link *link = data;
    const SCARD_IO_REQUEST *pci = link->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    uint8_t *room = buffer_extend(answer, ANSWER_MAX);
    DWORD got = ANSWER_MAX;
    LONG rv;

    if (room == NULL)
        return status_fail(s, CKR_HOST_MEMORY, "", "no memory");
    rv = SCardTransmit(link->handle, pci, command, length, NULL, room, &got);
    if (rv != SCARD_S_SUCCESS)
        return failed(s, rv, "SCardTransmit");
    answer->length -= ANSWER_MAX - (got > ANSWER_MAX ? ANSWER_MAX : got);
    return true;
}

bool pcsc_connect(struct pcsc *p, const char *reader, struct pcsc_link *link, struct card *card,
                  struct wire_status *s)
{
    DWORD length = sizeof card->atr;
    LONG rv;

    if (!open_context(p, s))
        return false;
    rv = SCardConnect(p->context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                      &link->handle, &link->protocol);
    if (rv != SCARD_S_SUCCESS)
        return failed(s, rv, "SCardConnect");
    rv = SCardBeginTransaction(link->handle);
    if (rv == SCARD_S_SUCCESS)
        rv = SCardStatus(link->handle, NULL, NULL, NULL, NULL, card->atr, &length);
    if (rv != SCARD_S_SUCCESS) {
        pcsc_disconnect(link);
        return failed(s, rv, "SCardBeginTransaction");
    }
    card->atr_length = length;
    card->exchange = exchange;
    card->link = link;
    return true;
}

void pcsc_disconnect(struct pcsc_link *link)
{
    SCardEndTransaction(link->handle, SCARD_LEAVE_CARD);
    SCardDisconnect(link->handle, SCARD_LEAVE_CARD);
}
