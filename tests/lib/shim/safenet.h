/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SafeNet's modules add to PKCS#11, put in front of another module, by script:
 *
 *   SHIM_SAFENET     tries left and maximum of user PIN, SO PIN and PUK: "12/15 9/10 3/3"; "-" for
 *                    one that the token does not have. Without it, nothing is added
 *   SHIM_CONTAINERS  a folder. The file 01 has the container name of the key with the id 01, any
 *                    bytes; the file 01.signature, that it is a signature key
 */
#ifndef SIGNET_TESTS_SHIM_SAFENET_H
#define SIGNET_TESTS_SHIM_SAFENET_H

#include <p11-kit/pkcs11.h>

/* The functions of `behind` with those that are needed replaced; `behind` where nothing is to be
 * added. Once only. */
CK_FUNCTION_LIST *safenet_before(CK_FUNCTION_LIST *behind);

#endif
