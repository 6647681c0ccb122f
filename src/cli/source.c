#include "source.h"

#include <stdio.h>
#include <stdlib.h>

#include "checkpoints.h"
#include "hma/text.h"
#include "talk.h"

const cli_option cli_post_options[] = {
    {CLI_TEXT, 0, "post", "POST", .help = "score the merge of MODEL (pre) with this model after RLHF",
     .offset = offsetof(cli_scored, post), .role = CLI_READS},
    {CLI_FLAG, 0, "score-unrounded",
     .help = "score merged weights as fp32, not rounded to the output type as they would be saved",
     .offset = offsetof(cli_scored, unrounded)},
};

/* The recipe that results are named after stays; what is read is another type. */
static hma_status merge_source(cli_source *s, const cli_scored *scored) {
    hma_recipe *unrounded = NULL;
    hma_status status = scored->unrounded ? hma_recipe_unrounded(&unrounded, s->recipe) : HMA_OK;
    if (status == HMA_OK) {
        status = hma_source_merged_from(&s->source, s->model, s->post, s->base, unrounded ? unrounded : s->recipe);
    }
    hma_recipe_free(unrounded);
    return status;
}

static hma_status open_merged(cli_source *s, const cli_parsed *parsed, const cli_scored *scored) {
    size_t layers;
    hma_status status = cli_pair_open(&s->model, &s->post, scored->model, scored->post);
    if (status == HMA_OK) {
        status = hma_checkpoint_layers(s->post, &layers);
    }
    if (status == HMA_OK) {
        status = cli_recipe_make(&s->recipe, parsed, &scored->ratios, &scored->settings, layers);
    }
    if (status == HMA_OK && scored->settings.base) {
        status = cli_checkpoint_open(&s->base, scored->settings.base);
    }
    return status == HMA_OK ? merge_source(s, scored) : status;
}

hma_status cli_source_refuse_merging(const cli_parsed *parsed) {
    for (size_t i = 0; i < sizeof cli_recipe_ratios_options / sizeof *cli_recipe_ratios_options; i++) {
        if (cli_given(parsed, cli_recipe_ratios_options[i].name)) {
            return cli_error(HMA_USAGE, "--%s: is given without --post (expected both): name the model after RLHF",
                             cli_recipe_ratios_options[i].name);
        }
    }
    for (size_t i = 0; i < sizeof cli_recipe_settings_options / sizeof *cli_recipe_settings_options; i++) {
        if (cli_given(parsed, cli_recipe_settings_options[i].name)) {
            return cli_error(HMA_USAGE, "--%s: is given without --post (expected both): name the model after RLHF",
                             cli_recipe_settings_options[i].name);
        }
    }
    static const char *const others[] = {"base", "score-unrounded"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (cli_given(parsed, others[i])) {
            return cli_error(HMA_USAGE, "--%s: is given without --post (expected both): name the model after RLHF", others[i]);
        }
    }
    return HMA_OK;
}

hma_status cli_source_open(cli_source *out, const cli_parsed *parsed, const cli_scored *scored) {
    *out = (cli_source){0};
    if (scored->post) {
        return open_merged(out, parsed, scored);
    }
    hma_status status = cli_source_refuse_merging(parsed);
    if (status == HMA_OK) {
        status = cli_checkpoint_open(&out->model, scored->model);
    }
    return status == HMA_OK ? hma_source_plain(&out->source, out->model) : status;
}

void cli_source_close(cli_source *source) {
    hma_source_free(source->source);
    hma_recipe_free(source->recipe);
    hma_checkpoint_close(source->post);
    hma_checkpoint_close(source->base);
    hma_checkpoint_close(source->model);
    *source = (cli_source){0};
}

const char *cli_source_tokenizer(const cli_source *source, const cli_scored *scored) {
    return source->source ? hma_checkpoint_folder(hma_source_described_by(source->source)) : scored->model;
}

char *cli_source_name(const cli_source *source, const cli_scored *scored) {
    char *name = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&name, &size);
    if (!out) {
        return NULL;
    }
    (void)fputs(scored->model, out);
    if (source->recipe) {
        char number[HMA_DOUBLE_TEXT];
        (void)fprintf(out, " + %s at ", scored->post);
        for (size_t k = 0; k < hma_recipe_blocks(source->recipe); k++) {
            (void)fprintf(out, "%s%s", k ? "/" : "", hma_double_text(hma_recipe_block_ratio(source->recipe, k), number));
        }
        if (hma_recipe_method(source->recipe) != HMA_LINEAR) {
            (void)fprintf(out, " by %s", hma_method_name(hma_recipe_method(source->recipe)));
        }
        (void)fputs(scored->unrounded ? ", unrounded" : "", out);
    }
    return fclose(out) == 0 ? name : NULL;
}
