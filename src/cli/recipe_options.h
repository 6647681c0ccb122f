/*
 * Options that say how a merge is made, for every command that merges or scores merges.
 */
#ifndef HMA_CLI_RECIPE_OPTIONS_H
#define HMA_CLI_RECIPE_OPTIONS_H

#include "hma/recipe.h"
#include "options.h"

/* Everything of a recipe apart from its ratios. */
typedef struct cli_recipe_settings {
    const char *blocks, *dtype; /* NULL: not given */
    int method, policy, rounding, extra_rows;
    double density, lambda; /* 0: not given */
    uint64_t seed;
    cli_texts tensors;
    const char *base; /* folder of the third model; NULL: none */
} cli_recipe_settings;
extern const cli_option cli_recipe_settings_options[10];
#define CLI_RECIPE_SETTINGS_GROUP(base) CLI_GROUP("Merging", cli_recipe_settings_options, base)
/* Where --method stands in it: `hma search` calls it otherwise. */
enum { CLI_RECIPE_METHOD = 3 };

/* --base: a folder, and so no part of a recipe; goes with recipe files as well. */
extern const cli_option cli_base_options[1];
#define CLI_BASE_GROUP(base) CLI_GROUP("Merging", cli_base_options, base)

/* The names of merge methods, for another option that chooses one. */
const char *cli_method_word(size_t index);

/* Which ratios: one of these. */
typedef struct cli_recipe_ratios {
    double ratio;
    cli_ratios ratios;
    const char *recipe;
} cli_recipe_ratios;
extern const cli_option cli_recipe_ratios_options[3];
#define CLI_RECIPE_RATIOS_GROUP(base) CLI_GROUP("Ratios (weight of post), one of", cli_recipe_ratios_options, base)

/* The settings as the library takes them, without ratios and layers; points into `settings`. HMA_USAGE for an unknown
 * dtype. */
hma_status cli_recipe_spec(hma_recipe_spec *out, const cli_recipe_settings *settings);

/* HMA_USAGE where --blocks begins with 0: what it lists are the first layers of the blocks after the first. NULL: not given. */
hma_status cli_check_blocks(const char *blocks);

/* HMA_USAGE for a base that the method does not take deltas from; for commands whose merges all have this method. */
hma_status cli_recipe_check_base(const cli_recipe_settings *settings);

/* Whether any of --ratio, --ratios and --recipe was given. */
bool cli_recipe_given(const cli_parsed *parsed);

/*
 * Makes the recipe that the options describe. HMA_USAGE unless exactly one of --ratio, --ratios and --recipe was given, or when
 * a recipe file comes with settings that it holds itself.
 */
hma_status cli_recipe_make(hma_recipe **out, const cli_parsed *parsed, const cli_recipe_ratios *ratios,
                           const cli_recipe_settings *settings, size_t layers);

#endif
