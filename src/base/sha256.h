/* SHA-256, by OpenSSL. */
#ifndef HMA_BASE_SHA256_H
#define HMA_BASE_SHA256_H

#include <stddef.h>

#include "hma/error.h"

typedef struct hma_sha256 hma_sha256;

hma_status hma_sha256_new(hma_sha256 **out);
void hma_sha256_free(hma_sha256 *hash);
hma_status hma_sha256_add(hma_sha256 *hash, const void *bytes, size_t length);
/* 64 lower-case hex digits and a terminator; the hash can only be freed afterwards. */
hma_status hma_sha256_end(hma_sha256 *hash, char digest[65]);

/* Of one run of bytes. */
hma_status hma_sha256_of(const void *bytes, size_t length, char digest[65]);

/* Of a file of any size, read piece by piece. As hma_input_open() where it cannot be read. */
hma_status hma_sha256_of_file(const char *path, char digest[65]);

#endif
