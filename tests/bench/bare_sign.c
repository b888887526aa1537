/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference: one session, and nothing but C_SignInit and C_Sign in a loop.
 * usage: bare_sign MODULE TOKEN-LABEL KEY-LABEL COUNT      prints seconds
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/token.h"

int main(int argc, char **argv)
{
    const CK_BYTE digest[32] = {0};
    CK_BYTE signature[1024];
    CK_SESSION_HANDLE session;
    struct token_key key;
    struct token token;
    double start;

    if (argc != 5)
        return 2;
    token_open(&token, argv[1], argv[2]);
    session = token_session(&token);
    token_login(&token, session);
    key = token_key(&token, session, argv[3]);
    start = now();
    for (int i = 0; i < atoi(argv[4]); i++)
        token_sign(&token, session, &key, digest, signature);
    printf("%.6f\n", now() - start);
    return 0;
}
