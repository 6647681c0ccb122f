#include "eval/tokenizer/sentencepiece_file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"

enum { LARGEST_FILE = 512 << 20 };

/* A message being read: the bytes that are left of it. */
typedef struct message {
    const char *path;
    const unsigned char *at, *end;
} message;

/* A field: its number and, by wire type, a number or bytes. */
typedef struct field {
    uint64_t number;
    enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 } wire;
    uint64_t value;
    const unsigned char *bytes;
    size_t length;
} field;

static hma_status broken(const message *m, const char *what) {
    return hma_error(HMA_BAD_DATA, "%s: %s (expected a sentencepiece model): is the file complete? replace it", m->path, what);
}

/* ---- wire format ---- */

static bool read_varint(message *m, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 70 && m->at < m->end; shift += 7) {
        const unsigned char byte = *m->at++;
        if (shift < 64) {
            *value |= (uint64_t)(byte & 0x7F) << shift;
        }
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool read_fixed(message *m, size_t size, uint64_t *value) {
    if ((size_t)(m->end - m->at) < size) {
        return false;
    }
    *value = 0;
    memcpy(value, m->at, size);
    m->at += size;
    return true;
}

static bool read_bytes(message *m, field *f) {
    uint64_t length;
    if (!read_varint(m, &length) || length > (uint64_t)(m->end - m->at)) {
        return false;
    }
    f->bytes = m->at;
    f->length = (size_t)length;
    m->at += length;
    return true;
}

static hma_status next_field(message *m, field *f) {
    uint64_t key;
    *f = (field){0};
    if (!read_varint(m, &key) || key >> 3 == 0) {
        return broken(m, "a field has no number");
    }
    f->number = key >> 3;
    bool ok = false;
    switch (key & 7) {
    case WIRE_VARINT: ok = read_varint(m, &f->value); break;
    case WIRE_64: ok = read_fixed(m, 8, &f->value); break;
    case WIRE_BYTES: ok = read_bytes(m, f); break;
    case WIRE_32: ok = read_fixed(m, 4, &f->value); break;
    default: return broken(m, "a field has a type that is not protobuf's");
    }
    f->wire = key & 7;
    return ok ? HMA_OK : broken(m, "a field is longer than the file");
}

static bool is(const field *f, uint64_t number, int wire) { return f->number == number && (int)f->wire == wire; }

/* ---- messages ---- */

static message inside(const message *outer, const field *f) { return (message){outer->path, f->bytes, f->bytes + f->length}; }

static hma_status read_piece_field(hma_model_piece *piece, const message *m, const field *f) {
    if (is(f, 1, WIRE_BYTES)) {
        piece->text = (const char *)f->bytes;
        piece->length = f->length;
    } else if (is(f, 2, WIRE_32)) {
        const uint32_t bits = (uint32_t)f->value;
        memcpy(&piece->score, &bits, sizeof piece->score);
    } else if (is(f, 3, WIRE_VARINT)) {
        if (f->value < HMA_PIECE_NORMAL || f->value > HMA_PIECE_BYTE) {
            return broken(m, "a piece has an unknown type");
        }
        piece->type = (hma_piece_type)f->value;
    }
    return HMA_OK;
}

static hma_status read_piece(hma_spm_file *file, message m) {
    hma_model_piece piece = {.type = HMA_PIECE_NORMAL};
    hma_status status = HMA_OK;
    while (status == HMA_OK && m.at < m.end) {
        field f;
        if ((status = next_field(&m, &f)) == HMA_OK) {
            status = read_piece_field(&piece, &m, &f);
        }
    }
    if (status == HMA_OK && (piece.length == 0 || isnan(piece.score) || !hma_utf8_is_valid(piece.text, piece.length))) {
        status = broken(&m, "a piece has no text, text that is not UTF-8, or no number as its score");
    }
    if (status != HMA_OK || hma_grow(&file->pieces, &file->capacity, file->count + 1, sizeof *file->pieces)) {
        return status != HMA_OK ? status : HMA_FAILURE;
    }
    file->pieces[file->count++] = piece;
    return HMA_OK;
}

static hma_status read_trainer(hma_spm_file *file, message m) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && m.at < m.end) {
        field f;
        if ((status = next_field(&m, &f)) != HMA_OK) {
            break;
        }
        if (is(&f, 3, WIRE_VARINT)) {
            if (f.value != HMA_SPM_UNIGRAM && f.value != HMA_SPM_BPE) {
                return hma_error(HMA_BAD_DATA,
                                 "%s: word and character models are not supported (expected unigram or BPE): use another "
                                 "tokenizer",
                                 m.path);
            }
            file->kind = (hma_spm_kind)f.value;
        } else if (is(&f, 24, WIRE_VARINT)) {
            file->space_as_suffix = f.value != 0;
        } else if (is(&f, 35, WIRE_VARINT)) {
            file->byte_fallback = f.value != 0;
        } else if (is(&f, 44, WIRE_BYTES)) {
            file->unknown_surface = (const char *)f.bytes;
            file->unknown_surface_length = f.length;
        }
    }
    return status;
}

