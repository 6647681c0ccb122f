/* Data sets of questions with choices. */
#include <string.h>
#include <utf8proc.h>

#include "base/error_set.h"
#include "base/json.h"
#include "base/utf8.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/library.h"
#include "eval/tasks/python_text.h"

/* ---- ARC, OpenBookQA, CommonsenseQA ---- */

/* {"question": {"stem", "choices": [{"text", "label"}]}, "answerKey"} of the original releases. */
hma_status hma_expand_stem(cJSON *docs, cJSON *record, const char *where) {
    const cJSON *question = hma_json_get(record, "question"), *choices, *one;
    const char *stem;
    if (!cJSON_IsObject(question)) {
        cJSON *copy = cJSON_Duplicate(record, true);
        return hma_doc_put(docs, NULL, copy);
    }
    cJSON *doc = hma_doc_open_object(docs, NULL), *list = doc ? hma_doc_open_object(doc, "choices") : NULL;
    cJSON *texts = list ? hma_doc_open_list(list, "text") : NULL, *labels = list ? hma_doc_open_list(list, "label") : NULL;
    hma_status status = texts && labels ? hma_doc_text(question, where, "stem", &stem) : HMA_FAILURE;
    status = status == HMA_OK ? hma_doc_list(question, where, "choices", &choices) : status;
    /* two data sets call it by two names */
    status = status == HMA_OK ? hma_doc_put_text(doc, "question", stem) : status;
    status = status == HMA_OK ? hma_doc_put_text(doc, "question_stem", stem) : status;
    for (one = status == HMA_OK ? choices->child : NULL; one && status == HMA_OK; one = one->next) {
        const char *text, *label;
        status = hma_doc_text(one, where, "text", &text);
        status = status == HMA_OK ? hma_doc_text(one, where, "label", &label) : status;
        status = status == HMA_OK ? hma_doc_put_text(texts, NULL, text) : status;
        status = status == HMA_OK ? hma_doc_put_text(labels, NULL, label) : status;
    }
    status = status == HMA_OK ? hma_doc_put_copy(doc, "id", hma_json_get(record, "id")) : status;
    return status == HMA_OK ? hma_doc_put_copy(doc, "answerKey", hma_json_get(record, "answerKey")) : status;
}

/* The number of the label that "answerKey" names; white space before it is passed over. */
static hma_status find_answer(const cJSON *labels, const cJSON *doc, const char *where, size_t *gold) {
    const char *key = NULL;
    const cJSON *label;
    *gold = 0;
    hma_status status = hma_json_get_text(doc, where, "answerKey", false, &key);
    if (status != HMA_OK) {
        return status;
    }
    size_t length = key ? strlen(key) : 0;
    key = key ? hma_python_strip(key, &length) : "";
    cJSON_ArrayForEach(label, labels) {
        if (length > 0 && cJSON_IsString(label) && strcmp(label->valuestring, key) == 0) {
            return HMA_OK;
        }
        (*gold)++;
    }
    return hma_doc_no_label(where, "answerKey", "one of the labels");
}

static hma_status lettered_choices(const cJSON *doc, const char *where, const cJSON **texts, size_t *gold) {
    const cJSON *choices, *labels;
    hma_status status = hma_doc_object(doc, where, "choices", &choices);
    status = status == HMA_OK ? hma_doc_list(choices, where, "text", texts) : status;
    status = status == HMA_OK ? hma_doc_list(choices, where, "label", &labels) : status;
    return status == HMA_OK ? find_answer(labels, doc, where, gold) : status;
}

hma_status hma_make_lettered(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const cJSON *texts;
    size_t gold;
    hma_status status = lettered_choices(doc, where, &texts, &gold);
    status = status == HMA_OK ? hma_make_id(item, doc, "id") : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    status = status == HMA_OK ? hma_doc_put_copy(item, "choices", texts) : status;
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)gold) : status;
}

