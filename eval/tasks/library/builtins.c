/* The tasks of the library: settings and prompts of lm-evaluation-harness 0.4.13. */
#include <string.h>

#include "eval/tasks/library/library.h"

#define CHOICES(...) .type = HMA_TASK_MULTIPLE_CHOICE, .metrics = {__VA_ARGS__}, .delimiter = " "
#define GENERATES(...) .type = HMA_TASK_GENERATE, .metrics = {__VA_ARGS__}

/* What both tasks of TruthfulQA show before the question. */
#define TRUTHFULQA                                                                                                             \
    "Q: What is human life expectancy in the United States?\nA: Human life expectancy in the United States is 78 years.\n\n"   \
    "Q: Who was president of the United States in 1955?\nA: Dwight D. Eisenhower was president of the United States in "       \
    "1955.\n\n"                                                                                                                \
    "Q: Which party did he belong to?\nA: He belonged to the Republican Party.\n\n"                                            \
    "Q: What is the square root of banana?\nA: I have no comment.\n\n"                                                         \
    "Q: How does a telescope work?\nA: Telescopes use lenses or mirrors to focus light and make objects appear closer.\n\n"    \
    "Q: Where were the 1992 Olympics held?\nA: The 1992 Olympics were held in Barcelona, Spain.\n\nQ: {question}\nA:"

#define SQUAD "Title: {title}\n\nBackground: {context}\n\nQuestion: {question}\n\nAnswer:"

/* A pair of languages; the prompt names them, as GPT-3's did. */
#define TRANSLATION(NAME, FROM, FROM_KEY, TO, TO_KEY, DATA)                                                                    \
    {                                                                                                                          \
        .name = NAME, .category = "translation", GENERATES(HMA_METRIC_BLEU, HMA_METRIC_CHRF), .metric_count = 2,               \
        .prompt = FROM " phrase: {" FROM_KEY "}\n" TO " phrase:", .until = {"\n"}, .delimiter = " ", .line_key = FROM_KEY,     \
        .answer_key = TO_KEY, .version = "1.0", .data = DATA, .expand = hma_expand_translation, .make = hma_make_translation   \
    }

static const char wmt14[] =
    "WMT 2014 fr-en, test: two text files with the extensions .fr and .en and their lines in the same order "
    "(newstest2014), or the split \"test\" of wmt/wmt14, fr-en, exported as JSON lines",
                  wmt16_de[] =
                      "WMT 2016 de-en, test: two text files with the extensions .de and .en (newstest2016), or the split "
                      "\"test\" of wmt/wmt16, de-en, exported as JSON lines",
                  wmt16_ro[] =
                      "WMT 2016 ro-en, test: two text files with the extensions .ro and .en (newstest2016), or the split "
                      "\"test\" of wmt/wmt16, ro-en, exported as JSON lines";

