/* One element of a suite's "tasks". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "eval/tasks/suite.h"

enum { DEFAULT_MAX_TOKENS = 256, MOST_TOKENS = 1 << 20, MOST_ITEMS = INT32_MAX, LONGEST_NAME = 100, MOST_SHOTS = 1000 };

/* A task's files. */
typedef struct files {
    const char *file[2];                     /* by hma_prompt_split: for reporting, and for searching, which may be NULL */
    const char *answers_file, *fewshot_file; /* may be NULL */
    size_t limit;
} files;

/* A name becomes part of file names and of paths in exports. */
static hma_status check_name(const char *where, const char *name) {
    bool usable = *name && *name != '.' && strlen(name) <= LONGEST_NAME && strcmp(name, "alignment") != 0 &&
                  strcmp(name, "retention") != 0;
    for (const char *c = name; *c && usable; c++) {
        usable = (unsigned char)*c > ' ' && *c != '/' && *c != 0x7f;
    }
    return usable ? HMA_OK
                  : hma_error(HMA_BAD_DATA,
                              "%s: \"name\" is \"%.100s\" (expected up to %d characters without white space and '/', not "
                              "beginning with '.', and not \"alignment\" or \"retention\"): choose another",
                              where, name, LONGEST_NAME);
}

/* ---- settings ---- */

static hma_status unknown_builtin(const char *where, const char *name) {
    const char *names[64] = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names - 1 && hma_builtin_at(i); i++) {
        names[i] = hma_builtin_at(i)->name;
    }
    const char *near = hma_nearest(name, names);
    return near ? hma_error(HMA_BAD_DATA, "%s: \"task\" is \"%.60s\" (expected a task of the library): did you mean \"%s\"?",
                            where, name, near)
                : hma_error(HMA_BAD_DATA,
                            "%s: \"task\" is \"%.60s\" (expected a task of the library, such as \"arc_easy\"): see "
                            "the list in its documentation",
                            where, name);
}

/* "task" names one of the library, "type" says what the suite's own items are. */
static hma_status read_kind(hma_task_spec *out, const cJSON *object, const char *where) {
    const char *name = NULL;
    const hma_status status = hma_json_get_text(object, where, "task", false, &name);
    if (status != HMA_OK || !name) {
        return status == HMA_OK ? hma_suite_read_type(object, where, &out->task.type) : status;
    }
    out->builtin = hma_builtin_find(name);
    if (!out->builtin) {
        return unknown_builtin(where, name);
    }
    out->task.type = out->builtin->type;
    out->task.category = out->builtin->category;
    return HMA_OK;
}

static hma_status check_keys(const hma_task_spec *out, const cJSON *object, const char *where) {
    static const char *const scored[] = {"name",        "category",     "type",        "file",         "metric", "limit",
                                         "num_fewshot", "fewshot_file", "description", "fewshot_seed", NULL},
                             *const generated[] = {"name",   "category",   "type",        "file",
                                                   "metric", "limit",      "num_fewshot", "fewshot_file",
                                                   "until",  "max_tokens", "description", "fewshot_seed",
                                                   NULL},
                             *const whole[] = {"name", "category", "type", "file", "metric", "limit", NULL},
                             *const known[] = {"name",  "category",    "task",         "file",        "answers_file", "metric",
                                               "limit", "num_fewshot", "fewshot_file", "description", "fewshot_seed", NULL},
                             *const known_generated[] = {"name",         "category",    "task",         "file",
                                                         "answers_file", "metric",      "limit",        "num_fewshot",
                                                         "fewshot_file", "description", "fewshot_seed", "until",
                                                         "max_tokens",   NULL};
    const bool generates = out->task.type == HMA_TASK_GENERATE;
    if (out->builtin) {
        return hma_json_known_keys(object, where, generates ? known_generated : known);
    }
    return hma_json_known_keys(object, where, generates ? generated : out->task.type == HMA_TASK_ROLLING ? whole : scored);
}

static hma_status read_generation(hma_task_spec *out, const cJSON *object, const char *where) {
    out->max_tokens = DEFAULT_MAX_TOKENS;
    hma_status status = hma_json_get_size(object, where, "max_tokens", false, 1, MOST_TOKENS, &out->max_tokens);
    if (status != HMA_OK || !out->builtin || hma_json_get(object, "until")) {
        return status == HMA_OK ? hma_read_until(object, where, &out->until) : status;
    }
    out->until.text = HMA_NEW(char *, HMA_BUILTIN_STOPS);
    for (size_t i = 0; out->until.text && i < HMA_BUILTIN_STOPS && out->builtin->until[i]; i++) {
        out->until.text[i] = hma_copy_text(out->builtin->until[i]);
        if (!out->until.text[i]) {
            return HMA_FAILURE;
        }
        out->until.count++;
    }
    return out->until.text ? HMA_OK : HMA_FAILURE;
}

