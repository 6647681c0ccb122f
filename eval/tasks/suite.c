#include "eval/tasks/suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text_set.h"

enum { SUITE_LIMIT = 16 << 20 };

/* The path is the suite's from now on, also on failure; NULL is a failure that has been told. */
static const char *keep_path(hma_suite *suite, char *path) {
    if (!path || hma_grow(&suite->paths, &suite->path_capacity, suite->path_count + 2, sizeof *suite->paths) != 0) {
        free(path);
        return NULL;
    }
    suite->paths[suite->path_count++] = path;
    suite->paths[suite->path_count] = NULL;
    return path;
}

const char *hma_suite_resolve(hma_suite *suite, const char *path) {
    return keep_path(suite, *path == '/' ? hma_copy_text(path) : hma_path_join(suite->folder, path));
}

static hma_status note_name(hma_text_set *names, const hma_suite *suite, const char *name) {
    bool added;
    const hma_status status = hma_text_set_add(names, name, strlen(name), &added);
    return status != HMA_OK || added
               ? status
               : hma_error(HMA_BAD_DATA, "%s: two tasks are called \"%.100s\" (expected each name once): rename one",
                           suite->path, name);
}

static hma_status read_tasks(hma_suite *suite, const cJSON *list, hma_sha256 *hash) {
    hma_text_set names = {0};
    const cJSON *object;
    if (list && !cJSON_IsArray(list)) {
        return hma_error(HMA_BAD_DATA, "%s: \"tasks\" is not a list (expected a list of objects): correct it", suite->path);
    }
    suite->tasks = HMA_NEW(hma_task_spec, (size_t)cJSON_GetArraySize(list));
    hma_status status = suite->tasks ? HMA_OK : HMA_FAILURE;
    for (object = list ? list->child : NULL; object && status == HMA_OK; object = object->next) {
        char digests[2][65] = {"", ""};
        hma_task_spec *task = &suite->tasks[suite->task_count++];
        status = hma_suite_read_task(suite, task, object, digests);
        if (status == HMA_OK) {
            status = note_name(&names, suite, task->task.name);
        }
        for (size_t split = 0; split < 2 && status == HMA_OK; split++) {
            status = hma_sha256_add(hash, digests[split], strlen(digests[split]));
        }
    }
    hma_text_set_free(&names);
    return status;
}

static hma_status read_alignment(hma_suite *suite, const cJSON *object, hma_sha256 *hash) {
    char digests[2][65] = {"", ""};
    if (!object) {
        return HMA_OK;
    }
    hma_status status = hma_suite_read_alignment(suite, object, digests);
    for (size_t i = 0; i < 2 && status == HMA_OK; i++) {
        status = hma_sha256_add(hash, digests[i], strlen(digests[i]) + 1);
    }
    return status;
}

static hma_status read_settings(hma_suite *suite) {
    static const char *const known[] = {"name", "tasks", "alignment", "seed", "bos", NULL};
    size_t chosen = HMA_BOS_AUTO;
    if (!cJSON_IsObject(suite->tree)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: is not a suite (expected a JSON object with \"tasks\" and \"alignment\"): name a suite "
                         "file",
                         suite->path);
    }
    hma_status status = hma_json_known_keys(suite->tree, suite->path, known);
    suite->name = hma_path_base(suite->path);
    suite->seed = 1;
    if (status == HMA_OK) {
        status = hma_json_get_text(suite->tree, suite->path, "name", false, &suite->name);
    }
    if (status == HMA_OK) {
        status = hma_json_get_u64(suite->tree, suite->path, "seed", false, 0, UINT64_MAX, &suite->seed);
    }
    if (status == HMA_OK) {
        status = hma_read_word(suite->tree, suite->path, "bos", false, hma_bos_names, &chosen);
        suite->bos = (hma_bos)chosen;
    }
    return status;
}

static hma_status read_suite(hma_suite *suite, const char *path) {
    size_t length;
    hma_sha256 *hash = NULL;
    suite->path = hma_copy_text(path);
    suite->folder = hma_path_parent(path);
    hma_status status = suite->path && suite->folder && keep_path(suite, hma_copy_text(path))
                            ? hma_file_load(path, SUITE_LIMIT, &suite->text, &length)
                            : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_json_parse(&suite->tree, path, suite->text, length);
    }
    if (status == HMA_OK) {
        status = read_settings(suite);
    }
    if (status == HMA_OK) {
        status = hma_sha256_new(&hash);
    }
    if (status == HMA_OK) {
        status = hma_sha256_add(hash, suite->text, length + 1);
    }
    if (status == HMA_OK) {
        status = read_tasks(suite, hma_json_get(suite->tree, "tasks"), hash);
    }
    if (status == HMA_OK) {
        status = read_alignment(suite, hma_json_get(suite->tree, "alignment"), hash);
    }
    if (status == HMA_OK && suite->task_count == 0 && !suite->has_alignment) {
        status = hma_error(HMA_BAD_DATA, "%s: the suite measures nothing (expected \"tasks\" or \"alignment\"): add one", path);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, suite->digest);
    }
    hma_sha256_free(hash);
    return status;
}

hma_status hma_suite_load(hma_suite **out, const char *path) {
    hma_suite *suite = HMA_NEW(hma_suite, 1);
    if (!suite) {
        return HMA_FAILURE;
    }
    const hma_status status = read_suite(suite, path);
    if (status != HMA_OK) {
        hma_suite_free(suite);
        return status;
    }
    *out = suite;
    return HMA_OK;
}

void hma_suite_free(hma_suite *suite) {
    if (!suite) {
        return;
    }
    for (size_t i = 0; i < suite->task_count; i++) {
        hma_stops_free(&suite->tasks[i].until);
        hma_items_free(&suite->tasks[i].items);
        hma_items_free(&suite->tasks[i].search_items);
    }
    free(suite->tasks);
    hma_items_free(&suite->prompts[HMA_PROMPTS_TEST]);
    hma_items_free(&suite->prompts[HMA_PROMPTS_SEARCH]);
    free(suite->alignment.command);
    cJSON_Delete(suite->tree);
    for (size_t i = 0; i < suite->path_count; i++) {
        free(suite->paths[i]);
    }
    free(suite->paths);
    free(suite->path);
    free(suite->folder);
    free(suite->text);
    free(suite);
}

const char *hma_suite_name(const hma_suite *suite) { return suite->name; }
const char *hma_suite_text(const hma_suite *suite) { return suite->text; }
const char *hma_suite_digest(const hma_suite *suite) { return suite->digest; }
uint64_t hma_suite_seed(const hma_suite *suite) { return suite->seed; }
size_t hma_suite_task_count(const hma_suite *suite) { return suite->task_count; }

const hma_task *hma_suite_task(const hma_suite *suite, size_t index) {
    return index < suite->task_count ? &suite->tasks[index].task : NULL;
}

const char *hma_suite_item_id(const hma_suite *suite, size_t task, size_t item) {
    return task < suite->task_count && item < suite->tasks[task].items.count ? suite->tasks[task].items.item[item].id : NULL;
}

const char *hma_suite_alignment_type(const hma_suite *suite) {
    return suite->has_alignment ? hma_alignment_type_name(suite->alignment.type) : NULL;
}

const char *const *hma_suite_paths(const hma_suite *suite) { return (const char *const *)suite->paths; }

const char *hma_suite_reward_folder(const hma_suite *suite) { return suite->alignment.model; }
