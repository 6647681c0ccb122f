/* Checking a model folder: its headers, its values, and its files where a manifest says what they were. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "hma/merge.h"
#include "merge/manifest.h"
#include "merge/source.h"
#include "merge/sweep.h"

typedef struct check {
    const hma_source *source;
    const hma_tensor **tensors;
} check;

static hma_status check_chunk(void *user, size_t number, const hma_chunk *chunk, void *scratch) {
    const check *c = user;
    (void)number;
    /* reading a plain source is what looks for NaN and infinity */
    return hma_source_read(c->source, c->tensors[chunk->tensor], chunk->first, chunk->count, scratch);
}

static hma_status check_values(hma_context *context, const hma_checkpoint *checkpoint) {
    const size_t count = hma_checkpoint_tensor_count(checkpoint);
    hma_source *source;
    hma_chunks chunks = {0};
    hma_status status = hma_source_plain(&source, checkpoint);
    if (status != HMA_OK) {
        return status;
    }
    check c = {source, HMA_NEW(const hma_tensor *, count)};
    for (size_t i = 0; c.tensors && i < count; i++) {
        c.tensors[i] = hma_source_tensor(source, i);
    }
    status = c.tensors ? hma_chunks_cut(&chunks, c.tensors, count) : HMA_FAILURE;
    if (status == HMA_OK) {
        status = hma_sweep(context, "checking", c.tensors, &chunks, check_chunk, &c);
    }
    hma_chunks_free(&chunks);
    free(c.tensors);
    hma_source_free(source);
    return status;
}

static void describe(hma_buffer *report, const hma_checkpoint *checkpoint, size_t layers) {
    uint64_t bytes = 0, elements = 0;
    for (size_t i = 0; i < hma_checkpoint_tensor_count(checkpoint); i++) {
        bytes += hma_checkpoint_tensor(checkpoint, i)->bytes;
        elements += hma_checkpoint_tensor(checkpoint, i)->elements;
    }
    hma_buffer_printf(report, "%s: %zu layers, %zu tensors, %llu elements, %llu bytes; all values are finite\n",
                      hma_checkpoint_folder(checkpoint), layers, hma_checkpoint_tensor_count(checkpoint),
                      (unsigned long long)elements, (unsigned long long)bytes);
    for (size_t i = 0; i < hma_checkpoint_warning_count(checkpoint); i++) {
        hma_buffer_printf(report, "%s\n", hma_checkpoint_warning(checkpoint, i));
    }
}

hma_status hma_checkpoint_verify(hma_context *context, const char *folder, char **report) {
    hma_checkpoint *checkpoint;
    hma_buffer text = {0};
    size_t layers = 0, files = 0;
    bool manifest = false;
    hma_status status = hma_checkpoint_open(&checkpoint, folder);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_checkpoint_layers(checkpoint, &layers);
    if (status == HMA_OK) {
        status = hma_manifest_check(context, folder, &manifest, &files);
    }
    if (status == HMA_OK) {
        status = check_values(context, checkpoint);
    }
    if (status == HMA_OK) {
        describe(&text, checkpoint, layers);
        if (manifest) {
            hma_buffer_printf(&text, "%s/" HMA_MANIFEST_FILE ": all %zu files are as they were written\n", folder, files);
        } else {
            hma_buffer_printf(&text, "%s: has no " HMA_MANIFEST_FILE ", so nothing to hold the files against\n", folder);
        }
        char *done = hma_buffer_release(&text);
        status = done ? HMA_OK : HMA_FAILURE;
        *report = done ? done : *report;
    }
    hma_buffer_free(&text);
    hma_checkpoint_close(checkpoint);
    return status;
}
