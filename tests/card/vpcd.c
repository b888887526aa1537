/* SPDX-License-Identifier: Apache-2.0 */
#include "vpcd.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { POWER_OFF = 0, POWER_ON = 1, RESET = 2, GET_ATR = 4 };

static bool read_all(int fd, uint8_t *out, size_t length)
{
    while (length > 0) {
        ssize_t got = read(fd, out, length);

        if (got <= 0)
            return false;
        out += got;
        length -= (size_t)got;
    }
    return true;
}

/* In one piece: two would wait for each other's acknowledgement. */
static bool send_message(int fd, const uint8_t *bytes, size_t length)
{
    struct buffer out = BUFFER_INIT;
    bool sent;

    buffer_append_byte(&out, (uint8_t)(length >> 8));
    buffer_append_byte(&out, (uint8_t)length);
    buffer_append(&out, bytes, length);
    sent = write(fd, out.data, out.length) == (ssize_t)out.length;
    buffer_free(&out);
    return sent;
}

static bool control(const struct vpcd_card *card, int fd, uint8_t what)
{
    if (what == GET_ATR)
        return send_message(fd, card->atr, card->atr_length);
    if (what == POWER_OFF || what == POWER_ON || what == RESET)
        card->reset(card->data);
    return true;
}

static int connect_to(const char *host, const char *port)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &wanted, &found) != 0)
        return -1;
    /* pcscd may still be about to listen. */
    for (int i = 0; i < 100 && fd < 0; i++) {
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
            usleep(50000);
        }
    }
    freeaddrinfo(found);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

int vpcd_serve(const struct vpcd_card *card, const char *host, const char *port)
{
    int fd = connect_to(host, port);
    uint8_t head[2], bytes[65536];
    bool on = fd >= 0;

    if (fd < 0) {
        perror("cannot reach the reader");
        return 1;
    }
    while (on && read_all(fd, head, 2)) {
        size_t length = (size_t)(head[0] << 8 | head[1]);
        struct buffer answer = BUFFER_INIT;

        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
        if (!read_all(fd, bytes, length))
            break;
        if (length == 1)
            on = control(card, fd, bytes[0]);
        else if (length > 1)
            on = card->command(card->data, bytes, length, &answer) &&
                 send_message(fd, answer.data, answer.length);
        buffer_free(&answer);
    }
    close(fd);
    return 0;
}
