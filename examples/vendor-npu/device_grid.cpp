#include "device_grid.h"

#include <cmath>

namespace sdk = halftone::sdk;

namespace tern {
namespace {

ht_tensor_view bytes_view(std::uint8_t *codes, const std::int64_t *shape) {
  ht_tensor_view view{};
  view.struct_size = sizeof(view);
  view.dtype = HT_U8;
  view.rank = 1;
  view.shape = shape;
  view.data = codes;
  return view;
}

}  // namespace

std::optional<Grid> grid_at(const sdk::Configs &configs, ht_handle config) {
  const auto q = configs.quantizer(config);
  if (!q) return std::nullopt;
  const bool fits = q->kind == HT_QUANT_INTEGER && q->granularity == HT_PER_TENSOR && q->count == 1 &&
                    q->quant_min == 0 && q->quant_max == 255 && q->rounding == HT_ROUND_HALF_EVEN;
  if (!fits) {
    throw sdk::Failure(HT_UNIMPLEMENTED,
                       "Tern has codes 0..255 with one scale, rounded half to even; leave out the override that "
                       "changes it",
                       config);
  }
  return Grid{q->scales[0], q->zero_points[0]};
}

ht_quantizer quantizer_of(const Grid &grid) {
  ht_quantizer q{};
  q.struct_size = sizeof(q);
  q.kind = HT_QUANT_INTEGER;
  q.rounding = HT_ROUND_HALF_EVEN;
  q.granularity = HT_PER_TENSOR;
  q.quant_max = 255;
  q.count = 1;
  q.scales = &grid.scale;
  q.zero_points = &grid.zero;
  return q;
}

std::uint8_t code_of(const sdk::Context &ctx, const Grid &grid, float x) {
  const std::int64_t shape = 1;
  std::uint8_t code = 0;
  const ht_quantizer q = quantizer_of(grid);
  const ht_tensor_view from = sdk::float_view(&x, {&shape, 1});
  ht_tensor_view to = bytes_view(&code, &shape);
  sdk::check(ctx.host.arithmetic->quantize(ctx.raw, &q, &from, &to));
  return code;
}

std::array<std::uint8_t, 256> table_of(const sdk::Context &ctx, const Grid &from, const Grid &to,
                                       const Function &function) {
  const std::int64_t shape = 256;
  std::array<std::uint8_t, 256> codes{};
  std::array<float, 256> numbers{};
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i);
  ht_tensor_view view = bytes_view(codes.data(), &shape), floats = sdk::float_view(numbers.data(), {&shape, 1});
  const ht_quantizer in = quantizer_of(from), out = quantizer_of(to);
  sdk::check(ctx.host.arithmetic->dequantize(ctx.raw, &in, &view, &floats));
  for (float &x : numbers) x = function ? function(x) : x;
  sdk::check(ctx.host.arithmetic->quantize(ctx.raw, &out, &floats, &view));
  return codes;
}

FixedPoint::FixedPoint(double real) {
  int exponent = 0;
  std::int64_t mantissa = std::llround(std::frexp(real, &exponent) * 2147483648.0);
  if (mantissa == std::int64_t{1} << 31) {
    mantissa /= 2;
    ++exponent;
  }
  if (!(real > 0) || exponent > 31) {
    throw sdk::Failure(HT_UNIMPLEMENTED, "a quotient of scales of " + std::to_string(real) +
                                             " is beyond the multipliers of Tern, which are above 0 and below 2^31");
  }
  m = static_cast<std::int32_t>(mantissa);
  shift = 31 - exponent;
}

}  // namespace tern
