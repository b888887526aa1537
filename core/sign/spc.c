/* SPDX-License-Identifier: Apache-2.0 */
#include "sign/spc.h"

#include <openssl/x509.h>

ASN1_CHOICE(SPC_STRING) =
    {
        ASN1_IMP(SPC_STRING, value.unicode, ASN1_BMPSTRING, 0),
        ASN1_IMP(SPC_STRING, value.ascii, ASN1_IA5STRING, 1),
} ASN1_CHOICE_END(SPC_STRING) IMPLEMENT_ASN1_FUNCTIONS(SPC_STRING)

        ASN1_CHOICE(SPC_LINK) =
            {
                ASN1_IMP(SPC_LINK, value.url, ASN1_IA5STRING, 0),
                ASN1_IMP(SPC_LINK, value.moniker, ASN1_SEQUENCE, 1),
                ASN1_EXP(SPC_LINK, value.file, SPC_STRING, 2),
} ASN1_CHOICE_END(SPC_LINK) IMPLEMENT_ASN1_FUNCTIONS(SPC_LINK)

                ASN1_SEQUENCE(SPC_SP_OPUS_INFO) =
                    {
                        ASN1_EXP_OPT(SPC_SP_OPUS_INFO, program_name, SPC_STRING, 0),
                        ASN1_EXP_OPT(SPC_SP_OPUS_INFO, more_info, SPC_LINK, 1),
} ASN1_SEQUENCE_END(SPC_SP_OPUS_INFO) IMPLEMENT_ASN1_FUNCTIONS(SPC_SP_OPUS_INFO)

                        ASN1_SEQUENCE(SPC_INDIRECT_DATA) = {
                            ASN1_SIMPLE(SPC_INDIRECT_DATA, data, ASN1_ANY),
                            ASN1_SIMPLE(SPC_INDIRECT_DATA, digest, X509_SIG),
} ASN1_SEQUENCE_END(SPC_INDIRECT_DATA) IMPLEMENT_ASN1_FUNCTIONS(SPC_INDIRECT_DATA)
