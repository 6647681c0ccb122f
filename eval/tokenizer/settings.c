#include "eval/tokenizer/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"

enum { LARGEST_FILE = 64 << 20 };

static const char *const role_keys[HMA_SPECIAL_ROLES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                         "pad_token", "cls_token", "mask_token"};

/* A JSON file of the folder. `json` is NULL when there is none. */
typedef struct document {
    char *path;
    cJSON *json;
} document;

static hma_status open_document(document *d, const char *folder, const char *file) {
    d->path = hma_path_join(folder, file);
    if (!d->path) {
        return HMA_FAILURE;
    }
    if (!hma_path_exists(d->path)) {
        return HMA_OK;
    }
    const hma_status status = hma_json_load(&d->json, d->path, LARGEST_FILE);
    if (status == HMA_OK && !cJSON_IsObject(d->json)) {
        return hma_error(HMA_BAD_DATA, "%s: not an object (expected {..}): correct the file", d->path);
    }
    return status;
}

static void close_document(document *d) {
    cJSON_Delete(d->json);
    free(d->path);
}

/* ---- tokens ---- */

static hma_status wrong_token(const char *name, const char *key) {
    return hma_error(HMA_BAD_DATA, "%s: \"%s\" is not a token (expected a text or {\"content\": ..}): correct the file", name,
                     key);
}

/* A token with flags; those that are missing are false, but "normalized" is true unless the token is special. */
static hma_status read_flags(hma_added_token *token, const cJSON *json, const char *name) {
    const char *content = NULL;
    hma_added_token t = {.id = -1, .special = token->special};
    hma_status status = hma_json_get_text(json, name, "content", true, &content);
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "special", false, &t.special)) == HMA_OK) {
        t.normalized = !t.special;
        status = hma_json_get_bool(json, name, "normalized", false, &t.normalized);
    }
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "single_word", false, &t.single_word)) == HMA_OK &&
        (status = hma_json_get_bool(json, name, "lstrip", false, &t.lstrip)) == HMA_OK) {
        status = hma_json_get_bool(json, name, "rstrip", false, &t.rstrip);
    }
    if (status == HMA_OK) {
        t.text = hma_copy_text(content);
        status = t.text ? HMA_OK : HMA_FAILURE;
        *token = t;
    }
    return status;
}

/* A text, or a token with flags. */
static hma_status read_special(hma_special_token *out, const cJSON *json, const char *name, const char *key) {
    hma_special_token special = {.token = {.id = -1, .special = true}};
    hma_status status = HMA_OK;
    if (cJSON_IsString(json)) {
        special.token.text = hma_copy_text(json->valuestring);
        status = special.token.text ? HMA_OK : HMA_FAILURE;
    } else if (cJSON_IsObject(json)) {
        special.has_flags = true;
        status = read_flags(&special.token, json, name);
        special.token.special = true;
    } else {
        return wrong_token(name, key);
    }
    if (status == HMA_OK) {
        *out = special;
    }
    return status;
}

/* bos_token and the like. A key that is there with null says that there is no such token. */
static hma_status read_roles(hma_tokenizer_settings *s, const document *d) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && d->json && i < HMA_SPECIAL_ROLES; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(d->json, role_keys[i]);
        if (value) {
            free(s->roles[i].token.text);
            s->roles[i] = (hma_special_token){0};
            if (!cJSON_IsNull(value)) {
                status = read_special(&s->roles[i], value, d->path, role_keys[i]);
            }
        }
    }
    return status;
}

static hma_status add_additional(hma_tokenizer_settings *s, const cJSON *json, const char *name, const char *key) {
    if (hma_grow(&s->additional, &s->additional_capacity, s->additional_count + 1, sizeof *s->additional)) {
        return HMA_FAILURE;
    }
    const hma_status status = read_special(&s->additional[s->additional_count], json, name, key);
    s->additional_count += status == HMA_OK;
    return status;
}

