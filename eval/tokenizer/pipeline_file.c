/* Opening a pipeline: tokenizer.json, then what transformers changes after loading it. */
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "checkpoint/canonical_json.h"
#include "eval/tokenizer/pipeline.h"

enum { LARGEST_FILE = 512 << 20 };

/* The parts of the file that are small, as trees. */
enum { NORMALIZER, PRE_TOKENIZER, POST_PROCESSOR, DECODER, ADDED_TOKENS, PARTS };
static const char *const part_keys[PARTS] = {"normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"};

typedef struct loading {
    hma_pipeline *pipeline;
    const hma_tokenizer_settings *settings;
    const char *path;
    cJSON *parts[PARTS];
    char *part_names[PARTS]; /* "FILE: normalizer", ..: for messages */
    bool seen[PARTS], has_model;
} loading;

/* ---- the file ---- */

/* Parses the value that `event` has begun, from its own stretch of the file. */
static hma_status read_part(loading *l, hma_json_scan *scan, hma_json_event event, size_t part) {
    const size_t start = scan->start;
    const hma_status status = hma_json_skip(scan, event);
    return status == HMA_OK ? hma_json_parse(&l->parts[part], l->part_names[part], scan->input + start, scan->at - start)
                            : status;
}

static hma_status read_version(hma_json_scan *scan, hma_json_event event) {
    if (event == HMA_JSON_STRING && strcmp(hma_buffer_cstr(&scan->text), "1.0") != 0) {
        return hma_json_fault(scan, "version \"%s\" (expected \"1.0\"): use another tokenizer", hma_buffer_cstr(&scan->text));
    }
    return HMA_OK;
}

/* One key of the document and its value. Truncation and padding are switched off by transformers on every call. */
static hma_status read_entry(loading *l, hma_json_scan *scan) {
    hma_json_event event;
    char key[32] = "";
    size_t part = 0;
    if (scan->text.length < sizeof key) {
        memcpy(key, hma_buffer_cstr(&scan->text), scan->text.length + 1);
    }
    hma_status status = hma_json_next(scan, &event);
    if (status != HMA_OK) {
        return status;
    }
    while (part < PARTS && strcmp(key, part_keys[part]) != 0) {
        part++;
    }
    const bool model = strcmp(key, "model") == 0;
    if (part < PARTS ? l->seen[part] : model && l->has_model) {
        return hma_json_fault(scan, "the key \"%s\" is there twice: correct the file", key);
    }
    if (part < PARTS) {
        l->seen[part] = true;
        return read_part(l, scan, event, part);
    }
    if (model) {
        l->has_model = true;
        return hma_json_model_read(&l->pipeline->model, scan, event);
    }
    return strcmp(key, "version") == 0 ? read_version(scan, event) : hma_json_skip(scan, event);
}

static hma_status read_document(loading *l, const char *text, size_t length) {
    hma_json_scan scan;
    hma_json_event event;
    hma_json_scan_begin(&scan, l->path, text, length);
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK && event != HMA_JSON_OBJECT) {
        status = hma_json_fault(&scan, "not a tokenizer (expected {..}): replace the file");
    }
    while (status == HMA_OK && (status = hma_json_next(&scan, &event)) == HMA_OK && event == HMA_JSON_KEY) {
        status = read_entry(l, &scan);
    }
    if (status == HMA_OK) {
        status = hma_json_next(&scan, &event); /* nothing may follow */
    }
    if (status == HMA_OK && !l->has_model) {
        status = hma_error(HMA_BAD_DATA, "%s: no \"model\" (expected a tokenizer of the tokenizers library): replace the file",
                           l->path);
    }
    hma_json_scan_free(&scan);
    return status;
}

/* ---- added tokens ---- */

