#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoints.h"
#include "cmd.h"
#include "common.h"
#include "hma/merge.h"
#include "json_out.h"
#include "point.h"
#include "recipe_options.h"
#include "table.h"
#include "talk.h"

typedef struct merge_values {
    cli_common common;
    const char *pre, *post, *out, *from, *point, *donor;
    uint64_t shard_size;
    bool force, dry_run;
    cli_recipe_ratios ratios;
    cli_recipe_settings settings;
} merge_values;

static const merge_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPTIONAL_OPERAND, .name = "PRE", .help = "model folder before RLHF; with --from the run's if left out",
     .offset = offsetof(merge_values, pre), .role = CLI_READS},
    {CLI_OPTIONAL_OPERAND, .name = "POST", .help = "model folder after RLHF", .offset = offsetof(merge_values, post),
     .role = CLI_READS},
};
static const cli_option options[] = {
    {CLI_TEXT, 0, "out", "DIR", .help = "folder to write", .offset = offsetof(merge_values, out), .required = true},
    {CLI_SIZE, 0, "shard-size", "SIZE", .help = "bytes of weights a file may hold", .absent = "5 GB",
     .offset = offsetof(merge_values, shard_size)},
    {CLI_TEXT, 0, "donor", "WHICH", .help = "whose config, tokenizer and templates are copied: pre or post",
     .absent = "post, or whose the extra rows are", .offset = offsetof(merge_values, donor)},
    {CLI_FLAG, 0, "force", .help = "replace an existing model folder and all that lies in it", .offset = offsetof(merge_values, force)},
    {CLI_FLAG, 0, "dry-run", .help = "check and measure everything, write nothing", .offset = offsetof(merge_values, dry_run)},
};
static const cli_option from_run[] = {
    {CLI_TEXT, 0, "from", "RUN", .help = "take the recipe of a point of this run, and its scores for the model card",
     .absent = "none", .offset = offsetof(merge_values, from), .role = CLI_RUN},
    {CLI_TEXT, 0, "point", "ID", .help = "id, label, recommended, knee, best-retention or best-reward", .absent = "recommended",
     .offset = offsetof(merge_values, point)},
};

/* What is merged, wherever the options took it from. */
typedef struct job {
    hma_run *run;
    hma_front *front;
    hma_checkpoint *pre, *post, *base;
    hma_recipe *recipe;
    hma_source *source;
    char *scores;
} job;

static void free_job(job *j) {
    hma_source_free(j->source);
    hma_recipe_free(j->recipe);
    hma_checkpoint_close(j->pre);
    hma_checkpoint_close(j->post);
    hma_checkpoint_close(j->base);
    hma_front_free(j->front);
    hma_run_close(j->run);
    free(j->scores);
}

/* ---- a point of a run ---- */

/* What was scored is what is merged: other weights under the same path would get scores that are not theirs. */
static hma_status check_digest(hma_context *context, const job *j, const hma_checkpoint *checkpoint, const char *fact) {
    char digest[65];
    const char *recorded = hma_run_fact(j->run, fact);
    const hma_status status = hma_checkpoint_digest(context, checkpoint, digest);
    if (status != HMA_OK || (recorded && strcmp(recorded, digest) == 0)) {
        return status;
    }
    return cli_error(HMA_INCOMPATIBLE,
                     "%s: is not the model that the run scored (expected %s %.16s.., got %.16s..): name that model",
                     hma_checkpoint_folder(checkpoint), fact, recorded ? recorded : "?", digest);
}

static hma_status take_point(job *j, const merge_values *v) {
    size_t point;
    hma_status status = cli_point_find(&point, j->run, j->front, v->point ? v->point : "recommended");
    if (status == HMA_OK) {
        const hma_point *p = &j->front->points[point];
        status = p->recipe ? hma_recipe_copy(&j->recipe, p->recipe)
                           : cli_error(HMA_USAGE,
                                       "--point: %s is no merge of pre and post (expected a point with a recipe): there is "
                                       "nothing to merge",
                                       p->label);
    }
    if (status == HMA_OK && !(j->scores = cli_point_scores(j->front, point, v->from))) {
        status = cli_error_memory();
    }
    return status;
}

static hma_status open_base_of_run(cli_session *session, job *j, const merge_values *v) {
    const char *base = v->settings.base ? v->settings.base : hma_run_fact(j->run, "base");
    if (hma_recipe_base(j->recipe) != HMA_BASE_MODEL) {
        return v->settings.base ? cli_error(HMA_USAGE, "--base: is not used by this point (its method is %s): leave it out",
                                            hma_method_name(hma_recipe_method(j->recipe)))
                                : HMA_OK;
    }
    if (!base) {
        return cli_error(HMA_BAD_DATA, "%s: does not say where the base is (expected a folder): name it with --base", v->from);
    }
    const hma_status status = cli_checkpoint_open(&j->base, base);
    return status == HMA_OK ? check_digest(session->context, j, j->base, "base_sha256") : status;
}

