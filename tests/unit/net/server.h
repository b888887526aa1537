/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/tsa.py for a test program, which is told its path as first argument. What fails ends
 * the program. */
#ifndef SIGNET_TESTS_NET_SERVER_H
#define SIGNET_TESTS_NET_SERVER_H

#include <stddef.h>

struct server {
    char folder[64];
    char url[64], tls_url[64];
    int pid;
};

void server_start(struct server *s, const char *program);
void server_stop(struct server *s);

/* `url` and `path` behind it, of the server. Static; eight of them at a time. */
const char *server_url(const struct server *s, const char *path);

/* Lines of the log that end in `path`. */
size_t server_count(const struct server *s, const char *path);

/* Connections that it accepted. */
size_t server_connections(const struct server *s);

/* A file of its folder; static. */
const char *server_file(const struct server *s, const char *name);

#endif
