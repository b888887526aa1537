/* SPDX-License-Identifier: Apache-2.0 */
/* The host's loop: requests in, replies out, several under way at once. */
#ifndef SIGNET_HOST_SERVE_H
#define SIGNET_HOST_SERVE_H

/* Serves the program at the other end of `socket` until it closes; then ends the process, whatever
 * a module is doing. */
_Noreturn void serve(int socket);

#endif
