/* SPDX-License-Identifier: Apache-2.0 */
/* Frames over a socketpair. */
#include "wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/codec.h"

enum { PIECE = 64 << 10 }; /* memory for a body grows in steps of so much */

void wire_frame_free(struct wire_frame *f)
{
    buffer_free(&f->body);
}

static void attach(struct msghdr *message, void *control, size_t size, int fd)
{
    struct cmsghdr *header;

    message->msg_control = control;
    message->msg_controllen = size;
    header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
}

static bool gone(struct error *e)
{
    return error_set(e, ERROR_HOST, "the token host is gone");
}

/* Sends head and body without copying the body, which may hold a PIN. */
static bool send_all(int socket, struct iovec *parts, int pass, struct error *e)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    size_t left = parts[0].iov_len + parts[1].iov_len;

    while (left > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t sent;

        if (pass >= 0)
            attach(&message, control.bytes, sizeof control.bytes, pass);
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return gone(e);
        pass = -1;
        left -= (size_t)sent;
        for (int i = 0; i < 2; i++) {
            size_t done = (size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;

            parts[i].iov_base = (char *)parts[i].iov_base + done;
            parts[i].iov_len -= done;
            sent -= (ssize_t)done;
        }
    }
    return true;
}

bool wire_send(int socket, const struct wire_frame *f, int pass, struct error *e)
{
    uint8_t head[WIRE_HEADER_SIZE];
    struct iovec parts[2] = {{head, sizeof head}, {f->body.data, f->body.length}};
    uint32_t length = (uint32_t)f->body.length;

    if (!buffer_ok(&f->body, e))
        return false;
    if (f->body.length > WIRE_BODY_MAX)
        return error_set(e, ERROR_HOST, "a message of %zu bytes is too long", f->body.length);
    for (unsigned i = 0; i < 4; i++) {
        head[i] = (uint8_t)(length >> (24 - 8 * i));
        head[4 + i] = (uint8_t)(f->id >> (24 - 8 * i));
    }
    head[8] = (uint8_t)(f->type >> 8);
    head[9] = (uint8_t)f->type;
    head[10] = (uint8_t)(f->lane >> 8);
    head[11] = (uint8_t)f->lane;
    /* No body, no pointer: sendmsg wants none either. */
    if (f->body.length == 0)
        parts[1] = (struct iovec){head, 0};
    return send_all(socket, parts, pass, e);
}

static int passed_descriptor(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd = -1;

    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* Fills `out`. 1: whole; 0: end of stream before the first byte; -1: gone. */
static int receive_exact(int socket, uint8_t *out, size_t size, int *passed)
{
    size_t have = 0;

    while (have < size) {
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec part = {out + have, size - have};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        int fd;

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 && have == 0 ? 0 : -1;
        fd = passed_descriptor(&message);
        if (fd >= 0 && *passed >= 0)
            close(fd);
        else if (fd >= 0)
            *passed = fd;
        have += (size_t)got;
    }
    return 1;
}

static bool receive_body(int socket, struct buffer *body, size_t length, int *passed)
{
    while (length > 0) {
        size_t piece = length < PIECE ? length : PIECE;
        uint8_t *room = buffer_extend(body, piece);

        if (room == NULL || receive_exact(socket, room, piece, passed) != 1)
            return false;
        length -= piece;
    }
    return true;
}

int wire_receive(int socket, struct wire_frame *f, int *passed, struct error *e)
{
    uint8_t head[WIRE_HEADER_SIZE] = {0};
    struct wire_reader r = wire_reader_of(head, sizeof head);
    size_t length;
    uint32_t kind;
    int got;

    *passed = -1;
    buffer_reset(&f->body);
    got = receive_exact(socket, head, sizeof head, passed);
    if (got == 0)
        return 0;
    length = wire_get_u32(&r);
    f->id = wire_get_u32(&r);
    kind = wire_get_u32(&r);
    f->type = (uint16_t)(kind >> 16);
    f->lane = (uint16_t)kind;
    if (got < 0 || length > WIRE_BODY_MAX || !receive_body(socket, &f->body, length, passed)) {
        if (*passed >= 0)
            close(*passed);
        *passed = -1;
        gone(e);
        return -1;
    }
    return 1;
}
