/* One safetensors file. Accepted: every range lies in the file, no two overlap, and writing the tensors gives a header that
 * says the same again, byte for byte the second time. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"
#include "checkpoint/header.h"
#include "checkpoint/header_write.h"
#include "fuzz.h"

/* A file without a folder: written anew for every input. */
static hma_status load(hma_tensor_list *list, const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_check(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "a file in memory can be written");
    hma_input input;
    fuzz_check(hma_input_open(&input, path) == HMA_OK, "a file in memory can be opened");
    const hma_status status = hma_header_load(list, &input, "FILE", 0);
    hma_input_close(&input);
    return status;
}

/* Every byte after the header belongs to exactly one tensor. */
static void check_ranges(const hma_tensor_list *list, size_t size) {
    uint8_t *owners = calloc(size, 1);
    size_t first = size, owned = 0;
    fuzz_check(owners, "little memory is enough");
    for (size_t i = 0; i < list->count; i++) {
        const hma_tensor *t = &list->items[i];
        fuzz_check(t->offset >= HMA_HEADER_PREFIX && t->offset <= size && t->bytes <= size - t->offset,
                   "ranges lie in the file");
        fuzz_check(t->bytes == t->elements * hma_dtype_size(t->dtype) && t->rank <= HMA_MAX_RANK, "sizes agree");
        for (uint64_t at = t->offset; at < t->offset + t->bytes; at++) {
            fuzz_check(!owners[at], "ranges do not overlap");
            owners[at] = 1;
        }
        first = hma_min_size(first, (size_t)t->offset);
        owned += (size_t)t->bytes;
    }
    fuzz_check(list->count == 0 || first + owned == size, "nothing is left over");
    free(owners);
}

static void check_names(const hma_tensor_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const hma_tensor *t = &list->items[i];
        fuzz_check(i == 0 || strcmp(t[-1].name, t->name) < 0, "names are sorted and differ");
        fuzz_check(hma_tensor_list_find(list, t->name) == t, "every tensor is found");
        for (const char *c = t->name; *c; c++) {
            fuzz_check((unsigned char)*c >= 0x20 && *c != 0x7f, "names are printable");
        }
    }
}

static void write_header(hma_buffer *out, const hma_tensor_list *list) {
    const hma_tensor **tensors = calloc(list->count + 1, sizeof *tensors);
    fuzz_check(tensors, "little memory is enough");
    for (size_t i = 0; i < list->count; i++) {
        tensors[i] = &list->items[i];
    }
    hma_header_order(tensors, list->count);
    fuzz_check(hma_header_write(out, tensors, list->count, NULL) == HMA_OK, "what was read can be written");
    free(tensors);
}

static void check_round_trip(const hma_tensor_list *list) {
    hma_buffer first = {0}, second = {0};
    hma_tensor_list again = {0};
    uint64_t data = 0;
    for (size_t i = 0; i < list->count; i++) {
        data += list->items[i].bytes;
    }
    write_header(&first, list);
    fuzz_check(first.length % 8 == 0, "the header is padded");
    fuzz_check(hma_header_parse(&again, "COPY", first.data + HMA_HEADER_PREFIX, first.length - HMA_HEADER_PREFIX, data,
                                0) == HMA_OK,
               "what was written can be read");
    fuzz_check(again.count == list->count, "as many tensors");
    for (size_t i = 0; i < list->count; i++) {
        const hma_tensor *a = &list->items[i], *b = &again.items[i];
        fuzz_check(strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->rank == b->rank &&
                       memcmp(a->shape, b->shape, sizeof a->shape) == 0, "the same tensors");
    }
    write_header(&second, &again);
    fuzz_check(first.length == second.length && memcmp(first.data, second.data, first.length) == 0, "the same bytes");
    hma_tensor_list_free(&again);
    hma_buffer_free(&first);
    hma_buffer_free(&second);
}

static void run(const uint8_t *data, size_t size) {
    hma_tensor_list list = {0};
    if (fuzz_succeeded(load(&list, data, size))) {
        check_names(&list);
        check_ranges(&list, size);
        check_round_trip(&list);
    }
    hma_tensor_list_free(&list);
}

/* End of the JSON value that begins at data[at]: where its braces balance, outside of strings. */
static size_t json_end(const uint8_t *data, size_t at, size_t size) {
    size_t depth = 0;
    bool in_string = false;
    for (; at < size; at++) {
        if (in_string) {
            at += data[at] == '\\';
            in_string = at >= size || data[at] != '"' || data[at - 1] == '\\';
        } else if (data[at] == '"') {
            in_string = true;
        } else if (data[at] == '{') {
            depth++;
        } else if (data[at] == '}' && depth-- <= 1) {
            return at + 1;
        }
    }
    return size;
}