/* A list of tokens, or an object whose values are tokens. */
static hma_status read_additional(hma_tokenizer_settings *s, const document *d, const char *key) {
    const cJSON *list = d->json ? hma_json_get(d->json, key) : NULL, *item;
    hma_status status = HMA_OK;
    if (list && !cJSON_IsArray(list) && !cJSON_IsObject(list)) {
        return wrong_token(d->path, key);
    }
    cJSON_ArrayForEach(item, list) {
        if (status == HMA_OK) {
            status = add_additional(s, item, d->path, key);
        }
    }
    return status;
}

static hma_status default_roles(hma_tokenizer_settings *s) {
    const char *const texts[HMA_SPECIAL_ROLES] = {[HMA_SPECIAL_BOS] = s->class->bos,
                                                  [HMA_SPECIAL_EOS] = s->class->eos,
                                                  [HMA_SPECIAL_UNK] = s->class->unk,
                                                  [HMA_SPECIAL_PAD] = s->class->pad};
    for (size_t i = 0; i < HMA_SPECIAL_ROLES; i++) {
        if (texts[i] && !(s->roles[i].token.text = hma_copy_text(texts[i]))) {
            return HMA_FAILURE;
        }
        s->roles[i].token.id = -1;
        s->roles[i].token.special = true;
        s->roles[i].by_class = texts[i] != NULL;
    }
    return HMA_OK;
}

/* ---- added tokens ---- */

static hma_status add_added(hma_tokenizer_settings *s, hma_added_token token) {
    if (hma_grow(&s->added, &s->added_capacity, s->added_count + 1, sizeof *s->added)) {
        free(token.text);
        return HMA_FAILURE;
    }
    s->added[s->added_count++] = token;
    return HMA_OK;
}