static hma_status read_added_token(loading *l, const cJSON *json) {
    static const char *const known[] = {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special", NULL};
    const char *name = l->part_names[ADDED_TOKENS], *content = NULL;
    hma_added_token token = {0};
    uint64_t id = 0;
    hma_status status = cJSON_IsObject(json) ? hma_json_known_keys(json, name, known)
                                             : hma_error(HMA_BAD_DATA, "%s: not a list of objects: correct the file", name);
    if (status != HMA_OK || (status = hma_json_get_text(json, name, "content", true, &content)) != HMA_OK ||
        (status = hma_json_get_u64(json, name, "id", true, 0, INT32_MAX, &id)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "single_word", true, &token.single_word)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "lstrip", true, &token.lstrip)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "rstrip", true, &token.rstrip)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "normalized", true, &token.normalized)) != HMA_OK ||
        (status = hma_json_get_bool(json, name, "special", true, &token.special)) != HMA_OK) {
        return status;
    }
    hma_added_tokens *added = &l->pipeline->added;
    if (!*content || hma_added_tokens_find(added, content, strlen(content))) {
        return hma_error(HMA_BAD_DATA, "%s: the token \"%s\" is empty or there twice: correct the file", name, content);
    }
    token.text = (char *)(uintptr_t)content; /* only read */
    status = hma_added_tokens_add(added, &token, &l->pipeline->model.vocabulary, l->path);
    const hma_added_token *made = hma_added_tokens_find(added, content, strlen(content));
    if (status == HMA_OK && made->id != (int32_t)id) {
        return hma_error(HMA_BAD_DATA, "%s: \"%s\" says id %llu, but the vocabulary makes it %d: correct the file", name,
                         content, (unsigned long long)id, made->id);
    }
    return status;
}

static hma_status read_added_tokens(loading *l) {
    const cJSON *list = l->parts[ADDED_TOKENS], *item;
    hma_status status = HMA_OK;
    if (list && !cJSON_IsArray(list) && !cJSON_IsNull(list)) {
        return hma_error(HMA_BAD_DATA, "%s: not a list: correct the file", l->part_names[ADDED_TOKENS]);
    }
    hma_added_tokens_begin_batch(&l->pipeline->added, &l->pipeline->model.vocabulary);
    cJSON_ArrayForEach(item, list) {
        if (status == HMA_OK) {
            status = read_added_token(l, item);
        }
    }
    return status;
}

/* ---- what transformers changes ---- */

/* The tokens that the settings add to those of the file. */
typedef struct addition {
    loading *loading;
    hma_text_set present; /* texts that are added tokens, or will be by added_tokens_decoder */
} addition;

static const hma_added_token *configured_token(const loading *l, const char *text) {
    return l->settings->legacy_files ? hma_added_tokens_find(&l->pipeline->added, text, strlen(text))
                                     : hma_tokenizer_settings_added(l->settings, text);
}

/* bos_token and the like take the flags of the added token of that text; a plain text that is an added token changes nothing.
 */
static hma_status add_special(void *user, const hma_special_token *special) {
    addition *a = user;
    const loading *l = a->loading;
    const char *text = special->token.text;
    const bool has_role = special >= l->settings->roles && special < l->settings->roles + HMA_SPECIAL_ROLES;
    const hma_added_token *configured = has_role ? configured_token(l, text) : NULL;
    hma_added_token token = configured ? *configured : special->token;
    uint64_t ignored;
    if (!configured && !special->has_flags && !l->settings->class->firm_specials &&
        hma_text_set_find(&a->present, text, strlen(text), &ignored)) {
        return HMA_OK;
    }
    token.special = true;
    return hma_added_tokens_add(&l->pipeline->added, &token, &l->pipeline->model.vocabulary, l->path);
}

static hma_status note_present(addition *a) {
    const loading *l = a->loading;
    hma_status status = HMA_OK;
    bool ignored;
    for (size_t i = 0; status == HMA_OK && i < l->pipeline->added.count; i++) {
        status =
            hma_text_set_add(&a->present, l->pipeline->added.items[i].text, strlen(l->pipeline->added.items[i].text), &ignored);
    }
    for (size_t i = 0; status == HMA_OK && i < l->settings->added_count; i++) {
        status = hma_text_set_add(&a->present, l->settings->added[i].text, strlen(l->settings->added[i].text), &ignored);
    }
    return status;
}

