#include "eval/tokenizer/json_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/number.h"
#include "eval/tokenizer/score_number.h"

/* The model while it is read. */
typedef struct reading {
    hma_json_model *model;
    hma_json_scan *scan;
    hma_buffer type, unknown_token;
    bool has_unknown_token, has_vocabulary, has_merges;
    bool merges_wait;     /* the merges came before the vocabulary .. */
    hma_json_scan merges; /* .. and will be read from here */
    bool has_unknown_id;
    uint64_t unknown_id;
    double *scores; /* of a Unigram vocabulary, by id */
    size_t score_capacity;
    hma_buffer joined; /* scratch: a merge's result */
    uint32_t rank;
} reading;

/* Every event must be the one that was expected. */
static hma_status want(const hma_json_scan *scan, hma_json_event event, hma_json_event wanted, const char *what) {
    return event == wanted ? HMA_OK : hma_json_fault(scan, "not %s: correct or replace the file", what);
}

/* ---- vocabularies ---- */

static hma_status add_token(reading *r, const char *text, size_t length, uint64_t id) {
    hma_vocabulary_clash clash = HMA_NO_CLASH;
    if (id > r->scan->length || id >= INT32_MAX) { /* memory grows with the largest id */
        return hma_json_fault(r->scan, "the id %llu is out of range (expected ids without large gaps): correct the file",
                              (unsigned long long)id);
    }
    const hma_status status = hma_vocabulary_add(&r->model->vocabulary, text, length, (int32_t)id, &clash);
    if (status != HMA_OK || clash == HMA_NO_CLASH) {
        return status;
    }
    return hma_json_fault(r->scan,
                          clash == HMA_SAME_ID ? "two tokens have the id %llu: correct the file"
                                               : "a token occurs twice in the vocabulary (id %llu): correct the file",
                          (unsigned long long)id);
}

/* {"token": id, ..} */
static hma_status read_bpe_vocabulary(reading *r) {
    hma_buffer token = {0};
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(r->scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        uint64_t id;
        hma_buffer_clear(&token);
        hma_buffer_add(&token, hma_buffer_cstr(&r->scan->text), r->scan->text.length);
        if ((status = hma_buffer_ok(&token)) != HMA_OK || (status = hma_json_next(r->scan, &event)) != HMA_OK ||
            (status = hma_json_u64(r->scan, event, &id)) != HMA_OK ||
            (status = add_token(r, hma_buffer_cstr(&token), token.length, id)) != HMA_OK) {
            break;
        }
    }
    hma_buffer_free(&token);
    return status;
}

static hma_status read_scored_token(reading *r) {
    const size_t id = r->model->vocabulary.texts.count;
    hma_json_event event;
    hma_status status = hma_json_next(r->scan, &event);
    if (status == HMA_OK &&
        (status = want(r->scan, event, HMA_JSON_STRING, "a token (expected [\"token\", score])")) == HMA_OK) {
        status = add_token(r, hma_buffer_cstr(&r->scan->text), r->scan->text.length, id);
    }
    if (status != HMA_OK || (status = hma_json_next(r->scan, &event)) != HMA_OK) {
        return status;
    }
    if (hma_grow(&r->scores, &r->score_capacity, id + 1, sizeof *r->scores)) {
        return HMA_FAILURE;
    }
    if (event != HMA_JSON_NUMBER || !hma_score_parse(&r->scores[id], hma_buffer_cstr(&r->scan->text))) {
        return hma_json_fault(r->scan, "not a score (expected a finite number): correct the file");
    }
    status = hma_json_next(r->scan, &event);
    return status == HMA_OK ? want(r->scan, event, HMA_JSON_ARRAY_END, "the end of [\"token\", score]") : status;
}

/* [["token", score], ..]: ids are places in the list. */
static hma_status read_unigram_vocabulary(reading *r) {
    hma_json_event event;
    hma_status status;
    r->model->is_unigram = true;
    while ((status = hma_json_next(r->scan, &event)) == HMA_OK && event == HMA_JSON_ARRAY) {
        if ((status = read_scored_token(r)) != HMA_OK) {
            return status;
        }
    }
    return status == HMA_OK ? want(r->scan, event, HMA_JSON_ARRAY_END, "a vocabulary (expected [[\"token\", score], ..])")
                            : status;
}

