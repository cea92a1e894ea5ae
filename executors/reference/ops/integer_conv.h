// The exact convolution of 8-bit codes, as ConvInteger and QLinearConv need it.
#pragma once

#include <algorithm>

#include "ops/product.h"
#include "ops/requantize.h"
#include "ops/window.h"

namespace halftone::reference {

class IntegerConv {
 public:
  explicit IntegerConv(const sdk::OpNode &node) : attributes_(node), group_(node.integer("group", 1)) {
    if (group_ < 1) throw sdk::Failure(HT_INVALID_ARGUMENT, "group must be at least 1");
    if (node.flag("channels_last", false)) throw sdk::Failure(HT_UNIMPLEMENTED, "channels_last");
  }

  Shape shape(const ht_tensor_view &x, const ht_tensor_view &w) const {
    require_type(x.dtype, ByteTypes{});
    require_type(w.dtype, ByteTypes{});
    if (x.rank < 3 || x.rank != w.rank || x.shape[1] != w.shape[1] * group_ || w.shape[0] % group_ != 0) {
      throw sdk::Failure(HT_INVALID_ARGUMENT, "the shapes of X and W do not fit");
    }
    Shape out = {x.shape[0], w.shape[0]};
    const Window window(attributes_, shape_of(x).subspan(2), shape_of(w).subspan(2));
    out.insert(out.end(), window.output.begin(), window.output.end());
    return out;
  }

  // Calls emit(output channel, offset in the output, count, sums) for runs of positions; the sums are int32, wrapped.
  // What lies in the padding is X's zero point and adds nothing.
  template <typename Emit>
  void run(const ht_tensor_view &x, const ht_tensor_view &w, std::int32_t x_zero,
           const std::vector<std::int32_t> &w_zero, Emit emit) const {
    constexpr std::int64_t kColumns = 256;  // output positions at a time: their columns stay in the cache
    const Window window(attributes_, shape_of(x).subspan(2), shape_of(w).subspan(2));
    const auto table = window_table(window);
    const std::int64_t plane = count_of(window.input), positions = window.positions(), taps = window.taps();
    const std::int64_t in = w.shape[1], out = w.shape[0] / group_, depth = in * taps;
    const std::vector<std::uint32_t> filters = filters_of(w, depth, w_zero);
    std::vector<std::uint32_t> columns(static_cast<std::size_t>(depth * kColumns));
    std::vector<std::uint32_t> sums(static_cast<std::size_t>(out * kColumns));
    for (std::int64_t i = 0; i < x.shape[0] * group_; ++i) {  // sample and group
      const std::int64_t first = i % group_ * out;
      for (std::int64_t p = 0; p < positions; p += kColumns) {
        const std::int64_t n = std::min(kColumns, positions - p);
        dispatch(x.dtype, ByteTypes{}, [&]<typename T>() {
          const T *from = in_data<T>(x) + i * in * plane;
          for (std::int64_t row = 0; row < depth; ++row) {
            const std::int32_t *offsets = table.data() + row % taps * positions + p;
            for (std::int64_t j = 0; j < n; ++j) {
              const std::int32_t code = offsets[j] < 0 ? x_zero : from[row / taps * plane + offsets[j]];
              columns[static_cast<std::size_t>(row * n + j)] = static_cast<std::uint32_t>(code - x_zero);
            }
          }
        });
        product(filters.data() + first * depth, columns.data(), sums.data(), out, n, depth);
        for (std::int64_t c = 0; c < out; ++c) {
          emit(first + c, (i * out + c) * positions + p, n,
               reinterpret_cast<const std::int32_t *>(sums.data()) + c * n);
        }
      }
    }
  }

 private:
  static std::vector<std::uint32_t> filters_of(const ht_tensor_view &w, std::int64_t depth,
                                               const std::vector<std::int32_t> &zero) {
    std::vector<std::uint32_t> out(static_cast<std::size_t>(count_of(w)));
    dispatch(w.dtype, ByteTypes{}, [&]<typename T>() {
      for (std::int64_t c = 0; c < w.shape[0]; ++c) {
        centered(in_data<T>(w) + c * depth, depth, zero[static_cast<std::size_t>(c)], out.data() + c * depth);
      }
    });
    return out;
  }
  WindowAttributes attributes_;
  std::int64_t group_;
};

}  // namespace halftone::reference
