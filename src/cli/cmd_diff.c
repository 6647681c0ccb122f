#include <inttypes.h>

#include "checkpoints.h"
#include "cmd.h"
#include "common.h"
#include "hma/merge.h"
#include "json_out.h"
#include "recipe_options.h"
#include "table.h"
#include "talk.h"

typedef struct diff_values {
    cli_common common;
    const char *pre, *post, *blocks;
    bool tensors;
} diff_values;

static const diff_values defaults = {0};

static const cli_option operands[] = {
    {CLI_OPERAND, .name = "PRE", .help = "model folder before RLHF", .offset = offsetof(diff_values, pre), .role = CLI_READS},
    {CLI_OPERAND, .name = "POST", .help = "model folder after RLHF", .offset = offsetof(diff_values, post), .role = CLI_READS},
};
static const cli_option options[] = {
    {CLI_TEXT, .name = "blocks", .argument = "SPEC", .help = "sum over these blocks too, as in 'hma help merge'",
     .offset = offsetof(diff_values, blocks)},
    {CLI_FLAG, .name = "tensors", .help = "list every tensor (JSON always does)", .offset = offsetof(diff_values, tensors)},
};

/* ---- JSON ---- */

static void put_delta(cli_json *json, const hma_delta *d) {
    cli_json_number(json, "l2", d->l2);
    cli_json_number(json, "relative", d->relative);
    cli_json_number(json, "max_abs", d->max_abs);
    cli_json_number(json, "cosine", d->cosine);
    cli_json_number(json, "changed", d->changed);
    cli_json_count(json, "elements", d->elements);
}

static void put_tensors(cli_json *json, const hma_diff *diff) {
    cli_json_array(json, "tensors");
    for (size_t i = 0; i < diff->tensor_count; i++) {
        cli_json_object(json, NULL);
        cli_json_text(json, "name", diff->tensors[i]->name);
        put_delta(json, &diff->tensor[i]);
        cli_json_object_end(json);
    }
    cli_json_array_end(json);
}

/* Layers or blocks; a block also tells its first layer. */
static void put_parts(cli_json *json, const char *key, const hma_delta *parts, size_t count, const size_t *first_layer) {
    cli_json_array(json, key);
    for (size_t i = 0; i < count; i++) {
        cli_json_object(json, NULL);
        if (first_layer) {
            cli_json_count(json, "first_layer", first_layer[i]);
        }
        put_delta(json, &parts[i]);
        cli_json_object_end(json);
    }
    cli_json_array_end(json);
}

static void put_kinds(cli_json *json, const hma_diff *diff) {
    cli_json_object(json, "kinds");
    for (size_t k = 0; k < HMA_KIND_COUNT; k++) {
        if (diff->kind[k].elements) {
            cli_json_object(json, hma_tensor_kind_name((hma_tensor_kind)k));
            put_delta(json, &diff->kind[k]);
            cli_json_object_end(json);
        }
    }
    cli_json_object_end(json);
}

static void put_lines(cli_json *json, const char *key, char *const *lines, size_t count) {
    cli_json_array(json, key);
    for (size_t i = 0; i < count; i++) {
        cli_json_text(json, NULL, lines[i]);
    }
    cli_json_array_end(json);
}

static void print_json(const hma_diff *diff, char *const *notes, size_t note_count) {
    cli_json json = cli_json_begin(stdout);
    cli_json_bool(&json, "compatible", true);
    put_lines(&json, "problems", NULL, 0);
    cli_json_object(&json, "total");
    put_delta(&json, &diff->total);
    cli_json_object_end(&json);
    put_tensors(&json, diff);
    put_parts(&json, "layers", diff->layer, diff->layer_count, NULL);
    put_parts(&json, "blocks", diff->block, diff->block_count, diff->block_start);
    put_kinds(&json, diff);
    put_lines(&json, "notes", notes, note_count);
    cli_json_end(&json);
}

/* ---- text ---- */

static void add_row(cli_table *table, const hma_delta *d) {
    cli_table_cell(table, "%.6g", d->l2);
    cli_table_cell(table, "%.3g %%", 100 * d->relative);
    cli_table_cell(table, "%.3g", d->max_abs);
    cli_table_cell(table, "%.6f", d->cosine);
    cli_table_cell(table, "%.1f %%", 100 * d->changed);
    cli_table_cell(table, "%" PRIu64, d->elements);
}

