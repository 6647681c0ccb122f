#include "eval/tokenizer/jinja/lexer.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

typedef struct lexer {
    hma_arena *arena;
    const char *text; /* with line ends made "\n" */
    size_t length, at, line;
    bool line_starts; /* the last tag took the line end behind it along */
    hma_jinja_token *tokens;
    size_t count, capacity;
} lexer;

static hma_status fault(const lexer *l, const char *what) {
    return hma_error(HMA_BAD_DATA, "chat template: line %zu: %s (expected a Jinja template): correct it", l->line, what);
}

static hma_status add(lexer *l, hma_jinja_token_kind kind, const char *text, size_t length, long long number) {
    if (hma_grow(&l->tokens, &l->capacity, l->count + 1, sizeof *l->tokens)) {
        return HMA_FAILURE;
    }
    const char *copy = hma_arena_copy(l->arena, text, length);
    if (!copy) {
        return hma_error_status();
    }
    l->tokens[l->count++] = (hma_jinja_token){kind, copy, length, number, l->line};
    return HMA_OK;
}

static bool looking_at(const lexer *l, const char *text) {
    const size_t n = strlen(text);
    return l->length - l->at >= n && memcmp(l->text + l->at, text, n) == 0;
}

static void advance(lexer *l, size_t n) {
    for (; n > 0; n--) {
        l->line += l->text[l->at++] == '\n';
    }
}

static void skip_space(lexer *l) {
    while (l->at < l->length && isspace((unsigned char)l->text[l->at])) {
        advance(l, 1);
    }
}

/* ---- text between tags ---- */

/* What the tag behind a text takes of it: "-" all white space, a block or comment also the spaces from the beginning of the
 * line, unless it says "+". */
static size_t trimmed_length(const lexer *l, const char *data, size_t length, bool is_print, char sign) {
    if (sign == '-') {
        while (length > 0 && isspace((unsigned char)data[length - 1])) {
            length--;
        }
        return length;
    }
    size_t line = length;
    while (line > 0 && data[line - 1] != '\n' && isspace((unsigned char)data[line - 1])) {
        line--;
    }
    const bool whole_line = line > 0 ? data[line - 1] == '\n' : l->line_starts;
    return !is_print && sign != '+' && whole_line ? line : length;
}

/* Up to the next tag or the end. */
static hma_status read_data(lexer *l) {
    const size_t start = l->at;
    while (l->at < l->length && !looking_at(l, "{{") && !looking_at(l, "{%") && !looking_at(l, "{#")) {
        advance(l, 1);
    }
    size_t length = l->at - start;
    if (l->at < l->length) {
        length = trimmed_length(l, l->text + start, length, l->text[l->at + 1] == '{',
                                l->at + 2 < l->length ? l->text[l->at + 2] : 0);
    }
    return length ? add(l, HMA_JINJA_DATA, l->text + start, length, 0) : HMA_OK;
}

/* Behind a tag: "-" has all white space go, and a block or comment one line end. */
static void behind_tag(lexer *l, bool strip, bool keep, bool is_print) {
    const size_t start = l->at;
    if (strip) {
        skip_space(l);
    } else if (!is_print && !keep && looking_at(l, "\n")) {
        advance(l, 1);
    }
    l->line_starts = l->at > start && l->text[l->at - 1] == '\n';
}

static hma_status skip_comment(lexer *l) {
    const char *end = l->length - l->at >= 2 ? memmem(l->text + l->at + 2, l->length - l->at - 2, "#}", 2) : NULL;
    if (!end) {
        return fault(l, "a comment that does not end");
    }
    const char sign = end > l->text + l->at + 2 ? end[-1] : 0;
    advance(l, (size_t)(end - (l->text + l->at)) + 2);
    behind_tag(l, sign == '-', sign == '+', false);
    return HMA_OK;
}

/* ---- inside tags ---- */

