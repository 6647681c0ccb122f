/* The facts of a real run. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/context.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "checkpoint/eos.h"
#include "eval/transformer/kernels/kernels.h"
#include "hma/text.h"
#include "merge/methods.h"
#include "search/inputs.h"

/* Sets a fixed fact to the formatted value, unless an earlier one failed. */
#define FIX(status, facts, key, ...)                                                                                           \
    ((status) = (status) == HMA_OK ? hma_facts_set((facts), HMA_FACT_FIXED, (key), __VA_ARGS__) : (status))

/* ---- names of settings ---- */

static const char *precision_name(hma_precision precision) { return precision == HMA_FP32 ? "fp32" : "bf16"; }

static const char *backend_name(hma_backend backend) {
    static const char *const names[] = {"auto", "openblas", "naive", "native"};
    return names[backend];
}

static const char *bos_name(hma_bos bos) {
    static const char *const names[] = {"auto", "yes", "no"};
    return names[bos];
}

/* ---- digests ---- */

static hma_status add_checkpoint(hma_facts *facts, hma_context *context, hma_checkpoint *checkpoint, const char *key) {
    char digest[65];
    hma_status status = hma_checkpoint_digest(context, checkpoint, digest);
    FIX(status, facts, key, "%s", digest);
    return status;
}

static hma_status add_tokenizer(hma_facts *facts, const char *folder, const char *key) {
    hma_tokenizer *tokenizer;
    hma_status status = hma_tokenizer_open(&tokenizer, folder);
    if (status == HMA_OK) {
        FIX(status, facts, key, "%s", hma_tokenizer_digest(tokenizer));
        hma_tokenizer_free(tokenizer);
    }
    return status;
}

/* Which tokens end replies, as text. */
static hma_status write_eos(hma_buffer *out, const hma_checkpoint *checkpoint) {
    hma_eos eos;
    const hma_status status = hma_eos_read(&eos, checkpoint);
    if (status == HMA_OK) {
        hma_eos_write(out, &eos);
    }
    hma_eos_free(&eos);
    return status == HMA_OK ? hma_buffer_ok(out) : status;
}

/* Of generation_config.json only this counts. It stands in no other digest. */
static hma_status add_eos(hma_facts *facts, const hma_inputs *inputs) {
    hma_buffer text = {0};
    hma_status status = write_eos(&text, inputs->described);
    FIX(status, facts, HMA_RUN_EOS, "%s", hma_buffer_cstr(&text));
    hma_buffer_free(&text);
    return status;
}

hma_status hma_inputs_warn_eos(hma_context *context, const hma_checkpoint *checkpoint, const char *eos) {
    hma_buffer own = {0};
    const hma_status status = write_eos(&own, checkpoint);
    if (status == HMA_OK && strcmp(hma_buffer_cstr(&own), eos) != 0) {
        hma_log(context, HMA_LOG_WARNING,
                "%s: its own \"eos_token_id\" is %s; all candidates end their replies at %s, as saved merges will",
                hma_checkpoint_folder(checkpoint), hma_buffer_cstr(&own), eos);
    }
    hma_buffer_free(&own);
    return status;
}

/* The suite names the reward model's folder; its own digest does not cover what is in there. */
static hma_status add_reward(hma_facts *facts, const hma_inputs *inputs) {
    const char *folder = hma_suite_reward_folder(inputs->suite);
    hma_checkpoint *reward;
    if (!folder) {
        return HMA_OK;
    }
    hma_status status = hma_checkpoint_open(&reward, folder);
    if (status == HMA_OK) {
        status = add_checkpoint(facts, inputs->context, reward, "reward_sha256");
        hma_checkpoint_close(reward);
    }
    return status == HMA_OK ? add_tokenizer(facts, folder, "reward_tokenizer_sha256") : status;
}

/* ---- the suite ---- */

static hma_status add_suite(hma_facts *facts, const hma_inputs *inputs, const char *path) {
    const char *text = hma_suite_text(inputs->suite);
    char digest[65];
    hma_status status = hma_sha256_of(text, strlen(text), digest);
    FIX(status, facts, "suite_sha256", "%s", hma_suite_digest(inputs->suite));
    FIX(status, facts, "suite_text_sha256", "%s", digest);
    FIX(status, facts, "seed", "%llu", (unsigned long long)hma_suite_seed(inputs->suite));
    if (status == HMA_OK) {
        status = hma_facts_set(facts, HMA_FACT_HISTORY, "suite_name", "%s", hma_suite_name(inputs->suite));
    }
    return status == HMA_OK ? hma_inputs_files(facts, inputs->suite, path) : status;
}

/* ---- settings ---- */

static hma_status add_overrides(hma_facts *facts, const hma_recipe_spec *recipe) {
    hma_buffer text = {0};
    for (size_t i = 0; i < recipe->override_count; i++) {
        hma_buffer_printf(&text, "%s%s", i ? " " : "", recipe->overrides[i]);
    }
    hma_status status = hma_buffer_ok(&text);
    FIX(status, facts, "overrides", "%s", hma_buffer_cstr(&text));
    hma_buffer_free(&text);
    return status;
}

