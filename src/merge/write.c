/* Writing a merge as a complete model folder. */
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/folder.h"
#include "checkpoint/shards.h"
#include "merge/config_edit.h"
#include "merge/manifest.h"
#include "merge/records.h"
#include "merge/target.h"

/* No tokenizer is larger. */
enum { COMPANION_LIMIT = 1 << 28 };

/* Above this share of lost interpolations the output type is too coarse for the distance between pre and post. */
static const double worrying_loss = 0.2;

/* One call of hma_merge_write(). */
typedef struct merge_writer {
    hma_context *context;
    const hma_source *source;
    const hma_merge_options *options;
    const hma_checkpoint *donor;
    hma_stage stage;
    hma_records records;
    hma_merge_facts facts;
    hma_merge_report report;
} merge_writer;

/* ---- before anything is written ---- */

/* They become part of a JSON file as they are. */
static hma_status check_scores(const char *json) {
    cJSON *tree;
    hma_status status = hma_json_parse(&tree, "scores", json, strlen(json));
    if (status == HMA_OK) {
        if (!cJSON_IsObject(tree)) {
            status = hma_error(HMA_BAD_DATA, "scores: are not a JSON object (expected names and values): correct them");
        }
        cJSON_Delete(tree);
    }
    return status;
}

static hma_status check_options(merge_writer *w) {
    const hma_recipe *recipe = hma_source_recipe(w->source);
    if (!recipe) {
        return hma_error(HMA_USAGE, "%s: is a single checkpoint (expected a merge of two): copy the folder instead",
                         hma_checkpoint_folder(hma_source_post(w->source)));
    }
    const hma_extra_rows recipe_rows = hma_recipe_extra_rows(recipe);
    const char *usual = recipe_rows == HMA_EXTRA_ROWS_PRE ? "pre" : "post";
    const char *donor = w->options->donor ? w->options->donor : usual;
    const bool from_pre = strcmp(donor, "pre") == 0;
    if (!from_pre && strcmp(donor, "post") != 0) {
        return hma_error(HMA_USAGE, "donor: \"%s\" does not exist (expected \"pre\" or \"post\"): choose one", donor);
    }
    w->donor = from_pre ? hma_source_pre(w->source) : hma_source_post(w->source);
    w->facts.donor = from_pre ? "pre" : "post";
    if (recipe_rows != HMA_EXTRA_ROWS_NONE && from_pre != (recipe_rows == HMA_EXTRA_ROWS_PRE)) {
        return hma_error(HMA_USAGE,
                         "donor: %s does not go with extra rows of %s (expected the model whose rows they are, for its "
                         "tokenizer names them): leave --donor out",
                         w->facts.donor, hma_extra_rows_name(recipe_rows));
    }
    return w->options->scores_json ? check_scores(w->options->scores_json) : HMA_OK;
}

static hma_status check_target(const merge_writer *w, const char *folder) {
    const hma_checkpoint *inputs[] = {hma_source_pre(w->source), hma_source_post(w->source), hma_source_base(w->source)};
    if (!*folder) {
        return hma_error(HMA_USAGE, "output folder: has no name (expected a path): give one");
    }
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i] && hma_checkpoint_reads_from(inputs[i], folder)) {
            return hma_error(HMA_USAGE, "%s: would overwrite %s, which is merged (expected a folder apart from it): choose "
                             "another name", folder, hma_checkpoint_folder(inputs[i]));
        }
    }
    if (!w->options->force && hma_path_exists(folder)) {
        return hma_error(HMA_USAGE, "%s: exists already (expected a new folder): choose another name or add --force", folder);
    }
    return hma_check_target(folder);
}

/* ---- the files ---- */

static hma_status store(const merge_writer *w, const char *name, const void *bytes, size_t length) {
    char *path = hma_path_join(w->stage.folder, name);
    const hma_status status = path ? hma_file_store_new(path, bytes, length) : HMA_FAILURE;
    free(path);
    return status;
}

static hma_status store_text(const merge_writer *w, const char *name, hma_buffer *text) {
    hma_status status = hma_buffer_ok(text);
    if (status == HMA_OK) {
        status = store(w, name, text->data, text->length);
    }
    hma_buffer_free(text);
    return status;
}

