/* The run: its folder, its journal and what it holds in memory. */
#include "hma/run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "hma/text.h"
#include "hma/version.h"
#include "search/run_folder.h"
#include "search/run_lock.h"
#include "search/run_parts.h"

static const char *const origin_names[] = {"endpoint", "grid", "search", "extra"};
enum { ORIGINS = sizeof origin_names / sizeof *origin_names, MOST_LAYERS = 65536 };

const char *hma_origin_name(hma_origin origin) { return (size_t)origin < ORIGINS ? origin_names[origin] : "unknown"; }

static bool parse_origin(hma_origin *out, const char *name) {
    for (size_t i = 0; i < ORIGINS; i++) {
        if (strcmp(name, origin_names[i]) == 0) {
            *out = (hma_origin)i;
            return true;
        }
    }
    return false;
}

static hma_status damaged(const hma_run *run, const char *problem) { return hma_sql_damaged(&run->journal->sql, problem); }

/* ---- blocks ---- */

static bool same_blocks(const hma_run *run, const hma_recipe *recipe) {
    bool same = hma_recipe_blocks(recipe) == run->block_count;
    for (size_t k = 0; same && k < run->block_count; k++) {
        same = hma_recipe_block_start(recipe, k) == run->block_start[k];
    }
    return same;
}

/* The first candidate with several blocks sets the structure; one that disagrees makes every layer a block. */
static void note_blocks(hma_run *run, const hma_recipe *recipe) {
    const bool undecided = run->block_count == 1;
    const size_t blocks = recipe ? hma_recipe_blocks(recipe) : 1;
    if (blocks == 1 || same_blocks(run, recipe)) {
        return;
    }
    run->block_count = undecided ? blocks : run->layers;
    for (size_t k = 0; k < run->block_count; k++) {
        run->block_start[k] = undecided ? hma_recipe_block_start(recipe, k) : k;
    }
}

const char *hma_run_folder(const hma_run *run) { return run->folder; }
size_t hma_run_layers(const hma_run *run) { return run->layers; }
size_t hma_run_blocks(const hma_run *run) { return run->block_count; }
size_t hma_run_block_start(const hma_run *run, size_t block) { return run->block_start[block]; }

double hma_run_ratio(const hma_run *run, size_t candidate, size_t block) {
    const hma_run_entry *entry = &run->entries[candidate];
    return entry->recipe ? hma_recipe_layer_ratio(entry->recipe, run->block_start[block]) : entry->candidate.mean_ratio;
}

static hma_status set_layers(hma_run *run) {
    const char *text = hma_run_fact(run, "layers");
    uint64_t layers = 0;
    if (!text || !hma_parse_u64(&layers, text) || layers == 0 || layers > MOST_LAYERS) {
        return damaged(run, "its number of layers is missing");
    }
    run->block_start = HMA_NEW(size_t, layers);
    if (!run->block_start) {
        return HMA_FAILURE;
    }
    run->layers = (size_t)layers;
    run->block_count = 1;
    return HMA_OK;
}

/* ---- entries ---- */

hma_status hma_run_append(hma_run *run, hma_recipe *recipe, hma_origin origin, const char *label) {
    char *copy = hma_copy_text(label);
    if (!copy || hma_grow(&run->entries, &run->entry_capacity, run->entry_count + 1, sizeof *run->entries) != 0) {
        free(copy);
        hma_recipe_free(recipe);
        return HMA_FAILURE;
    }
    run->entries[run->entry_count++] = (hma_run_entry){.candidate = {.id = hma_recipe_id(recipe),
                                                                     .label = copy,
                                                                     .origin = origin,
                                                                     .recipe = recipe,
                                                                     .mean_ratio = hma_recipe_mean_ratio(recipe),
                                                                     .seconds = NAN},
                                                       .recipe = recipe,
                                                       .label = copy};
    note_blocks(run, recipe);
    return HMA_OK;
}

