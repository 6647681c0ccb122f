/*
 * The model that a command scores: a folder, or the merge of two that --post and the ratios describe.
 */
#ifndef HMA_CLI_SOURCE_H
#define HMA_CLI_SOURCE_H

#include "hma/merge.h"
#include "recipe_options.h"

typedef struct cli_scored {
    const char *model, *post; /* folders; post is NULL for a plain model */
    bool unrounded;           /* merged weights as fp32 */
    cli_recipe_ratios ratios;
    cli_recipe_settings settings;
} cli_scored;

/* Of commands that score one model, beside the groups of recipe_options.h. */
extern const cli_option cli_post_options[2];

typedef struct cli_source {
    hma_checkpoint *model, *post, *base;
    hma_recipe *recipe;
    hma_source *source;
} cli_source;

/* Free with cli_source_close(), also after a failure. HMA_USAGE when ratios are given without --post or the other way round. */
hma_status cli_source_open(cli_source *out, const cli_parsed *parsed, const cli_scored *scored);
/* HMA_USAGE for options of merges, which mean nothing without a second model. */
hma_status cli_source_refuse_merging(const cli_parsed *parsed);
void cli_source_close(cli_source *source);

/* Folder whose tokenizer the model speaks: post's for a merge, or that of the extra rows' donor. */
const char *cli_source_tokenizer(const cli_source *source, const cli_scored *scored);
/* What results call the model: the folder, or "PRE + POST at 0.4/0.7/1"; NULL when memory is out. Freed with free(). */
char *cli_source_name(const cli_source *source, const cli_scored *scored);

#endif
