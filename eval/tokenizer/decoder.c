#include "eval/tokenizer/decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "eval/tokenizer/byte_alphabet.h"
#include "eval/tokenizer/components.h"
#include "eval/tokenizer/normalizer.h"
#include "eval/tokenizer/vocabulary.h"

enum { MOST_STEPS = 256 };

static const char replacement_character[] = "\xEF\xBF\xBD";

hma_status hma_tokens_add(hma_pieces *tokens, const char *text, size_t length) {
    const hma_piece piece = {.start = tokens->text.length, .length = length, .token = -1};
    hma_buffer_add(&tokens->text, text, length);
    if (hma_buffer_ok(&tokens->text) != HMA_OK ||
        hma_grow(&tokens->items, &tokens->capacity, tokens->count + 1, sizeof *tokens->items)) {
        return HMA_FAILURE;
    }
    tokens->items[tokens->count++] = piece;
    return HMA_OK;
}

/* How many bytes a character has that begins with `byte`, and which second bytes it allows; 0 for bytes that begin none. */
static size_t expected_length(unsigned char byte, unsigned char *low, unsigned char *high) {
    *low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    *high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    if (byte < 0x80) {
        return 1;
    }
    return byte >= 0xC2 && byte < 0xE0 ? 2 : byte >= 0xE0 && byte < 0xF0 ? 3 : byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

void hma_utf8_repair(hma_buffer *out, const char *bytes, size_t length) {
    for (size_t i = 0; i < length;) {
        unsigned char low, high;
        const size_t wanted = expected_length((unsigned char)bytes[i], &low, &high);
        size_t n = 1;
        while (n < wanted && i + n < length && (unsigned char)bytes[i + n] >= low && (unsigned char)bytes[i + n] <= high) {
            n++;
            low = 0x80;
            high = 0xBF;
        }
        if (n == wanted) {
            hma_buffer_add(out, bytes + i, n);
        } else {
            hma_buffer_text(out, replacement_character);
        }
        i += n;
    }
}

/* ---- the steps ---- */

/* The bytes that a token stands for; a token with a character outside the byte alphabet stands for itself. */
static void write_bytes_of(hma_buffer *out, const char *text, size_t length) {
    const size_t before = out->length;
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        unsigned char byte = 0;
        const size_t n = hma_utf8_decode(text + i, length - i, &c);
        if (n == 0 || !hma_byte_alphabet_read(c, &byte)) {
            out->length = before;
            hma_buffer_add(out, text, length);
            return;
        }
        hma_buffer_char(out, (char)byte);
        i += n;
    }
}

static hma_status run_byte_level(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    (void)step;
    hma_buffer bytes = {0}, text = {0};
    for (size_t i = 0; i < tokens->count; i++) {
        write_bytes_of(&bytes, hma_piece_text(tokens, &tokens->items[i]), tokens->items[i].length);
    }
    hma_utf8_repair(&text, hma_buffer_cstr(&bytes), bytes.length);
    hma_status status = hma_buffer_ok(&bytes);
    if (status == HMA_OK && (status = hma_buffer_ok(&text)) == HMA_OK) {
        status = hma_tokens_add(out, hma_buffer_cstr(&text), text.length);
    }
    hma_buffer_free(&bytes);
    hma_buffer_free(&text);
    return status;
}

/* A run of byte tokens becomes its text when that is UTF-8, else one U+FFFD for each byte. */
static hma_status flush_bytes(hma_buffer *bytes, hma_pieces *out) {
    hma_status status = hma_buffer_ok(bytes);
    if (status == HMA_OK && bytes->length) {
        if (hma_utf8_is_valid(bytes->data, bytes->length)) {
            status = hma_tokens_add(out, bytes->data, bytes->length);
        } else {
            for (size_t i = 0; status == HMA_OK && i < bytes->length; i++) {
                status = hma_tokens_add(out, replacement_character, 3);
            }
        }
    }
    hma_buffer_clear(bytes);
    return status;
}

