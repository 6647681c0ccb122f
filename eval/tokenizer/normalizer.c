#include "eval/tokenizer/normalizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/byte_alphabet.h"
#include "eval/tokenizer/components.h"
#include "eval/tokenizer/unicode_forms.h"
#include "eval/tokenizer/unicode_table.h"

enum { MOST_STEPS = 256 };

/* ---- the steps ---- */

static hma_status write_form(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)at_start;
    return hma_form_write((hma_form)((const hma_normstep *)step)->form, text, length, out);
}

hma_status hma_replace_write(const hma_pattern *pattern, const char *content, const char *text, size_t length, hma_buffer *out,
                             bool *at_start) {
    hma_search search;
    hma_match match;
    bool found = true;
    size_t done = 0;
    hma_search_begin(&search, pattern, text, length);
    hma_status status = hma_search_next(&search, &match, &found);
    while (status == HMA_OK && found) {
        /* the reference aligns what it writes with the last character that it replaces */
        if (at_start && match.start == 0 && match.end > 0 && (!*content || match.end > hma_utf8_length(text, length))) {
            *at_start = false;
        }
        hma_buffer_add(out, text + done, match.start - done);
        hma_buffer_text(out, content);
        done = match.end;
        status = hma_search_next(&search, &match, &found);
    }
    hma_search_end(&search);
    hma_buffer_add(out, text + done, length - done);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

static hma_status write_replaced(const void *data, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    const hma_normstep *step = data;
    return hma_replace_write(step->pattern, step->text, text, length, out, at_start);
}

static hma_status write_prepended(const void *data, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)at_start;
    hma_buffer_text(out, ((const hma_normstep *)data)->text);
    hma_buffer_add(out, text, length);
    return hma_buffer_ok(out);
}

/* Rust's char::to_lowercase: simple mappings of Unicode 17, and one letter that becomes two. */
static uint32_t lowercase(uint32_t c) {
    static const struct {
        uint32_t first, last, add;
    } newer[] = {{0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B}}; /* Garay, Beria Erfe: not in utf8proc 2.8 */
    static const uint16_t single[][2] = {{0x1C89, 0x1C8A}, {0xA7CB, 0x0264}, {0xA7CC, 0xA7CD}, {0xA7CE, 0xA7CF},
                                         {0xA7D2, 0xA7D3}, {0xA7D4, 0xA7D5}, {0xA7DA, 0xA7DB}, {0xA7DC, 0x019B}};
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        if (c >= newer[i].first && c <= newer[i].last) {
            return c + newer[i].add;
        }
    }
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (c == single[i][0]) {
            return single[i][1];
        }
    }
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static hma_status write_lowercase(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    (void)at_start;
    for (size_t i = 0, n; i < length; i += n) {
        uint32_t c = 0;
        char utf8[4];
        n = hma_utf8_decode(text + i, length - i, &c);
        n = n ? n : 1;
        if (c == 0x130) { /* capital I with dot: i and a combining dot */
            hma_buffer_text(out, "i\xCC\x87");
        } else {
            hma_buffer_add(out, utf8, hma_utf8_encode(lowercase(c), utf8));
        }
    }
    return hma_buffer_ok(out);
}

static hma_status write_stripped(const void *data, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    const hma_normstep *step = data;
    size_t begin = 0, end = 0, next;
    for (size_t i = 0; i < length; i = next) {
        if (hma_unicode_flags_at(text, length, i, &next) & HMA_UNICODE_SPACE) {
            begin = end == 0 && step->left ? next : begin;
        } else {
            end = next;
        }
    }
    end = step->right ? end : length;
    if (begin > 0) {
        *at_start = false;
    }
    if (end > begin) {
        hma_buffer_add(out, text + begin, end - begin);
    }
    return hma_buffer_ok(out);
}

/* Keeps the characters for which keep(c) gives something else than 0, in that form. */
static hma_status write_filtered(uint32_t (*keep)(uint32_t), const char *text, size_t length, hma_buffer *out, bool *at_start) {
    for (size_t i = 0, n; i < length; i += n) {
        uint32_t c = 0;
        char utf8[4];
        n = hma_utf8_decode(text + i, length - i, &c);
        n = n ? n : 1;
        const uint32_t kept = c ? keep(c) : 0;
        if (kept || c == 0) {
            hma_buffer_add(out, utf8, hma_utf8_encode(kept, utf8));
        } else if (i == 0) {
            *at_start = false;
        }
    }
    return hma_buffer_ok(out);
}

static uint32_t unless_mark(uint32_t c) { return hma_unicode_flags(c) & HMA_UNICODE_MARK ? 0 : c; }

static hma_status write_without_accents(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    return write_filtered(unless_mark, text, length, out, at_start);
}

/* sentencepiece's nmt rules: controls vanish, other white space becomes a space. */
static uint32_t nmt(uint32_t c) {
    if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F) {
        return 0;
    }
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
    return space ? ' ' : c;
}

static hma_status write_nmt(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    return write_filtered(nmt, text, length, out, at_start);
}

static hma_status write_mapped(const void *data, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)at_start;
    return hma_charsmap_write(((const hma_normstep *)data)->charsmap, text, length, out);
}

static hma_status write_bytes(const void *step, const char *text, size_t length, hma_buffer *out, bool *at_start) {
    (void)step;
    (void)at_start;
    hma_byte_alphabet_write(out, text, length);
    return hma_buffer_ok(out);
}

/* ---- reading ---- */

