#include <cstring>
#include <vector>

#include "core/host/service/table.h"
#include "core/host/service/tables.h"
#include "core/quant/arithmetic.h"
#include "core/quant/dynamic_range.h"

namespace halftone::host {

namespace {

std::span<const std::int64_t> shape_of(const ht_tensor_view &view) {
  return {view.shape, view.rank};
}

// Elements in memory, padding included; for a blocked view the quantizer has to be per tensor, where padding is
// harmless.
std::size_t stored_elements(const ht_tensor_view &view, const ht_quantizer &quantizer) {
  if (view.block_size == 0) {
    if (view.strides != nullptr) fail(Status::kInvalidArgument, "quantization takes contiguous tensors");
    return static_cast<std::size_t>(model::element_count(shape_of(view)));
  }
  if (quantizer.granularity != HT_PER_TENSOR) {
    fail(Status::kInvalidArgument, "a blocked tensor can only be quantized per tensor");
  }
  std::size_t count = 1;
  for (std::uint32_t i = 0; i < view.rank; ++i) {
    std::size_t extent = static_cast<std::size_t>(view.shape[i]);
    if (i == view.block_axis) extent = (extent + view.block_size - 1) / view.block_size * view.block_size;
    count *= extent;
  }
  return count;
}

void require_floats(const ht_tensor_view &view, const char *what) {
  if (view.dtype != HT_F32) fail(Status::kInvalidArgument, "{} must be float32", what);
}

ht_status HT_CALL scale_from_range(ht_ctx *ctx, const ht_quant_spec *spec, float low, float high, float *scale,
                                   std::int32_t *zero_point) {
  return serve(ctx, [&] {
    const quant::Scale made = quant::scale_from_range(low, high, *spec);
    *scale = made.scale;
    *zero_point = made.zero_point;
  });
}

ht_status HT_CALL fake_quantize(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in,
                                ht_tensor_view *out) {
  return serve(ctx, [&] {
    require_floats(*in, "the input of fake quantization");
    require_floats(*out, "the output of fake quantization");
    const std::size_t count = stored_elements(*in, *quantizer);
    const std::span<const float> from(static_cast<const float *>(in->data), count);
    const std::span<float> to(static_cast<float *>(out->data), count);
    const std::int64_t flat = static_cast<std::int64_t>(count);
    const std::span<const std::int64_t> shape = in->block_size == 0 ? shape_of(*in) : std::span(&flat, 1);
    if (!HT_HAS(quantizer, ht_quantizer, dynamic) || quantizer->dynamic == nullptr) {
      return quant::fake_quantize(from, to, shape, *quantizer);
    }
    // Padding is 0, which every range contains.
    const quant::Scale found = quant::dynamic_scale(from, *quantizer->dynamic);
    ht_quantizer fixed = *quantizer;
    fixed.count = 1;
    fixed.scales = &found.scale;
    fixed.zero_points = &found.zero_point;
    quant::fake_quantize(from, to, shape, fixed);
  });
}

// Codes of any stored type from 32-bit integers; narrow types pack two a byte, low nibble first.
void store_codes(std::span<const std::int32_t> codes, ht_tensor_view &out) {
  const auto write = [&]<typename T>(T *to) {
    for (std::size_t i = 0; i < codes.size(); ++i) to[i] = static_cast<T>(codes[i]);
  };
  switch (out.dtype) {
    case HT_I8:
      return write(static_cast<std::int8_t *>(out.data));
    case HT_U8:
    case HT_F8E4M3FN:
    case HT_F8E5M2:
      return write(static_cast<std::uint8_t *>(out.data));
    case HT_I16:
      return write(static_cast<std::int16_t *>(out.data));
    case HT_U16:
      return write(static_cast<std::uint16_t *>(out.data));
    case HT_I32:
      return write(static_cast<std::int32_t *>(out.data));
    case HT_I4:
    case HT_U4: {
      auto *to = static_cast<std::uint8_t *>(out.data);
      std::memset(to, 0, (codes.size() + 1) / 2);
      for (std::size_t i = 0; i < codes.size(); ++i) {
        to[i / 2] = static_cast<std::uint8_t>(to[i / 2] | ((codes[i] & 0xF) << (i % 2 * 4)));
      }
      return;
    }
    default:
      fail(Status::kInvalidArgument, "no quantized form in {}", model::dtype_name(out.dtype));
  }
}

void load_codes(const ht_tensor_view &in, std::span<std::int32_t> codes) {
  const auto read = [&]<typename T>(const T *from) {
    for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int32_t>(from[i]);
  };
  switch (in.dtype) {
    case HT_I8:
      return read(static_cast<const std::int8_t *>(in.data));
    case HT_U8:
    case HT_F8E4M3FN:
    case HT_F8E5M2:
      return read(static_cast<const std::uint8_t *>(in.data));
    case HT_I16:
      return read(static_cast<const std::int16_t *>(in.data));
    case HT_U16:
      return read(static_cast<const std::uint16_t *>(in.data));
    case HT_I32:
      return read(static_cast<const std::int32_t *>(in.data));
    case HT_I4:
    case HT_U4: {
      const auto *from = static_cast<const std::uint8_t *>(in.data);
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::int32_t nibble = (from[i / 2] >> (i % 2 * 4)) & 0xF;
        codes[i] = in.dtype == HT_I4 && nibble > 7 ? nibble - 16 : nibble;
      }
      return;
    }
    default:
      fail(Status::kInvalidArgument, "no quantized form in {}", model::dtype_name(in.dtype));
  }
}

ht_status HT_CALL quantize(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in, ht_tensor_view *out) {
  return serve(ctx, [&] {
    require_floats(*in, "the input of quantization");
    const std::size_t count = stored_elements(*in, *quantizer);
    const std::span<const float> from(static_cast<const float *>(in->data), count);
    std::vector<std::int32_t> codes(count);
    quant::quantize(from, codes, shape_of(*in), *quantizer);
    store_codes(codes, *out);
  });
}

ht_status HT_CALL dequantize(ht_ctx *ctx, const ht_quantizer *quantizer, const ht_tensor_view *in,
                             ht_tensor_view *out) {
  return serve(ctx, [&] {
    require_floats(*out, "the output of dequantization");
    const auto count = static_cast<std::size_t>(model::element_count(shape_of(*in)));
    const std::span<float> to(static_cast<float *>(out->data), count);
    std::vector<std::int32_t> codes(count);
    load_codes(*in, codes);
    quant::dequantize(codes, to, shape_of(*in), *quantizer);
  });
}

}  // namespace

const ht_arithmetic *arithmetic_table() {
  static constexpr ht_arithmetic kTable = {sizeof(ht_arithmetic), 0,         &scale_from_range,
                                           &fake_quantize,        &quantize, &dequantize};
  return &kTable;
}

}  // namespace halftone::host
