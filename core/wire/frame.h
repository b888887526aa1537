/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on the socketpair between a program and its token host (AF_UNIX, SOCK_STREAM):
 *
 *     u32 length of the body   u32 id   u16 type   u16 lane   body
 *
 * all big endian. A reply carries the id of its request. A frame may carry one descriptor
 * (SCM_RIGHTS) with its first byte.
 */
#ifndef SIGNET_WIRE_FRAME_H
#define SIGNET_WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    WIRE_HEADER_SIZE = 12,
    WIRE_BODY_MAX = 64 << 20, /* bytes */
    WIRE_LANES_MAX = 64,      /* sessions that one host can have at work */
};

struct wire_frame {
    uint32_t id;
    uint16_t type;      /* enum wire_type */
    uint16_t lane;      /* which session is meant; below WIRE_LANES_MAX */
    struct buffer body; /* the frame's; wiped by wire_frame_free */
};

#define WIRE_FRAME_INIT                                                                            \
    {                                                                                              \
        0, 0, 0, BUFFER_INIT                                                                       \
    }

void wire_frame_free(struct wire_frame *f);

/* Sends all of the frame, and `pass` with it unless that is -1. Never raises SIGPIPE. Not for
 * several threads at once. ERROR_HOST when the other side is gone. */
bool wire_send(int socket, const struct wire_frame *f, int pass, struct error *e);

/* Waits for a whole frame. 1: here it is, and *passed is the descriptor that came with it (the
 * caller's to close) or -1; 0: the other side closed between two frames; -1: ERROR_HOST. Memory
 * grows with the bytes that arrive, not with the length that is announced. */
int wire_receive(int socket, struct wire_frame *f, int *passed, struct error *e);

#endif
