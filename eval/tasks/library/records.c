#include "eval/tasks/library/records.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "eval/tasks/library/doc.h"

static const size_t most_bytes = (size_t)1 << 30;

static bool ends_with(const char *path, const char *end) {
    const size_t length = strlen(path), end_length = strlen(end);
    return length >= end_length && strcmp(path + length - end_length, end) == 0;
}

static bool is_blank(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!memchr(" \t\r\n", text[i], 4)) {
            return false;
        }
    }
    return true;
}

/* ---- JSON ---- */

static hma_status add_lines(cJSON *list, const char *path, const char *text, size_t length) {
    hma_buffer where = {0};
    hma_status status = HMA_OK;
    for (size_t at = 0, line = 1; at < length && status == HMA_OK; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t bytes = end ? (size_t)(end - text) - at : length - at;
        cJSON *value;
        if (!is_blank(text + at, bytes)) {
            hma_buffer_clear(&where);
            hma_buffer_printf(&where, "%s:%zu", path, line);
            status = hma_json_parse_line(&value, hma_buffer_cstr(&where), text + at, bytes);
            status = status == HMA_OK ? hma_doc_put(list, NULL, value) : status;
        }
        at += bytes + 1;
    }
    hma_buffer_free(&where);
    return status;
}

/* Whether the first line is a document of its own and others follow. */
static bool is_lines(const char *text, size_t length) {
    const char *end = memchr(text, '\n', length);
    const size_t bytes = end ? (size_t)(end - text) : length;
    return end && !is_blank(end, length - bytes) && !is_blank(text, bytes) && hma_json_check("", text, bytes) == HMA_OK;
}

/* A list gives its elements, everything else itself. */
static hma_status add_document(cJSON *list, const char *path, const char *text, size_t length) {
    cJSON *value;
    hma_status status = hma_json_parse(&value, path, text, length);
    if (status != HMA_OK || !cJSON_IsArray(value)) {
        return status == HMA_OK ? hma_doc_put(list, NULL, value) : status;
    }
    while (status == HMA_OK && value->child) {
        status = hma_doc_put(list, NULL, cJSON_DetachItemViaPointer(value, value->child));
    }
    cJSON_Delete(value);
    return status;
}

/* ---- text ---- */

static hma_status add_texts(cJSON *list, const char *path, const char *text, size_t length) {
    hma_status status = HMA_OK;
    if (memchr(text, 0, length)) {
        return hma_error(HMA_BAD_DATA, "%s: there is a zero byte in the file (expected text): is this the right file?", path);
    }
    for (size_t at = 0; at < length && status == HMA_OK;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t bytes = end ? (size_t)(end - text) - at : length - at;
        hma_buffer line = {0};
        hma_buffer_add(&line, text + at, bytes - (bytes > 0 && text[at + bytes - 1] == '\r'));
        status = hma_doc_put_buffer(list, NULL, &line);
        at += bytes + 1;
    }
    return status;
}

static hma_status check_text(const char *path, const char *text, size_t length) {
    const size_t valid = hma_utf8_valid_prefix(text, length);
    return valid == length
               ? HMA_OK
               : hma_error(HMA_BAD_DATA, "%s: the byte at offset %zu is not UTF-8 (expected UTF-8 text): convert the file",
                           path, valid);
}

/* ---- files ---- */

static hma_status add_file(cJSON *list, const char *path, bool in_folder, hma_sha256 *hash) {
    char *text;
    size_t length;
    hma_status status = hma_file_load(path, most_bytes, &text, &length);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sha256_add(hash, text, length);
    if (status == HMA_OK) {
        status = check_text(path, text, length);
    }
    if (status == HMA_OK) {
        if (ends_with(path, ".csv")) {
            status = hma_csv_parse(list, path, text, length);
        } else if (!in_folder && !ends_with(path, ".json") && !ends_with(path, ".jsonl")) {
            status = add_texts(list, path, text, length);
        } else {
            status = is_lines(text, length) ? add_lines(list, path, text, length) : add_document(list, path, text, length);
        }
    }
    free(text);
    return status;
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }
static int by_number(const struct dirent **a, const struct dirent **b) { return strverscmp((*a)->d_name, (*b)->d_name); }

static hma_status add_folder(cJSON *list, const char *folder, hma_sha256 *hash) {
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_visible, by_number);
    hma_status status = count < 0 ? hma_error_io(folder, "read the folder", errno) : HMA_OK;
    for (int i = 0; i < count; i++) {
        char *path = status == HMA_OK ? hma_path_join(folder, entries[i]->d_name) : NULL;
        if (status == HMA_OK) {
            status = path ? hma_sha256_add(hash, entries[i]->d_name, strlen(entries[i]->d_name) + 1) : HMA_FAILURE;
        }
        if (status == HMA_OK) {
            status = add_file(list, path, true, hash);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return status;
}

hma_status hma_records_load(cJSON **list, const char *path, char digest[65]) {
    hma_sha256 *hash = NULL;
    cJSON *records = cJSON_CreateArray();
    hma_status status = records ? hma_sha256_new(&hash) : hma_error_memory(path);
    if (status == HMA_OK) {
        status = hma_path_is_folder(path) ? add_folder(records, path, hash) : add_file(records, path, false, hash);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    if (status != HMA_OK) {
        cJSON_Delete(records);
        return status;
    }
    *list = records;
    return HMA_OK;
}
