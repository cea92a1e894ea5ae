#include "codes.h"

#include <algorithm>
#include <cmath>

namespace halftone::integer {

namespace {

// Each sample as a matrix, transposed; in tiles that stay in the cache.
Tensor transposed(const ht_tensor_view &codes, std::int64_t rows, std::int64_t columns) {
  Tensor out(codes.dtype, shape_of(codes));
  if (out.count() == 0) return out;
  constexpr std::int64_t kTile = 16;
  with_code_type(out.dtype(), [&]<typename T>(T *) {
    const T *from = static_cast<const T *>(codes.data);
    T *to = out.data<T>();
    for (std::int64_t n = 0; n < out.count(); n += rows * columns, from += rows * columns, to += rows * columns) {
      for (std::int64_t i = 0; i < rows; i += kTile) {
        for (std::int64_t j = 0; j < columns; ++j) {
          for (std::int64_t k = i; k < std::min(rows, i + kTile); ++k) to[j * rows + k] = from[k * columns + j];
        }
      }
    }
  });
  return out;
}

}  // namespace

Tensor row_major(const ht_tensor_view &channels_last) {
  return transposed(channels_last, count_of(shape_of(channels_last).subspan(2)), channels_last.shape[1]);
}

Tensor channels_last(const ht_tensor_view &row_major) {
  return transposed(row_major, row_major.shape[1], count_of(shape_of(row_major).subspan(2)));
}

Tensor centred(const ht_tensor_view &codes, const Format &format, ht_dtype wide) {
  Tensor out(wide, shape_of(codes));
  with_code_type(codes.dtype, [&]<typename T>(T *) {
    const T *from = static_cast<const T *>(codes.data);
    const auto write = [&]<typename W>(W *to) {
      for (std::int64_t i = 0, n = out.count(); i < n; ++i) to[i] = static_cast<W>(from[i] - format.zero);
    };
    if (wide == HT_F32) return write(out.data<float>());
    write(out.data<double>());
  });
  return out;
}

Tensor moved_codes(const Tensor &centred, const Format &format) {
  Tensor out(format.dtype, centred.shape());
  const float *from = centred.data<float>();
  // A window of padding alone has the lowest number there is.
  const float low = static_cast<float>(format.low - format.zero), high = static_cast<float>(format.high - format.zero);
  store_codes(out,
              [&](std::int64_t i) { return static_cast<std::int32_t>(std::clamp(from[i], low, high)) + format.zero; });
  return out;
}

Tensor quantized(const sdk::Context &ctx, const ht_tensor_view &floats, const Format &format) {
  Tensor out(format.dtype, shape_of(floats));
  ht_tensor_view to = out.view();
  const ht_quantizer q = format.quantizer();
  sdk::check(ctx.host.arithmetic->quantize(ctx.raw, &q, &floats, &to));
  return out;
}

void limit_codes(Tensor &codes, Limits limits) {
  with_code_type(codes.dtype(), [&]<typename T>(T *) {
    T *code = codes.data<T>();
    for (std::int64_t i = 0, n = codes.count(); i < n; ++i)
      code[i] = static_cast<T>(std::clamp<std::int32_t>(code[i], limits.low, limits.high));
  });
}

void rescale(Tensor &integers, const FixedPoint &real, Multiplier form) {
  double *number = integers.data<double>();
  for (std::int64_t i = 0, n = integers.count(); i < n; ++i) {
    const std::int64_t shifted = static_cast<std::int64_t>(number[i]) * 1048576;
    number[i] = static_cast<double>(form == Multiplier::kGemmlowp ? real.times_gemmlowp(shifted)
                                                                  : real.times(shifted, HT_ROUND_HALF_AWAY_FROM_ZERO));
  }
}

Tensor requantized_each(const Tensor &numbers, const Requantizer &to, bool means, ht_dtype dtype) {
  Tensor out(dtype, numbers.shape());
  const double *from = numbers.data<double>();
  store_codes(out,
              [&](std::int64_t i) { return means ? to.of_mean(from[i]) : to(static_cast<std::int64_t>(from[i]), 0); });
  return out;
}

}  // namespace halftone::integer
