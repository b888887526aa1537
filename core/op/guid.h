/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container name that OpenSC's minidriver gives a key under Windows. It is stored nowhere: the
 * driver computes it anew each time (OpenSC, sc_pkcs15_get_object_guid; pkcs15-tool shows it as
 * MD:guid), so it can be computed here, where all that goes into it is known.
 */
#ifndef SIGNET_OP_GUID_H
#define SIGNET_OP_GUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GUID_TEXT_SIZE = 37 };

/* The first 16 bytes of SHA-1 over id and serial, as 8-4-4-4-12 lower-case hex digits in the order
 * of the bytes. `serial` is the token's as PKCS#11 shows it, without its padding: OpenSC takes hex
 * for the bytes it stands for, and anything else as it is. False, with *why (static) saying it in
 * words, where the name cannot be known. */
bool guid_of_opensc(const uint8_t *id, size_t id_length, const char *serial,
                    char out[GUID_TEXT_SIZE], const char **why);

/* The same of a PIV card, whose serial is the GUID of its CHUID (NIST SP 800-73-4 part 1, 3.4.1;
 * OpenSC, piv_get_guid): its 16 bytes in hex without dashes, the first exchanged for the key's id.
 * `guid` is the whole of it in hex, as the card tells it; `serial` what PKCS#11 shows, the last
 * eight bytes. False where these are not of one serial, or the id is not of one byte. */
bool guid_of_opensc_piv(const uint8_t *id, size_t id_length, const char *guid, const char *serial,
                        char out[GUID_TEXT_SIZE]);

#endif
