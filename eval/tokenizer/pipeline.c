#include "eval/tokenizer/pipeline.h"

#include <string.h>

size_t hma_pipeline_size(const hma_pipeline *pipeline) {
    const size_t model = pipeline->model.vocabulary.size, added = pipeline->added.id_count;
    return model > added ? model : added;
}

int32_t hma_pipeline_id(const hma_pipeline *pipeline, const char *text, size_t length) {
    const hma_added_token *token = hma_added_tokens_find(&pipeline->added, text, length);
    return token ? token->id : hma_vocabulary_id(&pipeline->model.vocabulary, text, length);
}

/* ---- encoding ---- */

/* Neighbouring characters that a Unigram model does not know count as one. */
static size_t unknown_run_end(const hma_unigram *unigram, const hma_span_list *spans, size_t first) {
    size_t last = first;
    while (spans->items[first].id == unigram->unknown && last + 1 < spans->count &&
           spans->items[last + 1].id == unigram->unknown) {
        last++;
    }
    return last;
}

/* The id of a stretch of text by Unigram's second look: the vocabulary, bytes, the unknown token. */
static hma_status add_unigram_text(const hma_json_model *model, const char *text, size_t length, hma_id_list *ids) {
    const int32_t id = hma_vocabulary_id(&model->vocabulary, text, length);
    bool as_bytes = id < 0 && model->unigram_byte_fallback;
    for (size_t i = 0; as_bytes && i < length; i++) {
        as_bytes = model->unigram_byte_ids[(unsigned char)text[i]] >= 0;
    }
    if (!as_bytes) {
        return hma_id_list_add(ids, id >= 0 ? id : model->unigram.unknown);
    }
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < length; i++) {
        status = hma_id_list_add(ids, model->unigram_byte_ids[(unsigned char)text[i]]);
    }
    return status;
}

static hma_status encode_unigram(const hma_json_model *model, const char *text, size_t length, hma_id_list *ids) {
    hma_span_list spans = {0};
    hma_status status = hma_unigram_cut(&model->unigram, text, length, &spans);
    for (size_t i = 0; status == HMA_OK && i < spans.count; i++) {
        const size_t start = spans.items[i].start;
        i = unknown_run_end(&model->unigram, &spans, i);
        status = add_unigram_text(model, text + start, spans.items[i].end - start, ids);
    }
    hma_span_list_free(&spans);
    return status;
}

static hma_status encode_pieces(const hma_json_model *model, const hma_pieces *pieces, hma_id_list *ids) {
    hma_bpe_scratch scratch = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < pieces->count; i++) {
        const hma_piece *piece = &pieces->items[i];
        const char *text = hma_piece_text(pieces, piece);
        if (piece->token >= 0) {
            status = hma_id_list_add(ids, piece->token);
        } else if (model->is_unigram) {
            status = encode_unigram(model, text, piece->length, ids);
        } else {
            status = hma_bpe_encode(&model->bpe, &model->vocabulary, &scratch, text, piece->length, ids);
        }
    }
    hma_bpe_scratch_free(&scratch);
    return status;
}

static hma_status add_ids(hma_id_list *ids, const hma_id_list *more) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < more->count; i++) {
        status = hma_id_list_add(ids, more->ids[i]);
    }
    return status;
}

hma_status hma_pipeline_encode(const hma_pipeline *pipeline, const char *text, size_t length, bool special, hma_id_list *ids) {
    hma_pieces pieces;
    hma_status status = hma_pieces_begin(&pieces, text, length);
    if (status == HMA_OK && (status = hma_added_tokens_cut(&pipeline->added, false, &pieces)) == HMA_OK &&
        (status = hma_normalizer_run(&pipeline->normalizer, &pieces)) == HMA_OK &&
        (status = hma_added_tokens_cut(&pipeline->added, true, &pieces)) == HMA_OK &&
        (status = hma_pretokenizer_run(&pipeline->pretokenizer, &pieces)) == HMA_OK && special) {
        status = add_ids(ids, &pipeline->postprocessor.before);
    }
    if (status == HMA_OK && (status = encode_pieces(&pipeline->model, &pieces, ids)) == HMA_OK && special) {
        status = add_ids(ids, &pipeline->postprocessor.behind);
    }
    hma_pieces_free(&pieces);
    return status;
}

/* ---- decoding ---- */

static hma_status add_token_text(const hma_pipeline *pipeline, int32_t id, bool skip_special, hma_pieces *tokens) {
    const hma_added_token *added = hma_added_tokens_by_id(&pipeline->added, id);
    size_t length = 0;
    const char *text = added ? added->text : hma_vocabulary_text(&pipeline->model.vocabulary, id, &length);
    if (!text || (added && added->special && skip_special)) {
        return HMA_OK;
    }
    return hma_tokens_add(tokens, text, added ? strlen(text) : length);
}

hma_status hma_pipeline_decode(const hma_pipeline *pipeline, const int32_t *ids, size_t count, bool skip_special,
                               hma_buffer *out) {
    hma_pieces tokens = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < count; i++) {
        status = add_token_text(pipeline, ids[i], skip_special, &tokens);
    }
    if (status == HMA_OK) {
        status = hma_decoder_run(&pipeline->decoder, &tokens, out);
    }
    hma_pieces_free(&tokens);
    return status;
}
