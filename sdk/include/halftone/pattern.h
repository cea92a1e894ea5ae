/* Service "ht.pattern/1": finds patterns of operators in the model. Needs HT_CAP_GRAPH_READ. All functions are [run];
 * results are [call].
 *
 * A pattern is text in the shape of ONNX expressions, such as "y = Mul(t, Sigmoid(t)) where t = Conv(_, w, b?)";
 * docs/patterns.md describes it. A parameter of a component that takes such texts has the flag HT_PARAM_PATTERN, and
 * the host refuses what is no pattern before the run. */
#ifndef HALFTONE_PATTERN_H
#define HALFTONE_PATTERN_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN
#define HT_PATTERN_1 "ht.pattern/1"

/* What a name of the text stands for in one occurrence. */
typedef struct ht_pattern_binding {
  uint32_t struct_size;
  uint32_t reserved;
  ht_str name;
  ht_handles values; /* one; none for an optional input that is absent; all that `...` stands for */
} ht_pattern_binding;

/* One occurrence. */
typedef struct ht_pattern_match {
  uint32_t struct_size;
  uint32_t pattern; /* which of the texts, from 0 */
  ht_handle graph;
  ht_handle root;                     /* the node whose output the pattern computes */
  ht_handles nodes;                   /* one for each operator, in the order of the text; the first is the root */
  ht_handles inner;                   /* values that only these nodes produce and read */
  const ht_pattern_binding *bindings; /* walked by the first element's struct_size; in the order of the text */
  uint64_t binding_count;
} ht_pattern_match;

typedef struct ht_pattern_matches {
  const ht_pattern_match *data; /* walked by the first element's struct_size */
  uint64_t size;
} ht_pattern_matches;

typedef struct ht_pattern {
  uint32_t struct_size;
  uint32_t reserved;
  /* HT_INVALID_ARGUMENT, with line and column, when the text is no pattern. */
  ht_status(HT_CALL *check)(ht_ctx *ctx, const ht_str *text);
  /* The occurrences of several patterns in a graph, or with HT_NONE in all graphs; within a graph in topological order
   * of the roots. Patterns with more operators go first, those with equally many in the order given, and a node belongs
   * to one occurrence at most. Inner values have no reader outside of the occurrence and are no outputs of the graph.
   * HT_INVALID_ARGUMENT when a text is no pattern; HT_RESOURCE_EXHAUSTED when one is so symmetric that there are too
   * many ways to try. */
  ht_status(HT_CALL *find)(ht_ctx *ctx, const ht_strs *texts, ht_handle graph, ht_pattern_matches *matches);
  /* A text without comments on one line, for reports; also of what is no pattern. */
  ht_status(HT_CALL *one_line)(ht_ctx *ctx, const ht_str *text, ht_str *line);
  /* Operators of the pattern that the model has nowhere, such as "Rleu (did you mean 'Relu'?)"; of alternatives all
   * have to be missing, "Elu or Selu". HT_INVALID_ARGUMENT when the text is no pattern. */
  ht_status(HT_CALL *missing)(ht_ctx *ctx, const ht_str *text, ht_strs *operators);
} ht_pattern;
HT_EXTERN_C_END
#endif