static hma_status read_normalizer(hma_spm_file *file, message m) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && m.at < m.end) {
        field f;
        if ((status = next_field(&m, &f)) != HMA_OK) {
            break;
        }
        if (is(&f, 2, WIRE_BYTES)) {
            file->charsmap = f.length ? (const char *)f.bytes : NULL;
            file->charsmap_length = f.length;
        } else if (is(&f, 3, WIRE_VARINT)) {
            file->dummy_prefix = f.value != 0;
        } else if (is(&f, 4, WIRE_VARINT)) {
            file->remove_extra_spaces = f.value != 0;
        } else if (is(&f, 5, WIRE_VARINT)) {
            file->escape_spaces = f.value != 0;
        }
    }
    return status;
}

static hma_status refuse_denormalizer(message m) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && m.at < m.end) {
        field f;
        status = next_field(&m, &f);
        if (status == HMA_OK && is(&f, 2, WIRE_BYTES) && f.length) {
            return hma_error(HMA_BAD_DATA, "%s: a model with a denormalizer is not supported: use another tokenizer", m.path);
        }
    }
    return status;
}

static hma_status read_model(hma_spm_file *file, message m) {
    hma_status status = HMA_OK;
    while (status == HMA_OK && m.at < m.end) {
        field f;
        if ((status = next_field(&m, &f)) != HMA_OK || f.wire != WIRE_BYTES) {
            continue;
        }
        switch (f.number) {
        case 1: status = read_piece(file, inside(&m, &f)); break;
        case 2: status = read_trainer(file, inside(&m, &f)); break;
        case 3: status = read_normalizer(file, inside(&m, &f)); break;
        case 5: status = refuse_denormalizer(inside(&m, &f)); break;
        default: break;
        }
    }
    return status == HMA_OK && file->count == 0 ? broken(&m, "it has no pieces") : status;
}

hma_status hma_spm_file_read(hma_spm_file *out, const char *path) {
    static const char surface[] = " \xE2\x81\x87 "; /* sentencepiece's default */
    hma_spm_file file = {.kind = HMA_SPM_UNIGRAM,
                         .dummy_prefix = true,
                         .remove_extra_spaces = true,
                         .escape_spaces = true,
                         .unknown_surface = surface,
                         .unknown_surface_length = sizeof surface - 1};
    hma_status status = hma_file_load(path, LARGEST_FILE, &file.bytes, &file.byte_count);
    if (status == HMA_OK) {
        const unsigned char *bytes = (const unsigned char *)file.bytes;
        status = read_model(&file, (message){path, bytes, bytes + file.byte_count});
    }
    if (status != HMA_OK) {
        hma_spm_file_free(&file);
        return status;
    }
    *out = file;
    return HMA_OK;
}

void hma_spm_file_free(hma_spm_file *file) {
    free(file->bytes);
    free(file->pieces);
    *file = (hma_spm_file){0};
}
