#include "recipe_options.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "hma/text.h"
#include "talk.h"

enum { RECIPE_BYTES = 16 << 20 };

/* Words of the library's enumerations, in its order. */

const char *cli_method_word(size_t index) { return index < HMA_METHODS ? hma_method_name((hma_method)index) : NULL; }

static const char *policy_word(size_t index) {
    return index <= HMA_POLICY_UNIFORM_OUTSIDE ? hma_policy_name((hma_policy)index) : NULL;
}

static const char *rounding_word(size_t index) {
    return index <= HMA_ROUND_STOCHASTIC ? hma_rounding_name((hma_rounding)index) : NULL;
}

static const char *extra_rows_word(size_t index) {
    return index <= HMA_EXTRA_ROWS_POST ? hma_extra_rows_name((hma_extra_rows)index) : NULL;
}

const cli_option cli_base_options[] = {
    {CLI_TEXT, 0, "base", "DIR",
     .help = "third model, from which task-arithmetic, ties and dare take the deltas of pre and post",
     .offset = offsetof(cli_recipe_settings, base), .absent = "pre", .role = CLI_READS},
};

const cli_option cli_recipe_settings_options[] = {
    {CLI_TEXT, 0, "blocks", "SPEC",
     .help =
         "runs of layers with one ratio each: a number, 'layers', 'hma' (the paper's three), or first layers of those after "
         "the first such as 8,17, of two blocks 8,",
     .offset = offsetof(cli_recipe_settings, blocks), .absent = "as many as ratios"},
    {CLI_CHOICE, 0, "policy", "NAME", .help = "which ratio the tensors outside the layers take, and norms",
     .offset = offsetof(cli_recipe_settings, policy), .choice = policy_word},
    {CLI_TEXTS, 0, "tensor", "GLOB=RATIO", .help = "another ratio for tensors of these names; may be given several times",
     .offset = offsetof(cli_recipe_settings, tensors)},
    {CLI_CHOICE, 0, "method", "NAME", .help = "how two weights become one", .offset = offsetof(cli_recipe_settings, method),
     .choice = cli_method_word},
    {CLI_POSITIVE, 0, "density", "D", .help = "of ties and dare: share of each delta's elements that is kept",
     .offset = offsetof(cli_recipe_settings, density), .absent = "0.2 for ties, 0.1 for dare", .most = 1},
    {CLI_POSITIVE, 0, "lambda", "L", .help = "of task-arithmetic, ties and dare: what the merged delta is multiplied by",
     .offset = offsetof(cli_recipe_settings, lambda), .absent = "1", .most = 4},
    {CLI_CHOICE, 0, "extra-rows", "WHOSE",
     .help = "vocabularies that differ: merge the rows that both have, take the others from this model",
     .offset = offsetof(cli_recipe_settings, extra_rows), .choice = extra_rows_word},
    {CLI_TEXT, 0, "dtype", "TYPE", .help = "of the merged weights: F32, F16, BF16 or stored",
     .offset = offsetof(cli_recipe_settings, dtype), .absent = "stored"},
    {CLI_CHOICE, 0, "rounding", "HOW", .help = "to that type; stochastic is unbiased",
     .offset = offsetof(cli_recipe_settings, rounding), .choice = rounding_word},
    {CLI_NUMBER, 0, "seed", "N", .help = "of stochastic rounding, ties and dare", .offset = offsetof(cli_recipe_settings, seed),
     .absent = "0", .most = (uint64_t)1 << 53},
};

const cli_option cli_recipe_ratios_options[] = {
    {CLI_RATIO, 0, "ratio", "A", .help = "one ratio for everything", .offset = offsetof(cli_recipe_ratios, ratio),
     .absent = "none", .most = 2},
    {CLI_RATIOS, 0, "ratios", "A1,..,AK", .help = "one ratio a block, from the embedding's side",
     .offset = offsetof(cli_recipe_ratios, ratios), .most = 2},
    {CLI_TEXT, 0, "recipe", "FILE", .help = "a recipe in JSON, or the hma-recipe.json of a merged folder",
     .offset = offsetof(cli_recipe_ratios, recipe), .role = CLI_READS},
};

hma_status cli_check_blocks(const char *blocks) {
    const size_t zeros = blocks ? strspn(blocks, "0") : 0;
    return zeros == 0 || blocks[zeros] != ','
               ? HMA_OK
               : cli_error(
                     HMA_USAGE,
                     "--blocks: '%s' leaves block 1 without layers (expected the first layers of block 2, of block 3, ..): "
                     "leave out the 0, and for two blocks write a comma after the one that is left, as in 8,",
                     blocks);
}