static int by_id(const void *a, const void *b) {
    const hma_added_token *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* {"32000": {"content": "<pad>", ..}, ..} */
static hma_status read_added_decoder(hma_tokenizer_settings *s, const document *d) {
    const cJSON *list = hma_json_get(d->json, "added_tokens_decoder"), *item;
    cJSON_ArrayForEach(item, list) {
        hma_added_token token = {0};
        uint64_t id;
        if (!hma_parse_u64(&id, item->string) || id > INT32_MAX) {
            return hma_error(HMA_BAD_DATA,
                             "%s: added_tokens_decoder has the id \"%s\" (expected a whole number): correct the file", d->path,
                             item->string);
        }
        hma_status status = read_flags(&token, item, d->path);
        token.id = (int32_t)id;
        if (status != HMA_OK || (status = add_added(s, token)) != HMA_OK) {
            return status;
        }
    }
    if (s->added_count) {
        qsort(s->added, s->added_count, sizeof *s->added, by_id);
    }
    return HMA_OK;
}

/* added_tokens.json: {"<pad>": 32000, ..} */
static hma_status read_added_file(hma_tokenizer_settings *s, const char *folder) {
    document d = {0};
    const cJSON *item;
    hma_status status = open_document(&d, folder, "added_tokens.json");
    cJSON_ArrayForEach(item, d.json) {
        if (status == HMA_OK) {
            uint64_t id = 0;
            status = hma_json_get_u64(d.json, d.path, item->string, true, 0, INT32_MAX, &id);
            hma_added_token token = {.id = (int32_t)id, .special = hma_tokenizer_settings_is_special(s, item->string)};
            token.normalized = !token.special;
            if (status == HMA_OK) {
                token.text = hma_copy_text(item->string);
                status = token.text ? add_added(s, token) : HMA_FAILURE;
            }
        }
    }
    if (s->added_count) {
        qsort(s->added, s->added_count, sizeof *s->added, by_id);
    }
    close_document(&d);
    return status;
}

/* Folders from before added_tokens_decoder: special_tokens_map.json overrules tokenizer_config.json. */
static hma_status read_legacy_files(hma_tokenizer_settings *s, const char *folder) {
    document map = {0};
    hma_status status = open_document(&map, folder, "special_tokens_map.json");
    if (status == HMA_OK && (status = read_roles(s, &map)) == HMA_OK &&
        (status = read_additional(s, &map, "additional_special_tokens")) == HMA_OK) {
        status = read_added_file(s, folder);
    }
    close_document(&map);
    return status;
}

/* ---- the rest ---- */

static hma_said say(const cJSON *config, const char *key) {
    const cJSON *value = config ? cJSON_GetObjectItemCaseSensitive(config, key) : NULL;
    if (!value) {
        return HMA_SAID_NOTHING;
    }
    return cJSON_IsNull(value) ? HMA_SAID_NULL : cJSON_IsTrue(value) ? HMA_SAID_TRUE : HMA_SAID_FALSE;
}

static bool said_or(hma_said said, bool otherwise) { return said == HMA_SAID_NOTHING ? otherwise : said == HMA_SAID_TRUE; }

static hma_status read_switches(hma_tokenizer_settings *s, const document *d) {
    static const char *const switches[] = {"add_bos_token",
                                           "add_eos_token",
                                           "clean_up_tokenization_spaces",
                                           "add_prefix_space",
                                           "legacy",
                                           "split_special_tokens",
                                           NULL};
    for (size_t i = 0; d->json && switches[i]; i++) {
        bool ignored;
        const hma_status status = hma_json_get_bool(d->json, d->path, switches[i], false, &ignored);
        if (status != HMA_OK) {
            return status;
        }
    }
    if (say(d->json, "split_special_tokens") == HMA_SAID_TRUE) {
        return hma_error(HMA_BAD_DATA, "%s: split_special_tokens is not supported (expected false): use another tokenizer",
                         d->path);
    }
    s->add_bos = said_or(say(d->json, "add_bos_token"), s->class->add_bos);
    s->add_eos = said_or(say(d->json, "add_eos_token"), false);
    s->clean_up_spaces = said_or(say(d->json, "clean_up_tokenization_spaces"), false);
    s->legacy = say(d->json, "legacy") != HMA_SAID_FALSE;
    s->add_prefix_space = say(d->json, "add_prefix_space");
    return HMA_OK;
}

/* By the name in tokenizer_config.json or config.json, else by the type of the model. */
static hma_status choose_class(hma_tokenizer_settings *s, const document *d, const char *folder) {
    document config = {0};
    const char *name = NULL, *type = NULL, *path = d->path;
    hma_status status = d->json ? hma_json_get_text(d->json, d->path, "tokenizer_class", false, &name) : HMA_OK;
    if (status == HMA_OK && !name && (status = open_document(&config, folder, "config.json")) == HMA_OK && config.json) {
        path = config.path;
        if ((status = hma_json_get_text(config.json, config.path, "tokenizer_class", false, &name)) == HMA_OK) {
            status = hma_json_get_text(config.json, config.path, "model_type", false, &type);
        }
    }
    if (status == HMA_OK) {
        s->class = name ? hma_tokenizer_class_find(name) : hma_tokenizer_class_of_model(type);
        if (!s->class) {
            status = hma_error(HMA_BAD_DATA,
                               "%s: tokenizer class \"%s\" is not supported (expected PreTrainedTokenizerFast, LlamaTokenizer, "
                               "GemmaTokenizer, GPT2Tokenizer, GPTNeoXTokenizer, Qwen2Tokenizer, ..): use another tokenizer",
                               path, name);
        }
    }
    close_document(&config);
    return status;
}

/* "chat_template": a text, or a list of {"name": .., "template": ..} of which "default" counts. */
static hma_status read_template_setting(hma_tokenizer_settings *s, const document *d) {
    const cJSON *value = d->json ? hma_json_get(d->json, "chat_template") : NULL, *item;
    const char *text = cJSON_IsString(value) ? value->valuestring : NULL;
    if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(item, value) {
            const cJSON *name = hma_json_get(item, "name"), *content = hma_json_get(item, "template");
            if (cJSON_IsString(name) && strcmp(name->valuestring, "default") == 0 && cJSON_IsString(content)) {
                text = content->valuestring;
            }
        }
    }
    s->chat_template = text ? hma_copy_text(text) : NULL;
    return text && !s->chat_template ? HMA_FAILURE : HMA_OK;
}

