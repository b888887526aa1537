/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subject of a request, from text. Two notations are read. The first is that of `openssl req
 * -subj`, in the order in which it stands, with \ before / and +:
 *
 *   /C=DE/O=Example AG/CN=Example AG
 *
 * The second is that of RFC 4514, in which the last one written is the first one encoded:
 *
 *   CN=Example AG,O=Example AG,C=DE
 *
 * When the second begins with C and does not end so, it is taken in the order in which it stands:
 * that is how certificates are shown, and no country stands below a person. Values are UTF-8 and
 * become UTF8String, but what X.520 wants as PrintableString, and mail addresses and domain
 * components as IA5String (PKCS #9, RFC 4519); lengths are those of the upper bounds of X.520.
 */
#ifndef SIGNET_CERT_NAME_H
#define SIGNET_CERT_NAME_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { NAME_TEXT_MAX = 4096, NAME_PARTS_MAX = 32 };

/* ERROR_USAGE says at which character, counted from 1, what is wrong: an attribute that is not
 * known or stands twice, a value that is empty, too long, not UTF-8 or has characters that it may
 * not have (NUL and control characters always), two attributes in one RDN. Freed by the caller with
 * X509_NAME_free. */
X509_NAME *name_parse(const void *text, size_t length, struct error *e);

/* The subject of a certificate, encoded anew by the same rules. ERROR_UNFIT: it has what
 * name_parse would not take. */
X509_NAME *name_from_certificate(const X509 *x, struct error *e);

/* Whether every part of a name from elsewhere keeps the same rules; ERROR_UNFIT says which one does
 * not. */
bool name_check(const X509_NAME *name, struct error *e);

/* The value of the first attribute `nid`, UTF-8 and safe to print; NULL: there is none. New string,
 * freed by the caller. */
char *name_value(const X509_NAME *name, int nid);

#endif
