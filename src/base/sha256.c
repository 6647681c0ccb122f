#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error_set.h"
#include "base/file.h"
#include "base/memory.h"

static hma_status broken(void) {
    return hma_error(HMA_FAILURE, "SHA-256: OpenSSL failed (expected a working libcrypto): check the installation");
}

hma_status hma_sha256_new(hma_sha256 **out) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (!c || EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(c);
        return broken();
    }
    *out = (hma_sha256 *)c;
    return HMA_OK;
}

void hma_sha256_free(hma_sha256 *hash) { EVP_MD_CTX_free((EVP_MD_CTX *)hash); }

hma_status hma_sha256_add(hma_sha256 *hash, const void *bytes, size_t length) {
    return EVP_DigestUpdate((EVP_MD_CTX *)hash, bytes, length) == 1 ? HMA_OK : broken();
}

hma_status hma_sha256_end(hma_sha256 *hash, char digest[65]) {
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex((EVP_MD_CTX *)hash, raw, &length) != 1 || length != 32) {
        return broken();
    }
    for (unsigned i = 0; i < 32; i++) {
        digest[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        digest[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    digest[64] = 0;
    return HMA_OK;
}

hma_status hma_sha256_of(const void *bytes, size_t length, char digest[65]) {
    hma_sha256 *hash = NULL;
    hma_status status = hma_sha256_new(&hash);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sha256_add(hash, bytes, length);
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    return status;
}

/* ---- files ---- */

enum { PIECE = 1 << 20 };

static hma_status add_input(hma_sha256 *hash, const hma_input *input, const char *path) {
    char *piece = HMA_NEW(char, PIECE);
    hma_status status = piece ? HMA_OK : HMA_FAILURE;
    for (uint64_t at = 0; status == HMA_OK && at < input->size; at += PIECE) {
        const size_t length = (size_t)hma_min_u64(PIECE, input->size - at);
        status = hma_input_read(input, path, at, piece, length);
        if (status == HMA_OK) {
            status = hma_sha256_add(hash, piece, length);
        }
    }
    free(piece);
    return status == HMA_OK ? hma_input_unchanged(input, path) : status;
}

hma_status hma_sha256_of_file(const char *path, char digest[65]) {
    hma_input input;
    hma_sha256 *hash = NULL;
    hma_status status = hma_input_open(&input, path);
    if (status != HMA_OK) {
        return status;
    }
    status = hma_sha256_new(&hash);
    if (status == HMA_OK) {
        status = add_input(hash, &input, path);
    }
    if (status == HMA_OK) {
        status = hma_sha256_end(hash, digest);
    }
    hma_sha256_free(hash);
    hma_input_close(&input);
    return status;
}
