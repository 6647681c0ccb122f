/* Candidates that are no recipe: other checkpoints, and mixtures of what pre and post predict. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/error_set.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "hma/checkpoint.h"
#include "hma/text.h"
#include "hma/tokenizer.h"
#include "merge/recipe_parts.h"
#include "search/candidates.h"
#include "search/inputs.h"

static const char *const kind_names[] = {"merge", "checkpoint", "logit-mixture"};

const char *hma_candidate_kind_name(hma_candidate_kind kind) { return kind_names[kind]; }

const char *hma_candidate_method(const hma_candidate *candidate) {
    return candidate->recipe ? hma_method_name(hma_recipe_method(candidate->recipe)) : hma_candidate_kind_name(candidate->kind);
}

hma_status hma_run_source_id(const hma_run_source *source, char id[65]) {
    char text[160], number[HMA_DOUBLE_TEXT];
    (void)snprintf(text, sizeof text, "%s %.64s", hma_candidate_kind_name(source->kind),
                   source->kind == HMA_CANDIDATE_MIXTURE ? hma_double_text(source->ratio, number) : source->sha256);
    const hma_status status = hma_sha256_of(text, strlen(text), id);
    id[HMA_RECIPE_ID_LENGTH] = 0;
    return status;
}

static hma_status copy_source(hma_run_entry *entry, const hma_run_source *source) {
    char id[65];
    hma_candidate *candidate = &entry->candidate;
    const hma_status status = hma_run_source_id(source, id);
    if (status != HMA_OK) {
        return status;
    }
    candidate->kind = source->kind;
    candidate->mean_ratio = source->kind == HMA_CANDIDATE_MIXTURE ? source->ratio : NAN;
    candidate->id = entry->id = hma_copy_text(id);
    if (source->kind == HMA_CANDIDATE_CHECKPOINT) {
        candidate->folder = entry->folder = hma_copy_text(source->folder);
        candidate->sha256 = entry->sha256 = hma_copy_text(source->sha256);
    }
    return entry->id && (source->kind == HMA_CANDIDATE_MIXTURE || (entry->folder && entry->sha256)) ? HMA_OK : HMA_FAILURE;
}

hma_status hma_run_append_source(hma_run *run, const hma_run_source *source, hma_origin origin, const char *label) {
    if (hma_grow(&run->entries, &run->entry_capacity, run->entry_count + 1, sizeof *run->entries) != 0) {
        return HMA_FAILURE;
    }
    hma_run_entry *entry = &run->entries[run->entry_count++];
    *entry = (hma_run_entry){.candidate = {.origin = origin, .seconds = NAN}, .label = hma_copy_text(label)};
    entry->candidate.label = entry->label;
    const hma_status status = entry->label ? copy_source(entry, source) : HMA_FAILURE;
    if (status != HMA_OK) {
        hma_run_truncate(run, run->entry_count - 1);
    }
    return status;
}

/* ---- other checkpoints ---- */

/* It is asked in the run's ids, so its own tokenizer must be the same; a folder without one is taken at its word. */
static hma_status check_tokenizer(const hma_run *run, const char *folder) {
    const char *expected = hma_run_fact(run, "tokenizer_sha256");
    hma_tokenizer *tokenizer = NULL;
    if (!expected) {
        return HMA_OK;
    }
    hma_status status = hma_tokenizer_open(&tokenizer, folder);
    if (status == HMA_IO) {
        hma_log(run->context, HMA_LOG_WARNING, "%s: has no tokenizer that can be read: the run's is taken", folder);
        return HMA_OK;
    }
    if (status == HMA_OK && strcmp(hma_tokenizer_digest(tokenizer), expected) != 0) {
        status = hma_error(HMA_INCOMPATIBLE,
                           "%s: has another tokenizer than the run (expected the same, so that the same questions are "
                           "asked): give a checkpoint of the same model",
                           folder);
    }
    hma_tokenizer_free(tokenizer);
    return status;
}

static hma_status check_architecture(const hma_checkpoint *checkpoint, const char *folder) {
    hma_description description;
    const hma_status status = hma_model_describe(&description, checkpoint);
    if (status == HMA_OK && (!description.scorable || description.reward_head)) {
        return hma_error(HMA_INCOMPATIBLE,
                         "%s: cannot be scored (%s): give a causal language model that hma inspect calls scorable", folder,
                         description.reward_head ? "it is a reward model" : description.why_not);
    }
    return status;
}

/* The name may be known from an earlier start: then it must be the same checkpoint, which may have moved. */
static hma_status add_known(hma_run *run, size_t number, const char *sha256, const char *folder) {
    hma_run_entry *entry = &run->entries[number];
    char *copy = NULL;
    if (entry->candidate.kind != HMA_CANDIDATE_CHECKPOINT) {
        return hma_error(HMA_USAGE, "extra \"%s\": is the name of another candidate of %s: choose another", entry->label,
                         run->folder);
    }
    if (strcmp(entry->sha256, sha256) != 0) {
        return hma_error(HMA_INCOMPATIBLE,
                         "extra \"%s\": was another checkpoint when it was added to %s (SHA-256 %.12s.., and %s has "
                         "%.12s..): choose another name",
                         entry->label, run->folder, entry->sha256, folder, sha256);
    }
    hma_status status = hma_journal_put_source(run->journal, number, kind_names[HMA_CANDIDATE_CHECKPOINT], NAN, sha256, folder);
    if (status == HMA_OK && !(copy = hma_copy_text(folder))) {
        status = HMA_FAILURE;
    }
    if (status == HMA_OK) {
        free(entry->folder);
        entry->candidate.folder = entry->folder = copy;
    }
    return status;
}

struct extra {
    const char *name, *folder, *sha256;
};

static hma_status add_extra(hma_run *run, const void *what) {
    const struct extra *extra = what;
    const hma_run_source source = {
        .kind = HMA_CANDIDATE_CHECKPOINT, .ratio = NAN, .sha256 = extra->sha256, .folder = extra->folder};
    for (size_t i = 0; i < run->entry_count; i++) {
        if (strcmp(run->entries[i].label, extra->name) == 0) {
            return add_known(run, i, extra->sha256, extra->folder);
        }
    }
    return hma_candidates_add_source(run, &source, extra->name);
}

hma_status hma_run_add_extra(hma_run *run, const char *name, const char *folder) {
    hma_checkpoint *checkpoint;
    char digest[65];
    if (!run->context) {
        return hma_error(HMA_USAGE, "%s: was opened for reading (expected hma_run_begin)", run->folder);
    }
    hma_status status = hma_checkpoint_open(&checkpoint, folder);
    if (status != HMA_OK) {
        return status;
    }
    status = check_architecture(checkpoint, folder);
    if (status == HMA_OK) {
        status = check_tokenizer(run, folder);
    }
    if (status == HMA_OK) {
        status = hma_checkpoint_digest(run->context, checkpoint, digest);
    }
    const char *eos = hma_run_fact(run, HMA_RUN_EOS);
    if (status == HMA_OK && eos) {
        status = hma_inputs_warn_eos(run->context, checkpoint, eos);
    }
    hma_checkpoint_close(checkpoint);
    return status == HMA_OK ? hma_candidates_add_together(run, add_extra, &(struct extra){name, folder, digest}) : status;
}
