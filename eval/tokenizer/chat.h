/* Chat templates: the folder's, named by what it looks like, and published ones by name. Rendering is jinja/'s. */
#ifndef HMA_TOKENIZER_CHAT_H
#define HMA_TOKENIZER_CHAT_H

#include "eval/tokenizer/jinja/jinja.h"

typedef struct hma_chat {
    hma_jinja *template; /* NULL: none, or one that is not supported */
    const char *name;    /* of the family; NULL when template is */
    char *why_not;       /* why there is no template although the folder has one; NULL otherwise */
} hma_chat;

/* Reads the template's text (NULL: the folder has none). A template that is not supported is no error here. */
hma_status hma_chat_open(hma_chat *out, const char *text);
void hma_chat_free(hma_chat *chat);

#endif
