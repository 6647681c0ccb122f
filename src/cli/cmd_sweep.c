#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "common.h"
#include "comparison_options.h"
#include "hma/run.h"
#include "hma/run_search.h"
#include "plan_print.h"
#include "recipe_options.h"
#include "run_options.h"
#include "talk.h"

typedef struct sweep_values {
    cli_common common;
    cli_run_inputs inputs;
    const char *grid, *levels, *candidates;
    cli_comparisons comparisons;
    bool race;
    cli_recipe_settings settings;
    cli_compute compute;
    cli_items items;
    bool dry_run;
} sweep_values;

static const sweep_values defaults = {0};

static const cli_option options[] = {
    {CLI_FLAG, 0, "dry-run", .help = "say what it would cost in tokens, memory and time, and score nothing",
     .offset = offsetof(sweep_values, dry_run)},
};
static const cli_option which[] = {
    {CLI_TEXT, 0, "grid", "FROM:TO:STEP", .help = "uniform ratios", .offset = offsetof(sweep_values, grid),
     .absent = "0:1:0.1 when nothing else is given"},
    {CLI_TEXT, 0, "levels", "A,B,..", .help = "all combinations of these ratios over the blocks", .absent = "none",
     .offset = offsetof(sweep_values, levels)},
    {CLI_TEXT, 0, "candidates", "FILE", .help = "recipes, one JSON object a line, each with an optional label",
     .absent = "none", .offset = offsetof(sweep_values, candidates), .role = CLI_READS},
    {CLI_FLAG, 0, "race", .help = "let them start on few items and stop those that have no chance of the front",
     .offset = offsetof(sweep_values, race)},
};

/* Lines of a file may take their deltas from a base whatever --method says. */
static hma_status check_base_is_used(const hma_run *run, const char *base) {
    bool used = base == NULL;
    for (size_t i = 0; i < hma_run_candidate_count(run) && !used; i++) {
        const hma_recipe *recipe = hma_run_candidate(run, i)->recipe;
        used = recipe && hma_recipe_base(recipe) == HMA_BASE_MODEL;
    }
    return used ? HMA_OK
                : cli_error(HMA_USAGE,
                            "--base: is used by no candidate (expected a method task-arithmetic, ties or dare, and in "
                            "recipes \"base\":\"model\"): leave it out");
}

static hma_status add_candidates(hma_run *run, const sweep_values *v) {
    const char *grid = v->grid || v->levels || v->candidates ? v->grid : "0:1:0.1";
    hma_status status = grid ? hma_run_add_grid(run, grid) : HMA_OK;
    if (status == HMA_OK && v->levels) {
        status = hma_run_add_levels(run, v->levels);
    }
    if (status == HMA_OK && v->candidates) {
        status = hma_run_add_file(run, v->candidates);
    }
    if (status == HMA_OK) {
        status = check_base_is_used(run, v->settings.base);
    }
    return status == HMA_OK ? cli_comparisons_add(run, &v->comparisons) : status;
}

static hma_status score_and_print(cli_session *session, const sweep_values *v, hma_run *run) {
    const hma_status status = v->race ? hma_run_race(run) : hma_run_score(run);
    return status == HMA_OK ? cli_run_print(session, run, v->common.json) : status;
}

/* The run of a rehearsal goes away; messages that name it shall name the real one. */
static void name_run(hma_status status, const char *rehearsal, const char *run) {
    const char *message = hma_error_message();
    const char *at = status != HMA_OK && !*cli_error_message() ? strstr(message, rehearsal) : NULL;
    if (at) {
        (void)cli_error(status, "%.*s%s%s", (int)(at - message), message, run, at + strlen(rehearsal));
    }
}

/* The same candidates in a run of their own, which goes away again; what the real run has scored already is left out. */
static hma_status print_plan(cli_session *session, const sweep_values *v, const hma_run_setup *setup) {
    char folder[4096];
    const char *base = getenv("TMPDIR");
    hma_run *run = NULL, *before = NULL;
    hma_run_plan plan;
    (void)snprintf(folder, sizeof folder, "%s/hma-dry-run-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        return cli_error_io(folder, "make the folder", errno);
    }
    hma_status status = hma_run_begin(&run, session->context, folder, setup);
    if (status == HMA_OK) {
        status = add_candidates(run, v);
    }
    if (status == HMA_OK) {
        status = cli_run_check_memory(session, run, !v->race);
    }
    if (status == HMA_OK && hma_run_open(&before, v->inputs.run) != HMA_OK) {
        before = NULL; /* it has not begun yet */
    }
    if (status == HMA_OK) {
        status = hma_run_estimate(run, before, &plan);
    }
    if (status == HMA_OK) {
        cli_plan_print(&plan, hma_run_candidate_count(run), v->common.json);
    }
    name_run(status, folder, v->inputs.run);
    hma_run_close(before);
    hma_run_abandon(run);
    (void)rmdir(folder);
    return status;
}

static hma_status run(cli_session *session, const void *values) {
    const sweep_values *v = values;
    hma_run_setup setup;
    hma_run *opened = NULL;
    hma_status status = cli_run_setup(&setup, session, &v->inputs, &v->settings, &v->compute);
    setup.prompts = (hma_prompt_split)v->items.prompts;
    setup.items = (hma_item_split)v->items.items;
    setup.limit = (size_t)v->items.limit;
    if (status == HMA_OK && v->levels && !v->settings.blocks) {
        status = cli_error(HMA_USAGE, "--levels: needs --blocks (expected how many blocks take these ratios): add --blocks 3");
    }
    if (status == HMA_OK && !v->candidates) { /* whose lines may have other methods */
        status = cli_recipe_check_base(&v->settings);
    }
    if (status == HMA_OK && v->dry_run) {
        return print_plan(session, v, &setup);
    }
    if (status == HMA_OK) {
        status = hma_run_begin(&opened, session->context, v->inputs.run, &setup);
    }
    if (status != HMA_OK) {
        return status;
    }
    status = add_candidates(opened, v);
    if (status == HMA_OK) {
        status = cli_run_check_memory(session, opened, !v->race);
    }
    if (status != HMA_OK) {
        hma_run_abandon(opened);
        return status;
    }
    status = score_and_print(session, v, opened);
    if (status == HMA_NON_FINITE && !v->race) { /* of other failures the same line goes on; races keep more than scores */
        hma_run_abandon(opened);
    } else {
        hma_run_close(opened);
    }
    return status;
}

const cli_command cli_cmd_sweep = {
    .spec = {"sweep",
             "score a set of merges, and pre and post, into a run; the same line resumes it",
             NULL,
             {CLI_RUN_OPERANDS_GROUP(offsetof(sweep_values, inputs)), CLI_RUN_GROUP(offsetof(sweep_values, inputs)),
              CLI_GROUP(NULL, options, 0), CLI_GROUP("Candidates", which, 0),
              CLI_COMPARISON_GROUP(offsetof(sweep_values, comparisons)),
              CLI_RECIPE_SETTINGS_GROUP(offsetof(sweep_values, settings)), CLI_BASE_GROUP(offsetof(sweep_values, settings)),
              CLI_COMPUTE_GROUP(offsetof(sweep_values, compute)), CLI_ITEMS_GROUP(offsetof(sweep_values, items)),
              CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
    .resumes = true,
};
