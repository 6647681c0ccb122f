#include "plan_print.h"

#include <math.h>
#include <stdio.h>

#include "json_out.h"

static void print_json(const hma_run_plan *plan, size_t candidates) {
    const hma_cost *one = &plan->candidate;
    cli_json json = cli_json_begin(stdout);
    cli_json_bool(&json, "dry_run", true);
    cli_json_count(&json, "candidates", candidates);
    cli_json_count(&json, "to_be_scored", plan->candidates);
    cli_json_number(&json, "passes", plan->passes);
    cli_json_object(&json, "candidate");
    cli_json_count(&json, "tokens", one->tokens);
    cli_json_count(&json, "new_tokens", one->new_tokens);
    cli_json_bool(&json, "replies_known", one->replies_known);
    cli_json_count(&json, "judged_tokens", one->judged_tokens);
    cli_json_number(&json, "flops", one->flops);
    cli_json_number(&json, "seconds", one->seconds);
    cli_json_object_end(&json);
    cli_json_number(&json, "flops", plan->flops);
    cli_json_number(&json, "seconds", plan->seconds);
    cli_json_number(&json, "measured_seconds", plan->measured);
    cli_json_number(&json, "flops_per_second", one->rate);
    cli_json_count(&json, "memory", one->memory);
    cli_json_bool(&json, "resident", one->resident);
    cli_json_end(&json);
}

/* 0.4 s, 12 s, 3 min, 2.5 h */
static void print_duration(double seconds) {
    if (seconds < 100) {
        (void)printf("%.*f s", seconds < 10 ? 1 : 0, seconds);
    } else if (seconds < 6000) {
        (void)printf("%.0f min", seconds / 60);
    } else {
        (void)printf("%.1f h", seconds / 3600);
    }
}

static void print_text(const hma_run_plan *plan, size_t candidates) {
    const hma_cost *one = &plan->candidate;
    (void)printf("candidates  %zu, %zu of them without scores", candidates, plan->candidates);
    if (plan->candidates == 0) {
        (void)printf("\n");
        return;
    }
    (void)printf(": as much work as %.1f that have nothing in common\n", plan->passes);
    (void)printf("tokens      %llu for one%s: %llu of them new ones in replies; %llu are judged\n",
                 (unsigned long long)one->tokens, one->replies_known ? "" : ", at most",
                 (unsigned long long)one->new_tokens, (unsigned long long)one->judged_tokens);
    (void)printf("operations  %.3g for one, %.3g for all, %.0f G/s in large products\n", one->flops, plan->flops,
                 one->rate / 1e9);
    (void)printf("memory      %.0f MB for one, weights %s%s\n", (double)one->memory / 1e6,
                 one->resident ? "stay in it" : "are read layer by layer",
                 plan->candidates > 1 ? "; more for all, as far as --memory permits: what later ones need is kept" : "");
    (void)printf("time        ");
    print_duration(one->seconds);
    (void)printf(" for one, ");
    print_duration(plan->seconds);
    (void)printf(" for all, if every reply is as long as %s\n", one->replies_known ? "those so far" : "it may be");
    if (isfinite(plan->measured)) {
        (void)printf("measured    ");
        print_duration(plan->measured);
        (void)printf(" for each of the merges so far: ");
        print_duration(plan->measured * (double)plan->candidates);
        (void)printf(" for those that are left\n");
    }
}

void cli_plan_print(const hma_run_plan *plan, size_t candidates, bool json) {
    if (json) {
        print_json(plan, candidates);
    } else {
        print_text(plan, candidates);
    }
}
