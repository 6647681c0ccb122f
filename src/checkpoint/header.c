#include "checkpoint/header.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "checkpoint/foreign.h"

/* Reads and checks the length. A file of another kind mostly fails here, so this is where it is recognised. */
static hma_status read_length(const hma_input *input, const char *path, size_t *length) {
    unsigned char start[HMA_FOREIGN_BYTES];
    const size_t available = input->size < sizeof start ? (size_t)input->size : sizeof start;
    hma_status status = hma_input_read(input, path, 0, start, available);
    if (status != HMA_OK) {
        return status;
    }
    uint64_t n = 0;
    if (available >= HMA_HEADER_PREFIX) {
        memcpy(&n, start, sizeof n);
        n = le64toh(n);
        if (n <= HMA_HEADER_MAX && n <= input->size - HMA_HEADER_PREFIX) {
            *length = (size_t)n;
            return HMA_OK;
        }
    }
    const hma_foreign *kind = hma_foreign_recognise(start, available);
    if (kind) {
        return hma_error(HMA_BAD_DATA, "%s: is %s (expected safetensors): %s", path, kind->what, kind->remedy);
    }
    if (available < HMA_HEADER_PREFIX) {
        return hma_error(HMA_BAD_DATA, "%s: is %zu bytes long (expected a safetensors file, at least 8): download or save it "
                         "again", path, available);
    }
    if (n > HMA_HEADER_MAX) {
        return hma_error(HMA_BAD_DATA, "%s: gives its header as %llu bytes (expected at most %d): this is not a safetensors "
                         "file, or it is damaged; download or save it again", path, (unsigned long long)n, HMA_HEADER_MAX);
    }
    return hma_error(HMA_BAD_DATA, "%s: gives its header as %llu bytes (expected at most %llu, the rest of the file): the file "
                     "was cut off; download or save it again", path, (unsigned long long)n,
                     (unsigned long long)(input->size - HMA_HEADER_PREFIX));
}

hma_status hma_header_load(hma_tensor_list *list, const hma_input *input, const char *path, size_t shard) {
    size_t length = 0;
    hma_status status = read_length(input, path, &length);
    if (status != HMA_OK) {
        return status;
    }
    char *text = malloc(length ? length : 1);
    if (!text) {
        return hma_error_memory(path);
    }
    status = hma_input_read(input, path, HMA_HEADER_PREFIX, text, length);
    if (status == HMA_OK) {
        status = hma_header_parse(list, path, text, length, input->size - HMA_HEADER_PREFIX - length, shard);
    }
    free(text);
    return status;
}
