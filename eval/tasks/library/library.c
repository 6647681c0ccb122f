#include "eval/tasks/library/library.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/records.h"

/* ---- what makers share ---- */

hma_status hma_make_id(cJSON *item, const cJSON *doc, const char *key) {
    const cJSON *id = hma_json_get(doc, key);
    const bool usable = (cJSON_IsString(id) && *id->valuestring) || cJSON_IsNumber(id);
    return usable ? hma_doc_put_copy(item, "id", id) : HMA_OK;
}

hma_status hma_make_cluster(cJSON *item, const cJSON *passage) {
    return cJSON_IsString(passage) && *passage->valuestring ? hma_doc_put_copy(item, "passage", passage) : HMA_OK;
}

hma_status hma_make_query(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    hma_buffer query = {0};
    const hma_status status = hma_doc_fill(&query, builtin->prompt, doc, where);
    if (status != HMA_OK) {
        hma_buffer_free(&query);
        return status;
    }
    return hma_doc_put_buffer(item, "query", &query);
}

/* ---- files ---- */

static hma_status load(const hma_builtin *builtin, const char *path, cJSON **records, char digest[65]) {
    if (!hma_path_exists(path)) {
        return hma_error(HMA_IO, "%s: there is no such file (expected %s): put it there; hma downloads nothing", path,
                         builtin->data);
    }
    return hma_records_load(records, path, digest);
}

/* A line of a text file becomes an object with one field. */
static hma_status name_lines(const hma_builtin *builtin, const char *path, cJSON *records) {
    hma_status status = HMA_OK;
    for (cJSON *record = records->child, *next; record && status == HMA_OK; record = next) {
        next = record->next;
        if (!cJSON_IsString(record)) {
            continue;
        }
        if (!builtin->line_key) {
            return hma_error(HMA_BAD_DATA, "%s: it is a text file (expected %s): name a .json, .jsonl or .csv file", path,
                             builtin->data);
        }
        cJSON *object = cJSON_CreateObject();
        status = object ? hma_doc_put_text(object, builtin->line_key, record->valuestring) : hma_error_memory("document");
        if (status != HMA_OK || !cJSON_ReplaceItemViaPointer(records, record, object)) {
            cJSON_Delete(object);
            status = status == HMA_OK ? hma_error_memory("document") : status;
        }
    }
    return status;
}

