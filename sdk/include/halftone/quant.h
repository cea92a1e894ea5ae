/* Quantization as data: what a slot's quantizer may be (ht_quant_spec), and one that is ready to apply (ht_quantizer).
 */
#ifndef HALFTONE_QUANT_H
#define HALFTONE_QUANT_H

#include "halftone/tensor.h"

HT_EXTERN_C_BEGIN

/* What the quantized values are. */
#define HT_QUANT_INTEGER 1u
#define HT_QUANT_F8E4M3FN 2u /* OCP float8: round to nearest even, saturating, subnormals kept */
#define HT_QUANT_F8E5M2 3u

#define HT_SYMMETRIC 1u
#define HT_ASYMMETRIC 2u

#define HT_PER_TENSOR 1u
#define HT_PER_CHANNEL 2u /* one scale for each index of `axis` */
#define HT_PER_BLOCK                                                                              \
  3u /* one scale for each run of `block_size` elements along `axis`, as in ONNX: the entries are \
        row-major over the shape whose extent at `axis` is divided by it, rounded up */

#define HT_SCALE_FREE 1u
#define HT_SCALE_POWER_OF_TWO 2u /* rounded up to 2^n */

/* How a symmetric range becomes a scale: absmax / min(-quant_min, quant_max), or 2 * absmax / (quant_max - quant_min).
 */
#define HT_SPAN_NARROW 1u
#define HT_SPAN_HALF 2u

#define HT_ROUND_HALF_EVEN 1u
#define HT_ROUND_HALF_UP 2u
#define HT_ROUND_HALF_DOWN 3u
#define HT_ROUND_HALF_TOWARD_ZERO 4u
#define HT_ROUND_HALF_AWAY_FROM_ZERO 5u
#define HT_ROUND_UP 6u
#define HT_ROUND_DOWN 7u

#define HT_EXPORT_WHEN_ACTIVE 1u
#define HT_EXPORT_ALWAYS 2u
#define HT_EXPORT_NEVER 3u

/* States of a tensor quantization config. The host refuses a transition that is not in the table of its documentation.
 */
#define HT_STATE_INITIAL 1u      /* to be calibrated */
#define HT_STATE_ACTIVATED 2u    /* live, with its own scale */
#define HT_STATE_PASSIVE_INIT 3u /* will borrow or derive its scale, not resolved yet */
#define HT_STATE_PASSIVE 4u      /* live, scale borrowed from a master or derived */
#define HT_STATE_OVERLAPPED 5u   /* disabled: another config covers this quantization point */
#define HT_STATE_BAKED 6u        /* activated parameter whose stored value is already quantized */
#define HT_STATE_PASSIVE_BAKED 7u
#define HT_STATE_FP32 8u /* never quantized */

/* The scheme of one quantization point, without its scale. */
typedef struct ht_quant_spec {
  uint32_t struct_size;
  uint32_t kind; /* HT_QUANT_* */
  uint32_t bits; /* 2..32 for integers, 8 for float8 */
  uint32_t is_signed;
  int64_t quant_min; /* integers only */
  int64_t quant_max;
  uint32_t symmetry;
  uint32_t granularity;
  int32_t axis;       /* HT_PER_CHANNEL, HT_PER_BLOCK; never negative */
  int32_t block_size; /* HT_PER_BLOCK */
  uint32_t scale_form;
  uint32_t span;
  uint32_t rounding;
  uint32_t dynamic; /* 1: the range is taken at run time */
  uint32_t visibility;
  uint32_t reserved;
  uint64_t reserved2[2]; /* 0: the struct lies inside others and cannot grow */
} ht_quant_spec;

/* A quantizer ready to apply: q = clamp(round(x / scale) + zero_point, quant_min, quant_max), y = (q - zero_point) *
 * scale, true division, in float32. Arrays have one entry per tensor, channel or block. */
typedef struct ht_quantizer {
  uint32_t struct_size;
  uint32_t kind;
  uint32_t rounding;
  uint32_t granularity;
  int64_t quant_min;
  int64_t quant_max;
  int32_t axis;
  int32_t block_size;
  uint64_t count; /* entries of the two arrays */
  const float *scales;
  const int32_t *zero_points;
  /* Not null: the scale is taken at run time from the range of the tensor at hand, all of it, under this spec, and
   * `count` is 0. What outlives the call that gave the quantizer copies the spec as well as the arrays. */
  const ht_quant_spec *dynamic;
} ht_quantizer;

HT_EXTERN_C_END
#endif
