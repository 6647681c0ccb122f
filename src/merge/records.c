#include "merge/records.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "merge/roles.h"
#include "merge/sweep.h"

hma_status hma_records_new(hma_records *out, const hma_source *source) {
    hma_records r = {.source = source, .count = hma_source_tensor_count(source)};
    r.tensors = HMA_NEW(const hma_tensor *, r.count);
    for (size_t i = 0; r.tensors && i < r.count; i++) {
        r.tensors[i] = hma_source_tensor(source, i);
    }
    hma_status status = r.tensors ? hma_chunks_cut(&r.chunks, r.tensors, r.count) : HMA_FAILURE;
    if (status == HMA_OK) {
        r.list = HMA_NEW(hma_record, hma_chunks_count(&r.chunks));
        status = r.list ? HMA_OK : HMA_FAILURE;
    }
    if (status != HMA_OK) {
        hma_records_free(&r);
        return status;
    }
    *out = r;
    return HMA_OK;
}

void hma_records_free(hma_records *records) {
    free(records->tensors);
    hma_chunks_free(&records->chunks);
    free(records->list);
    *records = (hma_records){0};
}

/* Sum of 64-bit words, each times an odd number of its own: any change of a single word shows. */
static uint64_t check_sum(const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    uint64_t sum = 0, weight = 1, word;
    for (; length >= sizeof word; length -= sizeof word, p += sizeof word, weight += 2) {
        memcpy(&word, p, sizeof word);
        sum += word * weight;
    }
    word = 0;
    memcpy(&word, p, length);
    return sum + word * weight;
}

hma_status hma_records_produce(void *user, const hma_tensor *tensor, uint64_t first, uint64_t count, void *destination) {
    hma_records *r = user;
    const size_t size = hma_dtype_size(tensor->dtype);
    const size_t before = r->chunks.first[hma_source_index(r->source, tensor)];
    hma_record *record = &r->list[before + (size_t)(first * size / HMA_CHUNK_BYTES)];
    const hma_status status = hma_source_read_measured(r->source, tensor, first, count, destination, &record->loss);
    if (status == HMA_OK) {
        record->check = check_sum(destination, (size_t)count * size);
    }
    return status;
}

static hma_status produce_chunk(void *user, size_t number, const hma_chunk *chunk, void *scratch) {
    hma_records *r = user;
    (void)number;
    return hma_records_produce(r, r->tensors[chunk->tensor], chunk->first, chunk->count, scratch);
}

hma_status hma_records_produce_all(hma_context *context, hma_records *records) {
    return hma_sweep(context, "merging", records->tensors, &records->chunks, produce_chunk, records);
}

typedef struct verification {
    const hma_records *records;
    const hma_checkpoint *written;
} verification;

static hma_status verify_chunk(void *user, size_t number, const hma_chunk *chunk, void *scratch) {
    const verification *v = user;
    const hma_tensor *meant = v->records->tensors[chunk->tensor], *found = hma_checkpoint_find(v->written, meant->name);
    bool same = found && found->dtype == meant->dtype && found->elements == meant->elements;
    if (same) {
        const hma_status status = hma_checkpoint_read(v->written, found, chunk->first, chunk->count, scratch);
        if (status != HMA_OK) {
            return status;
        }
        same = check_sum(scratch, (size_t)chunk->count * hma_dtype_size(found->dtype)) == v->records->list[number].check;
    }
    return same ? HMA_OK
                : hma_error(HMA_IO, "%s: tensor \"%.200s\" reads back differently from what was written (expected the same "
                            "bytes): check the disk and run again", hma_checkpoint_folder(v->written), meant->name);
}

hma_status hma_records_verify(hma_context *context, const hma_records *records, const char *folder) {
    hma_checkpoint *written;
    hma_status status = hma_checkpoint_open(&written, folder);
    if (status != HMA_OK) {
        return status;
    }
    verification v = {records, written};
    if (hma_checkpoint_tensor_count(written) != records->count) {
        status = hma_error(HMA_IO, "%s: has %zu tensors (expected %zu): check the disk and run again", folder,
                           hma_checkpoint_tensor_count(written), records->count);
    }
    if (status == HMA_OK) {
        status = hma_sweep(context, "verifying", records->tensors, &records->chunks, verify_chunk, &v);
    }
    hma_checkpoint_close(written);
    return status;
}

double hma_loss_share(const hma_rounding_loss *loss) {
    return loss->differing ? (double)loss->lost / (double)loss->differing : 0;
}

double hma_loss_error(const hma_rounding_loss *loss) { return loss->delta_norm > 0 ? loss->error_norm / loss->delta_norm : 0; }

/* Norms hold sums of squares until the end. */
static void add(hma_rounding_loss *loss, uint64_t elements, const hma_loss_sums *sums) {
    loss->elements += elements;
    loss->differing += sums->differing;
    loss->lost += sums->lost;
    loss->error_norm += sums->error_squared;
    loss->delta_norm += sums->delta_squared;
}

static void finish(hma_rounding_loss *loss) {
    loss->error_norm = sqrt(loss->error_norm);
    loss->delta_norm = sqrt(loss->delta_norm);
}

void hma_records_sum(const hma_records *records, hma_merge_report *report) {
    report->total = (hma_rounding_loss){0};
    memset(report->kind, 0, sizeof report->kind);
    for (size_t number = 0; number < hma_chunks_count(&records->chunks); number++) {
        const hma_chunk chunk = hma_chunks_at(&records->chunks, records->tensors, number);
        const hma_tensor *tensor = records->tensors[chunk.tensor];
        add(&report->total, chunk.count, &records->list[number].loss);
        add(&report->kind[hma_role_of(tensor->name, tensor->rank).kind], chunk.count, &records->list[number].loss);
    }
    finish(&report->total);
    for (size_t kind = 0; kind < HMA_KIND_COUNT; kind++) {
        finish(&report->kind[kind]);
    }
}
