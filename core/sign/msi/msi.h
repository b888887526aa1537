/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages, patches and merge modules of Windows Installer: compound files. Nobody at Microsoft
 * wrote down how they are signed; this is what its tools do. The digest covers what the streams
 * hold and the classes of the storages; names, sizes and times only where there is a stream
 * MsiDigitalSignatureEx, which holds a digest of those that goes first into the main one.
 */
#ifndef SIGNET_SIGN_MSI_H
#define SIGNET_SIGN_MSI_H

#include "sign/format.h"
#include "sign/hashing.h"
#include "sign/msi/cfb.h"

/* The streams of a signature, in the root: UTF-16LE without NUL. */
enum { MSI_SIGNATURE_NAME_SIZE = 34, MSI_EX_NAME_SIZE = 44 };
extern const uint8_t msi_signature_name[MSI_SIGNATURE_NAME_SIZE]; /* "\5DigitalSignature" */
extern const uint8_t msi_ex_name[MSI_EX_NAME_SIZE];               /* "\5MsiDigitalSignatureEx" */

/* Digests of `count` kinds that are made in one pass. */
struct msi_hash {
    struct cfb *c;
    struct hashing hashing;
    int output;     /* where large streams are written as they are digested; -1: nowhere */
    uint8_t *piece; /* MSI_PIECE bytes */
    struct cancel *cancel;
};

enum { MSI_PIECE = 64 << 10 };

bool msi_hash_open(struct msi_hash *h, struct cfb *c, const EVP_MD *const *md, size_t count,
                   struct error *e);
void msi_hash_close(struct msi_hash *h);
/* Forgets what was digested. */
bool msi_hash_again(struct msi_hash *h, struct error *e);
/* Sizes as of the hashes. */
bool msi_hash_finish(struct msi_hash *h, uint8_t (*digest)[EVP_MAX_MD_SIZE], struct error *e);

/* All entries but the signature's, without what they hold: what MsiDigitalSignatureEx protects. */
bool msi_hash_metadata(struct msi_hash *h, struct error *e);

/* What the streams hold, but the signature's. Those in the mini stream are read from the output
 * where there is one: msi_copy_rest has written them. */
bool msi_hash_content(struct msi_hash *h, struct error *e);

/* Writes all of the file that msi_hash_content does not write into the output: header, tables, free
 * sectors, small streams and those of a signature. */
bool msi_copy_rest(struct msi_hash *h, struct error *e);

/* What must be the same before and after a signature is added or taken out: entries, and where
 * every sector of each stream stands. That takes no reading of the streams, and says as much, as
 * long as nothing is written there. `digest`: SHA-256. */
bool msi_fingerprint(struct cfb *c, uint8_t *digest, struct error *e);

#endif
