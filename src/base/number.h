/* Numbers from and to text, exactly, whatever the locale of the process: public, because programs around libhma need the same.
 */
#ifndef HMA_BASE_NUMBER_H
#define HMA_BASE_NUMBER_H

#include "hma/text.h"

#endif
