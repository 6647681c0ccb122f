/*
 * How often what a front says is true, on scores simulated from known truths. Prints CSV; with a folder as second argument,
 * writes coverage.csv, membership.csv, claims.csv and membership.svg there.
 *
 *     coverage [simulations] [folder]
 */
#include <stdio.h>

#include "arguments.h"
#include "simulated_scores.h"

enum { BINS = 10 };

static FILE *open_table(const char *folder, const char *name) {
    char path[1024];
    if (!folder) {
        return stdout;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        perror(path);
        exit(4);
    }
    return file;
}

static void close_table(FILE *file) {
    if (file != stdout && fclose(file) != 0) {
        perror("coverage");
        exit(4);
    }
}

/* ---- intervals ---- */

static void measure_coverage(hma_context *context, size_t simulations, const char *folder) {
    static const size_t sizes[] = {30, 100, 200};
    FILE *out = open_table(folder, "coverage.csv");
    (void)fprintf(out, "scores,items,simulations,value_covered,difference_covered,mean_width_of_difference\n");
    for (int kind = 0; kind < SIM_KINDS; kind++) {
        for (size_t s = 0; s < 3; s++) {
            size_t value = 0, difference = 0;
            double width = 0;
            for (size_t i = 0; i < simulations; i++) {
                const sim_covered c = sim_cover(context, (sim_kind)kind, sizes[s], 1000003 * s + i);
                value += c.value;
                difference += c.difference;
                width += c.width;
            }
            (void)fprintf(out, "\"%s\",%zu,%zu,%.4f,%.4f,%.4f\n", sim_kind_name((sim_kind)kind), sizes[s], simulations,
                          (double)value / (double)simulations, (double)difference / (double)simulations,
                          width / (double)simulations);
            (void)fflush(out);
        }
    }
    close_table(out);
}

/* ---- membership ---- */

typedef struct reliability {
    double said[BINS];
    size_t count[BINS], happened[BINS], all;
} reliability;

static void draw_reliability(const reliability *r, const char *folder) {
    FILE *out = open_table(folder, "membership.svg");
    (void)fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 340 340\" width=\"340\" height=\"340\" "
        "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"340\" height=\"340\" fill=\"white\"/>\n"
        "<rect x=\"40\" y=\"20\" width=\"280\" height=\"280\" fill=\"none\" stroke=\"#888\"/>\n"
        "<line x1=\"40\" y1=\"300\" x2=\"320\" y2=\"20\" stroke=\"#bbb\"/>\n"
        "<text x=\"180\" y=\"330\" text-anchor=\"middle\">membership that is reported</text>\n"
        "<text x=\"14\" y=\"160\" text-anchor=\"middle\" transform=\"rotate(-90 14 160)\">share on the true front</text>\n");
    for (int tick = 0; tick <= 4; tick++) {
        (void)fprintf(
            out,
            "<text x=\"%d\" y=\"314\" text-anchor=\"middle\">%.2g</text><text x=\"36\" y=\"%d\" text-anchor=\"end\">%.2g"
            "</text>\n",
            40 + 70 * tick, 0.25 * tick, 304 - 70 * tick, 0.25 * tick);
    }
    for (size_t b = 0; b < BINS; b++) {
        if (r->count[b] >= 20) {
            const double n = (double)r->count[b], x = r->said[b] / n, y = (double)r->happened[b] / n;
            const double error = 1.96 * sqrt((y * (1 - y) + 1 / n) / n);
            (void)fprintf(
                out,
                "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#1f5fa8\"/><circle cx=\"%.1f\" cy=\"%.1f\" "
                "r=\"4\" fill=\"#1f5fa8\"/>\n",
                40 + 280 * x, 40 + 280 * x, 300 - 280 * fmax(0, y - error), 300 - 280 * fmin(1, y + error), 40 + 280 * x,
                300 - 280 * y);
        }
    }
    (void)fprintf(out, "</svg>\n");
    close_table(out);
}