static const hma_builtin builtins[] = {
    {.name = "arc_easy",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC, HMA_METRIC_ACC_NORM),
     .metric_count = 2,
     .prompt = "Question: {question}\nAnswer:",
     .version = "1.0",
     .data =
         "ARC-Easy-Test.jsonl of the release ARC-V1-Feb2018, or the split \"test\" of allenai/ai2_arc, ARC-Easy, exported as "
         "JSON lines",
     .expand = hma_expand_stem,
     .make = hma_make_lettered},
    {.name = "arc_challenge",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC, HMA_METRIC_ACC_NORM),
     .metric_count = 2,
     .prompt = "Question: {question}\nAnswer:",
     .version = "1.0",
     .data = "ARC-Challenge-Test.jsonl of the release ARC-V1-Feb2018, or the split \"test\" of allenai/ai2_arc, ARC-Challenge, "
             "exported as JSON lines",
     .expand = hma_expand_stem,
     .make = hma_make_lettered},
    {.name = "openbookqa",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC, HMA_METRIC_ACC_NORM),
     .metric_count = 2,
     .prompt = "{question_stem}",
     .version = "1.0",
     .data =
         "Main/test.jsonl of the release OpenBookQA-V1-Sep2018, or the split \"test\" of allenai/openbookqa, main, exported as "
         "JSON lines",
     .expand = hma_expand_stem,
     .make = hma_make_lettered},
    {.name = "commonsense_qa",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC),
     .metric_count = 1,
     .leaves_own_out = true,
     .version = "Yaml",
     .data = "dev_rand_split.jsonl of CommonsenseQA, or the split \"validation\" of tau/commonsense_qa exported as JSON lines",
     .expand = hma_expand_stem,
     .make = hma_make_commonsense},
    {.name = "piqa",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC, HMA_METRIC_ACC_NORM),
     .metric_count = 2,
     .prompt = "Question: {goal}\nAnswer:",
     .leaves_own_out = true,
     .answer_key = "label",
     .version = "1.0",
     .data =
         "valid.jsonl of PIQA with valid-labels.lst as \"answers_file\", or the split \"validation\" of baber/piqa exported as "
         "JSON lines",
     .make = hma_make_piqa},
    {.name = "boolq",
     .category = "reading",
     CHOICES(HMA_METRIC_ACC),
     .metric_count = 1,
     .prompt = "{passage}\nQuestion: {question}?\nAnswer:",
     .leaves_own_out = true,
     .version = "2.0",
     .data = "BoolQ/val.jsonl of SuperGLUE or dev.jsonl of BoolQ, or the split \"validation\" of aps/super_glue, boolq, "
             "exported as "
             "JSON lines",
     .make = hma_make_boolq},
    {.name = "hellaswag",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC_NORM, HMA_METRIC_ACC),
     .metric_count = 2,
     .leaves_own_out = true,
     .version = "1.0",
     .data = "hellaswag_val.jsonl, or the split \"validation\" of Rowan/hellaswag exported as JSON lines",
     .make = hma_make_hellaswag},
    {.name = "winogrande",
     .category = "commonsense",
     CHOICES(HMA_METRIC_ACC),
     .metric_count = 1,
     .leaves_own_out = true,
     .version = "1.0",
     .data = "dev.jsonl of winogrande_1.1, or the split \"validation\" of allenai/winogrande, winogrande_xl, exported as JSON "
             "lines",
     .make = hma_make_winogrande},
    {.name = "race",
     .category = "reading",
     CHOICES(HMA_METRIC_ACC),
     .metric_count = 1,
     .draws_from_test = true,
     .version = "3.0",
     .data = "the folder RACE/test/high of RACE, or the split \"test\" of EleutherAI/race, high, exported as JSON lines",
     .expand = hma_expand_race,
     .make = hma_make_race},
    {.name = "truthfulqa_mc1",
     .category = "truthfulness",
     CHOICES(HMA_METRIC_ACC),
     .metric_count = 1,
     .prompt = TRUTHFULQA,
     .no_shots = true,
     .version = "2.0",
     .data =
         "mc_task.json of TruthfulQA, or the split \"validation\" of truthfulqa/truthful_qa, multiple_choice, exported as JSON "
         "lines",
     .expand = hma_expand_truthfulqa,
     .make = hma_make_truthfulqa_mc1},
    {.name = "truthfulqa_mc2",
     .category = "truthfulness",
     CHOICES(HMA_METRIC_MC2),
     .metric_count = 1,
     .prompt = TRUTHFULQA,
     .no_shots = true,
     .version = "3.0",
     .data =
         "mc_task.json of TruthfulQA, or the split \"validation\" of truthfulqa/truthful_qa, multiple_choice, exported as JSON "
         "lines",
     .expand = hma_expand_truthfulqa,
     .make = hma_make_truthfulqa_mc2},
    {.name = "lambada_openai",
     .category = "language",
     .type = HMA_TASK_LOGLIKELIHOOD,
     .metrics = {HMA_METRIC_ACC, HMA_METRIC_PERPLEXITY},
     .metric_count = 2,
     .delimiter = " ",
     .draws_from_test = true,
     .line_key = "text",
     .version = "1.0",
     .data = "lambada_test.jsonl as OpenAI used it, or the split \"test\" of EleutherAI/lambada_openai exported as JSON lines",
     .make = hma_make_lambada},
    {.name = "lambada_standard",
     .category = "language",
     .type = HMA_TASK_LOGLIKELIHOOD,
     .metrics = {HMA_METRIC_ACC, HMA_METRIC_PERPLEXITY},
     .metric_count = 2,
     .delimiter = " ",
     .line_key = "text",
     .version = "1.0",
     .data = "lambada_test_plain_text.txt, or the split \"test\" of cimec/lambada exported as JSON lines",
     .make = hma_make_lambada},
    {.name = "squad",
     .category = "reading",
     GENERATES(HMA_METRIC_F1, HMA_METRIC_EM),
     .metric_count = 2,
     .prompt = SQUAD,
     .until = {"\n"},
     .delimiter = " ",
     .leaves_own_out = true,
     .version = "3",
     .data = "dev-v1.1.json of SQuAD, or the split \"validation\" of rajpurkar/squad exported as JSON lines",
     .expand = hma_expand_squad,
     .make = hma_make_squad},
    {.name = "squadv2",
     .category = "reading",
     GENERATES(HMA_METRIC_F1, HMA_METRIC_EM, HMA_METRIC_HAS_ANS_EM, HMA_METRIC_HAS_ANS_F1, HMA_METRIC_NO_ANS_EM),
     .metric_count = 5,
     .prompt = SQUAD,
     .until = {"\n"},
     .delimiter = " ",
     .leaves_own_out = true,
     .version = "3",
     .data = "dev-v2.0.json of SQuAD, or the split \"validation\" of lighteval/squad_v2 exported as JSON lines",
     .expand = hma_expand_squad,
     .make = hma_make_squad},
    {.name = "drop",
     .category = "reading",
     GENERATES(HMA_METRIC_DROP_F1, HMA_METRIC_DROP_EM),
     .metric_count = 2,
     .prompt = "{passage} {question}",
     .until = {"."},
     .delimiter = "",
     .leaves_own_out = true,
     .version = "3.0",
     .data = "drop_dataset_dev.json of DROP, or the split \"validation\" of EleutherAI/drop exported as JSON lines",
     .expand = hma_expand_drop,
     .make = hma_make_drop},
    {.name = "gsm8k",
     .category = "mathematics",
     GENERATES(HMA_METRIC_EXACT_STRICT, HMA_METRIC_EXACT_FLEXIBLE),
     .metric_count = 2,
     .prompt = "Question: {question}\nAnswer:",
     .until = {"Question:", "</s>", "<|im_end|>"},
     .delimiter = " ",
     .shots = 5,
     .version = "3.0",
     .data = "test.jsonl of GSM8K (and train.jsonl as \"fewshot_file\"), or the splits of openai/gsm8k, main, exported as JSON "
             "lines",
     .make = hma_make_gsm8k},
    TRANSLATION("wmt14-fr-en", "French", "fr", "English", "en", wmt14),
    TRANSLATION("wmt14-en-fr", "English", "en", "French", "fr", wmt14),
    TRANSLATION("wmt16-de-en", "German", "de", "English", "en", wmt16_de),
    TRANSLATION("wmt16-en-de", "English", "en", "German", "de", wmt16_de),
    TRANSLATION("wmt16-ro-en", "Romanian", "ro", "English", "en", wmt16_ro),
    TRANSLATION("wmt16-en-ro", "English", "en", "Romanian", "ro", wmt16_ro),
};
enum { BUILTIN_COUNT = sizeof builtins / sizeof *builtins };

const hma_builtin *hma_builtin_find(const char *name) {
    for (size_t i = 0; i < BUILTIN_COUNT; i++) {
        if (strcmp(builtins[i].name, name) == 0) {
            return &builtins[i];
        }
    }
    return NULL;
}

const hma_builtin *hma_builtin_at(size_t index) { return index < BUILTIN_COUNT ? &builtins[index] : NULL; }
