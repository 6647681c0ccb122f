#include "export/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "hma/version.h"

static const char *fact(const hma_run *run, const char *key) { return hma_text_or_empty(hma_run_fact(run, key)); }

static hma_status gather_title(hma_table *table, const hma_run *run) {
    hma_buffer title = {0};
    hma_buffer_printf(&title, "Averages of %s and %s", hma_path_base(table->pre), hma_path_base(table->post));
    if (*fact(run, "suite_name")) {
        hma_buffer_printf(&title, " on suite %s", fact(run, "suite_name"));
    }
    table->title = hma_buffer_release(&title);
    return table->title ? HMA_OK : HMA_FAILURE;
}

static hma_status gather_facts(hma_table *table, const hma_run *run) {
    table->command_line = fact(run, "command_line");
    table->version = *fact(run, "hma_version") ? fact(run, "hma_version") : HMA_VERSION;
    table->precision = fact(run, "precision");
    table->seed = fact(run, "seed");
    table->pre = fact(run, "pre");
    table->post = fact(run, "post");
    table->base = fact(run, "base");
    table->suite = fact(run, "suite");
    table->pre_sha256 = fact(run, "pre_sha256");
    table->post_sha256 = fact(run, "post_sha256");
    table->suite_sha256 = fact(run, "suite_sha256");
    return gather_title(table, run);
}

static void gather_ratios(hma_table *table, const hma_run *run, size_t index) {
    const hma_point *source = &table->front->points[index];
    double *layers = table->layer_ratios + index * table->layers;
    bool uniform = true;
    for (size_t layer = 0; layer < table->layers; layer++) {
        layers[layer] = source->recipe ? hma_recipe_layer_ratio(source->recipe, layer) : source->mean_ratio;
        uniform = uniform && layers[layer] == layers[0];
    }
    for (size_t block = 0; block < table->blocks; block++) {
        table->ratios[index * table->blocks + block] = hma_run_ratio(run, source->candidate, block);
    }
    table->points[index].uniform = uniform && source->kind == HMA_CANDIDATE_MERGE;
}

static hma_status gather_point(hma_table *table, const hma_run *run, size_t index) {
    const hma_point *source = &table->front->points[index];
    hma_table_point *point = &table->points[index];
    char *recipe;
    const hma_candidate *candidate = hma_run_candidate(run, source->candidate);
    if (source->recipe && hma_recipe_layers(source->recipe) != table->layers) {
        return hma_error(HMA_BAD_DATA, "%s: candidate %s has %zu layers (expected %zu): check the run with hma verify",
                         hma_run_folder(run), source->id, hma_recipe_layers(source->recipe), table->layers);
    }
    point->method = hma_candidate_method(candidate);
    point->origin = hma_origin_name(source->origin);
    point->mean_ratio = source->mean_ratio;
    point->failure = candidate->failure;
    point->folder = candidate->folder;
    point->sha256 = candidate->sha256;
    gather_ratios(table, run, index);
    if (!source->recipe) {
        return HMA_OK;
    }
    hma_status status = hma_recipe_json(source->recipe, &recipe);
    if (status == HMA_OK) {
        point->recipe = hma_copy_text(recipe);
        hma_text_free(recipe);
        status = point->recipe ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static hma_status gather_blocks(hma_table *table, const hma_run *run) {
    table->layers = hma_run_layers(run);
    table->blocks = hma_run_blocks(run);
    table->block_start = HMA_NEW(size_t, table->blocks);
    for (size_t block = 0; table->block_start && block < table->blocks; block++) {
        table->block_start[block] = hma_run_block_start(run, block);
    }
    return table->block_start ? HMA_OK : HMA_FAILURE;
}

static hma_status gather_points(hma_table *table, const hma_run *run) {
    const size_t points = table->front->point_count;
    size_t entries, layer_entries;
    if (!hma_mul_size(&entries, points, table->blocks) || !hma_mul_size(&layer_entries, points, table->layers)) {
        return hma_error_memory("ratios");
    }
    table->points = HMA_NEW(hma_table_point, points);
    table->ratios = HMA_NEW(double, entries);
    table->layer_ratios = HMA_NEW(double, layer_entries);
    hma_status status = table->points && table->ratios && table->layer_ratios ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; status == HMA_OK && i < points; i++) {
        status = gather_point(table, run, i);
    }
    return status;
}

hma_status hma_table_gather(hma_table *out, const hma_run *run, const hma_front *front, bool items) {
    hma_table table = {.front = front};
    hma_status status = gather_facts(&table, run);
    if (status == HMA_OK) {
        status = gather_blocks(&table, run);
    }
    if (status == HMA_OK) {
        status = gather_points(&table, run);
    }
    if (status == HMA_OK && items) {
        status = hma_table_gather_items(&table, run);
    }
    if (status != HMA_OK) {
        hma_table_free(&table);
        return status;
    }
    *out = table;
    return HMA_OK;
}