static hma_status read_fewshot(hma_task_spec *out, const cJSON *object, const char *where, const files *f) {
    const hma_builtin *b = out->builtin;
    hma_fewshot *shots = &out->fewshot;
    *shots = (hma_fewshot){.count = b ? b->shots : 0, .seed = HMA_FEWSHOT_SEED, .delimiter = b ? b->delimiter : " "};
    hma_status status = hma_json_get_size(object, where, "num_fewshot", false, 0, MOST_SHOTS, &shots->count);
    status = status == HMA_OK ? hma_json_get_u64(object, where, "fewshot_seed", false, 0, UINT64_MAX, &shots->seed) : status;
    status = status == HMA_OK ? hma_json_get_text(object, where, "description", false, &shots->description) : status;
    if (status == HMA_OK && b && b->no_shots && shots->count > 0) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"num_fewshot\" is %zu (expected 0, because the prompt of %s has its own examples): "
                         "remove it",
                         where, shots->count, b->name);
    }
    if (status == HMA_OK && f->fewshot_file && shots->count == 0) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"fewshot_file\" is given, but no worked examples are asked for (expected "
                         "\"num_fewshot\" of at least 1): add it",
                         where);
    }
    /* the harness leaves the asked document out where its task has no split of its own for examples */
    const bool own_file = !f->fewshot_file || strcmp(f->fewshot_file, f->file[HMA_PROMPTS_TEST]) == 0;
    shots->without_own = (b && b->leaves_own_out) || (own_file && !(b && b->draws_from_test));
    return status;
}

/* "file" is the name of one, or {"search": .., "test": ..}. */
static hma_status read_names(const cJSON *object, const char *where, const char *names[2]) {
    static const char *const known[] = {[HMA_PROMPTS_TEST] = "test", [HMA_PROMPTS_SEARCH] = "search", NULL};
    const cJSON *pair = hma_json_get(object, "file");
    if (!cJSON_IsObject(pair)) {
        return hma_json_get_text(object, where, "file", true, &names[HMA_PROMPTS_TEST]);
    }
    hma_status status = hma_json_known_keys(pair, where, known);
    for (size_t split = 0; split < 2 && status == HMA_OK; split++) {
        status = hma_json_get_text(pair, where, known[split], true, &names[split]);
    }
    return status;
}

static hma_status read_files(const hma_task_spec *out, const cJSON *object, const char *where, files *f) {
    *f = (files){.limit = SIZE_MAX};
    hma_status status = read_names(object, where, f->file);
    status = status == HMA_OK ? hma_json_get_text(object, where, "answers_file", false, &f->answers_file) : status;
    status = status == HMA_OK ? hma_json_get_text(object, where, "fewshot_file", false, &f->fewshot_file) : status;
    status = status == HMA_OK ? hma_json_get_size(object, where, "limit", false, 1, MOST_ITEMS, &f->limit) : status;
    if (status == HMA_OK && f->answers_file && f->file[HMA_PROMPTS_SEARCH]) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"answers_file\" is given for two files (expected one \"file\"): name files that hold "
                         "their answers",
                         where);
    }
    if (status == HMA_OK && f->answers_file && !out->builtin->answer_key) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"answers_file\" is given (expected none, because the data of %s are one file): remove it", where,
                         out->builtin->name);
    }
    return status;
}

/* ---- data ---- */

static hma_item_kind item_kind(const hma_task *task) {
    switch (task->type) {
    case HMA_TASK_MULTIPLE_CHOICE: return HMA_ITEM_CHOICES;
    case HMA_TASK_LOGLIKELIHOOD: return HMA_ITEM_TARGET;
    case HMA_TASK_ROLLING: return HMA_ITEM_TEXT;
    default:
        return task->metric == HMA_METRIC_DROP_EM || task->metric == HMA_METRIC_DROP_F1 ? HMA_ITEM_SPANS : HMA_ITEM_ANSWERS;
    }
}

