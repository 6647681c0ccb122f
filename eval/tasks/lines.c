#include "eval/tasks/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/context.h"
#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"

enum { CHUNK = 1 << 16, NUMBER_ROOM = 32 };

hma_status hma_lines_open(hma_lines *out, const hma_context *context, const char *path) {
    const bool is_stdin = strcmp(path, "-") == 0;
    hma_lines lines = {.path = is_stdin ? "standard input" : path, .context = context, .is_stdin = is_stdin, .input.fd = -1};
    lines.where = hma_new_array(strlen(lines.path) + NUMBER_ROOM, 1);
    hma_status status = lines.where ? hma_sha256_new(&lines.hash) : HMA_FAILURE;
    if (status == HMA_OK && !is_stdin) {
        status = hma_input_open(&lines.input, path);
    }
    if (status != HMA_OK) {
        hma_lines_close(&lines);
        return status;
    }
    *out = lines;
    return HMA_OK;
}

void hma_lines_close(hma_lines *lines) {
    hma_input_close(&lines->input);
    hma_sha256_free(lines->hash);
    hma_buffer_free(&lines->text);
    free(lines->where);
    *lines = (hma_lines){.input.fd = -1};
}

static hma_status read_stdin(hma_lines *lines, char *chunk, size_t *length) {
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, chunk, CHUNK);
        if (n >= 0) {
            *length = (size_t)n;
            return HMA_OK;
        }
        if (errno != EINTR) {
            return hma_error_io(lines->path, "read", errno);
        }
        const hma_status status = lines->context ? hma_context_check(lines->context) : HMA_OK;
        if (status != HMA_OK) {
            return status;
        }
    }
}

static hma_status read_file(hma_lines *lines, char *chunk, size_t *length) {
    *length = (size_t)hma_min_u64(CHUNK, lines->input.size - lines->offset);
    hma_status status = hma_input_read(&lines->input, lines->path, lines->offset, chunk, *length);
    lines->offset += *length;
    if (status == HMA_OK && *length == 0) {
        status = hma_input_unchanged(&lines->input, lines->path);
    }
    return status;
}

/* Appends the next chunk; what has been handed out before is dropped. */
static hma_status read_more(hma_lines *lines) {
    char chunk[CHUNK];
    size_t length = 0;
    hma_status status = lines->is_stdin ? read_stdin(lines, chunk, &length) : read_file(lines, chunk, &length);
    if (status == HMA_OK) {
        status = hma_sha256_add(lines->hash, chunk, length);
    }
    if (status != HMA_OK) {
        return status;
    }
    if (lines->at > 0) {
        lines->text.length -= lines->at;
        memmove(lines->text.data, lines->text.data + lines->at, lines->text.length);
        lines->at = 0;
    }
    lines->ended = length == 0;
    hma_buffer_add(&lines->text, chunk, length);
    return hma_buffer_ok(&lines->text);
}

static hma_status too_long(const hma_lines *lines) {
    return hma_error(HMA_BAD_DATA,
                     "%s:%zu: the line is longer than %d bytes (expected one object a line): is this the right file?",
                     lines->path, lines->number + 1, HMA_LINE_LIMIT);
}

/* The next line without its newline; NULL at the end. Points into the buffer until the next call. */
static hma_status next_line(hma_lines *lines, const char **line, size_t *length) {
    size_t searched = 0; /* bytes after `at` without a newline */
    *line = NULL;
    for (;;) {
        const size_t rest = lines->text.length - lines->at;
        const char *start = hma_buffer_cstr(&lines->text) + lines->at;
        const char *end = rest > searched ? memchr(start + searched, '\n', rest - searched) : NULL;
        searched = rest;
        if ((end ? (size_t)(end - start) : rest) > HMA_LINE_LIMIT) {
            return too_long(lines);
        }
        if (end || (lines->ended && rest > 0)) {
            *line = start;
            *length = end ? (size_t)(end - start) : rest;
            lines->at += *length + (end != NULL);
            lines->number++;
            return HMA_OK;
        }
        if (lines->ended) {
            return HMA_OK;
        }
        const hma_status status = read_more(lines);
        if (status != HMA_OK) {
            return status;
        }
    }
}

static bool is_blank(const char *line, size_t length) {
    size_t i = 0;
    while (i < length && memchr(" \t\r", line[i], 3)) {
        i++;
    }
    return i == length;
}

static hma_status parse(const hma_lines *lines, const char *line, size_t length, cJSON **object) {
    if (lines->number == 1 && length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) {
        return hma_error(HMA_BAD_DATA, "%s: the file begins with a byte order mark (expected plain UTF-8): save it without one",
                         lines->where);
    }
    cJSON *tree;
    const hma_status status = hma_json_parse_line(&tree, lines->where, line, length);
    if (status != HMA_OK) {
        return status;
    }
    if (!cJSON_IsObject(tree)) {
        cJSON_Delete(tree);
        return hma_error(HMA_BAD_DATA, "%s: the line is not an object (expected {\"key\": value, ..}): correct it",
                         lines->where);
    }
    *object = tree;
    return HMA_OK;
}

hma_status hma_lines_next(hma_lines *lines, cJSON **object) {
    const char *line;
    size_t length = 0;
    hma_status status;
    do {
        status = next_line(lines, &line, &length);
    } while (status == HMA_OK && line && is_blank(line, length));
    if (status == HMA_OK && !line) {
        *object = NULL;
    } else if (status == HMA_OK) {
        (void)snprintf(lines->where, strlen(lines->path) + NUMBER_ROOM, "%s:%zu", lines->path, lines->number);
        status = parse(lines, line, length, object);
    }
    return status;
}

hma_status hma_lines_digest(hma_lines *lines, char digest[65]) { return hma_sha256_end(lines->hash, digest); }
