/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trust_view.h"

#include <stdio.h>

void scb_print_trust(const struct scb_verify_result *result)
{
    static const char *const words[] = {[SCB_SIGNATURE_NONE] = NULL,
                                        [SCB_SIGNATURE_WRONG] = NULL,
                                        [SCB_SIGNATURE_UNTRUSTED] =
                                            "whom identity.trusted does not name",
                                        [SCB_SIGNATURE_TRUSTED] = "trusted"};
    if (words[result->signature] != NULL)
        (void)printf("%s: signed by %s, %s\n", result->backup_date, result->signer,
                     words[result->signature]);
    if (result->unseen[0] != '\0')
        (void)printf("%s: its keys, values and duplicates were not looked at: %s\n",
                     result->backup_date, result->unseen);
}
