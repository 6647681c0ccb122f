#include "checkpoint/shards.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "checkpoint/chunks.h"
#include "checkpoint/folder.h"
#include "checkpoint/header.h"
#include "checkpoint/header_write.h"

/* Everything that is the same for all shards of one call. */
typedef struct writer {
    hma_context *context;
    const char *folder;
    const hma_tensor **tensors; /* [count] canonical order; a shard is a run of them */
    size_t count;
    size_t *shard_start;        /* [shards + 1] */
    size_t shards;
    const char *const *metadata;
    hma_produce_fn produce;
    void *user;
    void **scratch;             /* [threads] one chunk each */
    size_t threads;
    uint64_t total;             /* bytes of tensor data */
    atomic_uint_least64_t done;
} writer;

/* One shard while it is written. */
typedef struct shard_job {
    writer *writer;
    const hma_tensor *const *tensors;
    uint64_t *offset; /* [tensors] in the file */
    hma_chunks chunks;
    hma_output output;
} shard_job;

/* ---- which tensor goes where ---- */

/* Fills shards in canonical order; a tensor that does not fit begins the next one. */
static hma_status plan(writer *w, uint64_t shard_size) {
    w->shard_start = HMA_NEW(size_t, w->count + 2);
    if (!w->shard_start) {
        return HMA_FAILURE;
    }
    uint64_t filled = 0;
    w->shards = 1;
    for (size_t i = 0; i < w->count; i++) {
        const uint64_t bytes = w->tensors[i]->bytes;
        if (!hma_add_u64(&w->total, w->total, bytes)) {
            return hma_error(HMA_USAGE, "%s: the tensors exceed 2^64 bytes", w->folder);
        }
        if (filled > 0 && (bytes > shard_size || filled > shard_size - bytes)) {
            w->shard_start[w->shards++] = i;
            filled = 0;
        }
        filled += bytes;
    }
    w->shard_start[w->shards] = w->count;
    return HMA_OK;
}

static void shard_name(const writer *w, size_t shard, char name[64]) {
    if (w->shards == 1) {
        (void)snprintf(name, 64, "%s", HMA_WEIGHTS_FILE);
    } else {
        (void)snprintf(name, 64, "model-%05zu-of-%05zu.safetensors", shard + 1, w->shards);
    }
}

/* ---- one shard ---- */

/* Produces a chunk and puts it where it belongs; runs on every thread. */
static hma_status write_chunk(void *argument, size_t index, size_t worker) {
    shard_job *job = argument;
    writer *w = job->writer;
    hma_status status = hma_context_check(w->context);
    if (status != HMA_OK) {
        return status;
    }
    const hma_chunk chunk = hma_chunks_at(&job->chunks, job->tensors, index);
    const hma_tensor *tensor = job->tensors[chunk.tensor];
    const size_t size = hma_dtype_size(tensor->dtype), bytes = (size_t)chunk.count * size;
    status = w->produce(w->user, tensor, chunk.first, chunk.count, w->scratch[worker]);
    if (status == HMA_OK) {
        status = hma_output_write_at(&job->output, job->offset[chunk.tensor] + chunk.first * size, w->scratch[worker], bytes);
    }
    const uint64_t done = atomic_fetch_add(&w->done, bytes) + bytes;
    if (worker == 0) { /* the thread that made the call */
        hma_report(w->context, "writing", "bytes", (double)done, (double)w->total);
    }
    return status;
}

/* Reads the header back: what is on the disk is what was meant. */
static hma_status verify(const shard_job *job, const char *path, size_t count) {
    hma_input input;
    hma_tensor_list list = {0};
    hma_status status = hma_input_open(&input, path);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_header_load(&list, &input, path, 0);
    bool same = list.count == count;
    for (size_t i = 0; status == HMA_OK && same && i < count; i++) {
        const hma_tensor *meant = job->tensors[i], *found = hma_tensor_list_find(&list, meant->name);
        same = found && found->dtype == meant->dtype && found->rank == meant->rank && found->offset == job->offset[i] &&
               memcmp(found->shape, meant->shape, meant->rank * sizeof *meant->shape) == 0;
    }
    if (status == HMA_OK && !same) {
        status = hma_error(HMA_IO, "%s: reads back differently from what was written: check the disk and run again", path);
    }
    hma_tensor_list_free(&list);
    hma_input_close(&input);
    return status;
}

static hma_status fill(shard_job *job, const hma_buffer *header, uint64_t size) {
    hma_status status = hma_output_reserve(&job->output, size);
    if (status == HMA_OK) {
        status = hma_output_write(&job->output, header->data, header->length);
    }
    if (status == HMA_OK) {
        status = hma_pool_run(hma_context_pool(job->writer->context), hma_chunks_count(&job->chunks), write_chunk, job);
    }
    return status;
}