hma_status cli_recipe_spec(hma_recipe_spec *out, const cli_recipe_settings *settings) {
    hma_recipe_spec spec = hma_recipe_spec_default();
    const hma_status blocks_status = cli_check_blocks(settings->blocks);
    if (blocks_status != HMA_OK) {
        return blocks_status;
    }
    if (settings->dtype && strcmp(settings->dtype, "stored") != 0) {
        hma_dtype dtype;
        const hma_status status = hma_dtype_parse(&dtype, settings->dtype);
        if (status != HMA_OK || !hma_dtype_is_weight(dtype)) {
            return cli_error(HMA_USAGE, "--dtype: '%s' cannot be used (expected F32, F16, BF16 or stored): correct the value",
                             settings->dtype);
        }
        spec.dtype = (int)dtype;
    }
    spec.method = (hma_method)settings->method;
    spec.density = settings->density;
    spec.lambda = settings->lambda;
    spec.extra_rows = (hma_extra_rows)settings->extra_rows;
    spec.base = settings->base && hma_method_has_base(spec.method) ? HMA_BASE_MODEL : HMA_BASE_PRE;
    spec.policy = (hma_policy)settings->policy;
    spec.rounding = (hma_rounding)settings->rounding;
    spec.seed = settings->seed;
    spec.blocks = settings->blocks;
    spec.overrides = settings->tensors.item;
    spec.override_count = settings->tensors.count;
    *out = spec;
    return HMA_OK;
}

static size_t ratios_given(const cli_parsed *parsed) {
    return (size_t)cli_given(parsed, "ratio") + (size_t)cli_given(parsed, "ratios") + (size_t)cli_given(parsed, "recipe");
}

bool cli_recipe_given(const cli_parsed *parsed) { return ratios_given(parsed) > 0; }

static hma_status read_recipe(hma_recipe **out, const cli_parsed *parsed, const char *path, size_t layers) {
    for (size_t i = 0; i < sizeof cli_recipe_settings_options / sizeof *cli_recipe_settings_options; i++) {
        if (cli_given(parsed, cli_recipe_settings_options[i].name)) {
            return cli_error(HMA_USAGE, "--%s: does not go with --recipe (the file says it): change the file",
                             cli_recipe_settings_options[i].name);
        }
    }
    char *text;
    size_t length;
    hma_status status = cli_load_text(&text, &length, path, RECIPE_BYTES);
    if (status == HMA_OK) {
        status = hma_recipe_parse(out, text, length, layers, path);
        free(text);
    }
    return status;
}

hma_status cli_recipe_check_base(const cli_recipe_settings *settings) {
    return !settings->base || hma_method_has_base((hma_method)settings->method)
               ? HMA_OK
               : cli_error(
                     HMA_USAGE,
                     "--base: has no effect with the merge method %s (it belongs to task-arithmetic, ties and dare): leave "
                     "it out, or choose one of them",
                     hma_method_name((hma_method)settings->method));
}

static hma_status check_base_is_used(const char *base, const hma_recipe *recipe) {
    const bool used = hma_recipe_base(recipe) == HMA_BASE_MODEL;
    if (used == (base != NULL)) {
        return HMA_OK;
    }
    return used ? cli_error(HMA_USAGE, "--base: is missing (the recipe takes its deltas from a third model): name that model")
                : cli_error(HMA_USAGE,
                            "--base: is not used by this merge (expected a method %s): choose one of them or leave --base out",
                            "task-arithmetic, ties or dare, and in recipes \"base\":\"model\"");
}

/* Options take ratios beyond post because one method does. */
static hma_status check_ratios(const hma_recipe_spec *spec, const char *option) {
    for (size_t k = 0; k < spec->ratio_count; k++) {
        if (spec->ratios[k] > hma_method_most_ratio(spec->method)) {
            char text[HMA_DOUBLE_TEXT];
            return cli_error(HMA_USAGE,
                             "--%s: '%s' cannot be used (expected a ratio from 0 (pre) to 1 (post)): correct the value, or go "
                             "beyond post with --method extrapolate",
                             option, hma_double_text(spec->ratios[k], text));
        }
    }
    return HMA_OK;
}

hma_status cli_recipe_make(hma_recipe **out, const cli_parsed *parsed, const cli_recipe_ratios *ratios,
                           const cli_recipe_settings *settings, size_t layers) {
    if (ratios_given(parsed) != 1) {
        return cli_error(HMA_USAGE, "--ratio, --ratios, --recipe: %s (expected exactly one): see 'hma help merge'",
                         ratios_given(parsed) ? "several are given" : "none is given");
    }
    hma_recipe *recipe = NULL;
    hma_recipe_spec spec;
    hma_status status;
    if (ratios->recipe) {
        status = read_recipe(&recipe, parsed, ratios->recipe, layers);
    } else if ((status = cli_recipe_spec(&spec, settings)) == HMA_OK) {
        spec.layers = layers;
        spec.ratios = ratios->ratios.count ? ratios->ratios.item : &ratios->ratio;
        spec.ratio_count = ratios->ratios.count ? ratios->ratios.count : 1;
        status = check_ratios(&spec, ratios->ratios.count ? "ratios" : "ratio");
        status = status == HMA_OK ? hma_recipe_new(&recipe, &spec) : status;
    }
    if (status == HMA_OK) {
        status = check_base_is_used(settings->base, recipe);
    }
    if (status != HMA_OK) {
        hma_recipe_free(recipe);
        return status;
    }
    *out = recipe;
    return HMA_OK;
}