static hma_status open_from_run(cli_session *session, job *j, const merge_values *v) {
    hma_status status = cli_run_front(&j->run, &j->front, session->context, v->from);
    if (status == HMA_OK) {
        status = take_point(j, v);
    }
    if (status == HMA_OK) {
        const char *pre = v->pre ? v->pre : hma_run_fact(j->run, "pre"),
                   *post = v->post ? v->post : hma_run_fact(j->run, "post");
        status = pre && post
                     ? cli_pair_open(&j->pre, &j->post, pre, post)
                     : cli_error(HMA_BAD_DATA, "%s: does not say where pre and post are (expected both): name them", v->from);
    }
    if (status == HMA_OK) {
        status = check_digest(session->context, j, j->pre, "pre_sha256");
    }
    if (status == HMA_OK) {
        status = check_digest(session->context, j, j->post, "post_sha256");
    }
    return status == HMA_OK ? open_base_of_run(session, j, v) : status;
}

/* ---- two folders ---- */

static hma_status open_pair(cli_session *session, job *j, const merge_values *v) {
    size_t layers;
    hma_status status = cli_pair_open(&j->pre, &j->post, v->pre, v->post);
    if (status == HMA_OK) {
        status = hma_checkpoint_layers(j->post, &layers);
    }
    if (status == HMA_OK) {
        status = cli_recipe_make(&j->recipe, session->parsed, &v->ratios, &v->settings, layers);
    }
    return status == HMA_OK && v->settings.base ? cli_checkpoint_open(&j->base, v->settings.base) : status;
}

/* ---- what goes together ---- */

static hma_status check_from(const cli_parsed *parsed) {
    if (cli_recipe_given(parsed)) {
        return cli_error(HMA_USAGE,
                         "--from: does not go with --ratio, --ratios or --recipe (the point has a recipe): leave one out");
    }
    for (size_t i = 0; i < sizeof cli_recipe_settings_options / sizeof *cli_recipe_settings_options; i++) {
        if (cli_given(parsed, cli_recipe_settings_options[i].name)) {
            return cli_error(HMA_USAGE, "--%s: does not go with --from (the point's recipe says it): leave it out",
                             cli_recipe_settings_options[i].name);
        }
    }
    return HMA_OK;
}

static hma_status check_values(const cli_parsed *parsed, const merge_values *v) {
    if (v->from) {
        return v->pre && !v->post
                   ? cli_error(HMA_USAGE, "POST: is missing (expected both models or none): add it or leave out PRE")
                   : check_from(parsed);
    }
    if (!v->pre || !v->post) {
        return cli_error(HMA_USAGE, "%s: is missing (it is required without --from): see 'hma help merge'",
                         v->pre ? "POST" : "PRE");
    }
    return v->point ? cli_error(HMA_USAGE, "--point: is given without --from (expected both): name the run") : HMA_OK;
}

/* ---- the report ---- */

static void put_loss(cli_json *json, const char *key, const hma_rounding_loss *loss) {
    cli_json_object(json, key);
    cli_json_count(json, "elements", loss->elements);
    cli_json_count(json, "differing", loss->differing);
    cli_json_count(json, "lost", loss->lost);
    cli_json_number(json, "lost_share", loss->differing ? (double)loss->lost / (double)loss->differing : 0);
    cli_json_number(json, "error", loss->delta_norm > 0 ? loss->error_norm / loss->delta_norm : 0);
    cli_json_object_end(json);
}

static hma_status print_json(const merge_values *v, const job *j, const hma_merge_report *r) {
    char *recipe;
    const hma_status status = hma_recipe_json(j->recipe, &recipe);
    if (status != HMA_OK) {
        return status;
    }
    cli_json json = cli_json_begin(stdout);
    cli_json_text(&json, "out", v->out);
    cli_json_bool(&json, "written", !v->dry_run);
    cli_json_text(&json, "id", hma_recipe_id(j->recipe));
    cli_json_raw(&json, "recipe", recipe);
    cli_json_number(&json, "mean_ratio", hma_recipe_mean_ratio(j->recipe));
    cli_json_count(&json, "bytes", r->bytes);
    cli_json_count(&json, "tensors", r->tensors);
    cli_json_count(&json, "shards", r->shards);
    if (r->slerp_tensors) {
        cli_json_object(&json, "slerp");
        cli_json_count(&json, "tensors", r->slerp_tensors);
        cli_json_count(&json, "linear", r->slerp_linear);
        cli_json_object_end(&json);
    }
    cli_json_object(&json, "rounding");
    put_loss(&json, "total", &r->total);
    for (size_t k = 0; k < HMA_KIND_COUNT; k++) {
        if (r->kind[k].elements) {
            put_loss(&json, hma_tensor_kind_name((hma_tensor_kind)k), &r->kind[k]);
        }
    }
    cli_json_object_end(&json);
    cli_json_end(&json);
    hma_text_free(recipe);
    return HMA_OK;
}

