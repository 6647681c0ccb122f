/* The assignment problem: pair rows with columns, one to one, so that the sum of the scores is as large as possible. */
#ifndef HMA_TASKS_ASSIGNMENT_H
#define HMA_TASKS_ASSIGNMENT_H

#include <stddef.h>

#include "hma/error.h"

/*
 * score[rows, columns], all finite; rows and columns at least 1. column_of_row[rows] gets the column of each row, SIZE_MAX
 * for rows that are left over when there are more rows than columns.
 */
hma_status hma_assignment_best(const double *score, size_t rows, size_t columns, size_t *column_of_row);

#endif