void hma_run_truncate(hma_run *run, size_t count) {
    while (run->entry_count > count) {
        hma_run_entry *entry = &run->entries[--run->entry_count];
        hma_recipe_free(entry->recipe);
        free(entry->label);
        free(entry->failure);
        free(entry->id);
        free(entry->folder);
        free(entry->sha256);
        free(entry->dropped);
    }
    if (run->block_start) {
        run->block_count = 1;
        run->block_start[0] = 0;
    }
    for (size_t i = 0; i < run->entry_count; i++) {
        note_blocks(run, run->entries[i].recipe);
    }
}

static hma_status take_recipe(hma_run *run, const hma_journal_row *row, hma_origin origin) {
    hma_recipe *recipe;
    if (hma_recipe_parse(&recipe, row->recipe, strlen(row->recipe), run->layers, run->journal->path) != HMA_OK) {
        return hma_error_status();
    }
    if (strcmp(hma_recipe_id(recipe), row->id) != 0) {
        hma_recipe_free(recipe);
        return damaged(run, "a recipe does not have its id any more");
    }
    return hma_run_append(run, recipe, origin, row->label);
}

/* A candidate that is no recipe. */
static hma_status take_source(hma_run *run, const hma_journal_row *row, hma_origin origin) {
    hma_run_source source = {
        .kind = HMA_CANDIDATE_CHECKPOINT, .ratio = row->ratio, .sha256 = row->sha256, .folder = row->folder};
    char id[65];
    while (source.kind <= HMA_CANDIDATE_MIXTURE && strcmp(row->kind, hma_candidate_kind_name(source.kind)) != 0) {
        source.kind++;
    }
    if (source.kind > HMA_CANDIDATE_MIXTURE || *row->recipe) {
        return damaged(run, "it is not known what a candidate is");
    }
    const hma_status status = hma_run_source_id(&source, id);
    if (status == HMA_OK && strcmp(id, row->id) != 0) {
        return damaged(run, "a candidate does not have its id any more");
    }
    return status == HMA_OK ? hma_run_append_source(run, &source, origin, row->label) : status;
}

static hma_status take_row(void *user, const hma_journal_row *row) {
    hma_run *run = user;
    hma_origin origin;
    if (!parse_origin(&origin, row->origin)) {
        return damaged(run, "a candidate's origin is not known");
    }
    const hma_status status = *row->kind ? take_source(run, row, origin) : take_recipe(run, row, origin);
    if (status != HMA_OK) {
        return status;
    }
    hma_run_entry *entry = &run->entries[run->entry_count - 1];
    entry->candidate.scored = strcmp(row->status, "scored") == 0;
    entry->candidate.seconds = row->seconds;
    if (strcmp(row->status, "failed") == 0) {
        entry->failure = hma_copy_text(row->message);
        entry->candidate.failure = entry->failure;
        return entry->failure ? HMA_OK : HMA_FAILURE;
    }
    if (strcmp(row->status, "dropped") == 0) {
        entry->dropped = hma_copy_text(row->message);
        entry->candidate.dropped = entry->dropped;
        return entry->dropped ? HMA_OK : HMA_FAILURE;
    }
    entry->candidate.searched = strcmp(row->status, "searched") == 0;
    return entry->candidate.scored || entry->candidate.searched || strcmp(row->status, "waiting") == 0
               ? HMA_OK
               : damaged(run, "a candidate's status is not known");
}

/* Runs of before there were search items scored all of them. */
static hma_status complete_facts(hma_run *run) {
    return hma_run_fact(run, "items") ? HMA_OK : hma_facts_set(&run->facts, HMA_FACT_HISTORY, "items", "all");
}

/* Pre and post come first in every run. */
static hma_status check_endpoints(const hma_run *run) {
    const bool there = run->entry_count >= 2 && run->entries[0].candidate.origin == HMA_ORIGIN_ENDPOINT &&
                       run->entries[1].candidate.origin == HMA_ORIGIN_ENDPOINT;
    return there ? HMA_OK : damaged(run, "pre and post are missing");
}

