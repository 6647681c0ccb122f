/* Texts of replies and answers: the first line is the reply, the others are answers. Scores lie in 0..1; a reply that is one of
 * the answers matches it. */
#include <string.h>

#include "base/utf8.h"
#include "eval/tasks/metrics.h"
#include "fuzz.h"
#include "hma/eval.h"

enum { MOST_ANSWERS = 8 };

static bool in_unit_interval(double value) { return value >= 0 && value <= 1; }

static void check_texts(const char *reply, const char **answers, size_t count) {
    double em, f1, stats[HMA_BLEU_WIDTH];
    const hma_spans said = {&reply, 1}, gold = {answers, count};
    fuzz_check(hma_squad_score(reply, answers, count, &em, &f1) == HMA_OK, "any text has a SQuAD score");
    fuzz_check(in_unit_interval(em) && in_unit_interval(f1) && f1 >= em, "SQuAD scores lie in 0..1, F1 above exact match");
    fuzz_check(hma_drop_score(&said, &gold, 1, &em, &f1) == HMA_OK, "any text has a DROP score");
    fuzz_check(in_unit_interval(em) && in_unit_interval(f1), "DROP scores lie in 0..1");
    fuzz_check(hma_bleu_statistics(reply, answers, count, stats) == HMA_OK, "any text has n-grams");
    fuzz_check(in_unit_interval(hma_metric_value(HMA_METRIC_BLEU, stats, 1)), "BLEU lies in 0..1");
    for (size_t order = 0; order < HMA_BLEU_ORDER; order++) {
        fuzz_check(stats[HMA_BLEU_MATCHES + order] <= stats[HMA_BLEU_TOTALS + order], "no more matches than n-grams");
    }
    const char *same[] = {reply};
    fuzz_check(hma_squad_score(reply, same, 1, &em, &f1) == HMA_OK && em == 1 && f1 == 1, "a text matches itself");
    fuzz_check(hma_bleu_statistics(reply, same, 1, stats) == HMA_OK &&
                   stats[HMA_BLEU_LENGTH] == stats[HMA_BLEU_REFERENCE_LENGTH],
               "a text is as long as itself");
}

static void run(const uint8_t *data, size_t size) {
    hma_buffer text = {0};
    const char *answers[MOST_ANSWERS];
    size_t count = 0;
    char *rest;
    hma_buffer_add(&text, data, size);
    hma_buffer_char(&text, '\n');
    fuzz_check(!text.failed, "little memory is enough");
    if (!hma_utf8_is_valid((const char *)data, size) || memchr(data, 0, size)) {
        hma_buffer_free(&text); /* readers refuse it before metrics see it */
        fuzz_refused++;
        return;
    }
    fuzz_accepted++;
    rest = text.data;
    const char *reply = strsep(&rest, "\n");
    while (count < MOST_ANSWERS && rest && *rest) {
        answers[count++] = strsep(&rest, "\n");
    }
    if (count > 0) {
        check_texts(reply, answers, count);
    }
    hma_buffer_free(&text);
}

static bool seed(hma_buffer *out, size_t index) {
    static const char *const texts[] = {"the cat sat\na cat sat\n", "ΟΔΟΣ.\nοδος\n", "1_000 -5 nan\n1000\n٣ .5e3\n",
                                        "\"A&amp;B\" 3.5-6 <skipped> it's\nA & B, 3.5 - 6\n", "a an the\n \n"};
    if (index >= sizeof texts / sizeof *texts) {
        return false;
    }
    hma_buffer_text(out, texts[index]);
    return true;
}

static const char *const words[] = {
    "\n", " ",         "-", ".",   ",",   "the",   "a",   "an",  "&amp;",        "<skipped>", "Σ",    "İ",
    "é",  "e\xCC\x81", "٣", "nan", "inf", "1e308", "1_0", "0x1", "\xE3\x80\x80", "\xC2\xA0",  "🙂", NULL};

const fuzz_target the_target = {.name = "metrics", .run = run, .words = words, .seed = seed};