/* Lines of a second file become a field of the records: PIQA's labels, translations. */
static hma_status attach_answers(const hma_builtin *builtin, cJSON *records, const char *path, const char *answers_path,
                                 char digest[65]) {
    cJSON *answers, *answer;
    hma_status status = load(builtin, answers_path, &answers, digest);
    if (status != HMA_OK) {
        return status;
    }
    const int have = cJSON_GetArraySize(records), given = cJSON_GetArraySize(answers);
    if (have != given) {
        status = hma_error(HMA_BAD_DATA, "%s: there are %d lines for the %d records of %s (expected as many): name the pair",
                           answers_path, given, have, path);
    }
    cJSON *record = records->child;
    for (answer = answers->child; answer && record && status == HMA_OK; answer = answer->next, record = record->next) {
        if (!cJSON_IsString(answer) || !cJSON_IsObject(record)) {
            status = hma_error(HMA_BAD_DATA,
                               "%s: it does not hold a line of text for each document (expected plain text): name "
                               "the pair of %s",
                               answers_path, path);
            break;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(record, builtin->answer_key);
        status = hma_doc_put_text(record, builtin->answer_key, answer->valuestring);
    }
    cJSON_Delete(answers);
    return status;
}

/* ---- documents ---- */

static void set_where(hma_buffer *where, const char *path, const char *what, size_t number) {
    hma_buffer_clear(where);
    hma_buffer_printf(where, "%s: %s %zu", path, what, number);
}

static hma_status expand(const hma_builtin *builtin, const char *path, cJSON *records, cJSON *docs) {
    hma_buffer where = {0};
    hma_status status = HMA_OK;
    for (size_t number = 1; records->child && status == HMA_OK; number++) {
        cJSON *record = cJSON_DetachItemViaPointer(records, records->child);
        set_where(&where, path, "record", number);
        if (builtin->expand) {
            status = builtin->expand(docs, record, hma_buffer_cstr(&where));
            cJSON_Delete(record);
        } else {
            status = hma_doc_put(docs, NULL, record);
        }
    }
    hma_buffer_free(&where);
    return status;
}

/* Documents of one file may share an id (some data sets repeat theirs): the second one goes by its number. */
static hma_status drop_repeated_id(hma_text_set *ids, cJSON *item) {
    const cJSON *id = hma_json_get(item, "id");
    char *text = id ? cJSON_PrintUnformatted(id) : NULL;
    bool added = true;
    hma_status status = HMA_OK;
    if (id) {
        status = text ? hma_text_set_add(ids, text, strlen(text), &added) : hma_error_memory("id");
    }
    if (!added) {
        cJSON_DeleteItemFromObjectCaseSensitive(item, "id");
    }
    cJSON_free(text);
    return status;
}

static hma_status make_item(const hma_builtin *builtin, hma_item_reader *reader, hma_text_set *ids, cJSON *doc, size_t limit,
                            const char *where) {
    cJSON *item = cJSON_CreateObject();
    hma_status status = item ? HMA_OK : hma_error_memory("item");
    if (status == HMA_OK && !cJSON_IsObject(doc)) {
        status =
            hma_error(HMA_BAD_DATA, "%s: it is not an object (expected %s): is this the right file?", where, builtin->data);
    }
    if (status == HMA_OK) {
        status = builtin->make(builtin, item, doc, where);
    }
    if (status == HMA_OK) {
        status = drop_repeated_id(ids, item);
    }
    if (status != HMA_OK) {
        cJSON_Delete(item);
        cJSON_Delete(doc);
        return status;
    }
    return hma_items_add(reader, item, doc, where, limit);
}

static hma_status make_items(const hma_builtin *builtin, hma_items *items, const char *path, cJSON *docs, size_t limit) {
    static const hma_item_kind kind[] = {[HMA_TASK_MULTIPLE_CHOICE] = HMA_ITEM_CHOICES,
                                         [HMA_TASK_GENERATE] = HMA_ITEM_ANSWERS,
                                         [HMA_TASK_LOGLIKELIHOOD] = HMA_ITEM_TARGET,
                                         [HMA_TASK_ROLLING] = HMA_ITEM_TEXT};
    const bool spans = builtin->metrics[0] == HMA_METRIC_DROP_F1;
    hma_item_reader reader = {.items = items, .kind = spans ? HMA_ITEM_SPANS : kind[builtin->type]};
    hma_text_set ids = {0};
    hma_buffer where = {0};
    hma_status status = HMA_OK;
    for (size_t number = 1; docs->child && status == HMA_OK && items->count < limit; number++) {
        set_where(&where, path, "document", number);
        status =
            make_item(builtin, &reader, &ids, cJSON_DetachItemViaPointer(docs, docs->child), limit, hma_buffer_cstr(&where));
    }
    if (status == HMA_OK && items->count == 0) {
        status = hma_error(HMA_BAD_DATA, "%s: there is no document in the file (expected %s): is this the right file?", path,
                           builtin->data);
    }
    hma_text_set_free(&reader.ids);
    hma_text_set_free(&ids);
    hma_buffer_free(&where);
    return status;
}

/* The digest of a pair of files is that of their digests. */
static hma_status join_digests(char digest[65], const char second[65]) {
    hma_buffer both = {0};
    hma_buffer_text(&both, digest);
    hma_buffer_text(&both, second);
    hma_status status = hma_buffer_ok(&both);
    if (status == HMA_OK) {
        status = hma_sha256_of(both.data, both.length, digest);
    }
    hma_buffer_free(&both);
    return status;
}

hma_status hma_library_load(hma_items *out, const hma_builtin *builtin, const char *path, const char *answers_path,
                            size_t limit, char digest[65]) {
    cJSON *records = NULL, *docs = cJSON_CreateArray();
    hma_items items = {0};
    char second[65];
    hma_status status = docs ? load(builtin, path, &records, digest) : hma_error_memory("documents");
    status = status == HMA_OK ? name_lines(builtin, path, records) : status;
    if (status == HMA_OK && answers_path) {
        status = attach_answers(builtin, records, path, answers_path, second);
        status = status == HMA_OK ? join_digests(digest, second) : status;
    }
    if (status == HMA_OK) {
        status = expand(builtin, path, records, docs);
    }
    if (status == HMA_OK) {
        status = make_items(builtin, &items, path, docs, limit);
    }
    cJSON_Delete(records);
    cJSON_Delete(docs);
    if (status != HMA_OK) {
        hma_items_free(&items);
        return status;
    }
    *out = items;
    return HMA_OK;
}