/* chat_template.jinja comes before the setting. */
static hma_status read_template(hma_tokenizer_settings *s, const document *d, const char *folder) {
    char *path = hma_path_join(folder, "chat_template.jinja");
    if (!path) {
        return HMA_FAILURE;
    }
    hma_status status;
    if (hma_path_exists(path)) {
        size_t length;
        status = hma_file_load(path, LARGEST_FILE, &s->chat_template, &length);
    } else {
        status = read_template_setting(s, d);
    }
    free(path);
    return status;
}

static hma_status read_all(hma_tokenizer_settings *s, const document *config, const char *folder) {
    hma_status status = choose_class(s, config, folder);
    if (status != HMA_OK || (status = read_switches(s, config)) != HMA_OK || (status = default_roles(s)) != HMA_OK ||
        (status = read_roles(s, config)) != HMA_OK ||
        (status = read_additional(s, config, "additional_special_tokens")) != HMA_OK) {
        return status;
    }
    s->legacy_files = !config->json || !hma_json_get(config->json, "added_tokens_decoder");
    status = s->legacy_files ? read_legacy_files(s, folder) : read_added_decoder(s, config);
    if (status == HMA_OK && (status = read_additional(s, config, "extra_special_tokens")) == HMA_OK) {
        status = read_template(s, config, folder);
    }
    return status;
}

hma_status hma_tokenizer_settings_read(hma_tokenizer_settings *out, const char *folder) {
    hma_tokenizer_settings s = {0};
    document config = {0};
    hma_status status = open_document(&config, folder, "tokenizer_config.json");
    if (status == HMA_OK) {
        status = read_all(&s, &config, folder);
    }
    close_document(&config);
    if (status != HMA_OK) {
        hma_tokenizer_settings_free(&s);
        return status;
    }
    *out = s;
    return HMA_OK;
}

void hma_tokenizer_settings_free(hma_tokenizer_settings *settings) {
    for (size_t i = 0; i < HMA_SPECIAL_ROLES; i++) {
        free(settings->roles[i].token.text);
    }
    for (size_t i = 0; i < settings->additional_count; i++) {
        free(settings->additional[i].token.text);
    }
    for (size_t i = 0; i < settings->added_count; i++) {
        free(settings->added[i].text);
    }
    free(settings->additional);
    free(settings->added);
    free(settings->chat_template);
    *settings = (hma_tokenizer_settings){0};
}

static const hma_special_token *nth_special(const hma_tokenizer_settings *settings, size_t i) {
    return i < HMA_SPECIAL_ROLES ? &settings->roles[i] : &settings->additional[i - HMA_SPECIAL_ROLES];
}

hma_status hma_tokenizer_settings_specials(const hma_tokenizer_settings *settings, hma_special_fn visit, void *user) {
    hma_text_set seen = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < HMA_SPECIAL_ROLES + settings->additional_count; i++) {
        const hma_special_token *special = nth_special(settings, i);
        bool fresh = false;
        if (special->token.text && *special->token.text) {
            status = hma_text_set_add(&seen, special->token.text, strlen(special->token.text), &fresh);
        }
        if (status == HMA_OK && fresh) {
            status = visit(user, special);
        }
    }
    hma_text_set_free(&seen);
    return status;
}

bool hma_tokenizer_settings_is_special(const hma_tokenizer_settings *settings, const char *text) {
    for (size_t i = 0; i < HMA_SPECIAL_ROLES + settings->additional_count; i++) {
        const hma_special_token *special = nth_special(settings, i);
        if (special->token.text && strcmp(special->token.text, text) == 0) {
            return true;
        }
    }
    return false;
}

const hma_added_token *hma_tokenizer_settings_added(const hma_tokenizer_settings *settings, const char *text) {
    for (size_t i = 0; i < settings->added_count; i++) {
        if (strcmp(settings->added[i].text, text) == 0) {
            return &settings->added[i];
        }
    }
    return NULL;
}
