#include "eval/tokenizer/byte_alphabet.h"

#include "base/utf8.h"

static bool is_itself(unsigned byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

/* The bytes that are not themselves come in three runs: 0x00-0x20, 0x7F-0xA0 and 0xAD. */
static uint32_t character(unsigned byte) {
    if (is_itself(byte)) {
        return byte;
    }
    return byte <= 0x20 ? 0x100 + byte : byte <= 0xA0 ? 0x121 + (byte - 0x7F) : 0x143;
}

void hma_byte_alphabet_write(hma_buffer *out, const char *bytes, size_t length) {
    char chunk[512];
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        used += hma_utf8_encode(character((unsigned char)bytes[i]), chunk + used);
        if (used > sizeof chunk - 4) {
            hma_buffer_add(out, chunk, used);
            used = 0;
        }
    }
    hma_buffer_add(out, chunk, used);
}

bool hma_byte_alphabet_read(uint32_t c, unsigned char *byte) {
    if (c < 0x100) {
        *byte = (unsigned char)c;
        return is_itself(c);
    }
    if (c > 0x143) {
        return false;
    }
    *byte = (unsigned char)(c <= 0x120 ? c - 0x100 : c <= 0x142 ? c - 0x121 + 0x7F : 0xAD);
    return true;
}
