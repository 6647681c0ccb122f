/* CSV (RFC 4180): a header, fields in quotes where they hold commas, quotes or line breaks. */
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/records.h"

enum { MOST_COLUMNS = 1000 };

typedef struct csv {
    const char *path, *at, *end;
    size_t row; /* 1-based, the header is the first */
} csv;

static hma_status fault(const csv *c, const char *what) {
    return hma_error(HMA_BAD_DATA, "%s: row %zu: %s (expected comma-separated values with a header): correct the file", c->path,
                     c->row, what);
}

static bool at_line_end(const csv *c) { return c->at == c->end || *c->at == '\n' || *c->at == '\r'; }

static hma_status read_quoted(csv *c, hma_buffer *out) {
    for (c->at++;; c->at++) {
        const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
        if (!quote) {
            return fault(c, "a quoted field has no end");
        }
        hma_buffer_add(out, c->at, (size_t)(quote - c->at));
        c->at = quote + 1;
        if (c->at == c->end || *c->at != '"') {
            return at_line_end(c) || *c->at == ',' ? HMA_OK : fault(c, "text follows a quoted field");
        }
        hma_buffer_char(out, '"');
    }
}

static hma_status read_field(csv *c, hma_buffer *out) {
    if (c->at < c->end && *c->at == '"') {
        return read_quoted(c, out);
    }
    while (!at_line_end(c) && *c->at != ',') {
        hma_buffer_char(out, *c->at++);
    }
    return HMA_OK;
}

/* One row as a list of texts. */
static hma_status read_row(csv *c, cJSON *row) {
    hma_status status = HMA_OK;
    size_t columns = 0;
    c->row++;
    for (;;) {
        hma_buffer field = {0};
        status = read_field(c, &field);
        if (status == HMA_OK && ++columns > MOST_COLUMNS) {
            status = fault(c, "there are too many columns");
        }
        status = status == HMA_OK ? hma_doc_put_buffer(row, NULL, &field) : status;
        hma_buffer_free(&field);
        if (status != HMA_OK || c->at == c->end || *c->at != ',') {
            break;
        }
        c->at++;
    }
    c->at += c->at < c->end && *c->at == '\r';
    if (status == HMA_OK && c->at < c->end && *c->at != '\n') {
        status = fault(c, "a line ends without a line feed");
    }
    c->at += c->at < c->end;
    return status;
}

static hma_status add_object(const csv *c, cJSON *list, const cJSON *header, const cJSON *row) {
    cJSON *object = hma_doc_open_object(list, NULL);
    const cJSON *name = header->child, *value = row->child;
    hma_status status = object ? HMA_OK : HMA_FAILURE;
    for (; name && value && status == HMA_OK; name = name->next, value = value->next) {
        status = hma_doc_put_text(object, name->valuestring, value->valuestring);
    }
    return status == HMA_OK && (name || value) ? fault(c, "the number of fields is not the header's") : status;
}

static hma_status check_header(const csv *c, const cJSON *header) {
    for (const cJSON *a = header->child; a; a = a->next) {
        for (const cJSON *b = a->next; b; b = b->next) {
            if (strcmp(a->valuestring, b->valuestring) == 0) {
                return fault(c, "two columns have the same name");
            }
        }
    }
    return HMA_OK;
}

hma_status hma_csv_parse(cJSON *list, const char *path, const char *text, size_t length) {
    csv c = {.path = path, .at = text, .end = text + length};
    if (memchr(text, 0, length)) {
        return fault(&c, "there is a zero byte");
    }
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* spreadsheets write one */
        c.at += 3;
    }
    cJSON *header = cJSON_CreateArray();
    hma_status status = header ? read_row(&c, header) : hma_error_memory(path);
    if (status == HMA_OK) {
        status = check_header(&c, header);
    }
    while (status == HMA_OK && c.at < c.end) {
        cJSON *row = cJSON_CreateArray();
        status = row ? read_row(&c, row) : hma_error_memory(path);
        status = status == HMA_OK ? add_object(&c, list, header, row) : status;
        cJSON_Delete(row);
    }
    cJSON_Delete(header);
    return status;
}
