#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "checkpoint/buffers.h"
#include "checkpoint/folder.h"
#include "checkpoint/handle.h"
#include "checkpoint/header.h"
#include "checkpoint/index.h"
#include "checkpoint/serial.h"

#define SAVE_AGAIN "download or save the model again"

void hma_checkpoint_close(hma_checkpoint *checkpoint) {
    if (!checkpoint) {
        return;
    }
    for (size_t i = 0; i < checkpoint->shard_count; i++) {
        hma_input_close(&checkpoint->shards[i].input);
        free(checkpoint->shards[i].path);
    }
    free(checkpoint->shards);
    hma_tensor_list_free(&checkpoint->tensors);
    hma_config_free(checkpoint);
    hma_names_free(checkpoint->warnings, checkpoint->warning_count);
    free(checkpoint->digest);
    free(checkpoint->folder);
    free(checkpoint);
}

hma_status hma_checkpoint_warn(hma_checkpoint *checkpoint, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (hma_grow(&checkpoint->warnings, &checkpoint->warning_capacity, checkpoint->warning_count + 1, sizeof(char *))) {
        return HMA_FAILURE;
    }
    char *copy = hma_copy_text(line);
    if (!copy) {
        return HMA_FAILURE;
    }
    checkpoint->warnings[checkpoint->warning_count++] = copy;
    return HMA_OK;
}

/* Opens the named files of the folder as shards 0, 1, .. and reads their headers. */
static hma_status open_shards(hma_checkpoint *c, const char *const *names, size_t count) {
    c->shards = HMA_NEW(hma_shard, count);
    if (!c->shards) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < count; i++) {
        hma_shard *shard = &c->shards[i];
        shard->input.fd = -1;
        c->shard_count++;
        shard->path = hma_path_join(c->folder, names[i]);
        if (!shard->path) {
            return HMA_FAILURE;
        }
        if (!hma_path_exists(shard->path)) {
            return hma_error(HMA_BAD_DATA, "%s: is not there (expected %zu shards by " HMA_INDEX_FILE "): " SAVE_AGAIN,
                             shard->path, count);
        }
        hma_status status = hma_input_open(&shard->input, shard->path);
        if (status == HMA_OK) {
            status = hma_header_load(&c->tensors, &shard->input, shard->path, i);
        }
        if (status != HMA_OK) {
            return status;
        }
    }
    hma_tensor_list_sort(&c->tensors, 0);
    return HMA_OK;
}

/* A tensor that is in a shard and not where the index has it; `other` is its shard by the index, NULL when it is in none. */
static hma_status unexpected(const hma_checkpoint *c, const hma_tensor *t, const char *other) {
    const char *file = c->shards[t->shard].path;
    return other ? hma_error(HMA_BAD_DATA, "%s: has tensor \"%.200s\" (expected it in %s by " HMA_INDEX_FILE "): " SAVE_AGAIN,
                             file, t->name, other)
                 : hma_error(HMA_BAD_DATA, "%s: has tensor \"%.200s\", which the index does not name (expected every tensor in "
                             HMA_INDEX_FILE "): " SAVE_AGAIN, file, t->name);
}

static hma_status check_unique(const hma_checkpoint *c) {
    for (size_t i = 1; i < c->tensors.count; i++) {
        const hma_tensor *t = &c->tensors.items[i];
        if (strcmp(t[-1].name, t->name) == 0) {
            return hma_error(HMA_BAD_DATA, "%s: has tensor \"%.200s\", which %s has as well (expected it in one shard): "
                             SAVE_AGAIN, c->shards[t->shard].path, t->name, c->shards[t[-1].shard].path);
        }
    }
    return HMA_OK;
}