static hma_status write_shard(writer *w, size_t shard) {
    const size_t start = w->shard_start[shard], count = w->shard_start[shard + 1] - start;
    shard_job job = {.writer = w, .tensors = w->tensors + start, .output = {.fd = -1}};
    hma_buffer header = {0};
    char name[64];
    shard_name(w, shard, name);
    char *path = hma_path_join(w->folder, name);
    job.offset = HMA_NEW(uint64_t, count);
    hma_status status = path && job.offset ? hma_chunks_cut(&job.chunks, job.tensors, count) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_header_write(&header, job.tensors, count, w->metadata);
    }
    if (status == HMA_OK) {
        status = hma_output_create(&job.output, path);
    }
    if (status != HMA_OK) {
        goto out;
    }
    uint64_t end = header.length;
    for (size_t i = 0; i < count; i++) {
        job.offset[i] = end;
        end += job.tensors[i]->bytes;
    }
    status = fill(&job, &header, end);
    if (status != HMA_OK) {
        hma_output_discard(&job.output);
        goto out;
    }
    status = hma_output_commit(&job.output);
    if (status == HMA_OK) {
        status = verify(&job, path, count);
    }
out:
    hma_chunks_free(&job.chunks);
    hma_buffer_free(&header);
    free(job.offset);
    free(path);
    return status;
}

/* ---- the index ---- */

typedef struct index_line {
    const char *tensor;
    size_t shard;
} index_line;

static int by_tensor(const void *a, const void *b) {
    const index_line *x = a, *y = b;
    return strcmp(x->tensor, y->tensor);
}

static void print_index(const writer *w, const index_line *lines, hma_buffer *out) {
    hma_buffer_printf(out, "{\n  \"metadata\": {\n    \"total_size\": %" PRIu64 "\n  },\n  \"weight_map\": {\n", w->total);
    for (size_t i = 0; i < w->count; i++) {
        char name[64];
        shard_name(w, lines[i].shard, name);
        hma_buffer_text(out, "    ");
        hma_buffer_json_text(out, lines[i].tensor, strlen(lines[i].tensor));
        hma_buffer_printf(out, ": \"%s\"%s\n", name, i + 1 < w->count ? "," : "");
    }
    hma_buffer_text(out, "  }\n}\n");
}

static hma_status write_index(const writer *w) {
    index_line *lines = HMA_NEW(index_line, w->count);
    char *path = hma_path_join(w->folder, HMA_INDEX_FILE);
    hma_buffer text = {0};
    hma_status status = lines && path ? HMA_OK : HMA_FAILURE;
    if (status == HMA_OK) {
        for (size_t shard = 0; shard < w->shards; shard++) {
            for (size_t i = w->shard_start[shard]; i < w->shard_start[shard + 1]; i++) {
                lines[i] = (index_line){w->tensors[i]->name, shard};
            }
        }
        qsort(lines, w->count, sizeof *lines, by_tensor);
        print_index(w, lines, &text);
        status = hma_buffer_ok(&text);
    }
    if (status == HMA_OK) {
        status = hma_file_store(path, text.data, text.length);
    }
    hma_buffer_free(&text);
    free(lines);
    free(path);
    return status;
}

/* ---- all of it ---- */

static hma_status prepare(writer *w, const hma_tensor *const *tensors, uint64_t shard_size) {
    w->tensors = HMA_NEW(const hma_tensor *, w->count);
    if (!w->tensors) {
        return HMA_FAILURE;
    }
    if (w->count) {
        memcpy(w->tensors, tensors, w->count * sizeof *tensors);
    }
    hma_header_order(w->tensors, w->count);
    return plan(w, shard_size ? shard_size : HMA_SHARD_SIZE_DEFAULT);
}

static void finish(writer *w) {
    hma_chunk_scratch_free(w->scratch, w->threads);
    free(w->tensors);
    free(w->shard_start);
}

hma_status hma_shards_count(const hma_tensor *const *tensors, size_t count, uint64_t shard_size, size_t *shards) {
    writer w = {.folder = "shards", .count = count};
    const hma_status status = prepare(&w, tensors, shard_size);
    if (status == HMA_OK) {
        *shards = w.shards;
    }
    finish(&w);
    return status;
}

hma_status hma_shards_write(hma_context *context, const char *folder, const hma_tensor *const *tensors, size_t count,
                            const hma_shard_options *options, hma_produce_fn produce, void *user, hma_shard_report *report) {
    writer w = {.context = context,
                .folder = folder,
                .count = count,
                .metadata = options->metadata,
                .produce = produce,
                .user = user,
                .threads = hma_context_threads(context)};
    hma_status status = prepare(&w, tensors, options->shard_size);
    if (status == HMA_OK) {
        w.scratch = hma_chunk_scratch_new(w.threads);
        status = w.scratch ? HMA_OK : HMA_FAILURE;
    }
    for (size_t shard = 0; status == HMA_OK && shard < w.shards; shard++) {
        status = write_shard(&w, shard);
    }
    if (status == HMA_OK && w.shards > 1) {
        status = write_index(&w);
    }
    if (status == HMA_OK) {
        *report = (hma_shard_report){w.shards, w.total};
    }
    finish(&w);
    return status;
}