/* One transaction, so that facts and candidates belong together while another process writes. */
hma_status hma_run_read(hma_run *run) {
    hma_status status = hma_sql_run(&run->journal->sql, "BEGIN", "read it");
    if (status == HMA_OK) {
        status = hma_journal_read_facts(run->journal, &run->facts);
    }
    if (status == HMA_OK) {
        status = complete_facts(run);
    }
    if (status == HMA_OK) {
        status = set_layers(run);
    }
    if (status == HMA_OK) {
        status = hma_journal_read_candidates(run->journal, take_row, run);
    }
    hma_journal_roll_back(run->journal);
    return status == HMA_OK ? check_endpoints(run) : status;
}

/* ---- folder ---- */

static hma_run *allocate(const char *folder) {
    hma_run *run = HMA_NEW(hma_run, 1);
    if (run) {
        run->lock = -1;
        run->folder = hma_copy_text(folder);
    }
    if (run && !run->folder) {
        free(run);
        return NULL;
    }
    return run;
}

static hma_status open_journal(hma_run *run, bool writable) {
    char *path = hma_path_join(run->folder, "journal.sqlite");
    struct stat about;
    hma_status status = path ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK && lstat(path, &about) == 0) { /* also a link that leads nowhere */
        status = hma_journal_open(&run->journal, path, writable);
    } else if (status == HMA_OK && errno != ENOENT) {
        status = hma_error_io(path, "open the file", errno); /* which does not mean that there is none */
    } else if (status == HMA_OK && !writable) {
        status = hma_error(HMA_IO,
                           "%s: holds no journal.sqlite (expected the folder of a run): name the folder that was given "
                           "as --run",
                           run->folder);
    }
    free(path);
    return status;
}

hma_status hma_run_open(hma_run **out, const char *folder) {
    struct stat about;
    if (stat(folder, &about) != 0) {
        return errno == ENOENT ? hma_error(HMA_IO,
                                           "%s: there is no such folder (expected a run): name the folder that was given "
                                           "as --run",
                                           folder)
                               : hma_error_io(folder, "open the folder", errno);
    }
    if (!S_ISDIR(about.st_mode)) {
        return hma_error(HMA_IO, "%s: is a file (expected the folder of a run): name the folder that was given as --run",
                         folder);
    }
    hma_run *run = allocate(folder);
    if (!run) {
        return HMA_FAILURE;
    }
    hma_status status = open_journal(run, false);
    if (status == HMA_OK) {
        status = hma_run_read(run);
    }
    if (status != HMA_OK) {
        hma_run_close(run);
        return status;
    }
    *out = run;
    return HMA_OK;
}

static hma_status make_folder(hma_run *run) {
    if (mkdir(run->folder, 0777) == 0) {
        run->made_folder = true;
        return HMA_OK;
    }
    if (errno != EEXIST) {
        return hma_error_io(run->folder, "make the folder", errno);
    }
    return hma_path_is_folder(run->folder)
               ? HMA_OK
               : hma_error(HMA_USAGE, "%s: is a file (expected a folder for the run): name another", run->folder);
}

/* Before the lock: a folder of somebody else's is not touched. */
static hma_status check_old_folder(const char *folder) {
    char *journal = hma_path_join(folder, "journal.sqlite");
    hma_status status = journal ? HMA_OK : HMA_FAILURE;
    if (journal && !hma_path_exists(journal)) {
        status = hma_run_check_empty(folder);
    }
    free(journal);
    return status;
}

hma_status hma_run_take(hma_run **out, hma_context *context, const char *folder) {
    hma_run *run = allocate(folder);
    if (!run) {
        return HMA_FAILURE;
    }
    run->context = context;
    hma_status status = make_folder(run);
    if (status == HMA_OK && !run->made_folder) {
        status = check_old_folder(folder);
    }
    if (status == HMA_OK) {
        status = hma_run_lock(&run->lock, folder);
    }
    if (status == HMA_OK) {
        status = open_journal(run, true);
    }
    if (status != HMA_OK) {
        hma_run_close(run);
        return status;
    }
    *out = run;
    return HMA_OK;
}

