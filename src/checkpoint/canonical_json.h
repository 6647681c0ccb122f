/* JSON in a canonical spelling, so that equal meaning is equal text. */
#ifndef HMA_CHECKPOINT_CANONICAL_JSON_H
#define HMA_CHECKPOINT_CANONICAL_JSON_H

#include "base/json_scan.h"

typedef enum hma_canonical_kind {
    HMA_CANONICAL_VALUE,
    HMA_CANONICAL_MERGES /* a list of merges: "a b" is spelled ["a","b"] */
} hma_canonical_kind;

/*
 * Appends the value that `event`, the scanner's last event, begins. Keys are sorted; null members are dropped, as are those
 * that tokenizer files spell out or leave out at will. Memory grows with the value, not beyond a small multiple of it.
 */
hma_status hma_canonical_json(hma_buffer *out, hma_json_scan *scan, hma_json_event event, hma_canonical_kind kind);

/* SHA-256 of a whole document in this spelling; `name` is what messages call it. */
hma_status hma_canonical_json_digest(const char *name, const char *text, size_t length, char digest[65]);

/* Whether a member with this value (canonical text) is the same as none. */
bool hma_canonical_is_default(const char *key, size_t key_length, const char *value, size_t value_length);

#endif