static hma_status read_vocabulary(reading *r, hma_json_event event) {
    r->has_vocabulary = true;
    if (event == HMA_JSON_OBJECT) {
        return read_bpe_vocabulary(r);
    }
    const hma_status status = want(r->scan, event, HMA_JSON_ARRAY, "a vocabulary (expected an object, or a list with scores)");
    return status == HMA_OK ? read_unigram_vocabulary(r) : status;
}

/* ---- merges ---- */

static hma_status token_of_merge(reading *r, const char *text, size_t length, int32_t *id) {
    *id = hma_vocabulary_id(&r->model->vocabulary, text, length);
    if (*id < 0) {
        return hma_json_fault(r->scan, "merge %u needs the token \"%.*s\", which is not in the vocabulary: correct the file",
                              r->rank, (int)(length < 100 ? length : 100), text);
    }
    return HMA_OK;
}

/* The two tokens lie one behind the other in r->joined. */
static hma_status add_merge(reading *r, size_t left_length) {
    int32_t left, right, merged;
    const char *text = hma_buffer_cstr(&r->joined);
    hma_status status = hma_buffer_ok(&r->joined);
    if (status != HMA_OK || (status = token_of_merge(r, text, left_length, &left)) != HMA_OK ||
        (status = token_of_merge(r, text + left_length, r->joined.length - left_length, &right)) != HMA_OK ||
        (status = token_of_merge(r, text, r->joined.length, &merged)) != HMA_OK) {
        return status;
    }
    return hma_bpe_add_rule(&r->model->bpe, left, right, r->rank++, merged);
}

/* "left right" */
static hma_status read_merge_text(reading *r) {
    static const char version[] = "#version";
    const char *text = hma_buffer_cstr(&r->scan->text);
    const size_t length = r->scan->text.length;
    if (length >= sizeof version - 1 && memcmp(text, version, sizeof version - 1) == 0) {
        return HMA_OK; /* the first line of merges.txt, which old files carry along */
    }
    const char *space = memchr(text, ' ', length);
    if (!space || memchr(space + 1, ' ', length - (size_t)(space + 1 - text))) {
        return hma_json_fault(r->scan, "not a merge (expected two tokens with one space between): correct the file");
    }
    hma_buffer_clear(&r->joined);
    hma_buffer_add(&r->joined, text, (size_t)(space - text));
    hma_buffer_add(&r->joined, space + 1, length - (size_t)(space + 1 - text));
    return add_merge(r, (size_t)(space - text));
}

/* ["left", "right"] */
static hma_status read_merge_pair(reading *r) {
    size_t left_length = 0;
    hma_json_event event;
    hma_buffer_clear(&r->joined);
    for (int i = 0; i < 2; i++) {
        hma_status status = hma_json_next(r->scan, &event);
        if (status != HMA_OK ||
            (status = want(r->scan, event, HMA_JSON_STRING, "a merge (expected [\"left\", \"right\"])")) != HMA_OK) {
            return status;
        }
        left_length = r->joined.length;
        hma_buffer_add(&r->joined, hma_buffer_cstr(&r->scan->text), r->scan->text.length);
    }
    const hma_status status = hma_json_next(r->scan, &event);
    if (status != HMA_OK || event != HMA_JSON_ARRAY_END) {
        return status != HMA_OK ? status : want(r->scan, event, HMA_JSON_ARRAY_END, "the end of [\"left\", \"right\"]");
    }
    return add_merge(r, left_length);
}

/* Reads the list that r->scan has just entered. */
static hma_status read_merges(reading *r) {
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(r->scan, &event)) == HMA_OK && event != HMA_JSON_ARRAY_END) {
        if (event == HMA_JSON_STRING) {
            status = read_merge_text(r);
        } else if (event == HMA_JSON_ARRAY) {
            status = read_merge_pair(r);
        } else {
            status = want(r->scan, event, HMA_JSON_STRING, "a merge");
        }
        if (status != HMA_OK) {
            return status;
        }
    }
    return status;
}

static hma_status meet_merges(reading *r, hma_json_event event) {
    const hma_status status = want(r->scan, event, HMA_JSON_ARRAY, "a list of merges");
    r->has_merges = true;
    if (status != HMA_OK || r->has_vocabulary) {
        return status == HMA_OK ? read_merges(r) : status;
    }
    r->merges_wait = true;
    r->merges = *r->scan;
    r->merges.text = (hma_buffer){0};
    return hma_json_skip(r->scan, event);
}

static hma_status read_waiting_merges(reading *r) {
    hma_json_scan *scan = r->scan;
    r->scan = &r->merges;
    const hma_status status = read_merges(r);
    r->scan = scan;
    hma_json_scan_free(&r->merges);
    return status;
}