static hma_status run_byte_fallback(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    (void)step;
    hma_buffer bytes = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < tokens->count; i++) {
        const char *text = hma_piece_text(tokens, &tokens->items[i]);
        const size_t length = tokens->items[i].length;
        const int byte = hma_byte_of_token(text, length);
        if (byte >= 0) {
            hma_buffer_char(&bytes, (char)byte);
        } else if ((status = flush_bytes(&bytes, out)) == HMA_OK) {
            status = hma_tokens_add(out, text, length);
        }
    }
    if (status == HMA_OK) {
        status = flush_bytes(&bytes, out);
    }
    hma_buffer_free(&bytes);
    return status;
}

static hma_status run_fuse(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    (void)step;
    return hma_tokens_add(out, hma_buffer_cstr(&tokens->text), tokens->text.length); /* they lie one behind the other */
}

static hma_status run_replace(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    hma_status status = HMA_OK;
    hma_buffer text = {0};
    for (size_t i = 0; status == HMA_OK && i < tokens->count; i++) {
        hma_buffer_clear(&text);
        status = hma_replace_write(step->pattern, step->content, hma_piece_text(tokens, &tokens->items[i]),
                                   tokens->items[i].length, &text, NULL);
        if (status == HMA_OK) {
            status = hma_tokens_add(out, hma_buffer_cstr(&text), text.length);
        }
    }
    hma_buffer_free(&text);
    return status;
}

static hma_status run_strip(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    const size_t n = strlen(step->content);
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < tokens->count; i++) {
        const char *text = hma_piece_text(tokens, &tokens->items[i]);
        size_t start = 0, end = tokens->items[i].length;
        for (size_t k = 0; k < step->start && end - start >= n && memcmp(text + start, step->content, n) == 0; k++) {
            start += n;
        }
        for (size_t k = 0; k < step->stop && end - start >= n && memcmp(text + end - n, step->content, n) == 0; k++) {
            end -= n;
        }
        status = hma_tokens_add(out, text + start, end - start);
    }
    return status;
}

/* Marks become spaces; those of the first token vanish when the pre-tokenizer puts one in front. */
static hma_status run_metaspace(const hma_decode_step *step, const hma_pieces *tokens, hma_pieces *out) {
    const size_t n = strlen(step->content);
    hma_buffer text = {0};
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < tokens->count; i++) {
        const char *token = hma_piece_text(tokens, &tokens->items[i]);
        const size_t length = tokens->items[i].length;
        hma_buffer_clear(&text);
        for (size_t k = 0; k < length;) {
            if (length - k >= n && memcmp(token + k, step->content, n) == 0) {
                hma_buffer_text(&text, i == 0 && step->prepend != HMA_PREPEND_NEVER ? "" : " ");
                k += n;
            } else {
                hma_buffer_char(&text, token[k++]);
            }
        }
        status = hma_buffer_ok(&text);
        if (status == HMA_OK) {
            status = hma_tokens_add(out, hma_buffer_cstr(&text), text.length);
        }
    }
    hma_buffer_free(&text);
    return status;
}

/* ---- reading ---- */

static void free_step(hma_decode_step *step) {
    hma_pattern_free(step->pattern);
    free(step->content);
}

/* Takes the step over, also on failure. */
static hma_status add_step(hma_decoder *d, hma_decode_step step, const char *name) {
    if (d->count < MOST_STEPS && !hma_grow(&d->steps, &d->capacity, d->count + 1, sizeof *d->steps)) {
        d->steps[d->count++] = step;
        return HMA_OK;
    }
    free_step(&step);
    return d->count < MOST_STEPS
               ? HMA_FAILURE
               : hma_error(HMA_BAD_DATA, "%s: more than %d steps (expected a few): replace the file", name, MOST_STEPS);
}

/* The readers fill a step that has its run function already. */

static hma_status read_byte_level(hma_decode_step *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "add_prefix_space", "trim_offsets", "use_regex", NULL};
    (void)step;
    return hma_json_known_keys(json, name, known);
}

static hma_status read_nothing(hma_decode_step *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", NULL};
    (void)step;
    return hma_json_known_keys(json, name, known);
}

static hma_status set_content(hma_decode_step *step, const char *content) {
    step->content = hma_copy_text(content);
    return step->content ? HMA_OK : HMA_FAILURE;
}