static hma_status add_configured_tokens(loading *l) {
    addition a = {.loading = l};
    hma_status status = note_present(&a);
    hma_added_tokens_begin_batch(&l->pipeline->added, &l->pipeline->model.vocabulary);
    for (size_t i = 0; status == HMA_OK && !l->settings->legacy_files && i < l->settings->added_count; i++) {
        hma_added_token token = l->settings->added[i];
        token.special = token.special || hma_tokenizer_settings_is_special(l->settings, token.text);
        status = hma_added_tokens_add(&l->pipeline->added, &token, &l->pipeline->model.vocabulary, l->path);
    }
    if (status == HMA_OK) {
        status = hma_tokenizer_settings_specials(l->settings, add_special, &a);
    }
    hma_text_set_free(&a.present);
    return status;
}

/* add_prefix_space of tokenizer_config.json (false when it says nothing) goes for a pre-tokenizer that is ByteLevel alone. */
static hma_status override_prefix_space(loading *l) {
    cJSON *pre = l->parts[PRE_TOKENIZER];
    const cJSON *type = cJSON_IsObject(pre) ? hma_json_get(pre, "type") : NULL;
    if (!l->settings->class->prefix_space_by_config || !cJSON_IsString(type) || strcmp(type->valuestring, "ByteLevel") != 0 ||
        l->settings->add_prefix_space == HMA_SAID_NULL || !hma_json_get(pre, "add_prefix_space")) {
        return HMA_OK;
    }
    cJSON *value = cJSON_CreateBool(l->settings->add_prefix_space == HMA_SAID_TRUE);
    if (!value || !cJSON_ReplaceItemInObjectCaseSensitive(pre, "add_prefix_space", value)) {
        cJSON_Delete(value);
        return hma_error_memory("tokenizer");
    }
    return HMA_OK;
}

/* Classes that rebuild the post-processor put BOS before and EOS behind, as their settings say. */
static hma_status rebuild_postprocessor(loading *l) {
    const hma_tokenizer_settings *s = l->settings;
    const char *bos = s->roles[HMA_SPECIAL_BOS].token.text, *eos = s->roles[HMA_SPECIAL_EOS].token.text;
    if ((s->add_bos && !bos) || (s->add_eos && !eos)) {
        return hma_error(HMA_BAD_DATA, "%s: the settings add a %s token but name none: correct tokenizer_config.json", l->path,
                         s->add_bos && !bos ? "BOS" : "EOS");
    }
    return hma_postprocessor_from_ids(&l->pipeline->postprocessor,
                                      s->add_bos ? hma_pipeline_id(l->pipeline, bos, strlen(bos)) : -1,
                                      s->add_eos ? hma_pipeline_id(l->pipeline, eos, strlen(eos)) : -1);
}

static hma_status check_postprocessor(const loading *l) {
    const hma_postprocessor *p = &l->pipeline->postprocessor;
    for (size_t i = 0; i < p->before.count + p->behind.count; i++) {
        const int32_t id = i < p->before.count ? p->before.ids[i] : p->behind.ids[i - p->before.count];
        size_t ignored;
        if (!hma_added_tokens_by_id(&l->pipeline->added, id) &&
            !hma_vocabulary_text(&l->pipeline->model.vocabulary, id, &ignored)) {
            return hma_error(HMA_BAD_DATA, "%s: id %d is not in the vocabulary: correct the file",
                             l->part_names[POST_PROCESSOR], id);
        }
    }
    return HMA_OK;
}

/* ---- all of it ---- */

static hma_status describe(hma_buffer *out, const cJSON *json, const char *name) {
    hma_json_scan scan;
    hma_json_event event;
    char *text = cJSON_PrintUnformatted(json);
    if (!text) {
        return hma_error_memory("tokenizer");
    }
    hma_json_scan_begin(&scan, name, text, strlen(text));
    hma_status status = hma_json_next(&scan, &event);
    if (status == HMA_OK) {
        status = hma_canonical_json(out, &scan, event, HMA_CANONICAL_VALUE);
    }
    hma_json_scan_free(&scan);
    cJSON_free(text);
    return status;
}

