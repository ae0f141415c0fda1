/* A transport simplex in integers, for problems of at most 56 nodes.
 *
 * The smaller set of cells is called the rows, the other one the columns; cell numbers (< 64) are node numbers and
 * bits of 64-bit sets throughout.
 *
 * No cycling. Masses are integers; every row's mass is PERTURBATION times its quantised mass plus 1, and one
 * column takes up the difference (Orden 1956). Modulo PERTURBATION no proper subset of the rows balances a subset
 * of the columns, so every feasible tree carries at least one unit on every arc, every pivot lowers the cost, and
 * no tree comes back, whatever the pricing rule. Rounding a flow to a multiple of PERTURBATION gives the
 * unperturbed flow exactly, because a perturbation sums up to less than half of it.
 *
 * 1. Start tree: greedy along one list of all pairs of cells, sorted by d_ij - max d_i - max d_j (Russell 1969),
 *    which needs half the pivots of a list sorted by distance.
 * 2. Pivots on distances rounded to 20 bits, in 32-bit integers, most negative reduced cost first (Dantzig 1951);
 *    the integers carry the row's number in their lowest six bits, so one minimum finds value and row.
 * 3. Potentials and reduced costs of the tree in double; usually this only certifies the optimum. Otherwise, and
 *    when step 2 used up its pivots, the lowest-numbered negative arc enters (Bland 1977).
 */
#ifndef ECON_AE_TRANSPORT_SIMPLEX_H
#define ECON_AE_TRANSPORT_SIMPLEX_H
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-loop-unroll-and-jam") /* it would keep the minimum of step 2 from being vectorised */
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
    MAX_CELLS = 56,          /* potentials of a path of 55 arcs of 2^19 * 64 fit in 31 bits */
    SLOTS = 64,
    MAX_WORDS = (MAX_CELLS * (MAX_CELLS - 1) / 2 + 63) / 64,
    PERTURBATION = 128,      /* a power of two above 2 MAX_CELLS */
    ROW_BITS = 63,           /* the row's number in a cost */
    FAR = 1 << 30,           /* above every reduced cost */
    MAX_EXACT_PIVOTS = 1 << 20
};
#define UNITS 18014398509481984.0 /* 2^54: the mass to be moved, before perturbation */

typedef uint64_t set_t;

/* Constants of a geometry; see metrics/emd_compiled.py. */
typedef struct {
    int64_t cells, stride, pairs, words;
    double tolerance;        /* of a reduced cost: above the rounding of a path of 55 distances */
    const double *distance;  /* (cells, cells) */
    const int32_t *cost;     /* (cells, stride): 64 * rounded distance + row; FAR in padding */
    const set_t *incident;   /* (cells, words): the listed pairs that a cell is part of */
    const uint8_t *first, *second; /* (pairs): cells of the listed pairs */
} Geometry;

/* What is to be moved. */
typedef struct {
    int n_rows;              /* padded to a multiple of 4 by repetition in `row` */
    set_t rows, columns;
    uint8_t row[SLOTS];
    int64_t mass[SLOTS];
} Problem;

/* A spanning tree of rows and columns: each node with the arc to its parent. */
typedef struct {
    int root;
    int64_t flow[SLOTS];
    set_t below[SLOTS];      /* the node's subtree, itself included */
    uint8_t parent[SLOTS];
} Tree;

#define FOR_EACH(cell, set) \
    for (set_t left_ = (set), cell; left_ && (cell = (set_t)__builtin_ctzll(left_), 1); left_ &= left_ - 1)

/* Greedy start tree. Of a pair the cell that is used up first gets no further arc: it hangs below the other one.
 * `order` receives the nodes, children before parents, without the root. */
