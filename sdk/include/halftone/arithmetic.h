/* Service "ht.arithmetic/1": the one definition of quantization arithmetic, for executors, passes and exporters. No
 * capability needed. All functions are [any]. */
#ifndef HALFTONE_ARITHMETIC_H
#define HALFTONE_ARITHMETIC_H

#include "halftone/quant.h"

HT_EXTERN_C_BEGIN
#define HT_ARITHMETIC_1 "ht.arithmetic/1"

typedef struct ht_arithmetic {
  uint32_t struct_size;
  uint32_t reserved;
  /* A range to scale and zero point under the spec's rules; HT_INVALID_ARGUMENT when the range is not finite. */
  ht_status(HT_CALL *scale_from_range)(ht_ctx *ctx, const ht_quant_spec *spec, float low, float high, float *scale,
                                       int32_t *zero_point);
  /* float32 to float32 of the same shape. `in` and `out` may share memory. Plain contiguous views, or blocked ones of
   * the same blocking where the quantizer is per tensor. */
  ht_status(HT_CALL *fake_quantize)(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in,
                                    ht_tensor_view *out);
  /* float32 to int8, uint8, int16, uint16, int32, packed int4/uint4, or float8 codes, by out->dtype. Contiguous. */
  ht_status(HT_CALL *quantize)(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in,
                               ht_tensor_view *out);
  /* The reverse, to float32. */
  ht_status(HT_CALL *dequantize)(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in,
                                 ht_tensor_view *out);
} ht_arithmetic;
HT_EXTERN_C_END
#endif
