/* Data sets of questions about a text: RACE, SQuAD, DROP. Their files are nested; a document is one question to be asked. */
#include <stdio.h>
#include <string.h>

#include "base/error_set.h"
#include "base/json.h"
#include "eval/tasks/library/doc.h"
#include "eval/tasks/library/library.h"
#include "eval/tasks/library/records.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_text.h"

static hma_status copy_field(cJSON *out, const cJSON *from, const char *key) {
    return hma_doc_put_copy(out, key, hma_json_get(from, key));
}

/* ---- RACE: an article with its questions ---- */

static const char *const problem_fields[] = {"question", "answer", "options"};

static hma_status add_problem(cJSON *problems, const cJSON *question, const cJSON *answer, const cJSON *options) {
    const cJSON *values[] = {question, answer, options};
    cJSON *problem = hma_doc_open_object(problems, NULL);
    hma_status status = problem ? HMA_OK : HMA_FAILURE;
    for (size_t i = 0; i < 3 && status == HMA_OK; i++) {
        status = hma_doc_put_copy(problem, problem_fields[i], values[i]);
    }
    return status;
}

/* The original release: parallel lists. */
static hma_status add_parallel(cJSON *problems, const cJSON *record, const char *where) {
    const cJSON *questions, *answers, *options;
    hma_status status = hma_doc_list(record, where, "questions", &questions);
    status = status == HMA_OK ? hma_doc_list(record, where, "answers", &answers) : status;
    status = status == HMA_OK ? hma_doc_list(record, where, "options", &options) : status;
    if (status != HMA_OK) {
        return status;
    }
    const cJSON *q = questions->child, *a = answers->child, *o = options->child;
    for (; q && a && o && status == HMA_OK; q = q->next, a = a->next, o = o->next) {
        status = add_problem(problems, q, a, o);
    }
    return status == HMA_OK && (q || a || o)
               ? hma_error(HMA_BAD_DATA,
                           "%s: \"questions\", \"answers\" and \"options\" are not of one length (expected as many "
                           "answers as questions): is the file complete?",
                           where)
               : status;
}

/* "problems" as a list, or as the text that Python makes of one. */
static hma_status add_problems(cJSON *doc, const cJSON *problems, const char *where) {
    cJSON *parsed = NULL;
    if (!cJSON_IsString(problems)) {
        return hma_doc_put_copy(doc, "problems", problems);
    }
    const hma_status status = hma_python_literal_parse(&parsed, where, problems->valuestring);
    return status == HMA_OK ? hma_doc_put(doc, "problems", parsed) : status;
}

/* One question a record: those about one article stand one after the other. */
static hma_status add_question(cJSON *docs, const cJSON *record, const char *article) {
    cJSON *last = docs->child ? docs->child->prev : NULL; /* the first element's "prev" is the last one */
    const cJSON *known = last ? hma_json_get(last, "article") : NULL;
    cJSON *problems = NULL;
    hma_status status = HMA_OK;
    if (cJSON_IsString(known) && strcmp(known->valuestring, article) == 0) {
        problems = cJSON_GetObjectItemCaseSensitive(last, "problems");
    } else {
        cJSON *doc = hma_doc_open_object(docs, NULL);
        status = doc ? hma_doc_put_text(doc, "article", article) : HMA_FAILURE;
        status = status == HMA_OK ? hma_doc_put_copy(doc, "example_id", hma_json_get(record, "example_id")) : status;
        problems = status == HMA_OK ? hma_doc_open_list(doc, "problems") : NULL;
    }
    if (!problems) {
        return HMA_FAILURE;
    }
    return add_problem(problems, hma_json_get(record, "question"), hma_json_get(record, "answer"),
                       hma_json_get(record, "options"));
}

hma_status hma_expand_race(cJSON *docs, cJSON *record, const char *where) {
    const cJSON *problems = hma_json_get(record, "problems");
    const char *article;
    hma_status status = hma_doc_text(record, where, "article", &article);
    if (status != HMA_OK) {
        return status;
    }
    if (!problems && !hma_json_get(record, "questions")) {
        return add_question(docs, record, article);
    }
    cJSON *doc = hma_doc_open_object(docs, NULL);
    status = doc ? hma_doc_put_text(doc, "article", article) : HMA_FAILURE;
    status = status == HMA_OK ? copy_field(doc, record, "id") : status;
    if (status == HMA_OK && problems) {
        status = add_problems(doc, problems, where);
    } else if (status == HMA_OK) {
        cJSON *list = hma_doc_open_list(doc, "problems");
        status = list ? add_parallel(list, record, where) : HMA_FAILURE;
    }
    return status;
}