static hma_status add_recipe(hma_facts *facts, const hma_inputs *inputs, const hma_recipe_spec *recipe) {
    hma_status status = HMA_OK;
    FIX(status, facts, "layers", "%zu", inputs->layers);
    FIX(status, facts, "blocks", "%s", recipe->blocks ? recipe->blocks : "");
    FIX(status, facts, "method", "%s", hma_method_name(recipe->method));
    FIX(status, facts, "policy", "%s", hma_policy_name(recipe->policy));
    FIX(status, facts, "rounding", "%s", hma_rounding_name(recipe->rounding));
    FIX(status, facts, "recipe_seed", "%llu", (unsigned long long)recipe->seed);
    FIX(status, facts, "dtype", "%s", recipe->dtype == HMA_DTYPE_STORED ? "stored" : hma_dtype_name((hma_dtype)recipe->dtype));
    if (recipe->method != HMA_LINEAR) { /* so that journals of linear runs, which are older, stay as they are */
        char density[HMA_DOUBLE_TEXT], lambda[HMA_DOUBLE_TEXT];
        hma_recipe_spec filled = *recipe;
        status = status == HMA_OK ? hma_method_settings_check(&filled) : status;
        FIX(status, facts, "method_settings", "density %s lambda %s base %s", hma_double_text(filled.density, density),
            hma_double_text(filled.lambda, lambda), hma_base_name(filled.base));
    }
    if (recipe->extra_rows != HMA_EXTRA_ROWS_NONE) {
        FIX(status, facts, "extra_rows", "%s", hma_extra_rows_name(recipe->extra_rows));
    }
    return status == HMA_OK ? add_overrides(facts, recipe) : status;
}

static hma_status add_scoring(hma_facts *facts, const hma_run_setup *setup) {
    static const char *const items[] = {[HMA_ITEMS_ALL] = "all", [HMA_ITEMS_TEST] = "test", [HMA_ITEMS_SEARCH] = "search"};
    hma_kernels kernels;
    hma_status status = hma_kernels_choose(&kernels, setup->model.backend, setup->model.precision);
    FIX(status, facts, "precision", "%s", precision_name(setup->model.precision));
    FIX(status, facts, "backend", "%s", backend_name(setup->model.backend));
    FIX(status, facts, "kernels", "%s", hma_kernels_name(&kernels));
    FIX(status, facts, "bos", "%s", bos_name(setup->bos));
    FIX(status, facts, "prompts", "%s", setup->prompts == HMA_PROMPTS_SEARCH ? "search" : "test");
    FIX(status, facts, "items", "%s", items[setup->items]);
    FIX(status, facts, "limit", "%zu", setup->limit);
    return status;
}

/* One line, because a history is made of lines (run_start.c). */
static hma_status add_command_line(hma_facts *facts, const char *line) {
    char *copy = hma_copy_text(line);
    for (char *c = copy; c && *c; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    const hma_status status = copy ? hma_facts_set(facts, HMA_FACT_HISTORY, "command_line", "%s", copy) : HMA_FAILURE;
    free(copy);
    return status;
}

static hma_status add_places(hma_facts *facts, const hma_run_setup *setup) {
    hma_status status = hma_facts_set(facts, HMA_FACT_PLACE, "pre", "%s", setup->pre);
    if (status == HMA_OK) {
        status = hma_facts_set(facts, HMA_FACT_PLACE, "post", "%s", setup->post);
    }
    if (status == HMA_OK && setup->base) {
        status = hma_facts_set(facts, HMA_FACT_PLACE, "base", "%s", setup->base);
    }
    if (status == HMA_OK) {
        status = hma_facts_set(facts, HMA_FACT_PLACE, "suite", "%s", setup->suite);
    }
    if (status == HMA_OK && setup->command_line) {
        status = add_command_line(facts, setup->command_line);
    }
    return status;
}

/* ---- the whole ---- */

static hma_status warn(const hma_facts *facts, const hma_inputs *inputs, const hma_run_setup *setup) {
    if (strcmp(hma_facts_get(facts, "pre_sha256"), hma_facts_get(facts, "post_sha256")) == 0) {
        hma_log(inputs->context, HMA_LOG_WARNING, "%s and %s have the same weights: every merge is the same model", setup->pre,
                setup->post);
    }
    if (!hma_suite_alignment_type(inputs->suite)) {
        hma_log(inputs->context, HMA_LOG_WARNING, "%s: measures no alignment: points are weighed by retention alone",
                setup->suite);
    }
    const hma_checkpoint *other = inputs->described == inputs->pre ? inputs->post : inputs->pre;
    return hma_inputs_warn_eos(inputs->context, other, hma_facts_get(facts, HMA_RUN_EOS));
}

hma_status hma_inputs_facts(hma_facts *facts, const hma_inputs *inputs, const hma_run_setup *setup) {
    hma_status status = add_places(facts, setup);
    if (status == HMA_OK) {
        status = add_recipe(facts, inputs, &setup->recipe);
    }
    if (status == HMA_OK) {
        status = add_scoring(facts, setup);
    }
    if (status == HMA_OK) {
        status = add_suite(facts, inputs, setup->suite);
    }
    if (status == HMA_OK) {
        status = add_tokenizer(facts, inputs->donor, "tokenizer_sha256");
    }
    if (status == HMA_OK) {
        status = add_eos(facts, inputs);
    }
    if (status == HMA_OK) {
        status = add_reward(facts, inputs);
    }
    if (status == HMA_OK) {
        status = add_checkpoint(facts, inputs->context, inputs->pre, "pre_sha256");
    }
    if (status == HMA_OK) {
        status = add_checkpoint(facts, inputs->context, inputs->post, "post_sha256");
    }
    if (status == HMA_OK && inputs->base) {
        status = add_checkpoint(facts, inputs->context, inputs->base, "base_sha256");
    }
    if (status == HMA_OK) {
        status = warn(facts, inputs, setup);
    }
    return status;
}
