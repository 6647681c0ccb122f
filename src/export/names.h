/* Names for HDF5 objects and CSV columns, made of names that may be anything. */
#ifndef HMA_EXPORT_NAMES_H
#define HMA_EXPORT_NAMES_H

#include "base/text_set.h"
#include "hma/error.h"

/* Room for a name and its terminator. */
enum { HMA_NAME_SIZE = 80 };

/* The names that one group has already; all zero in the beginning. */
typedef struct hma_name_set {
    hma_text_set taken;
} hma_name_set;

/*
 * A name of the form [A-Za-z][A-Za-z0-9_]*, at most HMA_NAME_SIZE - 1 characters, that differs from all earlier names of the
 * group, also when case is ignored. The same texts in the same order give the same names.
 */
hma_status hma_name_set_make(hma_name_set *names, const char *text, char name[HMA_NAME_SIZE]);
void hma_name_set_free(hma_name_set *names);

#endif