static hma_status write_weights(merge_writer *w) {
    char *recipe = NULL;
    hma_status status = hma_recipe_json(hma_source_recipe(w->source), &recipe);
    if (status != HMA_OK) {
        return status;
    }
    const char *const metadata[] = {"hma_recipe", recipe, NULL};
    const hma_shard_options options = {w->options->shard_size, metadata};
    hma_shard_report shards;
    status = hma_shards_write(w->context, w->stage.folder, w->records.tensors, w->records.count, &options, hma_records_produce,
                              &w->records, &shards);
    if (status == HMA_OK) {
        w->report.shards = shards.shards;
    }
    hma_text_free(recipe);
    return status;
}

static hma_status write_config(const merge_writer *w) {
    char *path = hma_path_join(hma_checkpoint_folder(w->donor), HMA_CONFIG_FILE), *text = NULL;
    size_t length = 0;
    hma_buffer edited = {0};
    hma_status status = path ? hma_file_load(path, COMPANION_LIMIT, &text, &length) : HMA_FAILURE;
    const int dtype = hma_recipe_dtype(hma_source_recipe(w->source));
    if (status == HMA_OK && dtype == HMA_DTYPE_STORED) {
        status = store(w, HMA_CONFIG_FILE, text, length);
    } else if (status == HMA_OK) {
        status = hma_config_with_dtype(&edited, path, text, length, (hma_dtype)dtype);
        if (status == HMA_OK) {
            status = store_text(w, HMA_CONFIG_FILE, &edited);
        }
    }
    hma_buffer_free(&edited);
    free(text);
    free(path);
    return status;
}

static hma_status copy_companion(const merge_writer *w, const char *name) {
    char *path = hma_path_join(hma_checkpoint_folder(w->donor), name), *text = NULL;
    size_t length = 0;
    hma_status status = path ? HMA_OK : HMA_FAILURE;
    if (path && hma_path_exists(path)) {
        status = hma_file_load(path, COMPANION_LIMIT, &text, &length);
        if (status == HMA_OK) {
            status = store(w, name, text, length);
        }
    }
    free(text);
    free(path);
    return status;
}

static hma_status write_card(const merge_writer *w) {
    hma_buffer card = {0};
    hma_card_write(&card, &w->facts);
    return store_text(w, "README.md", &card);
}

static hma_status write_manifest(const merge_writer *w) {
    hma_buffer manifest = {0};
    const hma_status status = hma_manifest_write(w->context, &manifest, &w->facts, w->stage.folder);
    if (status != HMA_OK) {
        hma_buffer_free(&manifest);
        return status;
    }
    return store_text(w, HMA_MANIFEST_FILE, &manifest);
}

static hma_status check_inputs_unchanged(const merge_writer *w) {
    const hma_checkpoint *base = hma_source_base(w->source);
    hma_status status = hma_checkpoint_unchanged(hma_source_pre(w->source));
    if (status == HMA_OK) {
        status = hma_checkpoint_unchanged(hma_source_post(w->source));
    }
    return status == HMA_OK && base ? hma_checkpoint_unchanged(base) : status;
}

/* What is known when everything has been produced. */
static void sum_up(merge_writer *w) {
    hma_records_sum(&w->records, &w->report);
    hma_source_count_slerp(w->source, &w->report.slerp_tensors, &w->report.slerp_linear);
}

static hma_status fill_stage(merge_writer *w) {
    hma_status status = write_weights(w);
    if (status == HMA_OK) {
        status = check_inputs_unchanged(w);
    }
    if (status == HMA_OK) {
        sum_up(w);
        status = write_config(w);
    }
    for (const char *const *name = hma_folder_companions; status == HMA_OK && *name; name++) {
        status = copy_companion(w, *name);
    }
    if (status == HMA_OK) {
        status = write_card(w);
    }
    if (status == HMA_OK) {
        status = write_manifest(w);
    }
    if (status == HMA_OK) {
        status = hma_records_verify(w->context, &w->records, w->stage.folder);
    }
    return status;
}

/* ---- the two ways to run ---- */