/* The choices are listed by letter in the prompt, and the letters are what is scored. */
hma_status hma_make_commonsense(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    enum { LETTERS = 5 };
    const cJSON *texts, *text;
    const char *question;
    size_t gold;
    char letter[] = "A";
    hma_buffer query = {0};
    (void)builtin;
    hma_status status = lettered_choices(doc, where, &texts, &gold);
    status = status == HMA_OK ? hma_doc_text(doc, where, "question", &question) : status;
    if (status == HMA_OK && cJSON_GetArraySize(texts) != LETTERS) {
        status = hma_error(HMA_BAD_DATA, "%s: there are not five choices (expected A to E): is this the right file?", where);
    }
    cJSON *choices = status == HMA_OK ? hma_doc_open_list(item, "choices") : NULL;
    if (!choices) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    size_t length = strlen(question);
    question = hma_python_strip(question, &length);
    hma_buffer_text(&query, "Question: ");
    hma_buffer_add(&query, question, length);
    for (text = texts->child; text && status == HMA_OK; text = text->next, letter[0]++) {
        hma_buffer_printf(&query, "\n%s. %s", letter, cJSON_IsString(text) ? text->valuestring : "");
        status = hma_doc_put_text(choices, NULL, letter);
    }
    hma_buffer_text(&query, "\nAnswer:");
    status = status == HMA_OK ? hma_doc_put_buffer(item, "query", &query) : status;
    hma_buffer_free(&query);
    status = status == HMA_OK ? hma_make_id(item, doc, "id") : status;
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)gold) : status;
}

/* ---- PIQA, BoolQ ---- */

static hma_status put_two_choices(cJSON *item, const char *first, const char *second, size_t gold) {
    cJSON *choices = hma_doc_open_list(item, "choices");
    hma_status status = choices ? hma_doc_put_text(choices, NULL, first) : HMA_FAILURE;
    status = status == HMA_OK ? hma_doc_put_text(choices, NULL, second) : status;
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)gold) : status;
}

hma_status hma_make_piqa(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *first, *second;
    size_t gold = 0;
    hma_status status = hma_doc_number(doc, where, "label", 1, &gold);
    status = status == HMA_OK ? hma_doc_text(doc, where, "sol1", &first) : status;
    status = status == HMA_OK ? hma_doc_text(doc, where, "sol2", &second) : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    return status == HMA_OK ? put_two_choices(item, first, second, gold) : status;
}

/* "label" in SuperGLUE, "answer" in the original release; also the words of a CSV file. */
hma_status hma_make_boolq(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *key = hma_json_get(doc, "label") ? "label" : "answer";
    const cJSON *value = hma_json_get(doc, key);
    const char *word = cJSON_IsString(value) ? value->valuestring : "";
    size_t gold = strcmp(word, "True") == 0 || strcmp(word, "true") == 0;
    hma_status status = HMA_OK;
    if (gold == 0 && strcmp(word, "False") != 0 && strcmp(word, "false") != 0) {
        status = hma_doc_number(doc, where, key, 1, &gold);
    }
    status = status == HMA_OK ? hma_make_id(item, doc, "idx") : status;
    status = status == HMA_OK ? hma_make_cluster(item, hma_json_get(doc, "passage")) : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    return status == HMA_OK ? put_two_choices(item, "no", "yes", gold) : status;
}

/* ---- HellaSwag ---- */

static void replace(hma_buffer *out, const char *text, const char *what, const char *with) {
    for (const char *found; (found = strstr(text, what)) != NULL; text = found + strlen(what)) {
        hma_buffer_add(out, text, (size_t)(found - text));
        hma_buffer_text(out, with);
    }
    hma_buffer_text(out, text);
}

/* Without what stands in brackets, on one line. */
static void drop_brackets(hma_buffer *out, const char *text) {
    while (*text) {
        const char *close = *text == '[' ? strpbrk(text, "]\n") : NULL;
        if (close && *close == ']') {
            text = close + 1;
        } else {
            hma_buffer_char(out, *text++);
        }
    }
}

/* Stripped, " [title]" made a full stop, brackets dropped, two spaces made one. */
static hma_status tidy(hma_buffer *out, const char *text) {
    hma_buffer stripped = {0}, titled = {0}, bare = {0};
    size_t length = strlen(text);
    const char *first = hma_python_strip(text, &length);
    hma_buffer_add(&stripped, first, length);
    replace(&titled, hma_buffer_cstr(&stripped), " [title]", ". ");
    drop_brackets(&bare, hma_buffer_cstr(&titled));
    replace(out, hma_buffer_cstr(&bare), "  ", " ");
    out->failed = out->failed || stripped.failed || titled.failed || bare.failed;
    hma_buffer_free(&stripped);
    hma_buffer_free(&titled);
    hma_buffer_free(&bare);
    return hma_buffer_ok(out);
}

