/* SPDX-License-Identifier: Apache-2.0 */
/* Another program at the card: holder READER shared|alone|reset. Says "held" once it has the card,
 * and keeps it until its stdin ends; "reset" then resets the card. holder READER HEX: sends this as
 * it stands, and says the status word. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <winscard.h>

static void send_as_it_stands(SCARDHANDLE card, DWORD protocol, const char *text)
{
    const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    unsigned char command[256], answer[4096];
    DWORD length = 0, got = sizeof answer;
    unsigned byte;

    for (; length < sizeof command && sscanf(text, "%2x", &byte) == 1; text += 2)
        command[length++] = (unsigned char)byte;
    if (SCardTransmit(card, pci, command, length, NULL, answer, &got) == SCARD_S_SUCCESS &&
        got >= 2)
        printf("%02X%02X\n", answer[got - 2], answer[got - 1]);
}

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
    if (isxdigit((unsigned char)argv[2][0]) && isdigit((unsigned char)argv[2][1])) {
        send_as_it_stands(card, protocol, argv[2]);
        SCardDisconnect(card, SCARD_LEAVE_CARD);
        SCardReleaseContext(context);
        return 0;
    }
    puts("held");
    fflush(stdout);
    while (getchar() != EOF)
        ;
    SCardDisconnect(card, strcmp(argv[2], "reset") == 0 ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
    SCardReleaseContext(context);
    return 0;
}
