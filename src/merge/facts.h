/* Everything that a merged folder says about itself, in its model card and in its manifest. */
#ifndef HMA_MERGE_FACTS_H
#define HMA_MERGE_FACTS_H

#include "base/buffer.h"
#include "hma/merge.h"

typedef struct hma_merge_facts {
    const char *name; /* of the merged folder */
    const hma_recipe *recipe;
    const char *pre_name, *post_name;
    const char *base_name; /* NULL: no third model */
    char pre_digest[65], post_digest[65], base_digest[65];
    const char *donor;        /* "pre" or "post" */
    const char *command_line; /* may be NULL */
    const char *scores_json;  /* may be NULL */
    const hma_merge_report *report;
} hma_merge_facts;

/* README.md: for people, and for the model hub, which reads its first lines. */
void hma_card_write(hma_buffer *out, const hma_merge_facts *facts);

#endif