static int hex_value(const char *text, size_t digits, uint32_t *value) {
    *value = 0;
    for (size_t i = 0; i < digits; i++) {
        const char c = text[i];
        if (!isxdigit((unsigned char)c)) {
            return -1;
        }
        *value = *value * 16 + (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return 0;
}

/* An escape of a Python string literal; l->at is behind the backslash. */
static hma_status read_escape(lexer *l, hma_buffer *out) {
    static const char from[] = "\\'\"nrtabfv", to[] = "\\'\"\n\r\t\a\b\f\v";
    const char c = l->text[l->at], *known = c ? strchr(from, c) : NULL;
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    uint32_t value;
    char utf8[4];
    if (known) {
        hma_buffer_char(out, to[known - from]);
        advance(l, 1);
    } else if (c == '\n') { /* a line that goes on */
        advance(l, 1);
    } else if (digits) {
        if (l->length - l->at <= digits || hex_value(l->text + l->at + 1, digits, &value) || value == 0 || value > 0x10FFFF ||
            (value >= 0xD800 && value < 0xE000)) {
            return fault(l, "an escape that is not a character");
        }
        hma_buffer_add(out, utf8, hma_utf8_encode(value, utf8));
        advance(l, digits + 1);
    } else if (isdigit((unsigned char)c) || c == 'N') {
        return fault(l, "an octal or named escape, which is not supported");
    } else { /* unknown ones stay as they are */
        hma_buffer_char(out, '\\');
    }
    return HMA_OK;
}

static hma_status read_string(lexer *l) {
    const char quote = l->text[l->at];
    hma_buffer value = {0};
    hma_status status = HMA_OK;
    advance(l, 1);
    while (status == HMA_OK && l->at < l->length && l->text[l->at] != quote) {
        if (l->text[l->at] == '\\' && l->at + 1 < l->length) {
            advance(l, 1);
            status = read_escape(l, &value);
        } else {
            hma_buffer_char(&value, l->text[l->at]);
            advance(l, 1);
        }
    }
    if (status == HMA_OK && l->at >= l->length) {
        status = fault(l, "a string that does not end");
    }
    if (status == HMA_OK && (status = hma_buffer_ok(&value)) == HMA_OK) {
        advance(l, 1);
        status = add(l, HMA_JINJA_STRING, hma_buffer_cstr(&value), value.length, 0);
    }
    hma_buffer_free(&value);
    return status;
}

static hma_status read_number(lexer *l) {
    const size_t start = l->at;
    long long value = 0;
    while (l->at < l->length && isdigit((unsigned char)l->text[l->at])) {
        if (value > 1000000000000) {
            return fault(l, "a number that is too large");
        }
        value = value * 10 + (l->text[l->at] - '0');
        advance(l, 1);
    }
    if (l->at + 1 < l->length && l->text[l->at] == '.' && isdigit((unsigned char)l->text[l->at + 1])) {
        return fault(l, "a number with a decimal point, which is not supported");
    }
    return add(l, HMA_JINJA_INTEGER, l->text + start, l->at - start, value);
}

static bool is_name_start(char c) { return isalpha((unsigned char)c) || c == '_'; }

static hma_status read_word(lexer *l) {
    static const char *const operators[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<",
                                            ">",  "=",  ".",  ":",  ",",  "|",  "(", ")", "[", "]", "{", "}"};
    const char c = l->text[l->at];
    if (c == '"' || c == '\'') {
        return read_string(l);
    }
    if (isdigit((unsigned char)c)) {
        return read_number(l);
    }
    if (is_name_start(c)) {
        const size_t start = l->at;
        while (l->at < l->length && (is_name_start(l->text[l->at]) || isdigit((unsigned char)l->text[l->at]))) {
            advance(l, 1);
        }
        return add(l, HMA_JINJA_NAME, l->text + start, l->at - start, 0);
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (looking_at(l, operators[i])) {
            const size_t n = strlen(operators[i]);
            advance(l, n);
            return add(l, HMA_JINJA_OPERATOR, operators[i], n, 0);
        }
    }
    return fault(l, "a character that means nothing in a tag");
}

/* Is this the end of the tag? Inside brackets "}}" closes two of them. */
static bool at_tag_end(const lexer *l, bool is_print, size_t depth, bool *strip, bool *keep) {
    const char *end = is_print ? "}}" : "%}";
    if (depth > 0) {
        return false;
    }
    const bool sign = l->at < l->length && (l->text[l->at] == '-' || (l->text[l->at] == '+' && !is_print));
    *strip = sign && l->text[l->at] == '-';
    *keep = sign && l->text[l->at] == '+';
    const size_t at = l->at + sign;
    return l->length - at >= 2 && memcmp(l->text + at, end, 2) == 0;
}

static hma_status read_tag(lexer *l) {
    const bool is_print = l->text[l->at + 1] == '{';
    bool strip = false, keep = false;
    size_t depth = 0;
    advance(l, 2);
    if (looking_at(l, "-") || looking_at(l, "+")) {
        advance(l, 1);
    }
    hma_status status = add(l, is_print ? HMA_JINJA_PRINT_BEGIN : HMA_JINJA_BLOCK_BEGIN, "", 0, 0);
    while (status == HMA_OK) {
        skip_space(l);
        if (l->at >= l->length) {
            return fault(l, "a tag that does not end");
        }
        if (at_tag_end(l, is_print, depth, &strip, &keep)) {
            advance(l, 2u + strip + keep);
            status = add(l, is_print ? HMA_JINJA_PRINT_END : HMA_JINJA_BLOCK_END, "", 0, 0);
            break;
        }
        const char c = l->text[l->at];
        if (strchr("([{", c)) {
            depth++;
        } else if (strchr(")]}", c) && depth > 0) {
            depth--;
        }
        status = read_word(l);
    }
    behind_tag(l, strip, keep, is_print);
    return status;
}

/* Line ends as "\n"; the last one goes. */
static hma_status normalize(lexer *l, const char *source, size_t length) {
    char *text = hma_arena_get(l->arena, length + 1);
    if (!text) {
        return hma_error_status();
    }
    for (size_t i = 0; i < length; i++) {
        if (source[i] == '\r') {
            text[l->length++] = '\n';
            i += i + 1 < length && source[i + 1] == '\n';
        } else {
            text[l->length++] = source[i];
        }
    }
    if (l->length && text[l->length - 1] == '\n') {
        l->length--;
    }
    l->text = text;
    return HMA_OK;
}

static hma_status lex(lexer *l) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && l->at < l->length) {
        if ((status = read_data(l)) == HMA_OK && l->at < l->length) {
            status = looking_at(l, "{#") ? skip_comment(l) : read_tag(l);
        }
    }
    return status == HMA_OK ? add(l, HMA_JINJA_END, "", 0, 0) : status;
}

hma_status hma_jinja_lex(hma_arena *arena, const char *source, size_t length, hma_jinja_token **tokens) {
    lexer l = {.arena = arena, .line = 1, .line_starts = true};
    hma_status status = normalize(&l, source, length);
    if (status == HMA_OK && (status = lex(&l)) == HMA_OK) {
        *tokens = hma_arena_get(arena, l.count * sizeof *l.tokens);
        if (*tokens) {
            memcpy(*tokens, l.tokens, l.count * sizeof *l.tokens);
        } else {
            status = hma_error_status();
        }
    }
    free(l.tokens);
    return status;
}