/* A folder that was made for a run that never began; stays when something else is in it. */
static void remove_folder(const hma_run *run) {
    if (run->abandoned) {
        char *journal = hma_path_join(run->folder, "journal.sqlite");
        (void)(journal && unlink(journal));
        free(journal);
    }
    char *requests = hma_path_join(run->folder, HMA_RUN_REQUESTS);
    if (requests) {
        (void)unlink(requests);
    }
    free(requests);
    char *suite = hma_path_join(run->folder, "suite.json");
    if (suite) {
        (void)unlink(suite);
    }
    free(suite);
    hma_run_unlock_and_remove(run->lock, run->folder);
    if (run->made_folder) {
        (void)rmdir(run->folder);
    }
}

void hma_run_close(hma_run *run) {
    if (!run) {
        return;
    }
    const bool began = run->journal && !run->journal->unpublished && !run->abandoned;
    hma_journal_close(run->journal);
    if (run->abandoned || (run->made_folder && !began)) {
        remove_folder(run);
    } else {
        hma_run_unlock(run->lock);
    }
    hma_run_truncate(run, 0);
    if (run->scorer_free) {
        run->scorer_free(run->scorer.user);
    }
    hma_facts_free(&run->facts);
    free(run->entries);
    free(run->block_start);
    free(run->defaults);
    free(run->line);
    free(run->folder);
    free(run);
}

void hma_run_abandon(hma_run *run) {
    bool scored = false;
    for (size_t i = 0; run && i < run->entry_count; i++) {
        scored = scored || run->entries[i].candidate.scored;
    }
    if (run) {
        run->abandoned = run->is_new && !scored;
    }
    hma_run_close(run);
}

/* ---- reading ---- */

size_t hma_run_candidate_count(const hma_run *run) { return run->entry_count; }

const hma_candidate *hma_run_candidate(const hma_run *run, size_t index) {
    return index < run->entry_count ? &run->entries[index].candidate : NULL;
}

const char *hma_run_fact(const hma_run *run, const char *key) { return hma_facts_get(&run->facts, key); }

hma_status hma_run_find(const hma_run *run, const char *name, size_t *index) {
    const size_t length = strlen(name);
    size_t found = 0, count = 0;
    for (size_t i = 0; i < run->entry_count; i++) {
        const hma_candidate *candidate = &run->entries[i].candidate;
        if (strcmp(candidate->id, name) == 0 || strcmp(candidate->label, name) == 0) {
            *index = i;
            return HMA_OK;
        }
        if (length > 0 && strncmp(candidate->id, name, length) == 0) {
            found = i;
            count++;
        }
    }
    if (count != 1) {
        return hma_error(HMA_USAGE, "point \"%s\": %s (expected an id, the beginning of one, or a label of %s): see hma front",
                         name, count ? "several ids begin like this" : "there is none", run->folder);
    }
    *index = found;
    return HMA_OK;
}

hma_status hma_run_result(const hma_run *run, size_t index, hma_result **out) {
    if (index >= run->entry_count) {
        return hma_error(HMA_USAGE, "%s: has no candidate %zu (expected less than %zu)", run->folder, index, run->entry_count);
    }
    const hma_candidate *candidate = &run->entries[index].candidate;
    if (!candidate->scored && !candidate->failure) {
        return hma_error(HMA_USAGE, "%s: %s has not been scored yet: run the sweep to its end", run->folder, candidate->label);
    }
    uint64_t seed = 0;
    const char *text = hma_run_fact(run, "seed");
    if (!text || !hma_parse_u64(&seed, text)) {
        return damaged(run, "its seed is missing");
    }
    hma_result *result;
    hma_status status = hma_journal_read_result(run->journal, index, candidate->scored, &result);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_result_summarize(result, seed);
    if (status != HMA_OK) {
        hma_result_free(result);
        return status;
    }
    *out = result;
    return HMA_OK;
}