static void add_loss(cli_table *table, const char *name, const hma_rounding_loss *loss) {
    cli_table_cell(table, "%s", name);
    cli_table_cell(table, "%" PRIu64, loss->elements);
    cli_table_cell(table, "%.2f %%", loss->elements ? 100 * (double)loss->differing / (double)loss->elements : 0);
    cli_table_cell(table, "%.2f %%", loss->differing ? 100 * (double)loss->lost / (double)loss->differing : 0);
    cli_table_cell(table, "%.2f %%", loss->delta_norm > 0 ? 100 * loss->error_norm / loss->delta_norm : 0);
}

static hma_status print_text(const merge_values *v, const job *j, const hma_merge_report *r) {
    static const char *const head[] = {"rounding", "elements", "interpolated", "of these lost", "error / delta"};
    (void)printf("%s%s: %zu tensors, %.1f MB in %zu file%s, recipe %s\n", v->dry_run ? "not written: " : "", v->out, r->tensors,
                 (double)r->bytes / 1e6, r->shards, r->shards == 1 ? "" : "s", hma_recipe_id(j->recipe));
    (void)printf("mean ratio %.6g (weight of post; weight of pre %.6g)\n", hma_recipe_mean_ratio(j->recipe),
                 1 - hma_recipe_mean_ratio(j->recipe));
    if (r->slerp_tensors) {
        (void)printf("slerp: %zu of %zu tensors are nearly parallel (cosine above 0.9995) and were averaged linearly\n",
                     r->slerp_linear, r->slerp_tensors);
    }
    (void)putchar('\n');
    cli_table table = cli_table_begin("lrrrr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_cell(&table, "%s", head[i]);
    }
    for (size_t k = 0; k < HMA_KIND_COUNT; k++) {
        if (r->kind[k].elements) {
            add_loss(&table, hma_tensor_kind_name((hma_tensor_kind)k), &r->kind[k]);
        }
    }
    add_loss(&table, "total", &r->total);
    return cli_table_end(&table, stdout);
}

static hma_status write_and_report(cli_session *session, const merge_values *v, const job *j) {
    const hma_merge_options merge_options = {.shard_size = v->shard_size,
                                             .force = v->force,
                                             .dry_run = v->dry_run,
                                             .donor = v->donor,
                                             .command_line = session->command_line,
                                             .scores_json = j->scores};
    hma_merge_report report;
    const hma_status status = hma_merge_write(session->context, j->source, v->out, &merge_options, &report);
    if (status != HMA_OK) {
        return status;
    }
    if (!v->dry_run) {
        cli_warn_unless_scorable(v->out);
    }
    return v->common.json ? print_json(v, j, &report) : print_text(v, j, &report);
}

static hma_status run(cli_session *session, const void *values) {
    const merge_values *v = values;
    job j = {0};
    hma_status status = check_values(session->parsed, v);
    if (status == HMA_OK) {
        status = v->from ? open_from_run(session, &j, v) : open_pair(session, &j, v);
    }
    if (status == HMA_OK) {
        status = hma_source_merged_from(&j.source, j.pre, j.post, j.base, j.recipe);
    }
    if (status == HMA_OK) {
        status = write_and_report(session, v, &j);
    }
    free_job(&j);
    return status;
}

const cli_command cli_cmd_merge = {
    .spec = {"merge",
             "write the merge of two models as a complete model folder",
             "Ratios come from --ratio, --ratios, --recipe, or from a point of a run with --from.\n"
             "Policies: full (embedding: first block; final norm and head: mean; norms: their layer's),\n"
             "linear-only (only the matrices of the layers, and the head by the mean),\n"
             "uniform-outside (all outside the layers by the mean).\n"
             "Methods: linear; extrapolate (ratios up to 2, beyond post); slerp; task-arithmetic, ties and dare, which add\n"
             "deltas to pre, or with --base those of pre and post to a third model. The README has their formulas.",
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0),
              CLI_RECIPE_RATIOS_GROUP(offsetof(merge_values, ratios)), CLI_GROUP("Ratios of a run", from_run, 0),
              CLI_RECIPE_SETTINGS_GROUP(offsetof(merge_values, settings)), CLI_BASE_GROUP(offsetof(merge_values, settings)),
              CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
