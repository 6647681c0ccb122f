#include "hma/version.h"

#include <cblas.h>
#include <cjson/cJSON.h>
#include <hdf5.h>
#include <nlopt.h>
#include <openssl/crypto.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "hma/export_macro.h"

static char info[2048];
static pthread_once_t info_once = PTHREAD_ONCE_INIT;

HMA_PRINTF(1, 2) static void add(const char *format, ...) {
    const size_t used = strlen(info);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(info + used, sizeof info - used, format, arguments);
    va_end(arguments);
}

/* "Release -O3", "-O2 -g, sanitizers address,undefined", .. */
static void add_build(void) {
    add("build: %s%s%s%s%s\n", HMA_BUILD_TYPE, *HMA_BUILD_FLAGS ? " " : "", HMA_BUILD_FLAGS,
        *HMA_SANITIZE ? ", sanitizers " : "", HMA_SANITIZE);
}

/* Versions of what is loaded now, where a library tells; HDF5 would start itself up to tell, so its headers' are given. */
static void add_libraries(void) {
    char pcre2[64] = "unknown";
    (void)pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    pcre2[strcspn(pcre2, " ")] = 0;
    int nlopt[3];
    nlopt_version(&nlopt[0], &nlopt[1], &nlopt[2]);
    add("libraries: cJSON %s, HDF5 %d.%d.%d, NLopt %d.%d.%d, OpenSSL %s, PCRE2 %s, SQLite %s, utf8proc %s\n", cJSON_Version(),
        H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE, nlopt[0], nlopt[1], nlopt[2], OpenSSL_version(OPENSSL_VERSION_STRING),
        pcre2, sqlite3_libversion(), utf8proc_version());
    add("blas: %s, core %s\n", openblas_get_config(), openblas_get_corename());
}

static void add_processor(void) {
    add("processor:");
#if defined(__x86_64__)
    __builtin_cpu_init();
#define ADD_FEATURE(name) add("%s", __builtin_cpu_supports(name) ? " " name : "")
    ADD_FEATURE("avx2");
    ADD_FEATURE("fma");
    ADD_FEATURE("avx512f");
    ADD_FEATURE("avx512bw");
    ADD_FEATURE("avx512vl");
    ADD_FEATURE("avx512vnni");
    ADD_FEATURE("avx512bf16");
#undef ADD_FEATURE
    add(" (x86-64)\n");
#elif defined(__aarch64__)
    add(" aarch64\n");
#else
    add(" of another kind\n");
#endif
}

static void write_info(void) {
#if defined(__clang__)
    add("compiler: %s\n", __VERSION__);
#else
    add("compiler: gcc %s\n", __VERSION__);
#endif
    add_build();
    add_libraries();
    add_processor();
}

const char *hma_version(void) { return HMA_VERSION; }

const char *hma_build_info(void) {
    (void)pthread_once(&info_once, write_info);
    return info;
}
