#include "eval/tokenizer/charsmap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/error_set.h"
#include "base/memory.h"
#include "base/utf8.h"

struct hma_charsmap {
    uint32_t *units;
    size_t unit_count;
    char *replacements; /* terminated, so that the last one is, too */
    size_t replacement_bytes;
};

static hma_status broken(const char *name) {
    return hma_error(HMA_BAD_DATA,
                     "%s: the precompiled character map is broken (expected a size, a trie and replacements): replace the file",
                     name);
}

hma_status hma_charsmap_new(hma_charsmap **out, const void *bytes, size_t length, const char *name) {
    uint32_t trie_bytes;
    if (length < sizeof trie_bytes) {
        return broken(name);
    }
    memcpy(&trie_bytes, bytes, sizeof trie_bytes);
    const char *trie = (const char *)bytes + sizeof trie_bytes;
    length -= sizeof trie_bytes;
    if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > length) {
        return broken(name);
    }
    hma_charsmap *map = HMA_NEW(hma_charsmap, 1);
    if (!map || !(map->units = HMA_NEW(uint32_t, trie_bytes / 4)) ||
        !(map->replacements = hma_copy_bytes(trie + trie_bytes, length - trie_bytes))) {
        hma_charsmap_free(map);
        return HMA_FAILURE;
    }
    memcpy(map->units, trie, trie_bytes);
    map->unit_count = trie_bytes / 4;
    map->replacement_bytes = length - trie_bytes;
    if (!hma_utf8_is_valid(map->replacements, map->replacement_bytes)) {
        hma_charsmap_free(map);
        return broken(name);
    }
    *out = map;
    return HMA_OK;
}

static int base64_value(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

hma_status hma_charsmap_from_base64(hma_charsmap **out, const char *base64, const char *name) {
    hma_buffer bytes = {0};
    uint32_t bits = 0;
    unsigned have = 0;
    const char *at = base64;
    for (int value; (value = base64_value(*at)) >= 0; at++) {
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            hma_buffer_char(&bytes, (char)(bits >> have & 0xFF));
        }
    }
    at += strspn(at, "=");
    hma_status status = hma_buffer_ok(&bytes);
    if (status == HMA_OK) {
        status = *at ? broken(name) : hma_charsmap_new(out, hma_buffer_cstr(&bytes), bytes.length, name);
    }
    hma_buffer_free(&bytes);
    return status;
}

void hma_charsmap_free(hma_charsmap *map) {
    if (map) {
        free(map->units);
        free(map->replacements);
        free(map);
    }
}

/* The units of a Darts-clone double array: label in the low byte (with the top bit, which leaves have set), leaf flag in bit 8,
 * offset to the children from bit 10 on, times 256 when bit 9 is set. */
static uint32_t label_of(uint32_t unit) { return unit & 0x800000FFu; }
static bool has_leaf(uint32_t unit) { return unit >> 8 & 1; }
static uint32_t offset_of(uint32_t unit) { return unit >> 10 << ((unit & 0x200u) >> 6); }

/* Every index comes from the file: one that is outside ends the walk. */
static size_t look_up(const hma_charsmap *map, const char *text, size_t length, bool longest, const char **replacement) {
    size_t found = 0;
    size_t node = offset_of(map->units[0]);
    for (size_t i = 0; i < length && text[i]; i++) {
        node ^= (unsigned char)text[i];
        if (node >= map->unit_count || label_of(map->units[node]) != (unsigned char)text[i]) {
            break;
        }
        const uint32_t unit = map->units[node];
        node ^= offset_of(unit);
        if (has_leaf(unit) && node < map->unit_count) {
            const uint32_t value = map->units[node] & 0x7FFFFFFFu;
            if (value < map->replacement_bytes) {
                *replacement = map->replacements + value;
                found = i + 1;
                if (!longest) {
                    break;
                }
            }
        }
    }
    return found;
}

size_t hma_charsmap_longest(const hma_charsmap *map, const char *text, size_t length, const char **replacement) {
    return look_up(map, text, length, true, replacement);
}

size_t hma_charsmap_shortest(const hma_charsmap *map, const char *text, size_t length, const char **replacement) {
    return look_up(map, text, length, false, replacement);
}

/* End of the grapheme cluster that begins at `from`. */
static size_t cluster_end(const char *text, size_t length, size_t from) {
    uint32_t previous = 0, next = 0;
    utf8proc_int32_t state = 0;
    size_t at = from + hma_utf8_decode(text + from, length - from, &previous);
    while (at < length) {
        const size_t n = hma_utf8_decode(text + at, length - at, &next);
        if (n == 0 || utf8proc_grapheme_break_stateful((utf8proc_int32_t)previous, (utf8proc_int32_t)next, &state)) {
            break;
        }
        previous = next;
        at += n;
    }
    return at > from ? at : from + 1;
}

hma_status hma_charsmap_write(const hma_charsmap *map, const char *text, size_t length, hma_buffer *out) {
    enum { LONGEST_MAPPED_CLUSTER = 5 };
    const char *replacement = "";
    for (size_t i = 0; i < length;) {
        const size_t end = cluster_end(text, length, i);
        if (end - i <= LONGEST_MAPPED_CLUSTER && hma_charsmap_shortest(map, text + i, end - i, &replacement)) {
            hma_buffer_text(out, replacement);
            i = end;
        }
        while (i < end) {
            const size_t n = hma_utf8_length(text + i, length - i);
            if (hma_charsmap_shortest(map, text + i, n, &replacement)) {
                hma_buffer_text(out, replacement);
            } else {
                hma_buffer_add(out, text + i, n);
            }
            i += n ? n : 1;
        }
    }
    return hma_buffer_ok(out);
}