/* The headers must have found what the index promised: two sorted lists, walked together. Buffers may be in only one. */
static hma_status check_against_index(const hma_checkpoint *c, const hma_index *index, const char *path) {
    const hma_tensor_list *found = &c->tensors, *promised = &index->tensors;
    for (size_t i = 0, j = 0; i < found->count || j < promised->count;) {
        const hma_tensor *t = i < found->count ? &found->items[i] : NULL, *p = j < promised->count ? &promised->items[j] : NULL;
        const int order = !t ? 1 : !p ? -1 : strcmp(t->name, p->name);
        if (order > 0 && !hma_tensor_is_buffer(p->name)) {
            return hma_error(HMA_BAD_DATA, "%s: names tensor \"%.200s\", which no shard has (expected it in %s): " SAVE_AGAIN,
                             path, p->name, index->shards[p->shard]);
        }
        if (order < 0 && !hma_tensor_is_buffer(t->name)) {
            return unexpected(c, t, NULL);
        }
        if (order == 0 && t->shard != p->shard) {
            return unexpected(c, t, index->shards[p->shard]);
        }
        i += order <= 0;
        j += order >= 0;
    }
    return HMA_OK;
}

static hma_status warn_total(hma_checkpoint *c, const hma_index *index, const char *path) {
    uint64_t total = 0;
    for (size_t i = 0; i < c->tensors.count; i++) {
        total += c->tensors.items[i].bytes; /* distinct ranges of files that are there: cannot overflow */
    }
    if (!index->has_total || index->total_size == (double)total) {
        return HMA_OK;
    }
    return hma_checkpoint_warn(c, "%s: total_size is %.0f (the tensors have %llu bytes): ignored", path, index->total_size,
                               (unsigned long long)total);
}

static bool is_shard(const hma_checkpoint *c, const char *name) {
    for (size_t i = 0; i < c->shard_count; i++) {
        if (strcmp(hma_path_base(c->shards[i].path), name) == 0) {
            return true;
        }
    }
    return false;
}

/* Weights beside those that are used may be a mistake: an old shard, another format of the same model. */
static hma_status warn_strays(hma_checkpoint *c) {
    char **names;
    size_t count;
    hma_status status = hma_folder_list(&names, &count, c->folder, "*.safetensors");
    if (status != HMA_OK) {
        return status;
    }
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        if (!is_shard(c, names[i])) {
            status = hma_checkpoint_warn(c, "%s: %s is not part of the model (expected only the files in use): ignored",
                                         c->folder, names[i]);
        }
    }
    hma_names_free(names, count);
    return status;
}

static hma_status open_indexed(hma_checkpoint *c, const char *path, bool also_single) {
    hma_index index;
    hma_status status = hma_index_load(&index, path);
    if (status != HMA_OK) {
        return status;
    }
    if (also_single && (index.shard_count != 1 || strcmp(index.shards[0], HMA_WEIGHTS_FILE) != 0)) {
        status = hma_error(HMA_BAD_DATA, "%s: has both " HMA_WEIGHTS_FILE " and " HMA_INDEX_FILE " (expected one of them): "
                           "remove the one that is out of date", c->folder);
    }
    if (status == HMA_OK) {
        status = open_shards(c, (const char *const *)index.shards, index.shard_count);
    }
    if (status == HMA_OK) {
        status = check_unique(c);
    }
    if (status == HMA_OK) {
        status = check_against_index(c, &index, path);
    }
    if (status == HMA_OK) {
        status = warn_total(c, &index, path);
    }
    hma_index_free(&index);
    return status;
}

static hma_status open_weights(hma_checkpoint *c) {
    char *single = hma_path_join(c->folder, HMA_WEIGHTS_FILE), *index = hma_path_join(c->folder, HMA_INDEX_FILE);
    hma_status status = HMA_FAILURE;
    if (single && index) {
        const bool has_single = hma_path_exists(single);
        static const char *const single_name = HMA_WEIGHTS_FILE;
        status = hma_path_exists(index) ? open_indexed(c, index, has_single)
                 : has_single           ? open_shards(c, &single_name, 1)
                                        : hma_folder_lacks(c->folder, HMA_WEIGHTS_FILE);
    }
    free(single);
    free(index);
    return status == HMA_OK ? warn_strays(c) : status;
}

