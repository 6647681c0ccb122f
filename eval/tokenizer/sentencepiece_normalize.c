#include <string.h>

#include "base/utf8.h"
#include "eval/tokenizer/sentencepiece.h"

static const char space_mark[] = "\xE2\x96\x81"; /* U+2581 */

/* The next bit of the text in its normal form; returns how many bytes of the text it stands for. */
static size_t normal_prefix(const hma_sentencepiece *model, const char *text, size_t length, const char **normal,
                            size_t *normal_length) {
    int32_t ignored;
    size_t n = hma_trie_longest(model->user_defined, text, length, &ignored);
    *normal = text;
    if (n == 0 && model->charsmap && (n = hma_charsmap_longest(model->charsmap, text, length, normal)) > 0) {
        *normal_length = strlen(*normal);
        return n;
    }
    if (n == 0) {
        n = hma_utf8_length(text, length);
        n = n ? n : 1;
    }
    *normal_length = n;
    return n;
}

/* How much white space the text begins with, in whatever form. */
static size_t leading_space(const hma_sentencepiece *model, const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        const char *normal;
        size_t normal_length;
        const size_t n = normal_prefix(model, text + at, length - at, &normal, &normal_length);
        if (normal_length != 1 || *normal != ' ') {
            break;
        }
        at += n;
    }
    return at;
}

static void write_escaped(const hma_sentencepiece *model, const char *text, size_t length, hma_buffer *out) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ' ' && model->file.escape_spaces) {
            hma_buffer_text(out, space_mark);
        } else {
            hma_buffer_char(out, text[i]);
        }
    }
}

static void drop_trailing_space(const hma_sentencepiece *model, hma_buffer *out) {
    const char *space = model->file.escape_spaces ? space_mark : " ";
    const size_t n = strlen(space);
    while (out->length >= n && memcmp(out->data + out->length - n, space, n) == 0) {
        out->length -= n;
    }
}

hma_status hma_sentencepiece_normalize(const hma_sentencepiece *model, const char *text, size_t length, hma_buffer *out) {
    const hma_spm_file *file = &model->file;
    const bool squeeze = file->remove_extra_spaces;
    size_t at = squeeze ? leading_space(model, text, length) : 0;
    if (at == length) {
        return HMA_OK;
    }
    if (file->dummy_prefix && !file->space_as_suffix) {
        write_escaped(model, " ", 1, out);
    }
    bool after_space = squeeze;
    while (at < length) {
        const char *normal;
        size_t n;
        at += normal_prefix(model, text + at, length - at, &normal, &n);
        while (after_space && n > 0 && *normal == ' ') {
            normal++;
            n--;
        }
        if (n > 0) {
            write_escaped(model, normal, n, out);
            after_space = squeeze && normal[n - 1] == ' ';
        }
    }
    if (squeeze) {
        drop_trailing_space(model, out);
    }
    if (file->dummy_prefix && file->space_as_suffix) {
        write_escaped(model, " ", 1, out);
    }
    return hma_buffer_ok(out);
}
