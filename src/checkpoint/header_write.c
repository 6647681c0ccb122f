#include "checkpoint/header_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "checkpoint/header.h"

/* The reference writer's order of element types; it refines "largest alignment first". */
static int rank_of(hma_dtype dtype) {
    static const hma_dtype order[HMA_DTYPE_COUNT] = {HMA_U64,  HMA_I64, HMA_F64, HMA_F32, HMA_U32, HMA_I32, HMA_BF16,
                                                     HMA_F16,  HMA_U16, HMA_I16, HMA_I8,  HMA_U8,  HMA_BOOL};
    int rank = 0;
    while (rank < HMA_DTYPE_COUNT - 1 && order[rank] != dtype) {
        rank++;
    }
    return rank;
}

static int by_alignment_and_name(const void *a, const void *b) {
    const hma_tensor *x = *(const hma_tensor *const *)a, *y = *(const hma_tensor *const *)b;
    return x->dtype != y->dtype ? rank_of(x->dtype) - rank_of(y->dtype) : strcmp(x->name, y->name);
}

void hma_header_order(const hma_tensor **tensors, size_t count) {
    if (count) {
        qsort(tensors, count, sizeof *tensors, by_alignment_and_name);
    }
}

static void write_metadata(hma_buffer *out, const char *const *metadata) {
    hma_buffer_text(out, "\"__metadata__\":{\"format\":\"pt\"");
    for (; metadata && *metadata; metadata += 2) {
        hma_buffer_char(out, ',');
        hma_buffer_json_text(out, metadata[0], strlen(metadata[0]));
        hma_buffer_char(out, ':');
        hma_buffer_json_text(out, metadata[1], strlen(metadata[1]));
    }
    hma_buffer_char(out, '}');
}

static void write_tensor(hma_buffer *out, const hma_tensor *t, uint64_t begin) {
    hma_buffer_char(out, ',');
    hma_buffer_json_text(out, t->name, strlen(t->name));
    hma_buffer_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", hma_dtype_name(t->dtype));
    for (size_t i = 0; i < t->rank; i++) {
        hma_buffer_printf(out, "%s%" PRIu64, i ? "," : "", t->shape[i]);
    }
    hma_buffer_printf(out, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin, begin + t->bytes);
}

hma_status hma_header_write(hma_buffer *out, const hma_tensor *const *tensors, size_t count, const char *const *metadata) {
    const size_t from = out->length;
    uint64_t length = 0, begin = 0;
    hma_buffer_add(out, &length, sizeof length); /* filled in below */
    hma_buffer_char(out, '{');
    write_metadata(out, metadata);
    for (size_t i = 0; i < count; i++) {
        write_tensor(out, tensors[i], begin);
        begin += tensors[i]->bytes;
    }
    hma_buffer_char(out, '}');
    while ((out->length - from) % 8 != 0 && !out->failed) {
        hma_buffer_char(out, ' ');
    }
    const hma_status status = hma_buffer_ok(out);
    if (status != HMA_OK) {
        return status;
    }
    length = out->length - from - HMA_HEADER_PREFIX;
    if (length > HMA_HEADER_MAX) {
        return hma_error(HMA_USAGE, "shard: its header would be %" PRIu64 " bytes (expected at most %d): choose smaller "
                         "shards", length, HMA_HEADER_MAX);
    }
    memcpy(out->data + from, &length, sizeof length);
    return HMA_OK;
}