static hma_status load(hma_suite *suite, const hma_task_spec *spec, const char *file, const char *answers_file, size_t limit,
                       hma_items *items, char digest[65]) {
    const char *path = hma_suite_resolve(suite, file), *answers = answers_file ? hma_suite_resolve(suite, answers_file) : NULL;
    hma_status status = path && (answers || !answers_file) ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        status = spec->builtin ? hma_library_load(items, spec->builtin, path, answers, limit, digest)
                               : hma_items_load(items, path, item_kind(&spec->task), limit, digest);
    }
    return status;
}

/* Worked examples come from all documents of their file, whatever the limit. */
static hma_status show_examples(hma_suite *suite, const hma_task_spec *spec, const files *f, size_t split, const char *where,
                                hma_items *items, char digest[65]) {
    hma_items pool = {0};
    char pool_digest[65] = "";
    hma_buffer both = {0};
    hma_status status = HMA_OK;
    if (spec->fewshot.count > 0) {
        const bool own = !f->fewshot_file || strcmp(f->fewshot_file, f->file[split]) == 0;
        status = load(suite, spec, own ? f->file[split] : f->fewshot_file, own ? f->answers_file : NULL, SIZE_MAX, &pool,
                      pool_digest);
        hma_buffer_printf(&both, "%s%s", digest, pool_digest);
        status = status == HMA_OK ? hma_buffer_ok(&both) : status;
        status = status == HMA_OK ? hma_sha256_of(both.data, both.length, digest) : status;
    }
    if (status == HMA_OK) {
        status = hma_fewshot_apply(items, &pool, &spec->fewshot, where);
    }
    hma_buffer_free(&both);
    hma_items_free(&pool);
    return status;
}

static hma_status read_data(hma_suite *suite, hma_task_spec *out, const files *f, const char *where, char digests[2][65]) {
    hma_items *const items[2] = {[HMA_PROMPTS_TEST] = &out->items, [HMA_PROMPTS_SEARCH] = &out->search_items};
    const bool shows_more = out->fewshot.count > 0 || out->fewshot.description;
    hma_status status = HMA_OK;
    for (size_t split = 0; split < 2 && status == HMA_OK; split++) {
        if (f->file[split]) {
            status = load(suite, out, f->file[split], f->answers_file, f->limit, items[split], digests[split]);
            if (status == HMA_OK && shows_more) {
                status = show_examples(suite, out, f, split, where, items[split], digests[split]);
            }
        }
    }
    out->task.items = out->items.count;
    return status;
}

static hma_status read_fields(hma_suite *suite, hma_task_spec *out, const cJSON *object, const char *where,
                              char digests[2][65]) {
    files f;
    hma_status status = read_kind(out, object, where);
    status = status == HMA_OK ? check_keys(out, object, where) : status;
    status = status == HMA_OK ? hma_json_get_text(object, where, "category", false, &out->task.category) : status;
    status = status == HMA_OK ? hma_suite_read_metric(out, object, where) : status;
    if (status == HMA_OK && out->task.type == HMA_TASK_GENERATE) {
        status = read_generation(out, object, where);
    }
    status = status == HMA_OK ? read_files(out, object, where, &f) : status;
    status = status == HMA_OK ? read_fewshot(out, object, where, &f) : status;
    return status == HMA_OK ? read_data(suite, out, &f, where, digests) : status;
}

hma_status hma_suite_read_task(hma_suite *suite, hma_task_spec *out, const cJSON *object, char digests[2][65]) {
    hma_buffer where = {0};
    hma_buffer_printf(&where, "%s: task %zu", suite->path, suite->task_count);
    hma_status status = hma_buffer_ok(&where);
    if (status == HMA_OK && !cJSON_IsObject(object)) {
        status =
            hma_error(HMA_BAD_DATA, "%s: is not an object (expected {\"name\": .., \"type\": .., ..}): correct it", where.data);
    }
    if (status == HMA_OK) {
        status = hma_json_get_text(object, where.data, "name", true, &out->task.name);
    }
    if (status == HMA_OK) {
        status = check_name(where.data, out->task.name);
    }
    if (status == HMA_OK) {
        out->task.category = out->task.name;
        hma_buffer_clear(&where);
        hma_buffer_printf(&where, "%s: task \"%s\"", suite->path, out->task.name);
        status = hma_buffer_ok(&where);
    }
    if (status == HMA_OK) {
        status = read_fields(suite, out, object, where.data, digests);
    }
    hma_buffer_free(&where);
    return status;
}