static uint64_t next_serial(void) {
    static atomic_uint_fast64_t serial;
    return atomic_fetch_add(&serial, 1) + 1;
}

uint64_t hma_checkpoint_serial(const hma_checkpoint *checkpoint) { return checkpoint->serial; }

hma_status hma_checkpoint_open(hma_checkpoint **out, const char *folder) {
    struct stat s;
    if (stat(folder, &s) != 0) {
        return hma_error_io(folder, "open the folder", errno);
    }
    if (!S_ISDIR(s.st_mode)) {
        return hma_error(HMA_BAD_DATA, "%s: is not a folder (expected a Hugging Face model folder): name the folder that holds "
                         HMA_CONFIG_FILE, folder);
    }
    hma_checkpoint *c = HMA_NEW(hma_checkpoint, 1);
    if (!c) {
        return HMA_FAILURE;
    }
    c->serial = next_serial();
    c->folder = hma_copy_text(folder);
    c->digest = HMA_NEW(char, 65);
    hma_status status = c->folder && c->digest ? hma_config_load(c) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = open_weights(c);
    }
    if (status != HMA_OK) {
        hma_checkpoint_close(c);
        return status;
    }
    *out = c;
    return HMA_OK;
}

const char *hma_checkpoint_folder(const hma_checkpoint *checkpoint) { return checkpoint->folder; }

size_t hma_checkpoint_tensor_count(const hma_checkpoint *checkpoint) { return checkpoint->tensors.count; }

const hma_tensor *hma_checkpoint_tensor(const hma_checkpoint *checkpoint, size_t index) {
    return index < checkpoint->tensors.count ? &checkpoint->tensors.items[index] : NULL;
}

const hma_tensor *hma_checkpoint_find(const hma_checkpoint *checkpoint, const char *name) {
    return hma_tensor_list_find(&checkpoint->tensors, name);
}

size_t hma_checkpoint_warning_count(const hma_checkpoint *checkpoint) { return checkpoint->warning_count; }

const char *hma_checkpoint_warning(const hma_checkpoint *checkpoint, size_t index) {
    return index < checkpoint->warning_count ? checkpoint->warnings[index] : NULL;
}

hma_status hma_checkpoint_read(const hma_checkpoint *checkpoint, const hma_tensor *tensor, uint64_t first, uint64_t count,
                               void *destination) {
    if (first > tensor->elements || count > tensor->elements - first) {
        return hma_error(HMA_USAGE, "%s: elements %llu to %llu do not exist (expected at most %llu)", tensor->name,
                         (unsigned long long)first, (unsigned long long)(first + count), (unsigned long long)tensor->elements);
    }
    /* within the tensor's bytes, which the header's check has held against the size of the file */
    const size_t size = hma_dtype_size(tensor->dtype);
    const hma_shard *shard = &checkpoint->shards[tensor->shard];
    const hma_status status =
        hma_input_read(&shard->input, shard->path, tensor->offset + first * size, destination, (size_t)count * size);
    /* otherwise a file that is being written over would be scored as half of this model and half of another */
    return status == HMA_OK ? hma_input_unchanged(&shard->input, shard->path) : status;
}

hma_status hma_checkpoint_unchanged(const hma_checkpoint *checkpoint) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < checkpoint->shard_count; i++) {
        const hma_shard *shard = &checkpoint->shards[i];
        status = hma_input_unchanged(&shard->input, shard->path);
        if (status == HMA_OK) {
            status = hma_input_in_place(&shard->input, shard->path);
        }
    }
    return status;
}

bool hma_checkpoint_reads_from(const hma_checkpoint *checkpoint, const char *folder) {
    bool found = hma_folder_contains(folder, checkpoint->folder) || hma_folder_contains(checkpoint->folder, folder);
    for (size_t i = 0; !found && i < checkpoint->shard_count; i++) {
        found = hma_folder_contains(folder, checkpoint->shards[i].path);
    }
    return found || hma_folder_contains(folder, checkpoint->config.path);
}
