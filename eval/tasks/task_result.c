/* From a model's answers to the scores of a task, item by item. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "eval/tasks/evaluator.h"
#include "eval/tasks/json_write.h"
#include "eval/tasks/metrics.h"
#include "eval/tasks/python_text.h"
#include "eval/tasks/reply.h"
#include "eval/tasks/rolling.h"
#include "hma/text.h"

hma_status hma_task_result_begin(hma_task_result *out, const char *name, const char *category, const hma_metric *metrics,
                                 size_t metric_count, size_t items) {
    *out = (hma_task_result){.name = hma_copy_text(name), .category = hma_copy_text(category), .items = items};
    out->measures = HMA_NEW(hma_measure, metric_count);
    out->item_id = HMA_NEW(char *, items);
    out->detail = HMA_NEW(char *, items);
    if (!out->name || !out->category || !out->measures || !out->item_id || !out->detail) {
        return HMA_FAILURE;
    }
    for (; out->measure_count < metric_count; out->measure_count++) {
        hma_measure *m = &out->measures[out->measure_count];
        m->metric = metrics[out->measure_count];
        m->items = items;
        m->stats = HMA_NEW(double, items *hma_metric_describe(m->metric)->width);
        if (!m->stats) {
            return HMA_FAILURE;
        }
    }
    return HMA_OK;
}

hma_status hma_task_result_cluster(hma_task_result *out, size_t index, const char *cluster) {
    if (!cluster) {
        return HMA_OK;
    }
    if (!out->cluster && !(out->cluster = HMA_NEW(char *, out->items))) {
        return HMA_FAILURE;
    }
    out->cluster[index] = hma_copy_text(cluster);
    return out->cluster[index] ? HMA_OK : HMA_FAILURE;
}

static hma_status keep_detail(hma_task_result *out, size_t item, hma_buffer *detail) {
    out->detail[item] = hma_buffer_release(detail);
    return out->detail[item] ? HMA_OK : HMA_FAILURE;
}

/* ---- log-likelihoods ---- */

static hma_status describe_pairs(hma_task_result *out, size_t item, const hma_loglikelihood *pairs, size_t count) {
    hma_buffer detail = {0};
    hma_json_open(&detail, '{');
    hma_json_key(&detail, "ll");
    hma_json_open(&detail, '[');
    for (size_t i = 0; i < count; i++) {
        hma_json_add_number(&detail, pairs[i].logprob);
    }
    hma_json_close(&detail, ']');
    hma_json_key(&detail, "greedy");
    hma_json_open(&detail, '[');
    for (size_t i = 0; i < count; i++) {
        hma_json_add_bool(&detail, pairs[i].greedy);
    }
    hma_json_close(&detail, ']');
    hma_json_close(&detail, '}');
    return keep_detail(out, item, &detail);
}

static double choice_statistic(hma_metric metric, const hma_item *item, const double *ll) {
    const size_t count = item->text_count;
    switch (metric) {
    case HMA_METRIC_MC2: return hma_choice_right_share(ll, item->right, count);
    case HMA_METRIC_ACC_NORM: return item->right[hma_choice_pick_norm(ll, item->texts, count)] ? 1 : 0;
    case HMA_METRIC_ACC_BYTES: return item->right[hma_choice_pick_bytes(ll, item->texts, count)] ? 1 : 0;
    default: return item->right[hma_choice_pick(ll, count)] ? 1 : 0;
    }
}

static hma_status score_choices(const hma_item *item, const hma_loglikelihood *pairs, size_t index, hma_task_result *out) {
    double *ll = HMA_NEW(double, item->text_count);
    if (!ll) {
        return HMA_FAILURE;
    }
    for (size_t i = 0; i < item->text_count; i++) {
        ll[i] = pairs[i].logprob;
    }
    for (size_t k = 0; k < out->measure_count; k++) {
        out->measures[k].stats[index] = choice_statistic(out->measures[k].metric, item, ll);
    }
    free(ll);
    return HMA_OK;
}

static void score_target(const hma_loglikelihood *pair, size_t index, hma_task_result *out) {
    for (size_t k = 0; k < out->measure_count; k++) {
        const bool perplexity = out->measures[k].metric == HMA_METRIC_PERPLEXITY;
        out->measures[k].stats[index] = perplexity ? pair->logprob : pair->greedy ? 1 : 0;
    }
}

/* ---- replies ---- */

static hma_status exact_statistic(hma_metric metric, const hma_item *item, const char *reply, double *stat) {
    const hma_exact_filter filter = metric == HMA_METRIC_EXACT_STRICT     ? HMA_EXACT_STRICT
                                    : metric == HMA_METRIC_EXACT_FLEXIBLE ? HMA_EXACT_FLEXIBLE
                                                                          : HMA_EXACT_PLAIN;
    return hma_exact_score(filter, reply, item->texts, item->text_count, stat);
}

/* A question of SQuAD 2.0 has an answer when there is something left of one of its answers. */
static hma_status has_answer(const hma_item *item, bool *has) {
    hma_status status = HMA_OK;
    *has = false;
    for (size_t i = 0; i < item->text_count && !*has && status == HMA_OK; i++) {
        bool empty = true;
        status = hma_squad_is_empty(item->texts[i], &empty);
        *has = !empty;
    }
    return status;
}

