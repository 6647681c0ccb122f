#include "eval/tokenizer/sentencepiece.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/decoder.h"
#include "eval/tokenizer/vocabulary.h"

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 */

/* ---- opening ---- */

static bool is_ordinary(hma_piece_type type) {
    return type == HMA_PIECE_NORMAL || type == HMA_PIECE_USER_DEFINED || type == HMA_PIECE_UNUSED;
}

/* The byte of a byte piece, exactly as it is written, -1 otherwise. */
static int byte_of_piece(const char *text, size_t length) {
    char exact[8];
    const int byte = hma_byte_of_token(text, length);
    (void)snprintf(exact, sizeof exact, "<0x%02X>", (unsigned)(byte & 0xFF));
    return byte >= 0 && memcmp(exact, text, length) == 0 ? byte : -1;
}

static hma_status index_piece(hma_sentencepiece *model, size_t id, bool bytes[256], const char *path) {
    const hma_model_piece *piece = &model->file.pieces[id];
    bool added;
    const hma_status status = hma_text_set_put(is_ordinary(piece->type) ? &model->ordinary : &model->reserved, piece->text,
                                               piece->length, id, &added);
    if (status != HMA_OK) {
        return status;
    }
    const int byte = byte_of_piece(piece->text, piece->length);
    if (!added) {
        return hma_error(HMA_BAD_DATA, "%s: the piece \"%.*s\" is there twice: replace the file", path, (int)piece->length,
                         piece->text);
    }
    if (piece->type == HMA_PIECE_UNKNOWN) {
        if (model->unknown >= 0) {
            return hma_error(HMA_BAD_DATA, "%s: two unknown pieces (expected one): replace the file", path);
        }
        model->unknown = (int32_t)id;
    }
    if (piece->type == HMA_PIECE_BYTE) {
        if (byte < 0 || !model->file.byte_fallback) {
            return hma_error(HMA_BAD_DATA,
                             "%s: the byte piece \"%.*s\" is malformed, or byte_fallback is off: replace the file", path,
                             (int)piece->length, piece->text);
        }
        bytes[byte] = true;
    }
    model->has_unused = model->has_unused || piece->type == HMA_PIECE_UNUSED;
    model->longest_piece = piece->length > model->longest_piece ? piece->length : model->longest_piece;
    return HMA_OK;
}

static hma_status index_pieces(hma_sentencepiece *model, const char *path) {
    bool bytes[256] = {false}, all_bytes = true;
    hma_status status = HMA_OK;
    model->unknown = -1;
    if (model->file.count > INT32_MAX) {
        return hma_error(HMA_BAD_DATA, "%s: %zu pieces (expected at most 2147483647): replace the file", path,
                         model->file.count);
    }
    for (size_t id = 0; status == HMA_OK && id < model->file.count; id++) {
        status = index_piece(model, id, bytes, path);
    }
    for (size_t i = 0; i < 256; i++) {
        all_bytes = all_bytes && bytes[i];
    }
    if (status == HMA_OK && (model->unknown < 0 || (model->file.byte_fallback && !all_bytes))) {
        status =
            hma_error(HMA_BAD_DATA,
                      "%s: no unknown piece, or not all 256 byte pieces although byte_fallback is on: replace the file", path);
    }
    return status;
}

/* A trie of the pieces of the given types (bits 1 << type); *trie stays NULL when there are none. */
static hma_status build_trie(const hma_sentencepiece *model, unsigned types, hma_trie **trie) {
    size_t count = 0;
    hma_trie_key *keys = HMA_NEW(hma_trie_key, model->file.count);
    if (!keys) {
        return HMA_FAILURE;
    }
    for (size_t id = 0; id < model->file.count; id++) {
        const hma_model_piece *piece = &model->file.pieces[id];
        if (types >> piece->type & 1) {
            keys[count++] = (hma_trie_key){piece->text, piece->length, (int32_t)id};
        }
    }
    const hma_status status = count ? hma_trie_new(trie, keys, count) : HMA_OK;
    free(keys);
    return status;
}

/*
 * Scores as sentencepiece has them: of normal pieces their own; user-defined symbols gain, and the more the longer they are.
 * Releases up to 0.2.1 took 0.1 off instead, which cuts runs of such symbols elsewhere.
 */
