// Whole tensors: which entry of the quantizer applies to which run of contiguous elements.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/quant/arithmetic.h"
#include "core/quant/float8.h"
#include "core/quant/kernels.h"

namespace halftone::quant {
namespace {

// The tensor as outer x extent x inner around the axis; for a per-tensor quantizer 1 x 1 x everything.
struct Layout {
  std::uint64_t outer = 1, extent = 1, inner = 1;
  std::uint64_t elements() const { return outer * extent * inner; }
};

void multiply(std::uint64_t &product, std::uint64_t extent) {
  if (__builtin_mul_overflow(product, extent, &product)) fail(Status::kInvalidArgument, "the shape is too large");
}

std::uint64_t ceil_divide(std::uint64_t a, std::uint64_t b) {
  return (a + b - 1) / b;
}

Layout lay_out(std::span<const std::int64_t> shape, std::uint32_t granularity, std::int32_t axis) {
  Layout layout;
  if (granularity == HT_PER_TENSOR) {
    axis = -1;
  } else if (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()) {
    fail(Status::kInvalidArgument, "axis {} is out of range for a tensor of rank {}", axis, shape.size());
  }
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0) fail(Status::kInvalidArgument, "extent {} of axis {} is negative", shape[i], i);
    const auto extent = static_cast<std::uint64_t>(shape[i]);
    if (static_cast<std::int64_t>(i) < axis) {
      multiply(layout.outer, extent);
    } else if (static_cast<std::int64_t>(i) == axis) {
      layout.extent = extent;
    } else {
      multiply(layout.inner, extent);
    }
  }
  std::uint64_t elements = layout.outer;
  multiply(elements, layout.extent);
  multiply(elements, layout.inner);
  return layout;
}

std::uint64_t entries_of(const Layout &layout, std::uint32_t granularity, std::int32_t block_size) {
  if (granularity == HT_PER_TENSOR) return 1;
  if (granularity == HT_PER_CHANNEL) return layout.extent;
  if (granularity != HT_PER_BLOCK) fail(Status::kInvalidArgument, "unknown granularity code {}", granularity);
  if (block_size < 1) fail(Status::kInvalidArgument, "block size {}; it must be positive", block_size);
  return layout.outer * ceil_divide(layout.extent, static_cast<std::uint64_t>(block_size)) * layout.inner;
}

Layout check(std::size_t in, std::size_t out, std::span<const std::int64_t> shape, const ht_quantizer &q) {
  if (q.kind < HT_QUANT_INTEGER || q.kind > HT_QUANT_F8E5M2) {
    fail(Status::kInvalidArgument, "unknown kind code {}", q.kind);
  }
  if (q.rounding < HT_ROUND_HALF_EVEN || q.rounding > HT_ROUND_DOWN) {
    fail(Status::kInvalidArgument, "unknown rounding code {}", q.rounding);
  }
  const Layout layout = lay_out(shape, q.granularity, q.axis);
  if (in != layout.elements() || out != layout.elements()) {
    fail(Status::kInvalidArgument, "the shape has {} elements; {} were given and there is room for {}",
         layout.elements(), in, out);
  }
  const std::uint64_t wanted = entries_of(layout, q.granularity, q.block_size);
  const std::uint64_t given = q.scales == nullptr ? 0 : q.count;
  if (given != wanted) {
    fail(Status::kInvalidArgument, "the quantizer has {} scales; this tensor needs {}", given, wanted);
  }
  const bool integer = q.kind == HT_QUANT_INTEGER;
  if (integer && wanted > 0 && q.zero_points == nullptr)
    fail(Status::kInvalidArgument, "the quantizer has no zero points");
  for (std::uint64_t i = 0; i < given; ++i) {
    if (!(q.scales[i] > 0) || std::isinf(q.scales[i])) {
      fail(Status::kInvalidArgument, "scale {} of entry {} is not finite and positive", q.scales[i], i);
    }
    if (integer && (q.zero_points[i] < q.quant_min || q.zero_points[i] > q.quant_max)) {
      fail(Status::kInvalidArgument, "zero point {} of entry {} is outside the range [{}, {}]", q.zero_points[i], i,
           q.quant_min, q.quant_max);
    }
  }
  return layout;
}

Entries entry(const ht_quantizer &q, std::uint64_t index, bool varying = false) {
  return {q.scales + index, q.zero_points == nullptr ? nullptr : q.zero_points + index, varying};
}

