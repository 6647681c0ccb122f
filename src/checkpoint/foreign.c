#include "checkpoint/foreign.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define CONVERT "load it with transformers and save it again with save_pretrained(), which writes safetensors"

static const struct {
    const char *magic;
    size_t length;
    hma_foreign kind;
} binary[] = {
    {"version https://git-lfs", 23, {"a Git LFS pointer", "run \"git lfs pull\" where the folder was cloned"}},
    {"PK\x03\x04", 4, {"a zip archive, as torch.save() writes it", CONVERT}},
    {"\x80\x02", 2, {"a Python pickle", CONVERT}},
    {"\x80\x03", 2, {"a Python pickle", CONVERT}},
    {"\x80\x04", 2, {"a Python pickle", CONVERT}},
    {"\x80\x05", 2, {"a Python pickle", CONVERT}},
    {"GGUF", 4, {"a GGUF file", "use the original Hugging Face folder that it was made from"}},
    {"\x89HDF\r\n\x1a\n", 8, {"an HDF5 file", CONVERT}},
    {"\x1f\x8b", 2, {"gzip-compressed", "uncompress it"}},
};

static const hma_foreign html = {"an HTML page, not weights", "the download failed; download it again"};
static const hma_foreign json = {"a JSON text without the 8 bytes before it", "download or convert it again"};

static bool is_html(const char *text, size_t length) {
    static const char *const openings[] = {"<!doctype", "<html", "<?xml", "<head"};
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        const size_t n = strlen(openings[i]);
        if (length >= n && strncasecmp(text, openings[i], n) == 0) {
            return true;
        }
    }
    return false;
}

const hma_foreign *hma_foreign_recognise(const void *start, size_t length) {
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++) {
        if (length >= binary[i].length && memcmp(start, binary[i].magic, binary[i].length) == 0) {
            return &binary[i].kind;
        }
    }
    const char *text = start;
    while (length > 0 && memchr(" \t\r\n", *text, 4)) {
        text++;
        length--;
    }
    if (is_html(text, length)) {
        return &html;
    }
    return length > 0 && *text == '{' ? &json : NULL;
}