typedef struct problem {
    const char *question, *right;
    const cJSON *options;
    size_t gold;
} problem;

static hma_status read_problem(problem *out, const cJSON *one, const char *where) {
    enum { OPTIONS = 4 };
    const char *answer;
    hma_status status = hma_doc_text(one, where, "question", &out->question);
    status = status == HMA_OK ? hma_doc_text(one, where, "answer", &answer) : status;
    status = status == HMA_OK ? hma_doc_list(one, where, "options", &out->options) : status;
    if (status != HMA_OK) {
        return status;
    }
    out->gold = (size_t)(answer[0] - 'A');
    if (answer[0] < 'A' || answer[0] > 'D' || answer[1] || cJSON_GetArraySize(out->options) < OPTIONS) {
        return hma_error(HMA_BAD_DATA,
                         "%s: \"answer\" is not usable (expected A to D, and four options): is this the right file?", where);
    }
    const cJSON *right = cJSON_GetArrayItem(out->options, (int)out->gold);
    out->right = cJSON_IsString(right) ? right->valuestring : "";
    return HMA_OK;
}

/* A question that has been answered: a blank at its end is filled in. */
static void add_answered(hma_buffer *query, const problem *p) {
    static const char blank[] = "  _  .";
    const size_t length = strlen(p->question), kept = length - (sizeof blank - 2);
    if (length >= sizeof blank - 1 && strcmp(p->question + length - (sizeof blank - 1), blank) == 0) {
        hma_buffer_add(query, p->question, kept);
        hma_buffer_printf(query, "%s\n", p->right);
    } else {
        hma_buffer_printf(query, "Question: %s\nAnswer: %s\n", p->question, p->right);
    }
}

static hma_status put_race(cJSON *item, hma_buffer *query, const problem *last) {
    enum { OPTIONS = 4 };
    cJSON *choices = hma_doc_open_list(item, "choices");
    hma_status status = choices ? HMA_OK : HMA_FAILURE;
    for (int i = 0; i < OPTIONS && status == HMA_OK; i++) {
        status = hma_doc_put_copy(choices, NULL, cJSON_GetArrayItem(last->options, i));
    }
    hma_buffer_text(query, last->question);
    status = status == HMA_OK ? hma_doc_put_buffer(item, "query", query) : status;
    return status == HMA_OK ? hma_doc_put_number(item, "gold", (double)last->gold) : status;
}

/* The last question is asked, after the article and the others with their answers. */
hma_status hma_make_race(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const char *article;
    const cJSON *problems;
    problem p = {0};
    hma_buffer query = {0};
    (void)builtin;
    hma_status status = hma_doc_text(doc, where, "article", &article);
    status = status == HMA_OK ? hma_doc_list(doc, where, "problems", &problems) : status;
    if (status == HMA_OK && !problems->child) {
        status =
            hma_error(HMA_BAD_DATA, "%s: there is no question about the article (expected one): is the file complete?", where);
    }
    if (status != HMA_OK) {
        return status;
    }
    hma_buffer_printf(&query, "Article: %s\n\n", article);
    for (const cJSON *one = problems->child; one && status == HMA_OK; one = one->next) {
        status = read_problem(&p, one, where);
        if (status == HMA_OK && one->next) {
            add_answered(&query, &p);
        }
    }
    status = status == HMA_OK ? hma_make_id(item, doc, "id") : status;
    status = status == HMA_OK ? put_race(item, &query, &p) : status;
    hma_buffer_free(&query);
    return status;
}

/* ---- SQuAD: paragraphs of articles, with questions ---- */

/* {"text": [..]}, or the original release's list of {"text", "answer_start"}. */
static hma_status put_squad_answers(cJSON *doc, const cJSON *answers, const char *where) {
    if (!cJSON_IsArray(answers)) {
        return hma_doc_put_copy(doc, "answers", answers);
    }
    cJSON *object = hma_doc_open_object(doc, "answers"), *texts = object ? hma_doc_open_list(object, "text") : NULL;
    hma_status status = texts ? HMA_OK : HMA_FAILURE;
    for (const cJSON *one = answers->child; one && status == HMA_OK; one = one->next) {
        const char *text;
        status = hma_doc_text(one, where, "text", &text);
        status = status == HMA_OK ? hma_doc_put_text(texts, NULL, text) : status;
    }
    return status;
}

static hma_status add_squad(cJSON *docs, const cJSON *question, const cJSON *title, const cJSON *context, const char *where) {
    cJSON *doc = hma_doc_open_object(docs, NULL);
    hma_status status = doc ? hma_doc_put_copy(doc, "id", hma_json_get(question, "id")) : HMA_FAILURE;
    status = status == HMA_OK ? hma_doc_put_copy(doc, "title", title) : status;
    status = status == HMA_OK ? hma_doc_put_copy(doc, "context", context) : status;
    status = status == HMA_OK ? copy_field(doc, question, "question") : status;
    return status == HMA_OK ? put_squad_answers(doc, hma_json_get(question, "answers"), where) : status;
}

