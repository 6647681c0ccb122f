/* Python's literals: what str() makes of lists and dictionaries, which some published files hold as a text. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/utf8.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/records.h"
#include "hma/text.h"

enum { MOST_DEPTH = 16 };

typedef struct literal {
    const char *where, *text, *at;
} literal;

static hma_status fault(const literal *l) {
    return hma_error(HMA_BAD_DATA,
                     "%s: at byte %zu there is no Python literal (expected lists, dictionaries, strings and "
                     "numbers): is this the right file?",
                     l->where, (size_t)(l->at - l->text));
}

static void skip_space(literal *l) {
    while (*l->at && strchr(" \t\r\n", *l->at)) {
        l->at++;
    }
}

static bool accept(literal *l, const char *word) {
    skip_space(l);
    const size_t length = strlen(word);
    if (strncmp(l->at, word, length) != 0) {
        return false;
    }
    l->at += length;
    return true;
}

/* ---- strings ---- */

static hma_status add_code_point(literal *l, hma_buffer *out, size_t digits) {
    static const char hex[] = "0123456789abcdef";
    uint32_t c = 0;
    char bytes[4];
    for (size_t i = 0; i < digits; i++, l->at++) {
        const char *digit = *l->at ? strchr(hex, *l->at | (*l->at >= 'A' && *l->at <= 'F' ? 0x20 : 0)) : NULL;
        if (!digit) {
            return fault(l);
        }
        c = c * 16 + (uint32_t)(digit - hex);
    }
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
        return fault(l);
    }
    hma_buffer_add(out, bytes, hma_utf8_encode(c, bytes));
    return HMA_OK;
}

static hma_status add_escape(literal *l, hma_buffer *out) {
    static const char from[] = "\\'\"nrtabfv", to[] = "\\'\"\n\r\t\a\b\f\v";
    const char kind = *l->at;
    const char *plain = kind ? strchr(from, kind) : NULL;
    l->at += kind != 0;
    if (plain) {
        hma_buffer_char(out, to[plain - from]);
        return HMA_OK;
    }
    switch (kind) {
    case 'x': return add_code_point(l, out, 2);
    case 'u': return add_code_point(l, out, 4);
    case 'U': return add_code_point(l, out, 8);
    default: return fault(l);
    }
}

static hma_status read_string(literal *l, hma_buffer *out) {
    const char quote = *l->at++;
    hma_status status = HMA_OK;
    while (status == HMA_OK && *l->at && *l->at != quote && *l->at != '\n') {
        const char c = *l->at++;
        if (c == '\\') {
            status = add_escape(l, out);
        } else {
            hma_buffer_char(out, c);
        }
    }
    if (status == HMA_OK && *l->at != quote) {
        return fault(l);
    }
    l->at += status == HMA_OK;
    return status;
}

/* ---- values ---- */

static hma_status read_value(literal *l, cJSON *parent, const char *key, size_t depth);

static hma_status read_list(literal *l, cJSON *list, const char *close, size_t depth) {
    hma_status status = list ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && !accept(l, close)) {
        status = read_value(l, list, NULL, depth);
        if (status == HMA_OK && !accept(l, ",")) {
            return accept(l, close) ? HMA_OK : fault(l);
        }
    }
    return status;
}

static hma_status read_pair(literal *l, cJSON *object, size_t depth) {
    hma_buffer key = {0};
    skip_space(l);
    hma_status status = *l->at == '\'' || *l->at == '"' ? read_string(l, &key) : fault(l);
    if (status == HMA_OK) {
        status = accept(l, ":") && !cJSON_GetObjectItemCaseSensitive(object, hma_buffer_cstr(&key)) ? HMA_OK : fault(l);
    }
    if (status == HMA_OK) {
        status = read_value(l, object, hma_buffer_cstr(&key), depth);
    }
    hma_buffer_free(&key);
    return status;
}

static hma_status read_dictionary(literal *l, cJSON *object, size_t depth) {
    hma_status status = object ? HMA_OK : HMA_FAILURE;
    while (status == HMA_OK && !accept(l, "}")) {
        status = read_pair(l, object, depth);
        if (status == HMA_OK && !accept(l, ",")) {
            return accept(l, "}") ? HMA_OK : fault(l);
        }
    }
    return status;
}

static hma_status read_number(literal *l, cJSON *parent, const char *key) {
    const size_t length = strspn(l->at, "+-.0123456789eE");
    char digits[HMA_DOUBLE_TEXT];
    double number;
    if (length == 0 || length >= sizeof digits) {
        return fault(l);
    }
    memcpy(digits, l->at, length);
    digits[length] = 0;
    if (!hma_parse_double(&number, digits)) {
        return fault(l);
    }
    l->at += length;
    return hma_doc_put_number(parent, key, number);
}

static hma_status read_value(literal *l, cJSON *parent, const char *key, size_t depth) {
    skip_space(l);
    if (depth == 0) {
        return fault(l);
    }
    if (*l->at == '\'' || *l->at == '"') {
        hma_buffer text = {0};
        hma_status status = read_string(l, &text);
        status = status == HMA_OK ? hma_doc_put_buffer(parent, key, &text) : status;
        hma_buffer_free(&text);
        return status;
    }
    if (accept(l, "[")) {
        return read_list(l, hma_doc_open_list(parent, key), "]", depth - 1);
    }
    if (accept(l, "(")) {
        return read_list(l, hma_doc_open_list(parent, key), ")", depth - 1);
    }
    if (accept(l, "{")) {
        return read_dictionary(l, hma_doc_open_object(parent, key), depth - 1);
    }
    if (accept(l, "True")) {
        return hma_doc_put(parent, key, cJSON_CreateTrue());
    }
    if (accept(l, "False")) {
        return hma_doc_put(parent, key, cJSON_CreateFalse());
    }
    return accept(l, "None") ? hma_doc_put(parent, key, cJSON_CreateNull()) : read_number(l, parent, key);
}

hma_status hma_python_literal_parse(cJSON **out, const char *where, const char *text) {
    literal l = {.where = where, .text = text, .at = text};
    cJSON *one = cJSON_CreateArray();
    hma_status status = one ? read_value(&l, one, NULL, MOST_DEPTH) : hma_error_memory("literal");
    if (status == HMA_OK) {
        skip_space(&l);
        status = *l.at ? fault(&l) : HMA_OK;
    }
    if (status == HMA_OK) {
        *out = cJSON_DetachItemViaPointer(one, one->child);
    }
    cJSON_Delete(one);
    return status;
}