/* ---- the other keys ---- */

static hma_status read_bool(reading *r, hma_json_event event, bool *out) {
    if (event != HMA_JSON_TRUE && event != HMA_JSON_FALSE && event != HMA_JSON_NULL) {
        return hma_json_fault(r->scan, "not true or false: correct the file");
    }
    *out = event == HMA_JSON_TRUE;
    return HMA_OK;
}

static hma_status read_text(reading *r, hma_json_event event, hma_buffer *out, bool *present) {
    *present = event == HMA_JSON_STRING;
    if (event != HMA_JSON_STRING && event != HMA_JSON_NULL) {
        return hma_json_fault(r->scan, "not a text: correct the file");
    }
    if (*present) {
        hma_buffer_add(out, hma_buffer_cstr(&r->scan->text), r->scan->text.length);
    }
    return hma_buffer_ok(out);
}

/* continuing_subword_prefix and end_of_word_suffix. */
static hma_status refuse_affix(reading *r, hma_json_event event) {
    if (event == HMA_JSON_NULL || (event == HMA_JSON_STRING && r->scan->text.length == 0)) {
        return HMA_OK;
    }
    return hma_json_fault(r->scan,
                          "prefixes and suffixes of subwords are not supported (expected null): use another tokenizer");
}

static hma_status refuse_dropout(reading *r, hma_json_event event) {
    double value;
    if (event == HMA_JSON_NULL ||
        (event == HMA_JSON_NUMBER && hma_parse_double(&value, hma_buffer_cstr(&r->scan->text)) && value == 0)) {
        return HMA_OK;
    }
    return hma_json_fault(r->scan, "dropout is not supported (expected null): it would make every encoding different");
}

static hma_status read_type(reading *r, hma_json_event event) {
    bool present;
    const hma_status status = read_text(r, event, &r->type, &present);
    const char *type = hma_buffer_cstr(&r->type);
    if (status == HMA_OK && present && strcmp(type, "BPE") != 0 && strcmp(type, "Unigram") != 0) {
        return hma_json_fault(r->scan,
                              "a model of type \"%s\" is not supported (expected BPE or Unigram): use another tokenizer", type);
    }
    return status;
}

static hma_status read_unknown_id(reading *r, hma_json_event event) {
    r->has_unknown_id = event != HMA_JSON_NULL;
    return r->has_unknown_id ? hma_json_u64(r->scan, event, &r->unknown_id) : HMA_OK;
}

typedef enum field {
    TYPE,
    VOCAB,
    MERGES,
    UNK_TOKEN,
    UNK_ID,
    FUSE_UNK,
    BYTE_FALLBACK,
    IGNORE_MERGES,
    DROPOUT,
    PREFIX,
    SUFFIX,
    FIELDS
} field;

static hma_status read_field(reading *r, field f, hma_json_event event) {
    switch (f) {
    case TYPE: return read_type(r, event);
    case VOCAB: return read_vocabulary(r, event);
    case MERGES: return meet_merges(r, event);
    case UNK_TOKEN: return read_text(r, event, &r->unknown_token, &r->has_unknown_token);
    case UNK_ID: return read_unknown_id(r, event);
    case FUSE_UNK: return read_bool(r, event, &r->model->bpe.fuse_unknown);
    case BYTE_FALLBACK: return read_bool(r, event, &r->model->bpe.byte_fallback);
    case IGNORE_MERGES: return read_bool(r, event, &r->model->bpe.ignore_merges);
    case DROPOUT: return refuse_dropout(r, event);
    case PREFIX:
    case SUFFIX: return refuse_affix(r, event);
    case FIELDS: break;
    }
    return HMA_OK;
}

