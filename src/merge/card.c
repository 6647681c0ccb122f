/* The model card of a merged folder. */
#include "hma/version.h"
#include "merge/facts.h"
#include "merge/methods.h"
#include "merge/recipe_parts.h"
#include "merge/records.h"

/* Text that comes from outside, made harmless inside a table or a code span. */
static void plain(hma_buffer *out, const char *text) {
    for (; *text; text++) {
        const char c = *text;
        hma_buffer_char(out, c == '|' || c == '`' || (unsigned char)c < 0x20 ? ' ' : c);
    }
}

static void inputs(hma_buffer *out, const hma_merge_facts *facts) {
    hma_buffer_text(out, "| | folder | SHA-256 of config and tensors |\n|---|---|---|\n| pre | `");
    plain(out, facts->pre_name);
    hma_buffer_printf(out, "` | `%s` |\n| post | `", facts->pre_digest);
    plain(out, facts->post_name);
    if (facts->base_name) {
        hma_buffer_printf(out, "` | `%s` |\n| base | `", facts->post_digest);
        plain(out, facts->base_name);
    }
    hma_buffer_printf(out, "` | `%s` |\n\nTokenizer, templates and generation settings are those of %s.\n\n",
                      facts->base_name ? facts->base_digest : facts->post_digest, facts->donor);
}

/* What a linear merge of equal vocabularies does not need to say. */
static void method(hma_buffer *out, const hma_recipe *recipe, const hma_merge_report *report) {
    const hma_method_traits *traits = hma_method_traits_of(recipe->method);
    if (recipe->method != HMA_LINEAR) {
        hma_buffer_printf(out, "With a the weight of post: `%s`", traits->formula[recipe->base == HMA_BASE_MODEL]);
        if (traits->has_lambda_and_base) {
            hma_buffer_printf(out, ", lambda %.6g", recipe->lambda);
        }
        if (traits->density > 0) {
            hma_buffer_printf(out, ", density %.6g", recipe->density);
        }
        if (report->slerp_tensors) {
            hma_buffer_printf(out, "; %zu of %zu tensors are nearly parallel (cosine above 0.9995) and were averaged linearly",
                              report->slerp_linear, report->slerp_tensors);
        }
        hma_buffer_text(out, ".\n\n");
    }
    if (recipe->extra_rows != HMA_EXTRA_ROWS_NONE) {
        hma_buffer_printf(out, "Rows of the vocabulary that only one of the two has are those of %s.\n\n",
                          hma_extra_rows_name(recipe->extra_rows));
    }
}

static void blocks(hma_buffer *out, const hma_recipe *recipe) {
    const size_t count = hma_recipe_blocks(recipe);
    const hma_policy_ratios outside = hma_recipe_policy_ratios(recipe);
    hma_buffer_text(out, "| layers | weight of post | weight of pre |\n|---|---|---|\n");
    for (size_t k = 0; k < count; k++) {
        const size_t first = hma_recipe_block_start(recipe, k);
        const size_t last = (k + 1 < count ? hma_recipe_block_start(recipe, k + 1) : hma_recipe_layers(recipe)) - 1;
        const double ratio = hma_recipe_block_ratio(recipe, k);
        hma_buffer_printf(out, "| %zu", first);
        if (last > first) {
            hma_buffer_printf(out, "-%zu", last);
        }
        hma_buffer_printf(out, " | %.6g | %.6g |\n", ratio, 1 - ratio);
    }
    hma_buffer_printf(out, "| embedding | %.6g | %.6g |\n| final norm | %.6g | %.6g |\n| untied head | %.6g | %.6g |\n",
                      outside.embedding, 1 - outside.embedding, outside.final_norm, 1 - outside.final_norm, outside.head,
                      1 - outside.head);
    hma_buffer_printf(out, "\nMean %.6g, policy `%s`, method `%s`, rounding `%s`. Ratios are the weight of post; the \"alpha\" "
                      "of the HMA paper's code is the weight of pre.\n\n", hma_recipe_mean_ratio(recipe),
                      hma_policy_name(hma_recipe_policy(recipe)), hma_method_name(hma_recipe_method(recipe)),
                      hma_rounding_name(hma_recipe_rounding(recipe)));
}

static void loss_row(hma_buffer *out, const char *name, const hma_rounding_loss *loss) {
    hma_buffer_printf(out, "| %s | %llu | %.2f %% | %.2f %% | %.2f %% |\n", name, (unsigned long long)loss->elements,
                      loss->elements ? 100 * (double)loss->differing / (double)loss->elements : 0, 100 * hma_loss_share(loss),
                      100 * hma_loss_error(loss));
}

static void losses(hma_buffer *out, const hma_merge_report *report) {
    hma_buffer_text(out, "## Rounding\n\nInterpolated: elements that differ between pre and post and take a ratio between 0 "
                    "and 1. Lost: of these, the share that rounding put back to pre or post. Error: of all rounding, relative "
                    "to the distance from pre to post.\n\n| part | elements | interpolated | lost | error "
                    "|\n|---|---|---|---|---|\n");
    for (size_t kind = 0; kind < HMA_KIND_COUNT; kind++) {
        if (report->kind[kind].elements) {
            loss_row(out, hma_tensor_kind_name((hma_tensor_kind)kind), &report->kind[kind]);
        }
    }
    loss_row(out, "all", &report->total);
    hma_buffer_char(out, '\n');
}

/* A block that nothing in its text can end. */
static void code(hma_buffer *out, const char *text) {
    hma_buffer_text(out, "    ");
    for (; *text; text++) {
        hma_buffer_char(out, *text);
        hma_buffer_text(out, *text == '\n' ? "    " : "");
    }
    hma_buffer_text(out, "\n\n");
}

void hma_card_write(hma_buffer *out, const hma_merge_facts *facts) {
    char *recipe = NULL;
    if (hma_recipe_json(facts->recipe, &recipe) != HMA_OK) {
        out->failed = true;
        return;
    }
    hma_buffer_text(out, "---\nlibrary_name: transformers\ntags:\n- merge\n- hma\n---\n# ");
    plain(out, facts->name);
    hma_buffer_printf(out, "\n\nA %s of a model before (pre) and after (post) RLHF, made by hma %s.\n\n## Inputs\n\n",
                      facts->recipe->method == HMA_LINEAR ? "weighted average" : "merge", hma_version());
    inputs(out, facts);
    hma_buffer_printf(out, "## Recipe %s\n\n", hma_recipe_id(facts->recipe));
    blocks(out, facts->recipe);
    method(out, facts->recipe, facts->report);
    code(out, recipe);
    losses(out, facts->report);
    if (facts->scores_json) {
        hma_buffer_text(out, "## Scores\n\n");
        code(out, facts->scores_json);
    }
    if (facts->command_line) {
        hma_buffer_text(out, "## Command\n\n");
        code(out, facts->command_line);
    }
    hma_buffer_text(out, "`hma-recipe.json` repeats this for programs and holds the SHA-256 of every file; `hma verify` checks "
                    "it.\n");
    hma_text_free(recipe);
}