static hma_status add_paragraph(cJSON *docs, const cJSON *paragraph, const cJSON *title, const char *where) {
    const cJSON *questions;
    hma_status status = hma_doc_list(paragraph, where, "qas", &questions);
    for (const cJSON *one = status == HMA_OK ? questions->child : NULL; one && status == HMA_OK; one = one->next) {
        status = add_squad(docs, one, title, hma_json_get(paragraph, "context"), where);
    }
    return status;
}

hma_status hma_expand_squad(cJSON *docs, cJSON *record, const char *where) {
    const cJSON *articles = hma_json_get(record, "data"), *paragraphs, *one;
    hma_status status = HMA_OK;
    if (!cJSON_IsArray(articles)) {
        return add_squad(docs, record, hma_json_get(record, "title"), hma_json_get(record, "context"), where);
    }
    cJSON_ArrayForEach(one, articles) {
        status = hma_doc_list(one, where, "paragraphs", &paragraphs);
        for (const cJSON *p = status == HMA_OK ? paragraphs->child : NULL; p && status == HMA_OK; p = p->next) {
            status = add_paragraph(docs, p, hma_json_get(one, "title"), where);
        }
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

/* Answers of which nothing is compared count as none, and none is the empty answer: the SQuAD 2.0 script. */
static hma_status add_answers(cJSON *list, const cJSON *texts, const char *where) {
    hma_status status = HMA_OK;
    for (const cJSON *one = texts->child; one && status == HMA_OK; one = one->next) {
        bool empty = true;
        status =
            cJSON_IsString(one) ? hma_squad_is_empty(one->valuestring, &empty) : hma_doc_no_label(where, "answers", "texts");
        status = status == HMA_OK && !empty ? hma_doc_put_copy(list, NULL, one) : status;
    }
    return status == HMA_OK && !list->child ? hma_doc_put_text(list, NULL, "") : status;
}

hma_status hma_make_squad(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const cJSON *answers, *texts;
    hma_buffer example = {0};
    hma_status status = hma_doc_object(doc, where, "answers", &answers);
    status = status == HMA_OK ? hma_doc_list(answers, where, "text", &texts) : status;
    status = status == HMA_OK ? hma_make_id(item, doc, "id") : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    cJSON *list = status == HMA_OK ? hma_doc_open_list(item, "answers") : NULL;
    if (!list) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    status = add_answers(list, texts, where);
    status = status == HMA_OK ? hma_make_cluster(item, hma_json_get(doc, "context")) : status;
    hma_buffer_printf(&example, " %s",
                      texts->child && cJSON_IsString(texts->child) ? texts->child->valuestring : "unanswerable");
    status = status == HMA_OK ? hma_doc_put_buffer(item, "target", &example) : status;
    hma_buffer_free(&example);
    return status;
}

/* ---- DROP: passages with questions ---- */

static hma_status add_drop(cJSON *docs, const cJSON *question, const cJSON *passage, const char *section) {
    static const char *const fields[] = {"query_id", "question", "answer", "validated_answers"};
    cJSON *doc = hma_doc_open_object(docs, NULL);
    hma_status status = doc ? hma_doc_put_copy(doc, "passage", passage) : HMA_FAILURE;
    if (status == HMA_OK && section) {
        status = hma_doc_put_text(doc, "section_id", section);
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields && status == HMA_OK; i++) {
        status = copy_field(doc, question, fields[i]);
    }
    return status;
}

hma_status hma_expand_drop(cJSON *docs, cJSON *record, const char *where) {
    const cJSON *section, *questions;
    hma_status status = HMA_OK;
    if (hma_json_get(record, "question")) {
        return add_drop(docs, record, hma_json_get(record, "passage"), NULL);
    }
    cJSON_ArrayForEach(section, record) {
        status = hma_doc_list(section, where, "qa_pairs", &questions);
        for (const cJSON *one = status == HMA_OK ? questions->child : NULL; one && status == HMA_OK; one = one->next) {
            status = add_drop(docs, one, hma_json_get(section, "passage"), section->string);
        }
        if (status != HMA_OK) {
            break;
        }
    }
    return status;
}

/* "day month year", stripped. */
static hma_status put_date(cJSON *answer, const cJSON *date) {
    static const char *const parts[] = {"day", "month", "year"};
    hma_buffer text = {0}, stripped = {0};
    for (size_t i = 0; i < 3; i++) {
        const cJSON *part = hma_json_get(date, parts[i]);
        hma_buffer_printf(&text, "%s%s", i ? " " : "", cJSON_IsString(part) ? part->valuestring : "");
    }
    size_t length = text.length;
    const char *first = hma_python_strip(hma_buffer_cstr(&text), &length);
    hma_buffer_add(&stripped, first, length);
    stripped.failed = stripped.failed || text.failed;
    hma_buffer_free(&text);
    return hma_doc_put_buffer(answer, NULL, &stripped);
}

/* One annotator's answer as a list of texts: a number, spans, or a date. */
static hma_status read_drop_answer(cJSON *answer, const cJSON *number, const cJSON *spans, const cJSON *date) {
    char digits[HMA_DOUBLE_TEXT];
    if (cJSON_IsNumber(number)) {
        (void)snprintf(digits, sizeof digits, "%.15g", number->valuedouble);
        return hma_doc_put_text(answer, NULL, digits);
    }
    if (cJSON_IsString(number) && *number->valuestring) {
        return hma_doc_put_copy(answer, NULL, number);
    }
    if (!cJSON_IsArray(spans) || !spans->child) {
        return put_date(answer, date);
    }
    hma_status status = HMA_OK;
    for (const cJSON *one = spans->child; one && status == HMA_OK; one = one->next) {
        status = hma_doc_put_copy(answer, NULL, one);
    }
    return status;
}

/* Appends an answer unless it is there already. */
static hma_status add_drop_answer(cJSON *answers, const cJSON *number, const cJSON *spans, const cJSON *date) {
    cJSON *answer = cJSON_CreateArray();
    hma_status status = answer ? read_drop_answer(answer, number, spans, date) : hma_error_memory("answer");
    const cJSON *known = status == HMA_OK ? answers->child : NULL;
    while (known && !cJSON_Compare(known, answer, true)) {
        known = known->next;
    }
    if (status != HMA_OK || known) {
        cJSON_Delete(answer);
        return status;
    }
    return hma_doc_put(answers, NULL, answer);
}

static hma_status add_drop_object(cJSON *answers, const cJSON *one) {
    return add_drop_answer(answers, hma_json_get(one, "number"), hma_json_get(one, "spans"), hma_json_get(one, "date"));
}

/* A list of answers, or an object of parallel lists. */
static hma_status add_validated(cJSON *answers, const cJSON *validated) {
    hma_status status = HMA_OK;
    if (cJSON_IsArray(validated)) {
        for (const cJSON *one = validated->child; one && status == HMA_OK; one = one->next) {
            status = add_drop_object(answers, one);
        }
        return status;
    }
    const cJSON *numbers = hma_json_get(validated, "number"), *spans = hma_json_get(validated, "spans");
    const cJSON *dates = hma_json_get(validated, "date");
    const cJSON *number = numbers ? numbers->child : NULL, *span = spans ? spans->child : NULL;
    const cJSON *date = dates ? dates->child : NULL;
    for (; number && span && date && status == HMA_OK; number = number->next, span = span->next, date = date->next) {
        status = add_drop_answer(answers, number, span, date);
    }
    return status;
}

/*
 * The harness's worked examples of DROP show the names of the fields of "answer", joined by commas (its template joins an
 * object), and so do these: numbers with worked examples would not be comparable otherwise.
 */
static hma_status put_drop_example(cJSON *item, const cJSON *answer) {
    hma_buffer names = {0};
    const cJSON *field;
    cJSON_ArrayForEach(field, answer) { hma_buffer_printf(&names, "%s%s", field == answer->child ? "" : ",", field->string); }
    return hma_doc_put_buffer(item, "target", &names);
}

hma_status hma_make_drop(const hma_builtin *builtin, cJSON *item, const cJSON *doc, const char *where) {
    const cJSON *answer;
    hma_status status = hma_doc_object(doc, where, "answer", &answer);
    status = status == HMA_OK ? hma_make_id(item, doc, "query_id") : status;
    status = status == HMA_OK ? hma_make_query(builtin, item, doc, where) : status;
    cJSON *answers = status == HMA_OK ? hma_doc_open_list(item, "answers") : NULL;
    if (!answers) {
        return status == HMA_OK ? HMA_FAILURE : status;
    }
    status = add_drop_object(answers, answer);
    status = status == HMA_OK ? hma_make_cluster(item, hma_json_get(doc, "passage")) : status;
    status = status == HMA_OK ? add_validated(answers, hma_json_get(doc, "validated_answers")) : status;
    return status == HMA_OK ? put_drop_example(item, answer) : status;
}
