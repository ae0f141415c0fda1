/* Exact earth mover's distance of batches of small images.
 *
 * The ground distance is a metric, so mass that both images share stays where it is; what is left is a transport
 * problem between two disjoint sets of cells, for the simplex of transport_simplex.h.
 *
 * Plain C of GCC and Clang, called through ctypes by emd_compiled.py; needs no Python headers.
 */
#include "transport_simplex.h"

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#define ABI 1
#define ROUNDING 1e-15 /* of a normalised cell: rounding of the division, not charge */

INLINE double sum(const double *v, int n)
{
    double lane[4] = {0};
    int k = 0;
    for (; k + 4 <= n; k += 4)
        for (int l = 0; l < 4; l++)
            lane[l] += v[k + l];
    for (; k < n; k++)
        lane[0] += v[k];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Fractions of the charge; those not above the threshold are dropped and the rest is normalised again. */
INLINE int normalise(const double *image, int cells, double threshold, double *out)
{
    double total = sum(image, cells);
    if (!(total > 0))
        return 0;
    for (int k = 0; k < cells; k++)
        out[k] = image[k] / total;
    if (threshold > 0) {
        for (int k = 0; k < cells; k++)
            out[k] = out[k] > threshold ? out[k] : 0;
        total = sum(out, cells);
        if (!(total > 0))
            return 0;
        for (int k = 0; k < cells; k++)
            out[k] /= total;
    }
    return 1;
}

/* The masses that differ, as perturbed integers. Returns the fraction of the charge to be moved, 0 for equal images;
 * `swapped` tells that the rows are the cells where y exceeds x. */
INLINE double pose(const double *p, const double *q, int cells, Problem *out, int *swapped)
{
    double excess[SLOTS], more[SLOTS], less[SLOTS];
    set_t rows = 0, columns = 0;
    for (int k = 0; k < cells; k++) {
        excess[k] = p[k] - q[k];
        more[k] = excess[k] > ROUNDING ? excess[k] : 0;
        less[k] = excess[k] < -ROUNDING ? -excess[k] : 0;
    }
    for (int k = 0; k < cells; k++) {
        rows |= (set_t)(more[k] > 0) << k;
        columns |= (set_t)(less[k] > 0) << k;
    }
    if (!rows || !columns)
        return 0;
    double row_sum = sum(more, cells), column_sum = sum(less, cells);
    const double *row_mass = more, *column_mass = less;
    double moved = row_sum;
    *swapped = __builtin_popcountll(rows) > __builtin_popcountll(columns);
    if (*swapped) {
        set_t s = rows; rows = columns; columns = s;
        double d = row_sum; row_sum = column_sum; column_sum = d;
        row_mass = less; column_mass = more;
    }
    int64_t surplus = 0, largest = 0;
    int n = 0, slack = 0;
    double scale = UNITS / row_sum;
    FOR_EACH(k, rows) {
        int64_t units = (int64_t)(row_mass[k] * scale + 0.5);
        surplus += PERTURBATION * units + 1;
        out->mass[k] = PERTURBATION * units + 1;
        out->row[n++] = (uint8_t)k;
    }
    scale = UNITS / column_sum;
    FOR_EACH(k, columns) {
        int64_t units = (int64_t)(column_mass[k] * scale + 0.5);
        surplus -= PERTURBATION * units;
        out->mass[k] = PERTURBATION * units;
        if (units > largest) {
            largest = units;
            slack = (int)k;
        }
    }
    out->mass[slack] += surplus;
    out->rows = rows;
    out->columns = columns;
    for (; n & 3; n++)
        out->row[n] = out->row[n - 1];
    out->n_rows = n;
    return moved;
}

/* Cost of the tree, the unperturbed flow if asked for. */
INLINE double read_tree(const Geometry *g, int cells, const Problem *problem, const Tree *tree, double moved,
                        int swapped, double *flow)
{
    double total = 0;
    FOR_EACH(k, (problem->rows | problem->columns) & ~((set_t)1 << tree->root)) {
        int up = tree->parent[k];
        int64_t units = (tree->flow[k] + PERTURBATION / 2) / PERTURBATION;
        double mass = (double)units / UNITS * moved;
        total += mass * g->distance[(int)k * cells + up];
        if (flow) {
            int to_parent = (problem->rows >> k & 1) ^ (set_t)swapped ? 1 : 0;
            flow[to_parent ? (int)k * cells + up : up * cells + (int)k] = mass;
        }
    }
    return total;
}

/* A potential of all cells that nowhere falls by more than the distance, equal to the tree's on rows and columns. */
INLINE void extend(const Geometry *g, int cells, const Problem *problem, const double *tree_potential, int swapped,
                   double *out)
{
    double sign = swapped ? -1 : 1;
    for (int k = 0; k < cells; k++) {
        double least = INFINITY;
        FOR_EACH(c, problem->columns) {
            double value = g->distance[k * cells + (int)c] + tree_potential[c];
            least = value < least ? value : least;
        }
        out[k] = sign * least;
    }
    double mean = sum(out, cells) / cells;
    for (int k = 0; k < cells; k++)
        out[k] -= mean;
}

/* One pair. Returns 1 when it stopped before the optimum (which the bound of step 3 excludes in practice). */
INLINE int solve(const Geometry *g, int cells, int stride, int words, const double *x, const double *y,
                 double threshold, int64_t limit, double *value, double *flow, double *potential)
{
    double p[SLOTS], q[SLOTS], tree_potential[SLOTS];
    Problem problem;
    Tree tree;
    uint8_t order[SLOTS];
    if (flow)
        memset(flow, 0, sizeof(double) * (size_t)(cells * cells));
    if (potential)
        memset(potential, 0, sizeof(double) * (size_t)cells);
    if (!normalise(x, cells, threshold, p) || !normalise(y, cells, threshold, q)) {
        *value = NAN;
        return 0;
    }
    if (flow)
        for (int k = 0; k < cells; k++)
            flow[k * cells + k] = p[k] < q[k] ? p[k] : q[k];
    *value = 0;
    int swapped;
    double moved = pose(p, q, cells, &problem, &swapped);
    if (!(moved > 0))
        return 0;
    int n = plant(g, words, &problem, &tree, order);
    pivot_on_integers(g, stride, &problem, &tree, order, n, limit);
    int stopped = pivot_exactly(g, cells, &problem, &tree, tree_potential);
    *value = read_tree(g, cells, &problem, &tree, moved, swapped, flow);
    if (potential)
        extend(g, cells, &problem, tree_potential, swapped, potential);
    return stopped;
}

int64_t econ_ae_emd_abi(void) { return ABI; }

/* Solve n pairs: row k of x with row k of y, or, with columns > 0, row k / columns of x with row k % columns of y.
 * value (n); flow (n, cells, cells) and potential (n, cells) may be NULL. `limit` bounds the pivots of step 2.
 * Returns the number of pairs that stopped before the optimum. */
CLONES int64_t econ_ae_emd(const Geometry *g, const double *x, const double *y, int64_t n, int64_t columns,
                           double threshold, int64_t limit, double *value, double *flow, double *potential)
{
    int64_t stopped = 0, cells = g->cells;
    for (int64_t k = 0; k < n; k++) {
        const double *a = x + (columns ? k / columns : k) * cells, *b = y + (columns ? k % columns : k) * cells;
        double *f = flow ? flow + k * cells * cells : NULL, *u = potential ? potential + k * cells : NULL;
        if (cells == 48) /* constants that the compiler can unroll */
            stopped += solve(g, 48, 48, 18, a, b, threshold, limit, value + k, f, u);
        else
            stopped += solve(g, (int)cells, (int)g->stride, (int)g->words, a, b, threshold, limit, value + k, f, u);
    }
    return stopped;
}
