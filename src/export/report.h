/* What a person wants to read about a run, as tables: the same in the page and in the notebook. */
#ifndef HMA_EXPORT_REPORT_H
#define HMA_EXPORT_REPORT_H

#include "export/grid.h"
#include "export/table.h"

/* Each fills an empty grid, which the caller frees; out of memory shows when the grid is written. */

/* The points with their axes; the recommended one is emphasised. Of a large run, those that matter. */
void hma_report_points(hma_grid *grid, const hma_table *table);
/* What post lost against pre on every task, and how much of it the recommended merge wins back. */
void hma_report_tax(hma_grid *grid, const hma_table *table);
/* Paired differences to post of the points on the front. */
void hma_report_paired(hma_grid *grid, const hma_table *table);
/* What ratios by block gain over one ratio for all layers at the same alignment. */
void hma_report_blocks(hma_grid *grid, const hma_table *table);
/* What a search chose its points by, beside what the test items say of them; empty when nothing was searched. */
void hma_report_search(hma_grid *grid, const hma_table *table);
/* The items that the recommended merge answers most differently from post. */
void hma_report_items(hma_grid *grid, const hma_table *table);

/* Where the numbers come from. */
typedef struct hma_report_fact {
    const char *name, *value;
} hma_report_fact;
enum { HMA_REPORT_FACTS = 10 };
/* Fills in what is known and returns how much that is. */
size_t hma_report_facts(const hma_table *table, hma_report_fact facts[HMA_REPORT_FACTS]);

#endif
