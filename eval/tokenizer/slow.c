#include "eval/tokenizer/slow.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/memory.h"

/* The tokenizer while it is opened. */
typedef struct opening {
    hma_slow *slow;
    const hma_tokenizer_settings *settings;
    const char *path;
    int32_t next_id; /* of a special token that is nowhere yet */
} opening;

/* Is there a piece with this text? */
static bool is_piece(const hma_sentencepiece *model, const char *text, size_t length) {
    uint64_t id;
    return hma_text_set_find(&model->reserved, text, length, &id) || hma_text_set_find(&model->ordinary, text, length, &id);
}

int32_t hma_slow_id(const hma_slow *slow, const char *text, size_t length) {
    const hma_added_token *added = hma_added_tokens_find(&slow->added, text, length);
    if (added) {
        return added->id;
    }
    return is_piece(slow->model, text, length) ? hma_sentencepiece_id(slow->model, text, length) : -1;
}

size_t hma_slow_size(const hma_slow *slow) {
    return slow->added.id_count > slow->model->file.count ? slow->added.id_count : slow->model->file.count;
}

/* ---- added tokens ---- */

static hma_status put(opening *o, hma_added_token token) {
    if (token.id > INT32_MAX / 2) { /* a table of ids grows with the largest */
        return hma_error(HMA_BAD_DATA,
                         "%s: the added token \"%s\" has id %d (expected ids behind those of the model): correct the settings",
                         o->path, token.text, token.id);
    }
    token.normalized = false; /* all are looked for in the text as it is */
    token.special = hma_tokenizer_settings_is_special(o->settings, token.text);
    return hma_added_tokens_put(&o->slow->added, &token, o->path);
}

/* How many different tokens there are: the next id, whatever gaps the ids have. */
static int32_t count_tokens(const opening *o) {
    const hma_sentencepiece *model = o->slow->model;
    size_t count = model->ordinary.count;
    uint64_t id;
    for (size_t i = 0; i < model->reserved.count; i++) {
        size_t length;
        const char *text = hma_text_set_key(&model->reserved, i, &length);
        count += !hma_text_set_find(&model->ordinary, text, length, &id);
    }
    for (size_t i = 0; i < o->slow->added.count; i++) {
        const char *text = o->slow->added.items[i].text;
        count += !is_piece(model, text, strlen(text));
    }
    return (int32_t)count;
}

/* Special tokens become added tokens with the id that their text has. Flags that stand beside them overrule those of an added
 * token, except that bos_token and the like follow added_tokens_decoder; those that only the class names have none. */
static hma_status add_special(void *user, const hma_special_token *special) {
    opening *o = user;
    hma_added_token token = special->token;
    const size_t length = strlen(token.text);
    const bool has_role = special < o->settings->roles + HMA_SPECIAL_ROLES && special >= o->settings->roles;
    const hma_added_token *there = hma_added_tokens_find(&o->slow->added, token.text, length);
    if (there && !special->by_class && (!special->has_flags || (has_role && !o->settings->legacy_files))) {
        return HMA_OK;
    }
    if (there) {
        token.id = there->id;
        return put(o, token);
    }
    token.id =
        is_piece(o->slow->model, token.text, length) ? hma_sentencepiece_id(o->slow->model, token.text, length) : o->next_id++;
    return put(o, token);
}

static hma_status add_tokens(opening *o) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < o->settings->added_count; i++) {
        status = put(o, o->settings->added[i]);
    }
    o->next_id = count_tokens(o);
    if (status == HMA_OK) {
        status = hma_tokenizer_settings_specials(o->settings, add_special, o);
    }
    const hma_normalizer none = {0};
    return status == HMA_OK ? hma_added_tokens_prepare(&o->slow->added, &none, o->path) : status;
}

/* Tokens that transformers does not hand to sentencepiece's decoder but joins by spaces: those that are not special, and
 * additional special tokens that the model does not have. */
