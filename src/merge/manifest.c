#include "merge/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/text_set.h"
#include "checkpoint/chunks.h"
#include "checkpoint/folder.h"
#include "hma/version.h"

#define SCHEMA "hma-merge"

enum { MANIFEST_LIMIT = 64 << 20 };

const cJSON *hma_manifest_recipe(const cJSON *document) {
    const cJSON *schema = hma_json_get(document, "schema"), *recipe = hma_json_get(document, "recipe");
    return recipe && cJSON_IsString(schema) && strcmp(schema->valuestring, SCHEMA) == 0 ? recipe : document;
}

/* ---- hashing files ---- */

typedef struct hashed_file {
    uint64_t bytes;
    char digest[65];
} hashed_file;

typedef struct hashing {
    hma_context *context;
    const char *folder;
    char *const *names;
    hashed_file *files;
    void **scratch; /* [threads] HMA_CHUNK_BYTES each */
} hashing;

static hma_status hash_input(const hashing *h, const hma_input *input, const char *path, void *scratch, char digest[65]) {
    hma_sha256 *hash;
    hma_status status = hma_sha256_new(&hash);
    if (status != HMA_OK) {
        return status;
    }
    for (uint64_t at = 0; status == HMA_OK && at < input->size; at += HMA_CHUNK_BYTES) {
        const size_t length = (size_t)hma_min_u64(HMA_CHUNK_BYTES, input->size - at);
        status = hma_context_check(h->context);
        if (status == HMA_OK) {
            status = hma_input_read(input, path, at, scratch, length);
        }
        if (status == HMA_OK) {
            status = hma_sha256_add(hash, scratch, length);
        }
    }
    if (status == HMA_OK) {
        status = hma_input_unchanged(input, path);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    return status;
}

static hma_status hash_file(void *argument, size_t index, size_t worker) {
    const hashing *h = argument;
    hma_input input;
    char *path = hma_path_join(h->folder, h->names[index]);
    hma_status status = path ? hma_input_open(&input, path) : HMA_FAILURE;
    if (status == HMA_OK) {
        h->files[index].bytes = input.size;
        status = hash_input(h, &input, path, h->scratch[worker], h->files[index].digest);
        hma_input_close(&input);
    }
    free(path);
    return status;
}

/* *files is [count], freed by the caller. */
static hma_status hash_files(hma_context *context, const char *folder, char *const *names, size_t count, hashed_file **files) {
    const size_t threads = hma_context_threads(context);
    hashing h = {context, folder, names, HMA_NEW(hashed_file, count), hma_chunk_scratch_new(threads)};
    hma_status status = h.files && h.scratch ? hma_pool_run(hma_context_pool(context), count, hash_file, &h) : HMA_FAILURE;
    hma_chunk_scratch_free(h.scratch, threads);
    if (status != HMA_OK) {
        free(h.files);
        return status;
    }
    *files = h.files;
    return HMA_OK;
}

/* ---- writing ---- */

static void write_text(hma_buffer *out, const char *key, const char *value) {
    hma_buffer_printf(out, "  \"%s\": ", key);
    hma_buffer_json_text(out, value, strlen(value));
    hma_buffer_text(out, ",\n");
}

static void write_input(hma_buffer *out, const char *key, const char *name, const char *digest) {
    hma_buffer_printf(out, "  \"%s\": {\"name\": ", key);
    hma_buffer_json_text(out, name, strlen(name));
    hma_buffer_printf(out, ", \"sha256\": \"%s\"},\n", digest);
}

static void write_loss(hma_buffer *out, const char *name, const hma_rounding_loss *loss, const char *end) {
    hma_buffer_printf(out, "    \"%s\": {\"elements\": %llu, \"differing\": %llu, \"lost\": %llu, \"error_norm\": ", name,
                      (unsigned long long)loss->elements, (unsigned long long)loss->differing, (unsigned long long)loss->lost);
    hma_buffer_json_double(out, loss->error_norm);
    hma_buffer_text(out, ", \"delta_norm\": ");
    hma_buffer_json_double(out, loss->delta_norm);
    hma_buffer_printf(out, "}%s\n", end);
}

static hma_status write_recipe(hma_buffer *out, const hma_recipe *recipe) {
    char *json;
    const hma_status status = hma_recipe_json(recipe, &json);
    if (status != HMA_OK) {
        return status;
    }
    hma_buffer_printf(out, "  \"recipe\": %s,\n  \"layers\": %zu,\n  \"layer_ratios\": [", json, hma_recipe_layers(recipe));
    for (size_t layer = 0; layer < hma_recipe_layers(recipe); layer++) {
        hma_buffer_text(out, layer ? ", " : "");
        hma_buffer_json_double(out, hma_recipe_layer_ratio(recipe, layer));
    }
    hma_buffer_text(out, "],\n");
    hma_text_free(json);
    return HMA_OK;
}

static void write_files(hma_buffer *out, char *const *names, const hashed_file *files, size_t count) {
    hma_buffer_text(out, "  \"files\": [\n");
    for (size_t i = 0; i < count; i++) {
        hma_buffer_text(out, "    {\"name\": ");
        hma_buffer_json_text(out, names[i], strlen(names[i]));
        hma_buffer_printf(out, ", \"bytes\": %llu, \"sha256\": \"%s\"}%s\n", (unsigned long long)files[i].bytes,
                          files[i].digest, i + 1 < count ? "," : "");
    }
    hma_buffer_text(out, "  ]\n}\n");
}

hma_status hma_manifest_write(hma_context *context, hma_buffer *out, const hma_merge_facts *facts, const char *folder) {
    char **names;
    size_t count;
    hashed_file *files = NULL;
    hma_status status = hma_folder_list(&names, &count, folder, "[!.]*");
    if (status != HMA_OK) {
        return status;
    }
    status = hash_files(context, folder, names, count, &files);
    if (status != HMA_OK) {
        goto out;
    }
    hma_buffer_printf(out, "{\n  \"schema\": \"" SCHEMA "\",\n  \"schema_version\": 1,\n  \"hma_version\": \"%s\",\n",
                      hma_version());
    write_text(out, "ratio_meaning", "weight of post");
    write_text(out, "recipe_id", hma_recipe_id(facts->recipe));
    status = write_recipe(out, facts->recipe);
    if (status != HMA_OK) {
        goto out;
    }
    write_input(out, "pre", facts->pre_name, facts->pre_digest);
    write_input(out, "post", facts->post_name, facts->post_digest);
    if (facts->base_name) {
        write_input(out, "base", facts->base_name, facts->base_digest);
    }
    write_text(out, "donor", facts->donor);
    if (facts->command_line) {
        write_text(out, "command_line", facts->command_line);
    }
    if (facts->scores_json) {
        hma_buffer_printf(out, "  \"scores\": %s,\n", facts->scores_json);
    }
    hma_buffer_text(out, "  \"rounding_loss\": {\n");
    for (size_t kind = 0; kind < HMA_KIND_COUNT; kind++) {
        write_loss(out, hma_tensor_kind_name((hma_tensor_kind)kind), &facts->report->kind[kind], ",");
    }
    write_loss(out, "total", &facts->report->total, "");
    hma_buffer_text(out, "  },\n");
    write_files(out, names, files, count);
    status = hma_buffer_ok(out);
out:
    free(files);
    hma_names_free(names, count);
    return status;
}

/* ---- checking ---- */

/* A name that stays in the folder, whatever the manifest says. */
static bool is_plain_name(const char *name) {
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* One entry's name; a file that is named again and again would be hashed as often. */
static hma_status recorded_name(const cJSON *item, const char *path, hma_text_set *seen, char **out) {
    const char *name = NULL;
    bool added = false;
    hma_status status = hma_json_get_text(item, path, "name", true, &name);
    if (status == HMA_OK) {
        status = hma_text_set_add(seen, name, strlen(name), &added);
    }
    if (status == HMA_OK && (!is_plain_name(name) || !added)) {
        status = hma_error(HMA_BAD_DATA, "%s: file name \"%.200s\" is not usable (expected names in the folder, each once): "
                           "restore the file", path, name);
    }
    if (status == HMA_OK) {
        *out = hma_copy_text(name);
        status = *out ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static hma_status recorded_names(const cJSON *list, const char *path, char ***out, size_t *out_count) {
    const cJSON *item;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    char **names = HMA_NEW(char *, count);
    hma_text_set seen = {0};
    size_t i = 0;
    hma_status status = names ? HMA_OK : HMA_FAILURE;
    cJSON_ArrayForEach(item, list) {
        if (status == HMA_OK) {
            status = recorded_name(item, path, &seen, &names[i]);
            i += status == HMA_OK;
        }
    }
    hma_text_set_free(&seen);
    if (status != HMA_OK) {
        hma_names_free(names, i);
        return status;
    }
    *out = names;
    *out_count = count;
    return HMA_OK;
}

static hma_status compare_files(const cJSON *list, const char *path, const char *folder, char *const *names,
                                const hashed_file *files) {
    const cJSON *item;
    size_t i = 0;
    cJSON_ArrayForEach(item, list) {
        const char *digest = NULL;
        const hma_status status = hma_json_get_text(item, path, "sha256", true, &digest);
        if (status != HMA_OK) {
            return status;
        }
        if (strcmp(digest, files[i].digest) != 0) {
            return hma_error(HMA_BAD_DATA, "%s/%s: has changed since it was written (expected SHA-256 %.64s, it is %s): "
                             "restore it or merge again", folder, names[i], digest, files[i].digest);
        }
        i++;
    }
    return HMA_OK;
}

static hma_status check_files(hma_context *context, const cJSON *root, const char *path, const char *folder, size_t *count) {
    const cJSON *list = hma_json_get(root, "files");
    char **names;
    hashed_file *files = NULL;
    if (!cJSON_IsArray(list)) {
        return hma_error(HMA_BAD_DATA, "%s: \"files\" is missing (expected a list of files and their SHA-256): restore the "
                         "file", path);
    }
    hma_status status = recorded_names(list, path, &names, count);
    if (status != HMA_OK) {
        return status;
    }
    status = hash_files(context, folder, names, *count, &files);
    if (status == HMA_OK) {
        status = compare_files(list, path, folder, names, files);
    }
    free(files);
    hma_names_free(names, *count);
    return status;
}

hma_status hma_manifest_check(hma_context *context, const char *folder, bool *found, size_t *files) {
    cJSON *root;
    char *path = hma_path_join(folder, HMA_MANIFEST_FILE);
    if (!path) {
        return HMA_FAILURE;
    }
    hma_status status = HMA_OK;
    *found = hma_path_exists(path);
    if (*found) {
        status = hma_json_load(&root, path, MANIFEST_LIMIT);
        if (status == HMA_OK) {
            status = check_files(context, root, path, folder, files);
            cJSON_Delete(root);
        }
    }
    free(path);
    return status;
}