static void measure_membership(hma_context *context, size_t simulations, const char *folder) {
    static const sim_scene scenes[] = {{7, 100, 0.02, 0.02},  {7, 100, 0.1, 0.02}, {7, 100, 0.1, 0.1},    {13, 100, 0.02, 0.02},
                                       {13, 100, 0.1, 0.02},  {13, 100, 0.1, 0.1}, {30, 100, 0.02, 0.02}, {30, 100, 0.1, 0.02},
                                       {30, 100, 0.05, 0.05}, {30, 100, 0.02, 0.1}};
    reliability total = {0};
    FILE *out = open_table(folder, "membership.csv");
    (void)fprintf(out, "points,items,deviation,noise,bin,points_in_bin,mean_membership,share_on_true_front\n");
    for (size_t s = 0; s < sizeof scenes / sizeof *scenes; s++) {
        double membership[30], gap = 0;
        bool on_front[30];
        reliability r = {0};
        for (size_t i = 0; i < simulations; i++) {
            sim_membership(context, &scenes[s], 500, 1000003 * s + i, membership, on_front);
            for (size_t p = 0; p < scenes[s].points; p++) {
                const size_t bin = membership[p] < 1 ? (size_t)(BINS * membership[p]) : BINS - 1;
                r.said[bin] += membership[p];
                r.happened[bin] += on_front[p];
                r.count[bin]++;
                r.all++;
            }
        }
        for (size_t b = 0; b < BINS; b++) {
            if (r.count[b] > 0) {
                const double n = (double)r.count[b];
                (void)fprintf(out, "%zu,%zu,%g,%g,%.1f,%zu,%.3f,%.3f\n", scenes[s].points, scenes[s].items, scenes[s].deviation,
                              scenes[s].noise, (double)b / BINS, r.count[b], r.said[b] / n, (double)r.happened[b] / n);
                gap += fabs(r.said[b] - (double)r.happened[b]) / (double)r.all;
            }
            total.said[b] += r.said[b];
            total.count[b] += r.count[b];
            total.happened[b] += r.happened[b];
            total.all += r.count[b];
        }
        (void)fprintf(stderr, "membership: %zu points, deviation %g, noise %g: mean gap %.3f\n", scenes[s].points,
                      scenes[s].deviation, scenes[s].noise, gap);
    }
    double gap = 0;
    for (size_t b = 0; b < BINS; b++) {
        if (total.count[b] > 0) {
            const double n = (double)total.count[b];
            (void)fprintf(out, "all,,,,%.1f,%zu,%.3f,%.3f\n", (double)b / BINS, total.count[b], total.said[b] / n,
                          (double)total.happened[b] / n);
            gap += fabs(total.said[b] - (double)total.happened[b]) / (double)total.all;
        }
    }
    (void)fprintf(stderr, "membership: all: mean gap %.3f\n", gap);
    close_table(out);
    if (folder) {
        draw_reliability(&total, folder);
    }
}

/* ---- claims ---- */

static void measure_claims(hma_context *context, size_t simulations, const char *folder) {
    static const size_t sizes[] = {30, 100, 200}, merges[] = {1, 9, 40};
    FILE *out = open_table(folder, "claims.csv");
    (void)fprintf(
        out, "scores,items,uniform_merges,block_merges,true_gain,simulations,recommended_over_post,blocks_called_better\n");
    for (size_t real = 0; real < 2; real++) {
        for (size_t shares = 0; shares < 2; shares++) {
            for (size_t s = 0; s < 3; s++) {
                for (size_t m = 0; m < 3; m++) {
                    const double gain = real ? 0.1 : 0;
                    const bool blocks = merges[m] > 1;
                    size_t gains = 0, better = 0;
                    for (size_t i = 0; i < simulations; i++) {
                        const sim_claim claim = sim_claims(context, merges[m], blocks, shares == 1, sizes[s], gain, 1000,
                                                           1000003 * (s * 3 + m) + i);
                        gains += claim.gain;
                        better += claim.blocks;
                    }
                    (void)fprintf(out, "%s,%zu,%zu,%zu,%g,%zu,%.4f,%.4f\n", shares ? "right or wrong" : "graded", sizes[s],
                                  merges[m], blocks ? merges[m] : 0, shares ? gain : gain / 2, simulations,
                                  (double)gains / (double)simulations, (double)better / (double)simulations);
                    (void)fflush(out);
                }
            }
        }
    }
    close_table(out);
}

int main(int argc, char **argv) {
    const size_t simulations = bench_count(argc, argv, 1, 2000);
    const char *folder = argc > 2 ? argv[2] : NULL;
    hma_context *context;
    if (simulations < 10 || hma_context_new(&context, &(hma_context_options){.threads = 1}) != HMA_OK) {
        (void)fprintf(stderr, "usage: coverage [simulations, at least 10] [folder]\n");
        return 2;
    }
    measure_coverage(context, simulations, folder);
    measure_membership(context, simulations / 5, folder);
    measure_claims(context, simulations / 2, folder);
    hma_context_free(context);
    return 0;
}
