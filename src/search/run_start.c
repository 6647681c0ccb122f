/* Beginning a run and resuming one, whatever it scores with. */
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/buffer.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "hma/version.h"
#include "search/run_parts.h"

/* The event's text: what is worth knowing of a run that several versions and command lines may have added to. */
static hma_status put_start_event(hma_run *run, const char *kind, const hma_facts *facts) {
    const char *line = hma_facts_get(facts, "command_line");
    hma_buffer detail = {0};
    hma_buffer_printf(&detail, "hma %s: %s", hma_version(), line ? line : "");
    hma_status status = hma_buffer_ok(&detail);
    if (status == HMA_OK) {
        status = hma_journal_put_event(run->journal, kind, HMA_NO_CANDIDATE, hma_buffer_cstr(&detail));
    }
    hma_buffer_free(&detail);
    return status;
}

/* ---- a new run ---- */

/*
 * Pre and post are the plain checkpoints. Their recipes are the ones that copy every bit of them, and not the run's own recipe
 * at ratio 0 and 1: under policy linear-only, with overrides or with another output type, that is another model.
 */
static hma_status put_endpoint(hma_run *run, const hma_recipe_spec *recipe, const char *label, double ratio) {
    hma_recipe_spec spec = hma_recipe_spec_default();
    spec.layers = recipe->layers;
    spec.blocks = recipe->blocks;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    hma_recipe *made;
    char *json;
    hma_status status = hma_recipe_new(&made, &spec);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_recipe_json(made, &json);
    if (status == HMA_OK) {
        status = hma_journal_put_candidate(run->journal, ratio == 0 ? 0 : 1, hma_recipe_id(made), label,
                                           hma_origin_name(HMA_ORIGIN_ENDPOINT), json);
        hma_text_free(json);
    }
    hma_recipe_free(made);
    return status;
}

static hma_status create(hma_run *run, const hma_facts *facts, const hma_recipe_spec *recipe, const char *suite) {
    char *path = hma_path_join(run->folder, "journal.sqlite");
    hma_status status = path ? hma_journal_create(&run->journal, path) : HMA_FAILURE;
    free(path);
    for (size_t i = 0; i < facts->count && status == HMA_OK; i++) {
        status = hma_journal_put_fact(run->journal, facts->list[i].key, facts->list[i].value);
    }
    if (status == HMA_OK) {
        status = hma_journal_put_fact(run->journal, "hma_version", hma_version());
    }
    if (status == HMA_OK) {
        status = put_endpoint(run, recipe, "pre", 0);
    }
    if (status == HMA_OK) {
        status = put_endpoint(run, recipe, "post", 1);
    }
    if (status == HMA_OK) {
        status = put_start_event(run, "started", facts);
    }
    if (status == HMA_OK) {
        status = hma_run_keep_suite(run, suite);
    }
    if (status == HMA_OK) {
        status = hma_journal_publish(run->journal);
        run->is_new = status == HMA_OK;
    }
    return status == HMA_OK ? hma_run_read(run) : status;
}

/* ---- a run that is there ---- */

static void warn_of_version(const hma_run *run) {
    const char *before = hma_run_fact(run, "hma_version");
    if (before && strcmp(before, hma_version()) != 0) {
        hma_log(run->context, HMA_LOG_WARNING,
                "%s: was begun by hma %s and goes on with %s: scores may differ in their last bits", run->folder, before,
                hma_version());
    }
}

static hma_status put_places(hma_run *run, const hma_facts *facts) {
    hma_status status = HMA_OK;
    for (size_t i = 0; i < facts->count && status == HMA_OK; i++) {
        const hma_fact *fact = &facts->list[i];
        if (fact->kind == HMA_FACT_PLACE) {
            status = hma_journal_put_fact(run->journal, fact->key, fact->value);
        }
        if (fact->kind == HMA_FACT_PLACE && status == HMA_OK) {
            status = hma_facts_set(&run->facts, HMA_FACT_PLACE, fact->key, "%s", fact->value);
        }
    }
    return status;
}

/*
 * ---- the history: a line for every command line that added candidates, as netCDF's "history" ----
 *
 * Those that only went on with an interrupted run are events: its exports are those of a run that was never interrupted.
 */

/* Keeps the line of this process for the time when it adds something; the one that the history ends with stands there already.
 */
static hma_status remember_line(hma_run *run, const hma_facts *facts) {
    const char *line = hma_facts_get(facts, "command_line"), *history = hma_run_fact(run, "command_line");
    const char *last = history ? strrchr(history, '\n') : NULL;
    last = last ? last + 1 : history;
    if (!line || (last && strcmp(line, last) == 0)) {
        return HMA_OK;
    }
    run->line = hma_copy_text(line);
    return run->line ? HMA_OK : HMA_FAILURE;
}

hma_status hma_run_note_line(hma_run *run) {
    const char *history = hma_run_fact(run, "command_line");
    hma_buffer text = {0};
    if (!run->line) {
        return HMA_OK;
    }
    hma_buffer_printf(&text, "%s%s%s", history ? history : "", history ? "\n" : "", run->line);
    hma_status status = hma_buffer_ok(&text);
    if (status == HMA_OK) {
        status = hma_journal_put_fact(run->journal, "command_line", hma_buffer_cstr(&text));
    }
    if (status == HMA_OK) {
        status = hma_facts_set(&run->facts, HMA_FACT_HISTORY, "command_line", "%s", hma_buffer_cstr(&text));
    }
    if (status == HMA_OK) {
        free(run->line);
        run->line = NULL;
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status resume(hma_run *run, const hma_facts *facts, const char *suite) {
    hma_status status = hma_run_read(run);
    if (status == HMA_OK) {
        status = hma_facts_compare(&run->facts, facts, run->folder);
    }
    if (status == HMA_OK) {
        status = hma_run_check_kept(run, false);
    }
    if (status == HMA_OK) {
        status = hma_run_keep_suite(run, suite);
    }
    if (status == HMA_OK) {
        status = remember_line(run, facts);
    }
    if (status == HMA_OK) {
        warn_of_version(run);
        status = hma_journal_begin(run->journal);
    }
    if (status == HMA_OK) {
        status = put_places(run, facts);
    }
    if (status == HMA_OK) {
        status = put_start_event(run, "resumed", facts);
    }
    if (status == HMA_OK) {
        status = hma_journal_commit(run->journal, "resume it");
    }
    if (status != HMA_OK) {
        hma_journal_roll_back(run->journal);
    }
    return status;
}

/* ---- both ---- */

/* Kept as JSON, because candidates are completed line by line (candidates.c). */
static hma_status set_defaults(hma_run *run, const hma_recipe_spec *recipe) {
    const double ratio = 0;
    hma_recipe_spec spec = *recipe;
    spec.ratios = &ratio;
    spec.ratio_count = 1;
    hma_recipe *made;
    hma_status status = hma_recipe_new(&made, &spec);
    if (status == HMA_OK) {
        run->default_method = recipe->method;
        run->default_blocks = recipe->blocks ? hma_recipe_blocks(made) : 0;
        status = hma_recipe_json(made, &run->defaults);
        hma_recipe_free(made);
    }
    return status;
}

hma_status hma_run_start(hma_run *run, const hma_facts *facts, const hma_recipe_spec *recipe, const char *suite) {
    hma_status status = set_defaults(run, recipe);
    if (status == HMA_OK) {
        status = run->journal ? resume(run, facts, suite) : create(run, facts, recipe, suite);
    }
    return status;
}