static hma_status mark_apart(opening *o) {
    const hma_added_tokens *added = &o->slow->added;
    o->slow->stands_apart = HMA_NEW(bool, added->count);
    for (size_t i = 0; o->slow->stands_apart && i < added->count; i++) {
        const hma_added_token *token = &added->items[i];
        bool additional = false;
        for (size_t k = 0; k < o->settings->additional_count; k++) {
            additional = additional || strcmp(o->settings->additional[k].token.text, token->text) == 0;
        }
        o->slow->stands_apart[i] = !token->special || (additional && (size_t)token->id >= o->slow->model->file.count);
    }
    return o->slow->stands_apart ? HMA_OK : HMA_FAILURE;
}

/* ---- opening ---- */

static hma_status choose_ends(opening *o) {
    const char *bos = o->settings->roles[HMA_SPECIAL_BOS].token.text, *eos = o->settings->roles[HMA_SPECIAL_EOS].token.text;
    if ((o->settings->add_bos && !bos) || (o->settings->add_eos && !eos)) {
        return hma_error(HMA_BAD_DATA, "%s: the settings add a BOS or EOS token but name none: correct tokenizer_config.json",
                         o->path);
    }
    o->slow->before = o->settings->add_bos ? hma_slow_id(o->slow, bos, strlen(bos)) : -1;
    o->slow->behind = o->settings->add_eos ? hma_slow_id(o->slow, eos, strlen(eos)) : -1;
    return HMA_OK;
}

/* How the text of the unknown token is cut: transformers puts it in front of a text and takes its pieces off again. */
static hma_status measure_unknown(opening *o) {
    const char *text = o->settings->roles[HMA_SPECIAL_UNK].token.text;
    hma_pieces tokens = {0};
    o->slow->unknown_text = hma_copy_text(text ? text : "");
    if (!o->slow->unknown_text) {
        return HMA_FAILURE;
    }
    const hma_status status =
        hma_sentencepiece_encode(o->slow->model, o->slow->unknown_text, strlen(o->slow->unknown_text), &tokens);
    o->slow->unknown_pieces = tokens.count;
    hma_pieces_free(&tokens);
    return status;
}

static hma_status build(opening *o) {
    const hma_tokenizer_settings *s = o->settings;
    hma_slow *slow = o->slow;
    if (!s->class->slow) {
        return hma_error(HMA_BAD_DATA,
                         "%s: tokenizer class \"%s\" with tokenizer.model only is not supported (expected LlamaTokenizer or "
                         "GemmaTokenizer): convert it to tokenizer.json",
                         o->path, s->class->name);
    }
    slow->gemma = strcmp(s->class->name, "GemmaTokenizer") == 0;
    slow->legacy = s->legacy;
    slow->prefix_space = s->add_prefix_space == HMA_SAID_NOTHING || s->add_prefix_space == HMA_SAID_TRUE;
    slow->clean_up_spaces = s->clean_up_spaces && !slow->gemma;
    hma_status status = hma_sentencepiece_open(&slow->model, o->path, slow->gemma || slow->legacy);
    if (status == HMA_OK && (status = add_tokens(o)) == HMA_OK && (status = mark_apart(o)) == HMA_OK &&
        (status = choose_ends(o)) == HMA_OK) {
        status = measure_unknown(o);
    }
    return status;
}

hma_status hma_slow_open(hma_slow **out, const char *path, const hma_tokenizer_settings *settings) {
    opening o = {.slow = HMA_NEW(hma_slow, 1), .settings = settings, .path = path};
    const hma_status status = o.slow ? build(&o) : HMA_FAILURE;
    if (status != HMA_OK) {
        hma_slow_free(o.slow);
        return status;
    }
    *out = o.slow;
    return HMA_OK;
}

void hma_slow_free(hma_slow *slow) {
    if (slow) {
        hma_sentencepiece_free(slow->model);
        hma_added_tokens_free(&slow->added);
        free(slow->stands_apart);
        free(slow->unknown_text);
        free(slow);
    }
}
