/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows digests an image from its start to its end. Firmware goes by the headers, as Windows
 * Authenticode Portable Executable Signature Format 1.0 has it ("Calculating the PE Image Hash"):
 * SizeOfHeaders, the raw data of each section by its place, then what is left of the file from the
 * sum of these sizes on. Both are the same where nothing lies between these parts, nor in two.
 */
#ifndef SIGNET_SIGN_PE_FIRMWARE_H
#define SIGNET_SIGN_PE_FIRMWARE_H

#include "sign/pe/pe_headers.h"

/* Whether it is for firmware: an EFI application, driver or ROM. */
bool pe_firmware_runs(const struct pe_headers *headers);

/* Whether firmware computes the same digest as Windows. ERROR_FORMAT, ERROR_SYSTEM, ERROR_MEMORY.
 * `name` is for messages. */
bool pe_firmware_agrees(int input, const char *name, const struct pe_headers *headers, bool *agrees,
                        struct error *e);

#endif
