/* SPDX-License-Identifier: Apache-2.0 */
#include "job/page_seal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "crypto/age_writer.h"
#include "format/gzip.h"

struct scb_page_seal {
    struct scb_age_writer *age;
    struct scb_gzip *gzip;
};

enum scb_status scb_page_seal_new(const struct scb_age_recipients *recipients, struct scb_sink sink,
                                  struct scb_page_seal **ret_seal, struct scb_error *error)
{
    struct scb_page_seal *seal = scb_alloc(1, sizeof(*seal), error);
    if (seal == NULL)
        return SCB_ERROR_RESOURCE;
    enum scb_status status =
        scb_age_writer_new(recipients->items, recipients->count, &seal->age, error);
    if (status == SCB_OK)
        status = scb_gzip_new(scb_age_writer_sink(seal->age), &seal->gzip, error);
    if (status == SCB_OK)
        status = scb_age_writer_begin(seal->age, sink, error);
    if (status != SCB_OK) {
        scb_page_seal_free(seal);
        return status;
    }
    *ret_seal = seal;
    return SCB_OK;
}

void scb_page_seal_free(struct scb_page_seal *seal)
{
    if (seal == NULL)
        return;
    scb_gzip_free(seal->gzip);
    scb_age_writer_free(seal->age);
    free(seal);
}

enum scb_status scb_page_seal_write(struct scb_page_seal *seal, const void *data, size_t size,
                                    struct scb_error *error)
{
    return scb_gzip_write(seal->gzip, data, size, error);
}

enum scb_status scb_page_seal_end(struct scb_page_seal *seal, struct scb_error *error)
{
    enum scb_status status = scb_gzip_end(seal->gzip, error);
    return status == SCB_OK ? scb_age_writer_end(seal->age, error) : status;
}
