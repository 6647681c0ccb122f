#include "merge/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/number.h"

void hma_blocks_free(hma_blocks *blocks) {
    free(blocks->start);
    *blocks = (hma_blocks){0};
}

static size_t even_start(size_t block, size_t count, size_t layers) {
    const size_t remainder = layers % count;
    return block * (layers / count) + (block < remainder ? block : remainder);
}

static hma_status check_layers(size_t layers) {
    return layers >= 1 && layers <= HMA_MAX_LAYERS
               ? HMA_OK
               : hma_error(HMA_USAGE, "layers: %zu is not usable (expected 1 to %d): give the checkpoints' number of layers",
                           layers, HMA_MAX_LAYERS);
}

hma_status hma_blocks_split(hma_blocks *out, size_t count, size_t layers) {
    const hma_status status = check_layers(layers);
    if (status != HMA_OK) {
        return status;
    }
    if (count < 1 || count > layers) {
        return hma_error(HMA_USAGE, "blocks: %zu blocks do not fit (expected 1 to %zu, the number of layers): correct it",
                         count, layers);
    }
    size_t *start = HMA_NEW(size_t, count);
    if (!start) {
        return HMA_FAILURE;
    }
    for (size_t k = 0; k < count; k++) {
        start[k] = even_start(k, count, layers);
    }
    *out = (hma_blocks){start, count};
    return HMA_OK;
}

hma_status hma_blocks_at(hma_blocks *out, const size_t *start, size_t count, size_t layers) {
    const hma_status status = check_layers(layers);
    if (status != HMA_OK) {
        return status;
    }
    const bool has_first = count > 0 && start[0] == 0;
    const size_t blocks = has_first ? count : count + 1;
    size_t previous = 0;
    for (size_t i = has_first; i < count; i++) {
        if (start[i] <= previous || start[i] >= layers) {
            return hma_error(HMA_USAGE, "blocks: boundary %zu is out of place (expected increasing first layers of the blocks, "
                             "all from 1 to %zu): correct it", start[i], layers - 1);
        }
        previous = start[i];
    }
    size_t *copy = HMA_NEW(size_t, blocks);
    if (!copy) {
        return HMA_FAILURE;
    }
    if (count > 0) {
        memcpy(copy + !has_first, start, count * sizeof *start);
    }
    *out = (hma_blocks){copy, blocks};
    return HMA_OK;
}

static hma_status malformed(const char *text) {
    return hma_error(HMA_USAGE, "blocks: \"%s\" is malformed (expected a number of blocks, layers, hma, or first layers such "
                     "as 8,17, one alone as 8,): correct it", text);
}

static hma_status parse_boundaries(hma_blocks *out, const char *text, size_t layers) {
    hma_status status = HMA_OK;
    size_t *start = NULL, count = 0, capacity = 0;
    for (const char *p = text; status == HMA_OK; p++) {
        if (!*p && count == 1) {
            break; /* "8,": a comma says that it is no number of blocks */
        }
        const size_t length = strcspn(p, ",");
        char *number = hma_copy_bytes(p, length);
        uint64_t value = 0;
        if (!number || hma_grow(&start, &capacity, count + 1, sizeof *start)) {
            status = HMA_FAILURE;
        } else if (!hma_parse_u64(&value, number)) {
            status = malformed(text);
        } else {
            start[count++] = (size_t)value;
        }
        free(number);
        p += length;
        if (!*p) {
            break;
        }
    }
    if (status == HMA_OK) {
        status = hma_blocks_at(out, start, count, layers);
    }
    free(start);
    return status;
}

/* The split of the paper's code: layers below 8 / below 16 / the rest; above 30 layers 11 and 21. */
static hma_status paper_blocks(hma_blocks *out, size_t layers) {
    const size_t small[] = {8, 16}, large[] = {11, 21};
    if (layers <= small[1]) {
        return hma_error(HMA_USAGE, "blocks: hma splits at layers 8 and 16 (expected more than 16 layers, there are %zu): use "
                         "3 for an even split", layers);
    }
    return hma_blocks_at(out, layers <= 30 ? small : large, 2, layers);
}

hma_status hma_blocks_parse(hma_blocks *out, const char *text, size_t layers) {
    uint64_t count;
    if (strcmp(text, "layers") == 0) {
        return hma_blocks_split(out, layers, layers);
    }
    if (strcmp(text, "hma") == 0) {
        return paper_blocks(out, layers);
    }
    if (strchr(text, ',')) {
        return parse_boundaries(out, text, layers);
    }
    return hma_parse_u64(&count, text) ? hma_blocks_split(out, (size_t)count, layers) : malformed(text);
}

hma_status hma_blocks_copy(hma_blocks *out, const hma_blocks *blocks) {
    size_t *start = HMA_NEW(size_t, blocks->count);
    if (!start) {
        return HMA_FAILURE;
    }
    memcpy(start, blocks->start, blocks->count * sizeof *start);
    *out = (hma_blocks){start, blocks->count};
    return HMA_OK;
}

bool hma_blocks_are_even(const hma_blocks *blocks, size_t layers) {
    for (size_t k = 0; k < blocks->count; k++) {
        if (blocks->start[k] != even_start(k, blocks->count, layers)) {
            return false;
        }
    }
    return true;
}

size_t hma_blocks_find(const hma_blocks *blocks, size_t layer) {
    size_t low = 0, high = blocks->count; /* start[low] <= layer < start[high] */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (blocks->start[middle] <= layer) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}
