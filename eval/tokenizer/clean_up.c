#include "eval/tokenizer/clean_up.h"

#include <string.h>

/* Replaces in place; what is written is never longer. */
static void replace(hma_buffer *text, const char *from, const char *to) {
    const size_t from_length = strlen(from), to_length = strlen(to);
    size_t read = 0, write = 0;
    while (read < text->length) {
        if (text->length - read >= from_length && memcmp(text->data + read, from, from_length) == 0) {
            memcpy(text->data + write, to, to_length);
            read += from_length;
            write += to_length;
        } else {
            text->data[write++] = text->data[read++];
        }
    }
    text->length = write;
    if (text->data) {
        text->data[write] = 0;
    }
}

void hma_clean_up_spaces(hma_buffer *text) {
    static const char *const pairs[][2] = {{" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
                                           {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        replace(text, pairs[i][0], pairs[i][1]);
    }
}
