#include "eval/tokenizer/postprocessor.h"

#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "eval/tokenizer/components.h"

void hma_postprocessor_free(hma_postprocessor *postprocessor) {
    hma_id_list_free(&postprocessor->before);
    hma_id_list_free(&postprocessor->behind);
}

hma_status hma_postprocessor_from_ids(hma_postprocessor *out, int32_t before, int32_t behind) {
    hma_postprocessor p = {0};
    hma_status status = before >= 0 ? hma_id_list_add(&p.before, before) : HMA_OK;
    if (status == HMA_OK && behind >= 0) {
        status = hma_id_list_add(&p.behind, behind);
    }
    if (status != HMA_OK) {
        hma_postprocessor_free(&p);
        return status;
    }
    *out = p;
    return HMA_OK;
}

static hma_status add_id(hma_id_list *list, const cJSON *value, const char *name) {
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble <= INT32_MAX) ||
        value->valuedouble != (double)(int32_t)value->valuedouble) {
        return hma_error(HMA_BAD_DATA, "%s: a special token's id is not a whole number from 0 to 2147483647: correct the file",
                         name);
    }
    return hma_id_list_add(list, (int32_t)value->valuedouble);
}

/* The ids of a special token of a template, by its name. */
static hma_status add_special(hma_id_list *list, const cJSON *specials, const char *token, const char *name) {
    const cJSON *special = hma_json_get(specials, token), *ids = special ? hma_json_get(special, "ids") : NULL, *id;
    if (!cJSON_IsArray(ids)) {
        return hma_error(HMA_BAD_DATA,
                         "%s: the template uses \"%s\", which its special_tokens do not describe: correct the file", name,
                         token);
    }
    hma_status status = HMA_OK;
    cJSON_ArrayForEach(id, ids) {
        if (status == HMA_OK) {
            status = add_id(list, id, name);
        }
    }
    return status;
}

static hma_status read_template(hma_postprocessor *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "single", "pair", "special_tokens", NULL};
    const cJSON *single = hma_json_get(json, "single"), *piece;
    size_t sequences = 0;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && !cJSON_IsArray(single)) {
        return hma_error(HMA_BAD_DATA, "%s: TemplateProcessing without \"single\" (expected a list): correct the file", name);
    }
    cJSON_ArrayForEach(piece, single) {
        const cJSON *special = hma_json_get(piece, "SpecialToken"), *sequence = hma_json_get(piece, "Sequence");
        const char *id = NULL;
        if (status == HMA_OK && (status = hma_json_get_text(special ? special : sequence, name, "id", true, &id)) == HMA_OK) {
            if (special) {
                status = add_special(sequences ? &p->behind : &p->before, hma_json_get(json, "special_tokens"), id, name);
            } else {
                sequences += strcmp(id, "A") == 0 ? 1 : 2;
            }
        }
    }
    if (status == HMA_OK && sequences != 1) {
        status = hma_error(HMA_BAD_DATA,
                           "%s: the template for one text is not special tokens around one \"A\": use another tokenizer", name);
    }
    return status;
}

/* [CLS] text [SEP], each given as ["token", id]. */
static hma_status read_cls_sep(hma_postprocessor *p, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "sep", "cls", "trim_offsets", "add_prefix_space", NULL};
    const hma_status status = hma_json_known_keys(json, name, known);
    if (status != HMA_OK || add_id(&p->before, cJSON_GetArrayItem(hma_json_get(json, "cls"), 1), name) != HMA_OK) {
        return status != HMA_OK ? status : HMA_BAD_DATA;
    }
    return add_id(&p->behind, cJSON_GetArrayItem(hma_json_get(json, "sep"), 1), name);
}

static hma_status read_component(void *user, const cJSON *json, const char *name) {
    hma_postprocessor *p = user;
    const char *type = NULL;
    const hma_status status = hma_json_get_text(json, name, "type", true, &type);
    if (status != HMA_OK || strcmp(type, "ByteLevel") == 0) {
        return status;
    }
    if (p->before.count + p->behind.count > 0) {
        return hma_error(HMA_BAD_DATA, "%s: two post-processors that add tokens are not supported: use another tokenizer",
                         name);
    }
    if (strcmp(type, "TemplateProcessing") == 0) {
        return read_template(p, json, name);
    }
    if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
        return read_cls_sep(p, json, name);
    }
    return hma_error(HMA_BAD_DATA,
                     "%s: post-processor \"%s\" is not supported (expected TemplateProcessing, ByteLevel, RobertaProcessing, "
                     "BertProcessing or a Sequence of these): use another tokenizer",
                     name, type);
}

hma_status hma_postprocessor_from_json(hma_postprocessor *out, const cJSON *json, const char *name) {
    hma_postprocessor p = {0};
    hma_status status = HMA_OK;
    if (json && !cJSON_IsNull(json)) {
        const char *type = NULL;
        status = hma_json_get_text(json, name, "type", true, &type);
        if (status == HMA_OK) {
            status = strcmp(type, "Sequence") == 0 ? hma_sequence_from_json(json, "processors", name, read_component, &p)
                                                   : read_component(&p, json, name);
        }
    }
    if (status != HMA_OK) {
        hma_postprocessor_free(&p);
        return status;
    }
    *out = p;
    return HMA_OK;
}