static hma_status prepare_unigram(hma_sentencepiece *model, const char *path) {
    hma_unigram *u = &model->unigram;
    const hma_spm_file *file = &model->file;
    float least = FLT_MAX;
    u->single = true;
    u->unknown = model->unknown;
    u->scores = HMA_NEW(double, file->count);
    if (!u->scores) {
        return HMA_FAILURE;
    }
    for (size_t id = 0; id < file->count; id++) {
        if (file->pieces[id].type == HMA_PIECE_NORMAL) {
            least = file->pieces[id].score < least ? file->pieces[id].score : least;
        }
    }
    for (size_t id = 0; id < file->count; id++) {
        const bool user_defined = file->pieces[id].type == HMA_PIECE_USER_DEFINED;
        u->scores[id] = (double)(user_defined ? (float)(0.1 * ((double)file->pieces[id].length - 1)) : file->pieces[id].score);
    }
    u->unknown_score = (double)(least - 10.0f);
    const hma_status status = build_trie(model, 1u << HMA_PIECE_NORMAL | 1u << HMA_PIECE_USER_DEFINED, &u->trie);
    if (status == HMA_OK && !u->trie) {
        return hma_error(HMA_BAD_DATA, "%s: no pieces to cut texts into (expected a vocabulary): replace the file", path);
    }
    return status;
}

static hma_status build(hma_sentencepiece *model, const char *path) {
    hma_status status = index_pieces(model, path);
    if (status == HMA_OK && (status = build_trie(model, 1u << HMA_PIECE_USER_DEFINED, &model->user_defined)) == HMA_OK &&
        model->file.charsmap) {
        status = hma_charsmap_new(&model->charsmap, model->file.charsmap, model->file.charsmap_length, path);
    }
    if (status == HMA_OK && model->file.kind == HMA_SPM_UNIGRAM) {
        status = prepare_unigram(model, path);
    }
    return status;
}

hma_status hma_sentencepiece_open(hma_sentencepiece **out, const char *path, bool dummy_prefix) {
    hma_sentencepiece *model = HMA_NEW(hma_sentencepiece, 1);
    hma_status status = model ? hma_spm_file_read(&model->file, path) : HMA_FAILURE;
    if (status == HMA_OK) {
        model->file.dummy_prefix = model->file.dummy_prefix && dummy_prefix;
        status = build(model, path);
    }
    if (status != HMA_OK) {
        hma_sentencepiece_free(model);
        return status;
    }
    *out = model;
    return HMA_OK;
}

void hma_sentencepiece_free(hma_sentencepiece *model) {
    if (model) {
        hma_spm_file_free(&model->file);
        hma_text_set_free(&model->ordinary);
        hma_text_set_free(&model->reserved);
        hma_trie_free(model->user_defined);
        hma_charsmap_free(model->charsmap);
        hma_unigram_free(&model->unigram);
        free(model);
    }
}

int32_t hma_sentencepiece_id(const hma_sentencepiece *model, const char *text, size_t length) {
    uint64_t id;
    if (hma_text_set_find(&model->reserved, text, length, &id) || hma_text_set_find(&model->ordinary, text, length, &id)) {
        return (int32_t)id;
    }
    return model->unknown;
}

const char *hma_sentencepiece_text(const hma_sentencepiece *model, int32_t id, size_t *length) {
    if (id < 0 || (size_t)id >= model->file.count) {
        return NULL;
    }
    *length = model->file.pieces[id].length;
    return model->file.pieces[id].text;
}

/* ---- encoding ---- */

/* An unknown stretch of text: as byte pieces, or joined to the unknown one before it. */
static hma_status add_unknown(const hma_sentencepiece *model, const char *text, size_t length, bool join, hma_pieces *tokens) {
    if (!model->file.byte_fallback) {
        if (join) {
            hma_buffer_add(&tokens->text, text, length);
            tokens->items[tokens->count - 1].length += length;
            return hma_buffer_ok(&tokens->text);
        }
        return hma_tokens_add(tokens, text, length);
    }
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < length; i++) {
        char byte[8];
        (void)snprintf(byte, sizeof byte, "<0x%02X>", (unsigned char)text[i]);
        status = hma_tokens_add(tokens, byte, 6);
    }
    return status;
}

