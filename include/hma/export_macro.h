/* HMA_API marks what libhma.so exports; everything else is hidden. HMA_MUST_CHECK marks results that must be used. */
#ifndef HMA_EXPORT_MACRO_H
#define HMA_EXPORT_MACRO_H

#if defined(__GNUC__)
#define HMA_API __attribute__((visibility("default")))
#define HMA_MUST_CHECK __attribute__((warn_unused_result))
#define HMA_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define HMA_API
#define HMA_MUST_CHECK
#define HMA_PRINTF(format_at, first_at)
#endif
#endif
