/* model.safetensors.index.json. Accepted: shards are plain names in one folder, tensors are sorted and name one of them. */
#include <string.h>

#include "checkpoint/index.h"
#include "fuzz.h"

static void run(const uint8_t *data, size_t size) {
    hma_index index;
    if (!fuzz_succeeded(hma_index_parse(&index, "FILE", (const char *)data, size))) {
        return;
    }
    fuzz_check(index.shard_count > 0 && index.tensors.count >= index.shard_count, "every shard has a tensor");
    for (size_t i = 0; i < index.shard_count; i++) {
        const char *name = index.shards[i];
        fuzz_check(*name && *name != '.' && !strchr(name, '/') && strlen(name) < 256, "a shard is a plain file name");
        for (size_t j = 0; j < i; j++) {
            fuzz_check(strcmp(name, index.shards[j]) != 0, "shards differ");
        }
    }
    for (size_t i = 0; i < index.tensors.count; i++) {
        const hma_tensor *t = &index.tensors.items[i];
        fuzz_check(t->shard < index.shard_count, "a tensor names a shard");
        fuzz_check(i == 0 || strcmp(t[-1].name, t->name) < 0, "names are sorted and differ");
    }
    hma_index_free(&index);
}

static const char *const words[] = {FUZZ_JSON_WORDS, "\"", "\"metadata\":", "\"weight_map\":", "\"total_size\":",
                                    ".safetensors", "\"a\":\"x.safetensors\",", "../", "/", "\\/", "\\u002f", "\\u0000", "..",
                                    "\xEF\xBB\xBF", "1e9", "{}", "null", NULL};

const fuzz_target the_target = {.name = "index", .run = run, .words = words};
