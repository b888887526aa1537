/* SPDX-License-Identifier: Apache-2.0 */
/* Another program at the card: holder READER shared|alone|reset. Says "held" once it has the card,
 * and keeps it until its stdin ends; "reset" then resets the card. */
#include <stdio.h>
#include <string.h>
#include <winscard.h>

int main(int argc, char **argv)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol, share;

    if (argc != 3)
        return 2;
    share = strcmp(argv[2], "alone") == 0 ? SCARD_SHARE_EXCLUSIVE : SCARD_SHARE_SHARED;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
        SCardConnect(context, argv[1], share, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                     &protocol) != SCARD_S_SUCCESS)
        return 1;
    puts("held");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    SCardDisconnect(card, strcmp(argv[2], "reset") == 0 ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
    SCardReleaseContext(context);
    return 0;
}
