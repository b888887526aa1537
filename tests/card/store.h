/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the card remembers, as files of a folder that a test can write and read:
 *
 *   pin, puk            the values, as text
 *   pin-left, puk-left  tries; pin-max, puk-max: what they begin with
 *   management-key      in hexadecimal
 *   management-cipher   its number: 3 for 3DES; 8, 10, 12 for AES
 *   XX.key              private key of slot XX, PEM
 *   XX.der              its certificate
 *   XX.policy           "PIN TOUCH ORIGIN", as numbers of Yubico's metadata
 *   XXXXXX.object       what is in a data object (without its 53), before what is in XX.der
 *   false-proof         not 0: the card does not prove that it knows its management key
 *   makes               the number of the algorithm of every new key, whatever was asked for
 *   object-max          bytes that fit into one
 *   select              the answer to SELECT in hexadecimal, where it is not that of the standard
 *   version, serial     of a YubiKey; without version, it is another PIV card
 *   form                of a YubiKey, as its attestation numbers it
 */
#ifndef SIGNET_TESTS_CARD_STORE_H
#define SIGNET_TESTS_CARD_STORE_H

#include <openssl/evp.h>

#include "base/buffer.h"

void store_open(const char *folder);

/* The text of a file without its line end; "" where there is none. Static. */
const char *store_text(const char *name);
void store_set_text(const char *name, const char *text);
int store_number(const char *name, int otherwise);
void store_set_number(const char *name, int number);

bool store_bytes(const char *name, struct buffer *out);
void store_set_bytes(const char *name, const void *bytes, size_t length);

/* NULL: none. The caller's. */
EVP_PKEY *store_key(uint8_t slot);
void store_set_key(uint8_t slot, EVP_PKEY *key);

#endif