static hma_status describe_components(loading *l) {
    static const int described[] = {NORMALIZER, PRE_TOKENIZER, DECODER};
    hma_buffer text = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < sizeof described / sizeof *described; i++) {
        const int part = described[i];
        hma_buffer_printf(&text, "\n%s ", part_keys[part]);
        if (l->parts[part]) {
            status = describe(&text, l->parts[part], l->part_names[part]);
        }
    }
    if (status == HMA_OK && (status = hma_buffer_ok(&text)) == HMA_OK) {
        l->pipeline->components = hma_buffer_release(&text);
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status build(loading *l) {
    hma_pipeline *p = l->pipeline;
    hma_status status = read_added_tokens(l);
    if (status != HMA_OK || (status = add_configured_tokens(l)) != HMA_OK || (status = override_prefix_space(l)) != HMA_OK ||
        (status = hma_normalizer_from_json(&p->normalizer, l->parts[NORMALIZER], l->part_names[NORMALIZER])) != HMA_OK ||
        (status = hma_pretokenizer_from_json(&p->pretokenizer, l->parts[PRE_TOKENIZER], l->part_names[PRE_TOKENIZER])) !=
            HMA_OK ||
        (status = hma_decoder_from_json(&p->decoder, l->parts[DECODER], l->part_names[DECODER])) != HMA_OK ||
        (status = hma_added_tokens_prepare(&p->added, &p->normalizer, l->path)) != HMA_OK) {
        return status;
    }
    status = hma_postprocessor_from_json(&p->postprocessor, l->parts[POST_PROCESSOR], l->part_names[POST_PROCESSOR]);
    if (status == HMA_OK && l->settings->class->rebuilds) {
        hma_postprocessor_free(&p->postprocessor); /* what the file says must be possible, but does not count */
        status = rebuild_postprocessor(l);
    }
    if (status == HMA_OK && (status = check_postprocessor(l)) == HMA_OK) {
        status = describe_components(l);
    }
    return status;
}

static hma_status name_parts(loading *l) {
    for (size_t i = 0; i < PARTS; i++) {
        hma_buffer name = {0};
        hma_buffer_printf(&name, "%s: %s", l->path, part_keys[i]);
        if (!(l->part_names[i] = hma_buffer_release(&name))) {
            return hma_error_memory("tokenizer");
        }
    }
    return HMA_OK;
}

hma_status hma_pipeline_open(hma_pipeline **out, const char *path, const hma_tokenizer_settings *settings) {
    loading l = {.pipeline = HMA_NEW(hma_pipeline, 1), .settings = settings, .path = path};
    char *text = NULL;
    size_t length = 0;
    hma_status status = l.pipeline ? name_parts(&l) : HMA_FAILURE;
    if (status == HMA_OK && (status = hma_file_load(path, LARGEST_FILE, &text, &length)) == HMA_OK &&
        (status = read_document(&l, text, length)) == HMA_OK) {
        status = build(&l);
    }
    free(text);
    for (size_t i = 0; i < PARTS; i++) {
        cJSON_Delete(l.parts[i]);
        free(l.part_names[i]);
    }
    if (status != HMA_OK) {
        hma_pipeline_free(l.pipeline);
        return status;
    }
    *out = l.pipeline;
    return HMA_OK;
}

void hma_pipeline_free(hma_pipeline *pipeline) {
    if (pipeline) {
        hma_added_tokens_free(&pipeline->added);
        hma_normalizer_free(&pipeline->normalizer);
        hma_pretokenizer_free(&pipeline->pretokenizer);
        hma_json_model_free(&pipeline->model);
        hma_postprocessor_free(&pipeline->postprocessor);
        hma_decoder_free(&pipeline->decoder);
        free(pipeline->components);
        free(pipeline);
    }
}
