/* clean_up_tokenization_spaces: transformers' repair of English texts whose words were joined by spaces. */
#ifndef HMA_TOKENIZER_CLEAN_UP_H
#define HMA_TOKENIZER_CLEAN_UP_H

#include "base/buffer.h"

/* Takes the space out of " ." " ?" " !" " ," " ' " " n't" " 'm" " 's" " 've" " 're", one after the other. */
void hma_clean_up_spaces(hma_buffer *text);

#endif
