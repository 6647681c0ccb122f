/* Digests of the files that a suite names, one fact each, so that a message can name the one that has changed. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "eval/tasks/suite.h"
#include "search/inputs.h"

static char *place_of(const char *folder, const char *name) {
    return name[0] == '/' ? hma_copy_text(name) : hma_path_join(folder, name);
}

static hma_status add_file(hma_facts *facts, const char *folder, const char *name) {
    hma_buffer key = {0};
    char *path = place_of(folder, name);
    char digest[65];
    hma_buffer_printf(&key, HMA_RUN_FILE "%s", name);
    hma_status status = path ? hma_buffer_ok(&key) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_sha256_of_file(path, digest);
    }
    if (status == HMA_OK) {
        status = hma_facts_set(facts, HMA_FACT_FIXED, hma_buffer_cstr(&key), "%s", digest);
    }
    free(path);
    hma_buffer_free(&key);
    return status;
}

/* The value of `key` is the name of a file, if it is there. */
static hma_status add_named_file(hma_facts *facts, const char *folder, const cJSON *object, const char *key) {
    const cJSON *name = hma_json_get(object, key);
    return cJSON_IsString(name) ? add_file(facts, folder, name->valuestring) : HMA_OK;
}

static hma_status add_data(hma_facts *facts, const hma_suite *suite, const char *path) {
    cJSON *tree;
    const char *text = hma_suite_text(suite);
    char *folder = hma_path_parent(path);
    hma_status status = folder ? hma_json_parse(&tree, path, text, strlen(text)) : HMA_FAILURE;
    if (status == HMA_OK) {
        const cJSON *task, *prompts = hma_json_get(hma_json_get(tree, "alignment"), "prompts");
        cJSON_ArrayForEach(task, hma_json_get(tree, "tasks")) {
            const cJSON *files = hma_json_get(task, "file"); /* a name, or one for searching and one for reporting */
            status = status == HMA_OK ? add_named_file(facts, folder, task, "file") : status;
            status = status == HMA_OK ? add_named_file(facts, folder, files, "search") : status;
            status = status == HMA_OK ? add_named_file(facts, folder, files, "test") : status;
        }
        if (status == HMA_OK) {
            status = add_named_file(facts, folder, prompts, "search");
        }
        if (status == HMA_OK) {
            status = add_named_file(facts, folder, prompts, "test");
        }
        cJSON_Delete(tree);
    }
    free(folder);
    return status;
}

/*
 * The scorer's words that are files, seen from where it runs. Its first word is one only with a slash, since it is looked for
 * in PATH otherwise. What a scorer reads without having it on its command line is not known.
 */
static hma_status add_command(hma_facts *facts, const hma_alignment_spec *spec) {
    hma_status status = HMA_OK;
    for (size_t i = 0; spec->command && spec->command[i] && status == HMA_OK; i++) {
        const char *word = spec->command[i];
        struct stat s;
        char *path = *word && (i > 0 || strchr(word, '/')) ? place_of(spec->folder, word) : hma_copy_text("");
        status = !path ? HMA_FAILURE : stat(path, &s) == 0 && S_ISREG(s.st_mode) ? add_file(facts, spec->folder, word) : HMA_OK;
        free(path);
    }
    return status;
}

hma_status hma_inputs_files(hma_facts *facts, const hma_suite *suite, const char *path) {
    const hma_status status = add_data(facts, suite, path);
    return status == HMA_OK ? add_command(facts, &suite->alignment) : status;
}