/* The largest "data_offsets" end: as much data should follow. */
static uint64_t claimed_data(const uint8_t *data, size_t size) {
    uint64_t most = 0;
    for (size_t i = 8; i + 16 < size; i++) {
        char text[64];
        unsigned long long begin, end;
        if (memcmp(data + i, "\"data_offsets\":[", 16) != 0) {
            continue;
        }
        const size_t n = hma_min_size(sizeof text - 1, size - i - 16);
        memcpy(text, data + i + 16, n);
        text[n] = 0;
        if (sscanf(text, "%llu,%llu]", &begin, &end) == 2 && end > most) {
            most = end;
        }
    }
    return most;
}

static size_t repair(uint8_t *data, size_t size, size_t capacity) {
    if (size < HMA_HEADER_PREFIX) {
        return size;
    }
    size_t end = json_end(data, HMA_HEADER_PREFIX, size);
    while (end < size && data[end] == ' ') {
        end++;
    }
    const uint64_t length = end - HMA_HEADER_PREFIX, wanted = claimed_data(data, end);
    memcpy(data, &length, sizeof length);
    if (wanted > capacity - end) {
        return size;
    }
    if (end + wanted > size) {
        memset(data + size, 0, end + (size_t)wanted - size);
    }
    return end + (size_t)wanted;
}

#define ENTRY(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

/* Headers that are worth starting from; `data` bytes follow. */
static const struct {
    const char *header;
    size_t data;
} seeds[] = {
    {"{}", 0},
    {"\t\n{}", 0},
    {"{}\r \t\n", 0},
    {"{" ENTRY("test", "I32", "[]", "[0,4]") "}", 4},
    {"{" ENTRY("test", "I32", "[2,0]", "[0, 0]") "}", 0},
    {"{" ENTRY("test", "I32", "[2,2]", "[0,16]") "}", 16},
    {"{" ENTRY("test", "I32", "[2,2]", "[0,16]") "}extra_bogus_data_for_polyglot_file", 16},
    {"{" ENTRY("test", "I32", "[2,18446744073709551614]", "[0,16]") "}", 16},
    {"{\"__metadata__\":{\"format\":\"pt\",\"a\\u0062\":\"c\"},"
     ENTRY("model.embed_tokens.weight", "BF16", "[8,4]", "[0,64]") ","
     ENTRY("model.norm.weight", "BF16", "[4]", "[64,72]") "," ENTRY("s", "F64", "[1,1,1,1,1,1,1,1]", "[72,80]") "}  ", 80},
    {"{\"b\":{\"data_offsets\":[4,8],\"shape\":[4],\"dtype\":\"U8\"}," ENTRY("A", "BOOL", "[2,2]", "[0,4]") ","
     ENTRY("a", "I8", "[0]", "[4,4]") "}", 8},
    /* as much data as the sizes add up to, but an overlap, a hole, a range inside another */
    {"{" ENTRY("a", "U8", "[4]", "[0,4]") "," ENTRY("b", "U8", "[4]", "[0,4]") "}", 8},
    {"{" ENTRY("a", "U8", "[4]", "[0,4]") "," ENTRY("b", "U8", "[4]", "[8,12]") "}", 8},
    {"{" ENTRY("a", "U8", "[6]", "[0,6]") "," ENTRY("b", "U8", "[2]", "[2,4]") "}", 8},
};

static bool seed(hma_buffer *out, size_t index) {
    if (index >= sizeof seeds / sizeof *seeds) {
        return false;
    }
    const uint64_t length = strlen(seeds[index].header);
    hma_buffer_add(out, &length, sizeof length);
    hma_buffer_add(out, seeds[index].header, (size_t)length);
    for (size_t i = 0; i < seeds[index].data; i++) {
        hma_buffer_char(out, (char)i);
    }
    return true;
}

static const char *const words[] = {FUZZ_JSON_WORDS, "\"", "\"dtype\":", "\"shape\":", "\"data_offsets\":",
                                    "\"__metadata__\":", "\"F32\"", "\"BF16\"", "\"F8_E4M3\"", "\"U8\"", "[0,0]", "[]",
                                    "[1,1]", "\\u0000", "\\u001b", "\\ud800",
                                    "\"x\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]},",
                                    "\"__metadata__\":{\"a\":\"b\"},", " ", "\n", "\xEF\xBB\xBF", "null", "true", "1e9", NULL};

const fuzz_target the_target = {"header", run, repair, words, seed};