static hma_status digest_inputs(merge_writer *w) {
    const hma_checkpoint *base = hma_source_base(w->source);
    hma_status status = hma_checkpoint_digest(w->context, hma_source_pre(w->source), w->facts.pre_digest);
    if (status == HMA_OK) {
        status = hma_checkpoint_digest(w->context, hma_source_post(w->source), w->facts.post_digest);
    }
    return status == HMA_OK && base ? hma_checkpoint_digest(w->context, base, w->facts.base_digest) : status;
}

static hma_status write_folder(merge_writer *w, const char *folder) {
    hma_status status = hma_stage_open(&w->stage, folder, w->options->force);
    if (status != HMA_OK) {
        return status;
    }
    status = digest_inputs(w);
    if (status == HMA_OK) {
        status = fill_stage(w);
    }
    if (status == HMA_OK) {
        status = hma_context_check(w->context);
    }
    if (status != HMA_OK) {
        hma_stage_discard(&w->stage);
        return status;
    }
    return hma_stage_commit(&w->stage, w->options->force);
}

static hma_status rehearse(merge_writer *w) {
    hma_status status = hma_records_produce_all(w->context, &w->records);
    if (status == HMA_OK) {
        sum_up(w);
        status = hma_shards_count(w->records.tensors, w->records.count, w->options->shard_size, &w->report.shards);
    }
    return status;
}

static void advise(const merge_writer *w) {
    const double share = hma_loss_share(&w->report.total);
    if (share > worrying_loss) {
        hma_log(w->context, HMA_LOG_WARNING, "rounding put %.0f %% of the interpolated elements back to pre or post (error "
                "%.0f %% of the delta): store the merge as F32 (--dtype F32) or round stochastically (--rounding stochastic)",
                100 * share, 100 * hma_loss_error(&w->report.total));
    }
}

static void add_sizes(merge_writer *w) {
    w->report.tensors = w->records.count;
    for (size_t i = 0; i < w->records.count; i++) {
        w->report.bytes += w->records.tensors[i]->bytes;
    }
}

/* The last part of a path, in memory to be freed: what a card calls a folder, without telling where it lay. */
static char *name_of(const char *path) {
    char *real = realpath(path, NULL), *copy = real ? real : hma_copy_text(path);
    if (!copy) {
        return NULL;
    }
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/') {
        copy[--length] = 0;
    }
    char *name = hma_copy_text(hma_path_base(copy));
    free(copy);
    return name;
}

static hma_status write_or_rehearse(merge_writer *w, const char *folder) {
    char *name = name_of(folder), *pre = name_of(hma_checkpoint_folder(hma_source_pre(w->source)));
    char *post = name_of(hma_checkpoint_folder(hma_source_post(w->source)));
    const hma_checkpoint *third = hma_source_base(w->source);
    char *base = third ? name_of(hma_checkpoint_folder(third)) : NULL;
    hma_status status = HMA_FAILURE;
    if (name && pre && post && (base || !third)) {
        w->facts.name = name;
        w->facts.pre_name = pre;
        w->facts.post_name = post;
        w->facts.base_name = base;
        w->facts.recipe = hma_source_recipe(w->source);
        w->facts.command_line = w->options->command_line;
        w->facts.scores_json = w->options->scores_json;
        w->facts.report = &w->report;
        status = w->options->dry_run ? rehearse(w) : write_folder(w, folder);
    }
    free(name);
    free(pre);
    free(post);
    free(base);
    return status;
}

hma_status hma_merge_write(hma_context *context, const hma_source *source, const char *folder, const hma_merge_options *options,
                           hma_merge_report *report) {
    static const hma_merge_options defaults;
    merge_writer w = {.context = context, .source = source, .options = options ? options : &defaults};
    hma_status status = check_options(&w);
    if (status == HMA_OK) {
        status = check_target(&w, folder);
    }
    if (status == HMA_OK) {
        status = hma_records_new(&w.records, source);
    }
    if (status != HMA_OK) {
        return status;
    }
    add_sizes(&w);
    status = write_or_rehearse(&w, folder);
    if (status == HMA_OK) {
        advise(&w);
        if (report) {
            *report = w.report;
        }
    }
    hma_records_free(&w.records);
    return status;
}