// Calls run(offset, count, entries) for every run. Runs are as long as the layout lets them be.
template <class Run>
void per_channel(const Layout &layout, const ht_quantizer &q, const Run &run) {
  constexpr std::uint64_t kShort = 32;  // below this a run of one channel is dominated by its overhead
  const std::uint64_t row = layout.extent * layout.inner;
  if (layout.inner >= kShort || layout.extent == 1) {
    for (std::uint64_t i = 0; i < layout.outer * layout.extent; ++i) {
      run(i * layout.inner, layout.inner, entry(q, i % layout.extent));
    }
    return;
  }
  if (layout.inner == 1) {
    for (std::uint64_t o = 0; o < layout.outer; ++o) run(o * row, row, entry(q, 0, true));
    return;
  }
  // Entries repeated for each element of some channels, and that pattern applied to every outer index.
  const std::uint64_t step = std::max<std::uint64_t>(1, 4096 / layout.inner);
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  for (std::uint64_t first = 0; first < layout.extent; first += step) {
    const std::uint64_t channels = std::min(step, layout.extent - first);
    const std::uint64_t count = channels * layout.inner;
    scales.resize(count);
    zero_points.resize(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      scales[i] = q.scales[first + i / layout.inner];
      zero_points[i] = q.zero_points == nullptr ? 0 : q.zero_points[first + i / layout.inner];
    }
    const Entries repeated{scales.data(), zero_points.data(), true};
    for (std::uint64_t o = 0; o < layout.outer; ++o) run(o * row + first * layout.inner, count, repeated);
  }
}

template <class Run>
void per_block(const Layout &layout, const ht_quantizer &q, const Run &run) {
  const auto size = static_cast<std::uint64_t>(q.block_size);
  const std::uint64_t groups = ceil_divide(layout.extent, size);
  for (std::uint64_t o = 0; o < layout.outer; ++o) {
    for (std::uint64_t g = 0; g < groups; ++g) {
      const std::uint64_t first = g * size;
      const std::uint64_t rows = std::min(size, layout.extent - first);
      const std::uint64_t offset = (o * layout.extent + first) * layout.inner;
      if (layout.inner == 1) {
        run(offset, rows, entry(q, o * groups + g));
        continue;
      }
      const Entries across = entry(q, (o * groups + g) * layout.inner, true);
      for (std::uint64_t r = 0; r < rows; ++r) run(offset + r * layout.inner, layout.inner, across);
    }
  }
}

template <class Run>
void for_each_run(const Layout &layout, const ht_quantizer &q, const Run &run) {
  if (layout.elements() == 0) return;
  if (q.granularity == HT_PER_CHANNEL) return per_channel(layout, q, run);
  if (q.granularity == HT_PER_BLOCK) return per_block(layout, q, run);
  run(std::uint64_t{0}, layout.inner, entry(q, 0));
}

// One element after the other, for what has no vector code.
template <class In, class Out, class One>
void run_plain(const In *in, Out *out, std::uint64_t count, const Entries &entries, const ht_quantizer &q,
               const One &one) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t k = entries.varying ? i : 0;
    out[i] = one(in[i], entries.scales[k], entries.zero_points == nullptr ? 0 : entries.zero_points[k], q);
  }
}

}  // namespace

std::uint64_t entry_count(std::span<const std::int64_t> shape, std::uint32_t granularity, std::int32_t axis,
                          std::int32_t block_size) {
  return entries_of(lay_out(shape, granularity, axis), granularity, block_size);
}

void fake_quantize(std::span<const float> in, std::span<float> out, std::span<const std::int64_t> shape,
                   const ht_quantizer &quantizer) {
  const Layout layout = check(in.size(), out.size(), shape, quantizer);
  const bool vector = is_float8(quantizer.kind) || fits_float32(quantizer);
  for_each_run(layout, quantizer, [&](std::uint64_t offset, std::uint64_t count, const Entries &entries) {
    if (vector) {
      fake_quantize_run(in.data() + offset, out.data() + offset, count, entries, quantizer);
    } else {
      run_plain(in.data() + offset, out.data() + offset, count, entries, quantizer, fake_quantize_one);
    }
  });
}

void quantize(std::span<const float> in, std::span<std::int32_t> out, std::span<const std::int64_t> shape,
              const ht_quantizer &quantizer) {
  const Layout layout = check(in.size(), out.size(), shape, quantizer);
  const bool vector = !is_float8(quantizer.kind) && fits_float32(quantizer);
  for_each_run(layout, quantizer, [&](std::uint64_t offset, std::uint64_t count, const Entries &entries) {
    if (vector) {
      quantize_run(in.data() + offset, out.data() + offset, count, entries, quantizer);
    } else {
      run_plain(in.data() + offset, out.data() + offset, count, entries, quantizer, quantize_one);
    }
  });
}

void dequantize(std::span<const std::int32_t> in, std::span<float> out, std::span<const std::int64_t> shape,
                const ht_quantizer &quantizer) {
  const Layout layout = check(in.size(), out.size(), shape, quantizer);
  for_each_run(layout, quantizer, [&](std::uint64_t offset, std::uint64_t count, const Entries &entries) {
    run_plain(in.data() + offset, out.data() + offset, count, entries, quantizer, dequantize_one);
  });
}

}  // namespace halftone::quant