INLINE int plant(const Geometry *g, int words, Problem *problem, Tree *tree, uint8_t *order)
{
    set_t open[MAX_WORDS] = {0}, other[MAX_WORDS] = {0};
    int n = __builtin_popcountll(problem->rows | problem->columns) - 1, word = 0, root = 0;
    int64_t *mass = problem->mass;
    /* Open pairs have one cell among the rows and one among the columns. */
    FOR_EACH(k, problem->rows) {
        tree->below[k] = (set_t)1 << k;
        for (int w = 0; w < words; w++)
            open[w] |= g->incident[k * words + w];
    }
    FOR_EACH(k, problem->columns) {
        tree->below[k] = (set_t)1 << k;
        for (int w = 0; w < words; w++)
            other[w] |= g->incident[k * words + w];
    }
    for (int w = 0; w < words; w++)
        open[w] &= other[w];
    for (int step = 0; step < n; step++) {
        while (!open[word])
            word++;
        int pair = 64 * word + __builtin_ctzll(open[word]);
        int a = g->first[pair], b = g->second[pair];
        int used = mass[a] < mass[b] ? a : b;
        root = mass[a] < mass[b] ? b : a;
        mass[root] -= mass[used];
        tree->flow[used] = mass[used];
        tree->parent[used] = (uint8_t)root;
        tree->below[root] |= tree->below[used];
        order[step] = (uint8_t)used;
        for (int w = 0; w < words; w++)
            open[w] &= ~g->incident[used * words + w];
    }
    tree->root = root;
    return n;
}

/* Let the arc from row to column enter the tree; returns the subtree that was cut off and hangs on that arc now. */
INLINE set_t pivot(Tree *tree, int row, int column, int *row_side)
{
    uint8_t *parent = tree->parent;
    set_t *below = tree->below;
    int64_t *flow = tree->flow, least = INT64_MAX, change;
    int leaving = row, join, k, decreases = 1;
    *row_side = 1;
    /* Around the cycle flows decrease and increase in turn, beginning with a decrease at either end of the arc. */
    for (k = row; !(below[k] >> column & 1); k = parent[k], decreases = !decreases)
        if (decreases && flow[k] < least) {
            least = flow[k];
            leaving = k;
        }
    join = k;
    for (k = column, decreases = 1; k != join; k = parent[k], decreases = !decreases)
        if (decreases && flow[k] < least) {
            least = flow[k];
            leaving = k;
            *row_side = 0;
        }
    for (k = row, change = -least; k != join; k = parent[k], change = -change)
        flow[k] += change;
    for (k = column, change = -least; k != join; k = parent[k], change = -change)
        flow[k] += change;

    set_t cut = below[leaving];
    int inner = *row_side ? row : column, outer = *row_side ? column : row;
    for (k = parent[leaving]; k != join; k = parent[k])
        below[k] &= ~cut;
    for (k = outer; k != join; k = parent[k])
        below[k] |= cut;
    /* Turn the arcs between the entering and the leaving one round. */
    int up = outer;
    int64_t carried = least;
    set_t hanging = cut;
    for (k = inner;;) {
        int next = parent[k];
        int64_t old_flow = flow[k];
        set_t old_below = below[k];
        parent[k] = (uint8_t)up;
        flow[k] = carried;
        below[k] = hanging;
        if (k == leaving)
            return cut;
        up = k;
        carried = old_flow;
        hanging = cut & ~old_below;
        k = next;
    }
}

