// Runs a kernel over the blocks of sixteen of grouped data, and keeps the order of sums that partial_sums.h promises.
//
// A kernel has the number of its inputs and outputs, kIn and kOut, and computes one block:
//   template <bool kVarying> void operator()(Line<kVarying> line, const Data<Kernel> &data) const
// Outputs may be null; with kAdds they may be read first. Sums are sixteen each, or null.
#if defined(HALFTONE_TRAINER_BLOCKS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFTONE_TRAINER_BLOCKS_INL_H_
#undef HALFTONE_TRAINER_BLOCKS_INL_H_
#else
#define HALFTONE_TRAINER_BLOCKS_INL_H_
#endif

#include <algorithm>

#include "partial_sums.h"
#include "rounders-inl.h"
#include "step_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace halftone::trainer::HWY_NAMESPACE {

// What a block is rounded with: one scale and zero point, or one for each of its elements.
template <bool kVarying>
struct Line {
  const float *scales, *zeros;
  HWY_INLINE Floats scale(std::size_t i) const { return at(scales, i); }
  HWY_INLINE Floats zero(std::size_t i) const { return at(zeros, i); }
  HWY_INLINE Line moved(std::size_t by) const { return kVarying ? Line{scales + by, zeros + by} : *this; }

 private:
  static HWY_INLINE Floats at(const float *values, std::size_t i) {
    const FloatTag d;
    if constexpr (kVarying) return hn::LoadU(d, values + i);
    return hn::Set(d, *values);
  }
};

template <class Kernel>
struct Data {
  const float *in[Kernel::kIn];
  float *out[Kernel::kOut];
  double *scale_sums = nullptr, *offset_sums = nullptr;
  std::size_t at = 0;  // place of the first element in all the data

  HWY_INLINE Data moved(std::size_t by) const {
    Data d = *this;
    d.at += by;
    for (const float *&p : d.in) p += by;
    for (float *&p : d.out) p = p == nullptr ? nullptr : p + by;
    return d;
  }
};

// Fewer than sixteen elements go through buffers that are padded with zeros: they meet the same instructions.
template <bool kVarying, class Kernel>
void run_tail(const Kernel &kernel, Line<kVarying> line, const Data<Kernel> &data, std::size_t count) {
  float in[Kernel::kIn][kBlock] = {}, out[Kernel::kOut][kBlock] = {};
  Data<Kernel> padded = data;
  for (std::size_t n = 0; n < Kernel::kIn; ++n) {
    std::copy_n(data.in[n], count, in[n]);
    padded.in[n] = in[n];
  }
  for (std::size_t n = 0; n < Kernel::kOut; ++n) {
    if (data.out[n] == nullptr) continue;
    if (Kernel::kAdds) std::copy_n(data.out[n], count, out[n]);
    padded.out[n] = out[n];
  }
  kernel(line, padded);
  for (std::size_t n = 0; n < Kernel::kOut; ++n) {
    if (data.out[n] != nullptr) std::copy_n(out[n], count, data.out[n]);
  }
}

// `count` elements in blocks; sums of an element are at its place in the run or, with one scale for all, in its block.
template <bool kVarying, class Kernel>
void run_blocks(const Kernel &kernel, Line<kVarying> line, const Data<Kernel> &data, std::size_t count) {
  const auto sums_at = [](double *sums, std::size_t i) {
    return sums == nullptr ? nullptr : sums + (kVarying ? i : 0);
  };
  const auto at = [&](std::size_t i) {
    Data<Kernel> here = data.moved(i);
    here.scale_sums = sums_at(data.scale_sums, i);
    here.offset_sums = sums_at(data.offset_sums, i);
    return here;
  };
  std::size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    kernel(line.moved(i), at(i));
  }
  if (i < count) run_tail(kernel, line.moved(i), at(i), count - i);
}

// `data` without sums: those are taken from the two arguments, which may be null.
template <class Kernel>
void over_groups(const Kernel &kernel, const StepGrid &grid, Grouping g, const Data<Kernel> &data,
                 PartialSums *scale_sums, PartialSums *offset_sums) {
  if (is_by_row(g)) {
    const std::vector<float> scales = by_place(grid.scales, g, 1.0F), zeros = by_place(grid.zeros, g, 0.0F);
    const std::size_t row = g.groups * g.inner;
    for (std::size_t o = 0; o < g.outer; ++o) {
      Data<Kernel> here = data.moved(o * row);
      here.scale_sums = scale_sums == nullptr ? nullptr : scale_sums->data();
      here.offset_sums = offset_sums == nullptr ? nullptr : offset_sums->data();
      run_blocks(kernel, Line<true>{scales.data(), zeros.data()}, here, row);
    }
    return;
  }
  for (std::size_t run = 0; run < g.outer * g.groups; ++run) {
    const std::size_t group = run % g.groups;
    Data<Kernel> here = data.moved(run * g.inner);
    here.scale_sums = scale_sums == nullptr ? nullptr : scale_sums->of_group(group);
    here.offset_sums = offset_sums == nullptr ? nullptr : offset_sums->of_group(group);
    run_blocks(kernel, Line<false>{grid.scales + group, grid.zeros + group}, here, g.inner);
  }
}

HWY_INLINE void add_block(double *sums, const float *terms) {
  if (sums == nullptr) return;
  for (std::size_t k = 0; k < kBlock; ++k) sums[k] += static_cast<double>(terms[k]);
}

}  // namespace halftone::trainer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