static hma_status read_replace(hma_decode_step *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "pattern", "content", NULL};
    const char *content = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status == HMA_OK && (status = hma_json_get_text(json, name, "content", true, &content)) == HMA_OK &&
        (status = hma_pattern_from_json(&step->pattern, json, name)) == HMA_OK) {
        status = set_content(step, content);
    }
    return status;
}

static hma_status read_strip(hma_decode_step *step, const cJSON *json, const char *name) {
    static const char *const known[] = {"type", "content", "start", "stop", NULL};
    const char *content = NULL;
    hma_status status = hma_json_known_keys(json, name, known);
    if (status != HMA_OK || (status = hma_json_get_text(json, name, "content", true, &content)) != HMA_OK ||
        (status = hma_json_get_size(json, name, "start", true, 0, INT32_MAX, &step->start)) != HMA_OK ||
        (status = hma_json_get_size(json, name, "stop", true, 0, INT32_MAX, &step->stop)) != HMA_OK) {
        return status;
    }
    if (!*content || hma_utf8_length(content, strlen(content)) != strlen(content)) {
        return hma_error(HMA_BAD_DATA, "%s: Strip takes off \"%s\" (expected one character): correct the file", name, content);
    }
    return set_content(step, content);
}

static hma_status read_metaspace(hma_decode_step *step, const cJSON *json, const char *name) {
    char mark[5];
    const hma_status status = hma_metaspace_from_json(mark, &step->prepend, json, name);
    return status == HMA_OK ? set_content(step, mark) : status;
}

static hma_status read_component(void *user, const cJSON *json, const char *name) {
    hma_decoder *d = user;
    static const struct {
        const char *type;
        hma_status (*read)(hma_decode_step *, const cJSON *, const char *);
        hma_status (*run)(const hma_decode_step *, const hma_pieces *, hma_pieces *);
    } readers[] = {
        {"ByteLevel", read_byte_level, run_byte_level},
        {"ByteFallback", read_nothing, run_byte_fallback},
        {"Fuse", read_nothing, run_fuse},
        {"Replace", read_replace, run_replace},
        {"Strip", read_strip, run_strip},
        {"Metaspace", read_metaspace, run_metaspace},
    };
    const char *type = NULL;
    hma_status status = hma_json_get_text(json, name, "type", true, &type);
    if (status != HMA_OK) {
        return status;
    }
    if (strcmp(type, "Sequence") == 0) {
        return hma_sequence_from_json(json, "decoders", name, read_component, user);
    }
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (strcmp(type, readers[i].type) == 0) {
            hma_decode_step step = {.run = readers[i].run};
            if ((status = readers[i].read(&step, json, name)) != HMA_OK) {
                free_step(&step);
                return status;
            }
            return add_step(d, step, name);
        }
    }
    return hma_error(
        HMA_BAD_DATA,
        "%s: decoder \"%s\" is not supported (expected ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace or "
        "Sequence): use another tokenizer",
        name, type);
}

hma_status hma_decoder_from_json(hma_decoder *out, const cJSON *json, const char *name) {
    hma_decoder d = {.present = json && !cJSON_IsNull(json)};
    const hma_status status = d.present ? read_component(&d, json, name) : HMA_OK;
    if (status != HMA_OK) {
        hma_decoder_free(&d);
        return status;
    }
    *out = d;
    return HMA_OK;
}

void hma_decoder_free(hma_decoder *decoder) {
    for (size_t i = 0; i < decoder->count; i++) {
        free_step(&decoder->steps[i]);
    }
    free(decoder->steps);
    *decoder = (hma_decoder){0};
}

hma_status hma_decoder_run(const hma_decoder *decoder, hma_pieces *tokens, hma_buffer *out) {
    hma_status status = HMA_OK;
    for (size_t i = 0; status == HMA_OK && i < decoder->count; i++) {
        hma_pieces made = {0};
        status = decoder->steps[i].run(&decoder->steps[i], tokens, &made);
        hma_pieces_free(tokens);
        *tokens = made;
    }
    for (size_t i = 0; status == HMA_OK && i < tokens->count; i++) {
        if (i > 0 && !decoder->present) {
            hma_buffer_char(out, ' ');
        }
        hma_buffer_add(out, hma_piece_text(tokens, &tokens->items[i]), tokens->items[i].length);
    }
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}
