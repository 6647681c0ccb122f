/* The proxy objective of a run: its texts, made once and kept in the run's folder, and its evaluations, kept in the journal. */
#ifndef HMA_SEARCH_PROXY_H
#define HMA_SEARCH_PROXY_H

#include "hma/run_search.h"
#include "search/objective.h"
#include "search/run_parts.h"

typedef struct hma_proxy {
    hma_run *run;
    hma_objective *objective;
    char key[65];       /* SHA-256 of all that decides about its values */
    size_t evaluations; /* those that the journal did not have */
} hma_proxy;

/* Free with hma_proxy_free() in any case. HMA_USAGE for a run without models. */
hma_status hma_proxy_begin(hma_proxy *proxy, hma_run *run, const hma_search_options *options);
void hma_proxy_free(hma_proxy *proxy);

/* An hma_objective_fn with the proxy as `user`; and the same on one of hma_objective_passages(), an hma_batch_fn. */
hma_status hma_proxy_evaluate(void *proxy, const double *ratios, size_t count, double *value, double *gradient);
hma_status hma_proxy_evaluate_passage(void *proxy, size_t passage, const double *ratios, size_t count, double *value,
                                      double *gradient);

#endif