/* Step 2: Dantzig's rule on integer costs. A reduced cost is cost - potential[row] + potential[column]. */
INLINE void pivot_on_integers(const Geometry *g, int stride, const Problem *problem, Tree *tree,
                              const uint8_t *order, int n, int64_t limit)
{
    int32_t potential[SLOTS] = {0}, is_column[SLOTS], reduced[SLOTS];
    for (int k = 0; k < stride; k++)
        is_column[k] = problem->columns >> k & 1 ? -1 : 0;
    for (int step = n - 1; step >= 0; step--) {
        int k = order[step], up = tree->parent[k];
        int32_t cost = g->cost[k * stride + up] & ~ROW_BITS;
        potential[k] = potential[up] + (problem->rows >> k & 1 ? cost : -cost);
    }
    for (int64_t count = 0; count < limit; count++) {
        for (int k = 0; k < stride; k++)
            reduced[k] = FAR;
        for (int i = 0; i < problem->n_rows; i += 4) {
            const uint8_t *r = problem->row + i;
            const int32_t *c0 = g->cost + r[0] * stride, *c1 = g->cost + r[1] * stride;
            const int32_t *c2 = g->cost + r[2] * stride, *c3 = g->cost + r[3] * stride;
            int32_t p0 = potential[r[0]], p1 = potential[r[1]], p2 = potential[r[2]], p3 = potential[r[3]];
            for (int k = 0; k < stride; k++) {
                int32_t a = c0[k] - p0, b = c1[k] - p1, c = c2[k] - p2, d = c3[k] - p3;
                a = b < a ? b : a;
                c = d < c ? d : c;
                a = c < a ? c : a;
                reduced[k] = a < reduced[k] ? a : reduced[k];
            }
        }
        for (int k = 0; k < stride; k++)
            reduced[k] = ((reduced[k] + potential[k]) & is_column[k]) | (FAR & ~is_column[k]);
        int32_t lane[8], best;
        memcpy(lane, reduced, sizeof lane);
        for (int block = 8; block < stride; block += 8)
            for (int l = 0; l < 8; l++)
                lane[l] = reduced[block + l] < lane[l] ? reduced[block + l] : lane[l];
        best = lane[0];
        for (int l = 1; l < 8; l++)
            best = lane[l] < best ? lane[l] : best;
        if (best >= 0)
            return;
        int column = 0, row_side;
        while (reduced[column] != best)
            column++;
        set_t cut = pivot(tree, best & ROW_BITS, column, &row_side);
        int32_t cost = best & ~ROW_BITS, shift = row_side ? cost : -cost;
        for (int block = 0; block < stride; block += 8) {
            int byte = (int)(cut >> block & 255);
            for (int l = 0; l < 8; l++)
                potential[block + l] += byte & 1 << l ? shift : 0;
        }
    }
}

/* The tree's potentials in double, 0 at the root. */
INLINE void potentials(const Geometry *g, int cells, const Problem *problem, const Tree *tree, double *potential)
{
    set_t known = (set_t)1 << tree->root;
    uint8_t path[SLOTS];
    potential[tree->root] = 0;
    FOR_EACH(start, problem->rows | problem->columns) {
        int n = 0, k = (int)start;
        for (; !(known >> k & 1); k = tree->parent[k])
            path[n++] = (uint8_t)k;
        while (n) {
            int child = path[--n];
            double d = g->distance[child * cells + k];
            potential[child] = potential[k] + (problem->rows >> child & 1 ? d : -d);
            known |= (set_t)1 << child;
            k = child;
        }
    }
}

/* Step 3: certify in double, or pivot by Bland's rule. Returns 0 at the optimum. */
INLINE int pivot_exactly(const Geometry *g, int cells, const Problem *problem, Tree *tree, double *potential)
{
    double column_potential[SLOTS];
    for (int64_t count = 0; count < MAX_EXACT_PIVOTS; count++) {
        potentials(g, cells, problem, tree, potential);
        for (int k = 0; k < cells; k++)
            column_potential[k] = INFINITY;
        FOR_EACH(k, problem->columns)
            column_potential[k] = potential[k];
        int row = -1, column = 0, row_side;
        for (int i = 0; i < problem->n_rows && row < 0; i++) {
            const double *d = g->distance + problem->row[i] * cells;
            double own = potential[problem->row[i]] - g->tolerance, lane[8] = {0};
            int k = 0, negative = 0;
            for (; k + 8 <= cells; k += 8)
                for (int l = 0; l < 8; l++) {
                    double reduced = d[k + l] + column_potential[k + l] - own;
                    lane[l] = reduced < lane[l] ? reduced : lane[l];
                }
            for (; k < cells; k++)
                negative |= d[k] + column_potential[k] - own < 0;
            for (int l = 0; l < 8; l++)
                negative |= lane[l] < 0;
            if (negative) {
                row = problem->row[i];
                while (!(d[column] + column_potential[column] - own < 0))
                    column++;
            }
        }
        if (row < 0)
            return 0;
        pivot(tree, row, column, &row_side);
    }
    return 1;
}

#endif