/* Value and weight: the weight of a question that a metric is not about is 0. */
static hma_status squad_statistics(hma_metric metric, const hma_item *item, double em, double f1, double *stats) {
    bool has = true;
    *stats = metric == HMA_METRIC_F1 || metric == HMA_METRIC_HAS_ANS_F1 ? f1 : em;
    if (metric == HMA_METRIC_EM || metric == HMA_METRIC_F1) {
        return HMA_OK;
    }
    const hma_status status = has_answer(item, &has);
    stats[1] = has == (metric != HMA_METRIC_NO_ANS_EM) ? 1 : 0;
    stats[0] *= stats[1];
    return status;
}

static hma_status reply_statistics(hma_metric metric, const hma_item *item, const char *reply, double *stats) {
    const hma_spans said = {&reply, 1};
    double em = 0, f1 = 0;
    hma_status status;
    switch (metric) {
    case HMA_METRIC_BLEU: return hma_bleu_statistics(reply, item->texts, item->text_count, stats);
    case HMA_METRIC_CHRF: return hma_chrf_statistics(reply, item->texts, item->text_count, stats);
    case HMA_METRIC_EXACT_MATCH:
    case HMA_METRIC_EXACT_STRICT:
    case HMA_METRIC_EXACT_FLEXIBLE: return exact_statistic(metric, item, reply, stats);
    case HMA_METRIC_DROP_EM:
    case HMA_METRIC_DROP_F1:
        status = hma_drop_score(&said, item->answers, item->answer_count, &em, &f1);
        *stats = metric == HMA_METRIC_DROP_EM ? em : f1;
        return status;
    default:
        status = hma_squad_score(reply, item->texts, item->text_count, &em, &f1);
        return status == HMA_OK ? squad_statistics(metric, item, em, f1, stats) : status;
    }
}

static hma_status score_reply(const hma_item *item, const char *reply, size_t index, hma_task_result *out) {
    hma_buffer detail = {0};
    hma_status status = HMA_OK;
    for (size_t k = 0; k < out->measure_count && status == HMA_OK; k++) {
        hma_measure *m = &out->measures[k];
        status = reply_statistics(m->metric, item, reply, m->stats + index * hma_metric_describe(m->metric)->width);
    }
    if (status == HMA_OK) {
        hma_json_open(&detail, '{');
        hma_json_key(&detail, "text");
        hma_json_add_text(&detail, reply);
        hma_json_close(&detail, '}');
        status = keep_detail(out, index, &detail);
    }
    return status;
}

/* The reply, cut at the stop strings and stripped. */
static hma_status score_generation(const hma_evaluator *e, const hma_task_spec *spec, const hma_item *item,
                                   const hma_generation *g, size_t index, hma_task_result *out) {
    char *text;
    hma_status status = hma_reply_plain_text(e->tokenizer, g->ids, g->count, &spec->until, &text);
    if (status != HMA_OK) {
        return status;
    }
    size_t length = strlen(text);
    const char *first = hma_python_strip(text, &length);
    text[(size_t)(first - text) + length] = 0;
    status = score_reply(item, first, index, out);
    hma_text_free(text);
    return status;
}

/* ---- whole texts ---- */

static hma_status score_text(const hma_evaluator *e, const hma_item *item, size_t text, size_t index, hma_task_result *out) {
    const size_t first = e->text_pair[text], count = e->text_pair[text + 1] - first;
    const double ll = hma_rolling_sum(&e->questions.pairs[first], count);
    hma_buffer detail = {0};
    for (size_t k = 0; k < out->measure_count; k++) {
        double *stats = out->measures[k].stats + index * 2;
        stats[0] = ll;
        stats[1] = out->measures[k].metric == HMA_METRIC_WORD_PERPLEXITY ? item->words : item->bytes;
    }
    hma_json_open(&detail, '{');
    hma_json_key(&detail, "ll");
    hma_json_add_number(&detail, ll);
    hma_json_close(&detail, '}');
    return keep_detail(out, index, &detail);
}

/* ---- a task ---- */

/* *question is the item's first; moves on to the next item's. */
static hma_status score_item(const hma_evaluator *e, const hma_task_spec *spec, const hma_item *item, size_t *question,
                             size_t index, hma_task_result *out) {
    hma_status status = HMA_OK;
    if (spec->task.type == HMA_TASK_GENERATE) {
        return score_generation(e, spec, item, &e->questions.generations[(*question)++], index, out);
    }
    if (spec->task.type == HMA_TASK_ROLLING) {
        return score_text(e, item, (*question)++, index, out);
    }
    const hma_loglikelihood *pairs = &e->questions.pairs[*question];
    *question += item->text_count;
    if (spec->task.type == HMA_TASK_MULTIPLE_CHOICE) {
        status = score_choices(item, pairs, index, out);
    } else {
        score_target(pairs, index, out);
    }
    return status == HMA_OK ? describe_pairs(out, index, pairs, item->text_count) : status;
}

hma_status hma_task_result_make(const hma_evaluator *e, size_t task, hma_task_result *out) {
    const hma_task_spec *spec = &e->suite->tasks[task];
    size_t question = e->first[task];
    hma_status status = hma_task_result_begin(out, spec->task.name, spec->task.category, spec->measures, spec->measure_count,
                                              e->picks[task].count);
    for (size_t i = 0; i < e->picks[task].count && status == HMA_OK; i++) {
        const hma_item *item = hma_evaluator_item(e, task, i);
        out->item_id[i] = hma_copy_text(item->id);
        if (!out->item_id[i] || hma_task_result_cluster(out, i, item->cluster) != HMA_OK) {
            return HMA_FAILURE;
        }
        status = score_item(e, spec, item, &question, i, out);
    }
    return status;
}
