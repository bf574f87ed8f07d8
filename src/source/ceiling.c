/* SPDX-License-Identifier: Apache-2.0 */
#include "source/ceiling.h"

enum { FIRST_NEEDED = 32, MOST_NEEDED = 4096 };

void scb_ceiling_lower(struct scb_ceiling *ceiling, uint64_t entries)
{
    if (ceiling->entries != 0 && ceiling->entries <= entries)
        return;
    ceiling->entries = entries;
    ceiling->good = 0;
    ceiling->needed = ceiling->needed == 0 ? FIRST_NEEDED : ceiling->needed * 2;
    if (ceiling->needed > MOST_NEEDED)
        ceiling->needed = MOST_NEEDED;
}

void scb_ceiling_raise(struct scb_ceiling *ceiling, uint64_t asked)
{
    if (ceiling->entries == 0 || asked < ceiling->entries)
        return;
    if (++ceiling->good < ceiling->needed)
        return;
    ceiling->entries *= 2;
    ceiling->good = 0;
}

uint64_t scb_ceiling_limit(const struct scb_ceiling *ceiling, uint64_t entries)
{
    return ceiling->entries != 0 && ceiling->entries < entries ? ceiling->entries : entries;
}
