#include "checkpoint/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"

const char *const hma_folder_companions[] = {
    HMA_GENERATION_CONFIG_FILE, "tokenizer.json",  "tokenizer_config.json",       "tokenizer.model",
    "special_tokens_map.json",  "vocab.json",      "merges.txt",                  "added_tokens.json",
    "chat_template.jinja",      "chat_template.json", "video_preprocessor_config.json", NULL};

void hma_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

hma_status hma_folder_list(char ***out, size_t *out_count, const char *folder, const char *glob) {
    DIR *listing = opendir(folder);
    if (!listing) {
        return hma_error_io(folder, "list the folder", errno);
    }
    char **names = NULL;
    size_t count = 0, capacity = 0;
    hma_status status = HMA_OK;
    for (struct dirent *e; status == HMA_OK && (e = readdir(listing));) {
        if (fnmatch(glob, e->d_name, 0) != 0) {
            continue;
        }
        char *copy = hma_grow(&names, &capacity, count + 1, sizeof *names) ? NULL : hma_copy_text(e->d_name);
        if (copy) {
            names[count++] = copy;
        } else {
            status = HMA_FAILURE;
        }
    }
    (void)closedir(listing);
    if (status != HMA_OK) {
        hma_names_free(names, count);
        return status;
    }
    if (count) {
        qsort(names, count, sizeof *names, by_text);
    }
    *out = names;
    *out_count = count;
    return HMA_OK;
}

/* What people point at instead of a model folder, most telling first. */
#define CONVERT "load the model with transformers and save it with save_pretrained(), which writes safetensors"
static const struct {
    const char *pattern, *what, *remedy;
    bool weights; /* says something about missing weights only, not about a missing config */
} instead[] = {
    {"snapshots", "the folder of a download cache", "name the folder inside snapshots/ that holds config.json", false},
    {"adapter_model.*", "an adapter, not a model", "merge it into its base model first (peft: merge_and_unload)", false},
    {"model-*-of-*.safetensors", "a shard", "download " HMA_INDEX_FILE " as well", true},
    {"pytorch_model*.bin", "pickled weights", CONVERT, false},
    {"pytorch_model.bin.index.json", "the index of pickled weights", CONVERT, false},
    {"*.gguf", "a GGUF file", "use the Hugging Face folder that it was made from", false},
    {"consolidated*.pth", "weights in the original layout", "use the folder that was converted for transformers", false},
    {"tf_model.h5", "weights for TensorFlow", CONVERT, false},
    {"flax_model*.msgpack", "weights for Flax", CONVERT, false},
    {"*.bin", "perhaps pickled weights", CONVERT, false},
    {"*.pt", "perhaps pickled weights", CONVERT, false},
    {"*.pth", "perhaps pickled weights", CONVERT, false},
    {"*.safetensors", "a safetensors file of another name", "rename it to " HMA_WEIGHTS_FILE " if it is the whole model", true},
};

hma_status hma_folder_lacks(const char *folder, const char *name) {
    char **names;
    size_t count;
    hma_status status = hma_folder_list(&names, &count, folder, "*");
    if (status != HMA_OK) {
        return status;
    }
    status = hma_error(HMA_BAD_DATA, "%s: has no %s (expected a Hugging Face model folder): download or save the whole model, "
                       "or check the path", folder, name);
    for (size_t i = 0, found = 0; !found && i < sizeof instead / sizeof *instead; i++) {
        for (size_t n = 0; !found && n < count && (!instead[i].weights || strcmp(name, HMA_WEIGHTS_FILE) == 0); n++) {
            if (fnmatch(instead[i].pattern, names[n], 0) == 0 && strcmp(names[n], HMA_WEIGHTS_FILE) != 0) {
                found = 1;
                status = hma_error(HMA_BAD_DATA, "%s: has no %s but %s, %s (expected a Hugging Face model folder): %s", folder,
                                   name, names[n], instead[i].what, instead[i].remedy);
            }
        }
    }
    hma_names_free(names, count);
    return status;
}

bool hma_folder_contains(const char *folder, const char *path) {
    char *at = realpath(path, NULL);
    if (!at && errno == ENOENT) {
        char *parent = hma_path_parent(path);
        const bool found = parent && strcmp(parent, path) != 0 && hma_folder_contains(folder, parent);
        free(parent);
        return found;
    }
    bool found = false;
    /* a resolved path only has real folders above it */
    while (at && !found) {
        found = hma_path_same(folder, at);
        char *slash = strrchr(at, '/');
        if (!slash || !at[1]) {
            break;
        }
        slash[slash == at] = 0;
    }
    free(at);
    return found;
}
