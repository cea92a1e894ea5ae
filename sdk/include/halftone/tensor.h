/* Tensors as they cross the boundary: a flat view with room for blocked layouts and narrow types. */
#ifndef HALFTONE_TENSOR_H
#define HALFTONE_TENSOR_H

#include "halftone/base.h"

HT_EXTERN_C_BEGIN

/* Element types. The codes are fixed for ever; types below a byte pack two elements a byte, low nibble first. */
typedef uint32_t ht_dtype;
#define HT_DTYPE_NONE 0u
#define HT_F32 1u
#define HT_F64 2u
#define HT_F16 3u
#define HT_BF16 4u
#define HT_I8 5u
#define HT_U8 6u
#define HT_I16 7u
#define HT_U16 8u
#define HT_I32 9u
#define HT_U32 10u
#define HT_I64 11u
#define HT_U64 12u
#define HT_BOOL 13u /* one byte, 0 or 1 */
#define HT_F8E4M3FN 14u
#define HT_F8E5M2 15u
#define HT_I4 16u
#define HT_U4 17u
#define HT_C64 18u
#define HT_C128 19u
#define HT_STRING 20u /* never crosses as data */
#define HT_F4E2M1 21u
#define HT_F8E8M0 22u
#define HT_F8E4M3FNUZ 23u /* one zero, one NaN, no infinity */
#define HT_F8E5M2FNUZ 24u

#define HT_MAX_RANK 16u

/* A dense or blocked tensor in host memory; `shape` is always the logical shape. Plain layout: block_size is 0; strides
 * in elements, one per axis; null strides mean row-major contiguous. Blocked layout (one axis split, as oneDNN's
 * nChw8c): block_axis and block_size are set; the axis is padded to a multiple of block_size; element (i0..in) lies at
 * the sum over axes of index * stride, where the blocked axis contributes (i / block_size) * stride[axis] +
 * (i % block_size). What lies beyond the logical extent is padding and must never enter a statistic. */
typedef struct ht_tensor_view {
  uint32_t struct_size;
  ht_dtype dtype;
  uint32_t rank;
  uint32_t flags; /* 0; reserved for device memory */
  const int64_t *shape;
  const int64_t *strides; /* may be null */
  void *data;             /* may be null where only type and shape are meant */
  uint32_t block_axis;
  uint32_t block_size;  /* 0: plain layout */
  uint64_t reserved[2]; /* 0: arrays of views are plain arrays, so that a view cannot grow */
} ht_tensor_view;

/* Description of a tensor whose storage the host owns; also how a value's static type is told: an extent below 0 is
 * unknown (-1) or symbolic. */
typedef struct ht_tensor_info {
  uint32_t struct_size;
  ht_dtype dtype;
  uint32_t rank;
  uint32_t known_rank; /* 0 when nothing is known about the shape */
  int64_t shape[HT_MAX_RANK];
} ht_tensor_info;

HT_EXTERN_C_END
#endif