static hma_status print_text(const hma_diff *diff, bool tensors) {
    static const char *const head[] = {"part", "L2 of delta", "relative", "largest", "cosine", "changed", "elements"};
    cli_table table = cli_table_begin("lrrrrrr");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        cli_table_cell(&table, "%s", head[i]);
    }
    for (size_t i = 0; tensors && i < diff->tensor_count; i++) {
        cli_table_cell(&table, "%s", diff->tensors[i]->name);
        add_row(&table, &diff->tensor[i]);
    }
    for (size_t i = 0; i < diff->layer_count; i++) {
        cli_table_cell(&table, "layer %zu", i);
        add_row(&table, &diff->layer[i]);
    }
    for (size_t i = 0; diff->block_count > 1 && i < diff->block_count; i++) {
        const size_t next = i + 1 < diff->block_count ? diff->block_start[i + 1] : diff->layer_count;
        cli_table_cell(&table, "block %zu (layers %zu-%zu)", i + 1, diff->block_start[i], next - 1);
        add_row(&table, &diff->block[i]);
    }
    for (size_t k = 0; k < HMA_KIND_COUNT; k++) {
        if (diff->kind[k].elements) {
            cli_table_cell(&table, "%s", hma_tensor_kind_name((hma_tensor_kind)k));
            add_row(&table, &diff->kind[k]);
        }
    }
    cli_table_cell(&table, "total");
    add_row(&table, &diff->total);
    return cli_table_end(&table, stdout);
}

/* ---- pairs that do not fit ---- */

static void print_problems(char **problems, size_t count, bool as_json) {
    if (!as_json) {
        for (size_t i = 0; i < count; i++) {
            (void)printf("%s\n", problems[i]);
        }
        return;
    }
    cli_json json = cli_json_begin(stdout);
    cli_json_bool(&json, "compatible", false);
    put_lines(&json, "problems", problems, count);
    cli_json_end(&json);
}

static hma_status check_fit(const diff_values *v, const hma_checkpoint *pre, const hma_checkpoint *post) {
    char **problems;
    size_t count;
    hma_status status = hma_checkpoint_compare(pre, post, &problems, &count);
    if (status != HMA_OK) {
        return status;
    }
    if (count > 0) {
        print_problems(problems, count, v->common.json);
        status = cli_error(HMA_INCOMPATIBLE,
                           "%s: does not fit %s (%zu difference%s, listed on standard output): name two "
                           "checkpoints of one model",
                           v->post, v->pre, count, count == 1 ? "" : "s");
    }
    hma_problems_free(problems);
    return status;
}

static hma_status report(cli_session *session, const diff_values *v, const hma_checkpoint *pre, const hma_checkpoint *post) {
    hma_diff *diff = NULL;
    char **notes = NULL;
    size_t note_count = 0;
    hma_status status = cli_check_blocks(v->blocks);
    if (status == HMA_OK) {
        status = check_fit(v, pre, post);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_notes(pre, post, &notes, &note_count);
    }
    if (status == HMA_OK) {
        status = hma_diff_compute(session->context, &diff, pre, post, v->blocks);
    }
    if (status == HMA_OK && v->common.json) {
        print_json(diff, notes, note_count);
    } else if (status == HMA_OK) {
        status = print_text(diff, v->tensors);
        for (size_t i = 0; status == HMA_OK && i < note_count; i++) {
            (void)printf("note: %s\n", notes[i]);
        }
    }
    hma_diff_free(diff);
    hma_problems_free(notes);
    return status;
}

static hma_status run(cli_session *session, const void *values) {
    const diff_values *v = values;
    hma_checkpoint *pre, *post;
    hma_status status = cli_pair_open(&pre, &post, v->pre, v->post);
    if (status == HMA_OK) {
        status = report(session, v, pre, post);
    }
    hma_checkpoint_close(post);
    hma_checkpoint_close(pre);
    return status;
}

const cli_command cli_cmd_diff = {
    .spec = {"diff",
             "whether two checkpoints fit, and what separates them",
             NULL,
             {CLI_GROUP("Arguments", operands, 0), CLI_GROUP(NULL, options, 0), CLI_JSON_GROUP, CLI_COMMON_GROUP},
             &defaults,
             sizeof defaults},
    .run = run,
    .has_common = true,
};
