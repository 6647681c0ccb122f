/* A request file. Accepted: every request has what its type needs, within its limits. */
#include <stdio.h>
#include <string.h>

#include "eval/tasks/request.h"
#include "fuzz.h"

static void check_generate(const hma_request *r) {
    fuzz_check(r->max_tokens >= 1 && r->samples >= 1, "a generation makes something");
    fuzz_check(r->temperature >= 0 && r->top_p > 0 && r->top_p <= 1, "sampling has a meaning");
    for (size_t i = 0; i < r->until.count; i++) {
        fuzz_check(*r->until.text[i], "stop strings are not empty");
    }
}

static void check_request(const hma_request *r) {
    fuzz_check(r->id != NULL && r->line >= 1, "a request has an id and a line");
    for (size_t i = 0; i < r->ids.count; i++) {
        fuzz_check(r->ids.ids[i] >= 0, "ids are not negative");
    }
    switch (r->type) {
    case HMA_REQUEST_LOGLIKELIHOOD:
        fuzz_check(!r->text == !r->continuation, "both parts are given alike");
        fuzz_check(r->text ? *r->continuation != 0 : r->continuation_ids.count > 0, "there is something to score");
        break;
    case HMA_REQUEST_GENERATE: check_generate(r); break;
    case HMA_REQUEST_LOGITS: fuzz_check(r->ids.count > 0, "logits come after something"); break;
    case HMA_REQUEST_TOKENIZE: fuzz_check(r->text != NULL, "there is a text"); break;
    default: break;
    }
}

static void run(const uint8_t *data, size_t size) {
    char path[4096];
    hma_request_list list;
    fuzz_write("requests.jsonl", data, size);
    (void)snprintf(path, sizeof path, "%s/requests.jsonl", fuzz_folder());
    if (!fuzz_succeeded(hma_request_list_read(&list, NULL, path))) {
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        check_request(&list.items[i]);
        for (size_t j = 0; j < i; j++) {
            fuzz_check(strcmp(list.items[i].id, list.items[j].id) != 0, "ids are unique");
        }
    }
    hma_request_list_free(&list);
}

static const char *const words[] = {FUZZ_JSON_WORDS,
                                    "\n",
                                    "\r\n",
                                    "\"id\":\"x\",",
                                    "\"type\":\"loglikelihood\"",
                                    "\"type\":\"generate\"",
                                    "\"type\":\"reward\"",
                                    "\"type\":\"logits\"",
                                    "\"type\":\"tokenize\"",
                                    "\"type\":\"detokenize\"",
                                    "\"context\":\"a\"",
                                    "\"context_ids\":[1]",
                                    "\"continuation\":\" b\"",
                                    "\"continuation_ids\":[2]",
                                    "\"ids\":[0,2147483647]",
                                    "\"until\":[\"\\n\"]",
                                    "\"max_tokens\":1048576",
                                    "\"temperature\":1e-9",
                                    "\"samples\":10000",
                                    "\"top_p\":1",
                                    "\"seed\":9007199254740992",
                                    "null",
                                    "\xEF\xBB\xBF",
                                    "\\u0000",
                                    NULL};

const fuzz_target the_target = {.name = "requests", .run = run, .words = words};