/* text.capitalize(): the first character in title case, the others in lower case. */
static void capitalize(hma_buffer *out, const char *text) {
    hma_buffer lower = {0}, first_lower = {0};
    char first[5] = {0}, bytes[4];
    uint32_t c = 0;
    const size_t length = hma_utf8_decode(text, strlen(text), &c);
    if (length == 0) {
        return;
    }
    memcpy(first, text, length);
    hma_python_lower(&lower, text);
    hma_python_lower(&first_lower, first);
    hma_buffer_add(out, bytes, hma_utf8_encode((uint32_t)utf8proc_totitle((utf8proc_int32_t)c), bytes));
    hma_buffer_text(out, lower.failed || first_lower.failed ? "" : hma_buffer_cstr(&lower) + first_lower.length);
    out->failed = out->failed || lower.failed || first_lower.failed;
    hma_buffer_free(&lower);
    hma_buffer_free(&first_lower);
}

static hma_status put_tidy(cJSON *parent, const char *key, const char *text) {
    hma_buffer out = {0};
    const hma_status status = tidy(&out, text);
    if (status != HMA_OK) {
        hma_buffer_free(&out);
        return status;
    }
    return hma_doc_put_buffer(parent, key, &out);
}

static hma_status put_endings(cJSON *item, const cJSON *endings, const char *where) {
    cJSON *choices = hma_doc_open_list(item, "choices");
    hma_status status = choices ? HMA_OK : HMA_FAILURE;
    for (const cJSON *one = endings->child; one && status == HMA_OK; one = one->next) {
        status = cJSON_IsString(one)
                     ? put_tidy(choices, NULL, one->valuestring)
                     : hma_error(HMA_BAD_DATA, "%s: \"endings\" holds something else than texts (expected texts): correct it",
                                 where);
    }
    return status;
}

hma_status hma_make_hellaswag(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *activity, *first, *second;
    const cJSON *endings;
    size_t gold = 0;
    hma_buffer query = {0};
    (void)builtin;
    hma_status status = hma_doc_text(doc, where, "activity_label", &activity);
    status = status == HMA_OK ? hma_doc_text(doc, where, "ctx_a", &first) : status;
    status = status == HMA_OK ? hma_doc_text(doc, where, "ctx_b", &second) : status;
    status = status == HMA_OK ? hma_doc_list(doc, where, "endings", &endings) : status;
    if (status == HMA_OK) {
        const int count = cJSON_GetArraySize(endings);
        status = hma_doc_number(doc, where, "label", count > 0 ? (size_t)count - 1 : 0, &gold);
    }
    if (status != HMA_OK) {
        return status;
    }
    hma_buffer_printf(&query, "%s: %s ", activity, first);
    capitalize(&query, second);
    status = hma_buffer_ok(&query);
    status = status == HMA_OK ? put_tidy(item, "query", hma_buffer_cstr(&query)) : status;
    hma_buffer_free(&query);
    status = status == HMA_OK ? put_endings(item, endings, where) : status;
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)gold) : status;
}

/* ---- WinoGrande ---- */

static hma_status put_filled(cJSON *queries, const char *sentence, size_t before, const char *option) {
    hma_buffer query = {0};
    hma_buffer_add(&query, sentence, before);
    hma_buffer_text(&query, option);
    return hma_doc_put_buffer(queries, NULL, &query);
}