static void free_step(hma_normstep *step) {
    hma_pattern_free(step->pattern);
    hma_charsmap_free(step->charsmap);
    free(step->text);
}

/* Takes the step over, also on failure. */
static hma_status add_step(hma_normalizer *n, hma_normstep step, const char *name) {
    if (n->count < MOST_STEPS && !hma_grow(&n->steps, &n->capacity, n->count + 1, sizeof *n->steps)) {
        n->steps[n->count++] = step;
        return HMA_OK;
    }
    free_step(&step);
    return n->count < MOST_STEPS
               ? HMA_FAILURE
               : hma_error(HMA_BAD_DATA, "%s: more than %d steps (expected a few): replace the file", name, MOST_STEPS);
}

/* The readers fill a step that has its rewrite function already. */

static hma_status read_nothing(hma_normstep *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", NULL};
    (void)step;
    return hma_json_known_keys(json, name, known);
}

static hma_status read_replace(hma_normstep *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "pattern", "content", NULL};
    const char *content = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_text(json, name, "content", true, &content)) == HMA_OK &&
        (status = hma_pattern_from_json(&step->pattern, json, name)) == HMA_OK) {
        step->text = hma_copy_text(content);
        status = step->text ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static hma_status read_prepend(hma_normstep *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "prepend", NULL};
    const char *text = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_text(json, name, "prepend", true, &text)) == HMA_OK) {
        step->text = hma_copy_text(text);
        status = step->text ? HMA_OK : HMA_FAILURE;
    }
    return status;
}

static hma_status read_strip(hma_normstep *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "strip_left", "strip_right", NULL};
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_bool(json, name, "strip_left", true, &step->left)) == HMA_OK) {
        status = hma_json_get_bool(json, name, "strip_right", true, &step->right);
    }
    return status;
}

static hma_status read_precompiled(hma_normstep *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "precompiled_charsmap", NULL};
    const char *base64 = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_text(json, name, "precompiled_charsmap", true, &base64)) == HMA_OK) {
        status = hma_charsmap_from_base64(&step->charsmap, base64, name);
    }
    return status;
}

static hma_status read_component(void *user, const cJSON *json, const char *name) {
    hma_normalizer *n = user;
    static const struct {
        const char *type;
        hma_status (*read)(hma_normstep *, const cJSON *, const char *);
        hma_rewrite_fn rewrite;
        hma_form form;
    } readers[] = {
        {"NFC", read_nothing, write_form, HMA_NFC},
        {"NFD", read_nothing, write_form, HMA_NFD},
        {"NFKC", read_nothing, write_form, HMA_NFKC},
        {"NFKD", read_nothing, write_form, HMA_NFKD},
        {"Replace", read_replace, write_replaced, 0},
        {"Prepend", read_prepend, write_prepended, 0},
        {"Lowercase", read_nothing, write_lowercase, 0},
        {"Strip", read_strip, write_stripped, 0},
        {"StripAccents", read_nothing, write_without_accents, 0},
        {"Nmt", read_nothing, write_nmt, 0},
        {"Precompiled", read_precompiled, write_mapped, 0},
        {"ByteLevel", read_nothing, write_bytes, 0},
    };
    const char *type = NULL;
    hma_status status = hma_json_get_text(json, name, "type", true, &type);
    if (status != HMA_OK) {
        return status;
    }
    if (strcmp(type, "Sequence") == 0) {
        return hma_sequence_from_json(json, "normalizers", name, read_component, user);
    }
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(type, readers[i].type) == 0) {
            hma_normstep step = {.rewrite = readers[i].rewrite, .form = (int)readers[i].form};
            if ((status = readers[i].read(&step, json, name)) != HMA_OK) {
                free_step(&step);
                return status;
            }
            return add_step(n, step, name);
        }
    }
    return hma_error(HMA_BAD_DATA,
                     "%s: normalizer \"%s\" is not supported (expected NFC, NFD, NFKC, NFKD, Replace, Prepend, Lowercase, "
                     "Strip, StripAccents, Nmt, Precompiled, ByteLevel or Sequence): use another tokenizer",
                     name, type);
}

hma_status hma_normalizer_from_json(hma_normalizer *out, const cJSON *json, const char *name) {
    hma_normalizer n = {0};
    const hma_status status = json && !cJSON_IsNull(json) ? read_component(&n, json, name) : HMA_OK;
    if (status != HMA_OK) {
        hma_normalizer_free(&n);
        return status;
    }
    *out = n;
    return HMA_OK;
}

void hma_normalizer_free(hma_normalizer *normalizer) {
    for (size_t i = 0; i < normalizer->count; i++) {
        free_step(&normalizer->steps[i]);
    }
    free(normalizer->steps);
    *normalizer = (hma_normalizer){0};
}

hma_status hma_normalizer_run(const hma_normalizer *normalizer, hma_pieces *pieces) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < normalizer->count; i++) {
        status = hma_pieces_rewrite(pieces, normalizer->steps[i].rewrite, &normalizer->steps[i]);
    }
    return status;
}

hma_status hma_normalizer_text(const hma_normalizer *normalizer, const char *text, char **normal) {
    hma_pieces pieces;
    hma_status status = hma_pieces_begin(&pieces, text, strlen(text));
    if (status == HMA_OK && (status = hma_normalizer_run(normalizer, &pieces)) == HMA_OK) {
        *normal = hma_copy_bytes(hma_buffer_cstr(&pieces.text), pieces.text.length);
        status = *normal ? HMA_OK : HMA_FAILURE;
    }
    hma_pieces_free(&pieces);
    return status;
}
