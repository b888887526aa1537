/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PC/SC: readers, and a card in a transaction of ours. A card is connected shared, and after a
 * reading left as it was found: another process's login is not ours to end.
 */
#ifndef SIGNET_HOST_CARD_PCSC_H
#define SIGNET_HOST_CARD_PCSC_H

#include <winscard.h>

#include "host/card/card.h"
#include "wire/card.h"

/* One for each thread: pcsc-lite takes one call at a time in a context. */
struct pcsc {
    SCARDCONTEXT context;
    bool open;
};

struct pcsc_link {
    SCARDHANDLE handle;
    DWORD protocol;
    bool reset; /* a command failed because another program reset the card */
};

/* What is plugged in. No reader is no error. False: pcscd does not run, or does not let us. */
bool pcsc_readers(struct pcsc *p, struct wire_readers *out, struct wire_status *s);

/* Waits until what is there differs from what `known` says, `ms` at most, and tells what is there
 * then. That another program begins to use a card is told at the end of the wait. */
bool pcsc_wait(struct pcsc *p, const struct wire_readers *known, long ms, struct wire_readers *out,
               struct wire_status *s);

/* Connects to the card in `reader` and begins a transaction. */
bool pcsc_connect(struct pcsc *p, const char *reader, struct pcsc_link *link, struct card *card,
                  struct wire_status *s);

/* Ends both. Leaves the card powered and as it is; with `reset`, it forgets every login before
 * anybody else is let at it. */
void pcsc_disconnect(struct pcsc_link *link, bool reset);

#endif
