/* Python's float() and str() of a float: DROP's definition turns every token that float() accepts into str(float(token)). */
#ifndef HMA_TASKS_PYTHON_NUMBER_H
#define HMA_TASKS_PYTHON_NUMBER_H

#include <stdbool.h>

#include "hma/error.h"

/* Room for str() of any float: "-1.2345678901234567e-308" and "0.00012345678901234567", terminated. */
enum { HMA_PYTHON_NUMBER_TEXT = 32 };

/*
 * float(text): white space around, a sign, decimal digits of any script, underscores between digits, a point, an exponent,
 * "inf", "infinity" and "nan" in any case. *is_number says whether Python would accept it; then *value is set.
 */
hma_status hma_python_float(const char *text, bool *is_number, double *value);

/* str(value): the shortest digits that read back; an exponent below 1e-4 and from 1e16 on. */
const char *hma_python_number_text(double value, char text[HMA_PYTHON_NUMBER_TEXT]);

#endif