static hma_status read_fields(reading *r) {
    static const char *const names[FIELDS] = {"type",
                                              "vocab",
                                              "merges",
                                              "unk_token",
                                              "unk_id",
                                              "fuse_unk",
                                              "byte_fallback",
                                              "ignore_merges",
                                              "dropout",
                                              "continuing_subword_prefix",
                                              "end_of_word_suffix"};
    bool seen[FIELDS] = {false};
    hma_json_event event;
    hma_status status;
    while ((status = hma_json_next(r->scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        size_t i = 0;
        while (i < FIELDS && strcmp(names[i], hma_buffer_cstr(&r->scan->text)) != 0) {
            i++;
        }
        if (i == FIELDS || seen[i]) {
            return hma_json_fault(r->scan, "the model's key \"%s\" is %s: use another tokenizer",
                                  hma_buffer_cstr(&r->scan->text), i == FIELDS ? "not known" : "there twice");
        }
        seen[i] = true;
        if ((status = hma_json_next(r->scan, &event)) != HMA_OK || (status = read_field(r, (field)i, event)) != HMA_OK) {
            return status;
        }
    }
    return status;
}

/* ---- putting it together ---- */

static hma_status finish_bpe(reading *r) {
    hma_bpe *bpe = &r->model->bpe;
    if (!r->has_merges) {
        return hma_json_fault(r->scan, "a BPE model without \"merges\": correct or replace the file");
    }
    const hma_status status = r->merges_wait ? read_waiting_merges(r) : HMA_OK;
    bpe->has_unknown = r->has_unknown_token;
    bpe->unknown = r->has_unknown_token
                       ? hma_vocabulary_id(&r->model->vocabulary, hma_buffer_cstr(&r->unknown_token), r->unknown_token.length)
                       : -1;
    hma_bpe_prepare(bpe, &r->model->vocabulary);
    return status;
}

static hma_status finish_unigram(reading *r) {
    const hma_vocabulary *vocabulary = &r->model->vocabulary;
    const size_t count = vocabulary->texts.count;
    if (count == 0 || (r->has_unknown_id && r->unknown_id >= count)) {
        return hma_json_fault(r->scan, "a Unigram model needs tokens, its unk_id among them: correct the file");
    }
    hma_trie_key *keys = HMA_NEW(hma_trie_key, count);
    if (!keys) {
        return HMA_FAILURE;
    }
    double least = r->scores[0];
    size_t used = 0;
    for (size_t id = 0; id < count; id++) {
        hma_trie_key key = {.value = (int32_t)id};
        key.text = hma_vocabulary_text(vocabulary, key.value, &key.length);
        least = r->scores[id] < least ? r->scores[id] : least;
        if (key.length) {
            keys[used++] = key;
        }
    }
    hma_unigram *unigram = &r->model->unigram;
    unigram->scores = r->scores;
    r->scores = NULL;
    unigram->unknown = r->has_unknown_id ? (int32_t)r->unknown_id : -1;
    unigram->unknown_score = least - 10.0; /* the reference's penalty */
    r->model->unigram_byte_fallback = r->model->bpe.byte_fallback;
    hma_vocabulary_byte_ids(vocabulary, r->model->unigram_byte_ids);
    const hma_status status = hma_trie_new(&unigram->trie, keys, used);
    free(keys);
    return status;
}

/* With byte fallback a token of the form <0x..> must be a byte. */
static hma_status check_byte_tokens(const reading *r) {
    for (size_t i = 0; r->model->bpe.byte_fallback && i < r->model->vocabulary.texts.count; i++) {
        size_t length;
        const char *text = hma_text_set_key(&r->model->vocabulary.texts, i, &length);
        if (length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' && hma_byte_of_token(text, length) < 0) {
            return hma_json_fault(r->scan, "the token \"%.6s\" is not a byte (expected <0x00> to <0xFF>): correct the file",
                                  text);
        }
    }
    return HMA_OK;
}

static hma_status finish(reading *r) {
    const char *type = hma_buffer_cstr(&r->type);
    if (!r->has_vocabulary || (*type && (strcmp(type, "Unigram") == 0) != r->model->is_unigram)) {
        return hma_json_fault(r->scan, "the model has no vocabulary of its type: correct or replace the file");
    }
    const hma_status status = check_byte_tokens(r);
    return status != HMA_OK ? status : r->model->is_unigram ? finish_unigram(r) : finish_bpe(r);
}

hma_status hma_json_model_read(hma_json_model *out, hma_json_scan *scan, hma_json_event event) {
    hma_json_model model = {0};
    reading r = {.model = &model, .scan = scan};
    hma_status status = want(scan, event, HMA_JSON_OBJECT, "a model (expected {..})");
    if (status == HMA_OK && (status = read_fields(&r)) == HMA_OK) {
        status = finish(&r);
    }
    hma_buffer_free(&r.type);
    hma_buffer_free(&r.unknown_token);
    hma_buffer_free(&r.joined);
    free(r.scores);
    if (status != HMA_OK) {
        hma_json_model_free(&model);
        return status;
    }
    *out = model;
    return HMA_OK;
}

void hma_json_model_free(hma_json_model *model) {
    hma_vocabulary_free(&model->vocabulary);
    hma_bpe_free(&model->bpe);
    hma_unigram_free(&model->unigram);
}
