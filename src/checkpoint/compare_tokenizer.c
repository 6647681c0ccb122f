#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/sha256.h"
#include "checkpoint/buffers.h"
#include "checkpoint/canonical_json.h"
#include "checkpoint/compare.h"
#include "base/checked.h"
#include "checkpoint/token_ids.h"
#include "checkpoint/tokenizer_meaning.h"

/* The largest in use (with 256,000 tokens) have some 35 MB. */
enum { TOKENIZER_MAX = 256 << 20 };

/* Loads FOLDER/NAME; *text stays NULL when there is no such file. */
static hma_status load(const hma_checkpoint *checkpoint, const char *name, char **path, char **text, size_t *length) {
    *path = hma_path_join(hma_checkpoint_folder(checkpoint), name);
    if (!*path) {
        return HMA_FAILURE;
    }
    return hma_path_exists(*path) ? hma_file_load(*path, TOKENIZER_MAX, text, length) : HMA_OK;
}

/* What comparing a file needs of it. */
typedef struct tokenizer_file {
    bool exists;
    char digest[65];       /* of its bytes or its canonical JSON */
    char tokens[65];       /* of the tokens of the common rows, where vocabularies may differ in size */
    hma_sections sections; /* of a tokenizer.json */
} tokenizer_file;

typedef enum comparison { BY_BYTES, BY_JSON, BY_SECTIONS } comparison;

/* `common`: rows that both have, where vocabularies may differ; 0: they may not. */
static hma_status examine(tokenizer_file *out, const hma_checkpoint *checkpoint, const char *name, comparison how,
                          uint64_t common) {
    char *path = NULL, *text = NULL;
    size_t length = 0;
    hma_status status = load(checkpoint, name, &path, &text, &length);
    out->exists = text != NULL;
    if (status == HMA_OK && text) {
        status = how == BY_BYTES  ? hma_sha256_of(text, length, out->digest)
                 : how == BY_JSON ? hma_canonical_json_digest(path, text, length, out->digest)
                                  : hma_sections_of(&out->sections, path, text, length);
    }
    if (status == HMA_OK && text && common > 0 && how != BY_BYTES) {
        status = hma_token_ids_digest(path, text, length, how == BY_JSON, common, out->tokens);
        if (how == BY_JSON) {
            memcpy(out->digest, out->tokens, sizeof out->digest);
        }
    }
    free(path);
    free(text);
    return status;
}

/* Where the tokens of the common rows are the same, what lists the others may differ. */
static bool may_differ(const hma_section *section, const tokenizer_file *a, const tokenizer_file *b) {
    return a->tokens[0] && strcmp(a->tokens, b->tokens) == 0 &&
           (strcmp(section->name, "added_tokens") == 0 || strcmp(section->name, "model.vocab") == 0);
}

/* Names of the sections that differ; two sorted lists, walked together. */
static void list_differences(hma_buffer *out, const tokenizer_file *one, const tokenizer_file *other) {
    enum { SHOWN = 8 };
    const hma_sections *a = &one->sections, *b = &other->sections;
    size_t count = 0;
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        const int order = i >= a->count ? 1 : j >= b->count ? -1 : strcmp(a->items[i].name, b->items[j].name);
        const hma_section *section = order <= 0 ? &a->items[i] : &b->items[j];
        const bool differs = order != 0 || strcmp(a->items[i].digest, b->items[j].digest) != 0;
        if (differs && !may_differ(section, one, other) && count++ < SHOWN) {
            hma_buffer_printf(out, "%s%.60s", count > 1 ? ", " : "", section->name);
        }
        i += order <= 0;
        j += order >= 0;
    }
    if (count > SHOWN) {
        hma_buffer_printf(out, " and %zu more", count - SHOWN);
    }
}

static hma_status report(hma_problems *problems, const char *name, const tokenizer_file *a, const tokenizer_file *b) {
    hma_buffer names = {0};
    list_differences(&names, a, b);
    const hma_status status = hma_buffer_ok(&names);
    if (status == HMA_OK && (names.length > 0 || strcmp(a->digest, b->digest) != 0)) {
        hma_problem_add(problems, "%s differs between pre and %s%s%s (expected the same tokens in both): average checkpoints "
                        "with the same tokenizer, or give both folders the same files if it is", name, problems->other,
                        names.length ? " in " : "", hma_buffer_cstr(&names));
    }
    hma_buffer_free(&names);
    return status;
}

static hma_status compare_file(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post, const char *name,
                               comparison how, uint64_t common) {
    tokenizer_file a = {0}, b = {0};
    hma_status status = examine(&a, pre, name, how, common);
    if (status == HMA_OK) {
        status = examine(&b, post, name, how, common);
    }
    if (status == HMA_OK && a.exists && b.exists) {
        status = report(problems, name, &a, &b);
    }
    hma_sections_free(&a.sections);
    hma_sections_free(&b.sections);
    return status;
}

/* Rows that both have, when the vocabularies differ in size and may; else 0. */
static uint64_t common_rows(const hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post) {
    uint64_t common = 0;
    for (size_t i = 0; problems->common_rows && i < hma_checkpoint_tensor_count(pre); i++) {
        const hma_tensor *a = hma_checkpoint_tensor(pre, i), *b = hma_checkpoint_find(post, a->name);
        if (b && hma_tensor_has_vocabulary_rows(a->name) && a->rank > 0 && b->rank > 0 && a->shape[0] != b->shape[0]) {
            common = hma_min_u64(a->shape[0], b->shape[0]);
        }
    }
    return common;
}

/* Only files that both have can be compared; a folder without a tokenizer takes the other's. */
hma_status hma_compare_tokenizers(hma_problems *problems, const hma_checkpoint *pre, const hma_checkpoint *post) {
    static const struct {
        const char *name;
        comparison how;
    } files[] = {{"tokenizer.json", BY_SECTIONS},
                 {"tokenizer.model", BY_BYTES},
                 {"vocab.json", BY_JSON},
                 {"merges.txt", BY_BYTES},
                 {"added_tokens.json", BY_JSON}};
    const uint64_t common = common_rows(problems, pre, post);
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < sizeof files / sizeof *files; i++) {
        status = compare_file(problems, pre, post, files[i].name, files[i].how, common);
    }
    return status;
}
