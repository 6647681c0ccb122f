/* The inside of an hma_tokenizer. */
#ifndef HMA_TOKENIZER_TOKENIZER_H
#define HMA_TOKENIZER_TOKENIZER_H

#include "eval/tokenizer/chat.h"
#include "eval/tokenizer/pipeline.h"
#include "eval/tokenizer/settings.h"
#include "eval/tokenizer/slow.h"
#include "hma/tokenizer.h"

struct hma_tokenizer {
    char *path; /* of tokenizer.json or tokenizer.model: for messages */
    hma_tokenizer_settings settings;
    hma_pipeline *pipeline; /* of tokenizer.json; NULL .. */
    hma_slow *slow;         /* .. where there is only tokenizer.model */
    size_t size;
    int32_t bos, eos, pad;
    bool clean_up_spaces; /* after decoding */
    hma_chat chat;
    char digest[65];
};

#endif