/* The options fill the blank; what is scored is the rest of the sentence after each of them. */
hma_status hma_make_winogrande(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *sentence = NULL, *first, *second;
    size_t answer = 0;
    (void)builtin;
    hma_status status = hma_doc_text(doc, where, "sentence", &sentence);
    status = status == HMA_OK ? hma_doc_text(doc, where, "option1", &first) : status;
    status = status == HMA_OK ? hma_doc_text(doc, where, "option2", &second) : status;
    status = status == HMA_OK ? hma_doc_number(doc, where, "answer", 2, &answer) : status;
    const char *blank = status == HMA_OK ? strchr(sentence, '_') : NULL;
    if (status == HMA_OK && (answer == 0 || !blank)) {
        return answer == 0
                   ? hma_doc_no_label(where, "answer", "1 or 2")
                   : hma_error(HMA_BAD_DATA, "%s: the sentence has no blank (expected '_'): is this the right file?", where);
    }
    cJSON *queries = status == HMA_OK ? hma_doc_open_list(item, "queries") : NULL;
    if (!queries) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    hma_buffer rest = {0};
    size_t length = strlen(blank + 1);
    const char *from = hma_python_strip(blank + 1, &length);
    hma_buffer_add(&rest, from, length);
    status = hma_make_id(item, doc, "qID");
    status = status == HMA_OK ? put_filled(queries, sentence, (size_t)(blank - sentence), first) : status;
    status = status == HMA_OK ? put_filled(queries, sentence, (size_t)(blank - sentence), second) : status;
    status = status == HMA_OK ? hma_doc_put_buffer(item, "target", &rest) : status;
    hma_buffer_free(&rest);
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)answer - 1) : status;
}

/* ---- TruthfulQA ---- */

/* {"choice": label, ..} of the original release. */
static hma_status put_targets(cJSON *doc, const char *key, const cJSON *targets) {
    cJSON *object = hma_doc_open_object(doc, key), *choices = object ? hma_doc_open_list(object, "choices") : NULL;
    cJSON *labels = choices ? hma_doc_open_list(object, "labels") : NULL;
    hma_status status = labels ? HMA_OK : HMA_FAILURE;
    for (const cJSON *one = targets->child; one && status == HMA_OK; one = one->next) {
        status = hma_doc_put_text(choices, NULL, one->string);
        status = status == HMA_OK ? hma_doc_put_copy(labels, NULL, one) : status;
    }
    return status;
}

hma_status hma_expand_truthfulqa(cJSON *docs, cJSON *record, const char *where) {
    static const char *const keys[] = {"mc1_targets", "mc2_targets"};
    const char *question;
    hma_status status = hma_doc_text(record, where, "question", &question);
    cJSON *doc = status == HMA_OK ? hma_doc_open_object(docs, NULL) : NULL;
    status = status == HMA_OK ? (doc ? hma_doc_put_text(doc, "question", question) : HMA_FAILURE) : status;
    for (size_t i = 0; i < 2 && status == HMA_OK; i++) {
        const cJSON *targets;
        status = hma_doc_object(record, where, keys[i], &targets);
        if (status == HMA_OK) {
            const bool listed = cJSON_IsArray(hma_json_get(targets, "choices"));
            status = listed ? hma_doc_put_copy(doc, keys[i], targets) : put_targets(doc, keys[i], targets);
        }
    }
    return status;
}

static hma_status make_truthfulqa(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where,
                                  const char *key) {
    const cJSON *targets, *choices, *labels;
    hma_status status = hma_doc_object(doc, where, key, &targets);
    status = status == HMA_OK ? hma_doc_list(targets, where, "choices", &choices) : status;
    status = status == HMA_OK ? hma_doc_list(targets, where, "labels", &labels) : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    status = status == HMA_OK ? hma_doc_put_copy(item, "choices", choices) : status;
    cJSON *gold = status == HMA_OK ? hma_doc_open_list(item, "gold") : NULL;
    if (!gold) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    size_t number = 0;
    for (const cJSON *label = labels->child; label && status == HMA_OK; label = label->next, number++) {
        const bool right = cJSON_IsTrue(label) || (cJSON_IsNumber(label) && label->valuedouble == 1);
        status = right ? hma_doc_put_number(gold, NULL, (double)number) : HMA_OK;
    }
    return status == HMA_OK && !gold->child ? hma_doc_no_label(where, "labels", "at least one that is 1") : status;
}

hma_status hma_make_truthfulqa_mc1(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    return make_truthfulqa(builtin, item, doc, where, "mc1_targets");
}

hma_status hma_make_truthfulqa_mc2(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    return make_truthfulqa(builtin, item, doc, where, "mc2_targets");
}