static hma_status add_spans(const hma_sentencepiece *model, const char *text, const hma_span_list *spans, hma_pieces *tokens) {
    bool after_unknown = false;
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < spans->count; i++) {
        const hma_span *span = &spans->items[i];
        const bool unknown = span->id == model->unknown;
        if (model->file.pieces[span->id].type == HMA_PIECE_CONTROL) {
            return hma_error(HMA_BAD_DATA,
                             "a character of the text is a control symbol of the tokenizer, which sentencepiece refuses: "
                             "use another tokenizer");
        }
        if (unknown) {
            status = add_unknown(model, text + span->start, span->end - span->start, after_unknown, tokens);
        } else {
            status = hma_tokens_add(tokens, text + span->start, span->end - span->start);
        }
        after_unknown = unknown;
    }
    return status;
}

hma_status hma_sentencepiece_encode(const hma_sentencepiece *model, const char *text, size_t length, hma_pieces *tokens) {
    hma_buffer normal = {0};
    hma_span_list spans = {0};
    hma_status status = hma_sentencepiece_normalize(model, text, length, &normal);
    if (status == HMA_OK) {
        const char *from = hma_buffer_cstr(&normal);
        status = model->file.kind == HMA_SPM_BPE ? hma_sentencepiece_cut_bpe(model, from, normal.length, &spans)
                                                 : hma_unigram_cut(&model->unigram, from, normal.length, &spans);
    }
    if (status == HMA_OK) {
        status = add_spans(model, hma_buffer_cstr(&normal), &spans, tokens);
    }
    hma_span_list_free(&spans);
    hma_buffer_free(&normal);
    return status;
}

/* ---- decoding ---- */

/* Bytes of byte pieces become characters where they are whole, else U+FFFD each. */
static void flush_bytes(hma_buffer *bytes, hma_buffer *out) {
    for (size_t i = 0; i < bytes->length;) {
        const size_t n = hma_utf8_length(bytes->data + i, bytes->length - i);
        hma_buffer_add(out, n ? bytes->data + i : "\xEF\xBF\xBD", n ? n : 3);
        i += n ? n : 1;
    }
    hma_buffer_clear(bytes);
}

/* Marks become spaces. */
static void write_spaced(const char *text, size_t length, hma_buffer *out) {
    const size_t n = sizeof space_mark - 1;
    for (size_t i = 0; i < length;) {
        const bool mark = length - i >= n && memcmp(text + i, space_mark, n) == 0;
        hma_buffer_char(out, mark ? ' ' : text[i]);
        i += mark ? n : 1;
    }
}

/* One token that is no byte piece. `at_start`: a space in front of it is the one that encoding has put there; true when it has
 * been taken off. */
static bool write_piece(const hma_sentencepiece *model, const char *text, size_t length, bool at_start, hma_buffer *out) {
    const int32_t id = hma_sentencepiece_id(model, text, length);
    const hma_model_piece *piece = &model->file.pieces[id];
    const size_t n = sizeof space_mark - 1;
    if (piece->type == HMA_PIECE_CONTROL) {
        return false;
    }
    if (id == model->unknown) {
        const bool itself = piece->length == length && memcmp(piece->text, text, length) == 0;
        hma_buffer_add(out, itself ? model->file.unknown_surface : text, itself ? model->file.unknown_surface_length : length);
        return false;
    }
    const bool strip = at_start && (model->file.dummy_prefix || model->file.remove_extra_spaces) && length >= n &&
                       memcmp(text, space_mark, n) == 0;
    write_spaced(text + (strip ? n : 0), length - (strip ? n : 0), out);
    return strip && !model->file.remove_extra_spaces; /* with it, every leading space goes */
}

hma_status hma_sentencepiece_decode(const hma_sentencepiece *model, const hma_pieces *tokens, size_t first, size_t end,
                                    hma_buffer *out) {
    const size_t begin = out->length;
    hma_buffer bytes = {0};
    bool at_start = true, stripped = false;
    for (size_t i = first; i < end; i++) {
        const char *text = hma_piece_text(tokens, &tokens->items[i]);
        const size_t length = tokens->items[i].length;
        const int32_t id = hma_sentencepiece_id(model, text, length);
        if (model->file.pieces[id].type == HMA_PIECE_BYTE) {
            hma_buffer_char(&bytes, (char)byte_of_piece(text, length));
            continue;
        }
        flush_bytes(&bytes, out);
        at_start = at_start && !stripped && out->length == begin;
        stripped = write_piece(model, text, length, at_start, out);
    }
    flush_bytes(&bytes, out);
    const hma_status status = hma_buffer_ok(&bytes);
    hma_buffer_free(&bytes);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
