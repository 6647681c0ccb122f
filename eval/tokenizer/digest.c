#include "eval/tokenizer/digest.h"

#include <string.h>

#include "base/sha256.h"

/* A name and some bytes, with their length, so that no two lists of values run together. */
static hma_status add(hma_sha256 *hash, const char *what, const void *bytes, size_t length) {
    const uint64_t size = length;
    hma_status status = hma_sha256_add(hash, what, strlen(what) + 1);
    if (status == HMA_OK && (status = hma_sha256_add(hash, &size, sizeof size)) == HMA_OK) {
        status = hma_sha256_add(hash, bytes, length);
    }
    return status;
}

static hma_status add_number(hma_sha256 *hash, const char *what, int64_t number) {
    return add(hash, what, &number, sizeof number);
}

/* ---- tokenizer.json ---- */

static hma_status add_vocabulary(hma_sha256 *hash, const hma_vocabulary *vocabulary) {
    hma_status status = add_number(hash, "vocabulary", (int64_t)vocabulary->texts.count);
    for (size_t id = 0; status == HMA_OK && id < vocabulary->size; id++) {
        size_t length;
        const char *text = hma_vocabulary_text(vocabulary, (int32_t)id, &length);
        if (text && (status = add_number(hash, "id", (int64_t)id)) == HMA_OK) {
            status = add(hash, "text", text, length);
        }
    }
    return status;
}

static hma_status add_rule(void *hash, int32_t left, int32_t right) {
    const int32_t pair[2] = {left, right};
    return add(hash, "merge", pair, sizeof pair);
}

static hma_status add_model(hma_sha256 *hash, const hma_json_model *model) {
    hma_status status = add_vocabulary(hash, &model->vocabulary);
    if (status == HMA_OK && model->is_unigram) {
        status = add(hash, "scores", model->unigram.scores, model->vocabulary.texts.count * sizeof *model->unigram.scores);
        return status == HMA_OK ? add_number(hash, "unknown", model->unigram.unknown) : status;
    }
    const hma_bpe *bpe = &model->bpe;
    const int64_t flags = bpe->fuse_unknown | bpe->byte_fallback << 1 | bpe->ignore_merges << 2 | bpe->has_unknown << 3;
    if (status == HMA_OK && (status = add_number(hash, "flags", flags)) == HMA_OK &&
        (status = add_number(hash, "unknown", bpe->unknown)) == HMA_OK) {
        status = hma_bpe_visit_rules(bpe, add_rule, hash);
    }
    return status;
}

static hma_status add_added(hma_sha256 *hash, const hma_added_tokens *added) {
    hma_status status = HMA_OK;
    for (size_t id = 0; status == HMA_OK && id < added->id_count; id++) {
        const hma_added_token *token = hma_added_tokens_by_id(added, (int32_t)id);
        if (token) {
            const int64_t flags =
                token->single_word | token->lstrip << 1 | token->rstrip << 2 | token->normalized << 3 | token->special << 4;
            if ((status = add_number(hash, "added", token->id)) == HMA_OK &&
                (status = add_number(hash, "flags", flags)) == HMA_OK) {
                status = add(hash, "text", token->text, strlen(token->text));
            }
        }
    }
    return status;
}

static hma_status add_pipeline(hma_sha256 *hash, const hma_pipeline *p) {
    hma_status status = add_model(hash, &p->model);
    if (status != HMA_OK || (status = add_added(hash, &p->added)) != HMA_OK ||
        (status = add(hash, "components", p->components, strlen(p->components))) != HMA_OK ||
        (status = add(hash, "before", p->postprocessor.before.ids, p->postprocessor.before.count * sizeof(int32_t))) !=
            HMA_OK) {
        return status;
    }
    return add(hash, "behind", p->postprocessor.behind.ids, p->postprocessor.behind.count * sizeof(int32_t));
}

/* ---- tokenizer.model ---- */

static hma_status add_piece(hma_sha256 *hash, const hma_model_piece *piece) {
    hma_status status = add_number(hash, "type", piece->type);
    if (status == HMA_OK && (status = add(hash, "score", &piece->score, sizeof piece->score)) == HMA_OK) {
        status = add(hash, "text", piece->text, piece->length);
    }
    return status;
}

static hma_status add_slow(hma_sha256 *hash, const hma_slow *slow) {
    const hma_spm_file *file = &slow->model->file;
    const bool flags[] = {file->byte_fallback, file->space_as_suffix, file->dummy_prefix, file->remove_extra_spaces,
                          file->escape_spaces, slow->gemma,           slow->legacy,       slow->prefix_space};
    int64_t switches = (int64_t)file->kind;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        switches |= (int64_t)flags[i] << (2 + i);
    }
    hma_status status = add_number(hash, "sentencepiece", switches);
    for (size_t i = 0; status == HMA_OK && i < file->count; i++) {
        status = add_piece(hash, &file->pieces[i]);
    }
    if (status != HMA_OK || (status = add(hash, "map", file->charsmap, file->charsmap_length)) != HMA_OK ||
        (status = add(hash, "unknown", file->unknown_surface, file->unknown_surface_length)) != HMA_OK ||
        (status = add(hash, "apart", slow->stands_apart, slow->added.count * sizeof *slow->stands_apart)) != HMA_OK ||
        (status = add_added(hash, &slow->added)) != HMA_OK || (status = add_number(hash, "before", slow->before)) != HMA_OK) {
        return status;
    }
    return add_number(hash, "behind", slow->behind);
}

hma_status hma_tokenizer_make_digest(hma_tokenizer *t) {
    hma_sha256 *hash = NULL;
    hma_status status = hma_sha256_new(&hash);
    if (status == HMA_OK && (status = t->slow ? add_slow(hash, t->slow) : add_pipeline(hash, t->pipeline)) == HMA_OK &&
        (status = add_number(hash, "clean up", t->clean_up_spaces)) == HMA_OK &&
        (status = add_number(hash, "bos", t->bos)) == HMA_OK && (status = add_number(hash, "eos", t->eos)) == HMA_OK &&
        (status = add_number(hash, "pad", t->pad)) == HMA_OK) {
        status = hma_sha256_end(hash, t->digest);
    }
    hma_sha256_free(hash);
    return status;
}
