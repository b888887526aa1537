/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIGNET_HOST_LIST_H
#define SIGNET_HOST_LIST_H

/* Prints the modules registered with p11-kit, "name<TAB>path<TAB>trust|-" a line. Maps them all
 * into this process. Returns an exit status. */
int list_modules(void);

#endif
