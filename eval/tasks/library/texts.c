/* Data sets of plain texts: LAMBADA, GSM8K, translations. */
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/library.h"

/* ---- LAMBADA ---- */

/* What stands after the last space is scored. */
hma_status hma_make_lambada(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *text;
    hma_buffer query = {0}, target = {0};
    (void)builtin;
    hma_status status = hma_doc_text(doc, where, "text", &text);
    if (status != HMA_OK) {
        return status;
    }
    const char *space = strrchr(text, ' ');
    hma_buffer_add(&query, text, space ? (size_t)(space - text) : 0);
    hma_buffer_printf(&target, " %s", space ? space + 1 : text);
    status = hma_doc_put_buffer(item, "query", &query);
    status = status == HMA_OK ? hma_doc_put_buffer(item, "target", &target) : status;
    hma_buffer_free(&target);
    return status;
}

/* ---- GSM8K ---- */

hma_status hma_make_gsm8k(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *answer;
    hma_status status = hma_doc_text(doc, where, "answer", &answer);
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    cJSON *answers = status == HMA_OK ? hma_doc_open_list(item, "answers") : NULL;
    if (!answers) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    return hma_doc_put_text(answers, NULL, answer);
}

/* ---- translations ---- */

/* {"translation": {..}} gives what it holds. */
hma_status hma_expand_translation(cJSON *docs, cJSON *record, const char *where) {
    const cJSON *inner = hma_json_get(record, "translation");
    (void)where;
    return hma_doc_put_copy(docs, NULL, cJSON_IsObject(inner) ? inner : record);
}

hma_status hma_make_translation(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *translation;
    hma_buffer example = {0};
    hma_status status = hma_doc_text(doc, where, builtin->answer_key, &translation);
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    cJSON *answers = status == HMA_OK ? hma_doc_open_list(item, "answers") : NULL;
    if (!answers) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    hma_buffer_printf(&example, " %s", translation);
    status = hma_doc_put_text(answers, NULL, translation);
    status = status == HMA_OK ? hma_doc_put_buffer(item, "target", &example) : status;
    hma_buffer_free(&example);
    return status;
}
