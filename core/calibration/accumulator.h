// One-pass statistics of one tensor over many samples, exactly mergeable.
//
// The histogram is log-linear: each power-of-two octave of |x| is cut into equal bins whose width is a power of two.
// The four octaves up to that of the largest |x| have 2048 bins each, the next twelve 256 each, what is smaller is
// counted as tiny. When a larger value arrives the octaves move down and neighbouring bins merge, exactly; so the final
// counts depend on the data alone, not on order, threads or shards. At least 2048 bins lie over the used range, and
// whatever an outlier does to it, values down to a 32,768th of the largest have bins no wider than a 256th of
// themselves. docs/decisions/0001-log-linear-histogram.md has the reasoning.
//
// An accumulator holds 45 KB of counts, 90 KB when values of both signs occur, and 2.5 times that beyond 2^31 elements.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/calibration/fixed128.h"
#include "halftone/tensor.h"

namespace halftone::calibration {

// What is collected beside minimum, maximum, count and zero count.
struct Request {
  bool histogram = false;
  bool channel_range = false;    // per-channel minimum and maximum
  bool channel_moments = false;  // per-channel sum and sum of squares
  std::uint32_t channel_axis = 1;
  friend bool operator==(const Request &, const Request &) = default;
};
// Memory of the counts of one histogram when values of both signs occur; `wide`: of more than kNarrowElements elements.
inline constexpr std::uint64_t kNarrowElements = 0x7FFFFFFF;
std::size_t histogram_bytes(bool wide);
Request unite(const Request &a, const Request &b);  // throws InvalidArgument when both want channels of different axes

// Ascending bins of the signed axis, from the first that holds something to the last; empty when no value but 0 was
// seen. Bin i lies between edges[i] and edges[i+1]; the edge nearer to 0 belongs to it, the other one to its neighbour.
// Exact zeros are counted apart: the counts and zeros() add up to count(). Tiny values of either sign sit in the two
// bins that touch 0. Edges are exact.
struct Histogram {
  std::vector<double> edges;
  std::vector<std::uint64_t> counts;
};

class Octaves;

class Accumulator {
 public:
  Accumulator() = default;
  explicit Accumulator(const Request &request) : request_(request) {}

  // Adds one sample's tensor: float32, plain (dense or strided) or blocked layout; padding never counts. Returns false,
  // and leaves the accumulator unspecified, when a value is NaN or infinite. An empty tensor adds nothing. Throws
  // InvalidArgument for another type, for a tensor without the channel axis, or when the number of channels differs
  // from the samples before; ResourceExhausted when a channel's sum leaves the range of Fixed128 (then it is
  // unspecified too). Dense tensors are swept in place; other strides, and channels along another axis than the blocked
  // one, are first copied into row-major order.
  [[nodiscard]] bool observe(const ht_tensor_view &tensor);
  // Throws InvalidArgument when the requests or the numbers of channels differ.
  void merge(const Accumulator &other);
  const Request &request() const noexcept { return request_; }

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t zeros() const noexcept { return zeros_; }
  float minimum() const noexcept { return minimum_; }  // 0 when nothing was seen; never -0
  float maximum() const noexcept { return maximum_; }
  Histogram histogram() const;  // empty unless requested
  std::span<const float> channel_minimum() const noexcept { return channel_minimum_; }
  std::span<const float> channel_maximum() const noexcept { return channel_maximum_; }
  // Each sample's sum is taken in double in an order that its layout does not change, then added exactly.
  std::span<const Fixed128> channel_sum() const noexcept { return channel_sum_; }
  std::span<const Fixed128> channel_square_sum() const noexcept { return channel_square_sum_; }
  std::uint64_t channel_count() const noexcept;  // elements that went into each channel; 0 unless requested
  std::size_t bytes() const noexcept;            // memory held

  // A canonical byte form: equal statistics give equal bytes. Versioned. deserialize throws DataLoss for bytes that are
  // truncated, damaged or inconsistent, and FailedPrecondition for a version it does not know.
  std::string serialize() const;
  static Accumulator deserialize(std::string_view bytes);
  friend bool operator==(const Accumulator &, const Accumulator &);

 private:
  friend class AccumulatorReader;  // accumulator_bytes.cpp

  bool sweep(const float *values, std::size_t count);
  void take_channels(const class TensorLayout &layout);
  void resize_channels(std::size_t channels);
  Octaves &octaves_for_writing();

  Request request_;
  std::uint64_t count_ = 0, zeros_ = 0;
  float minimum_ = 0, maximum_ = 0;
  std::shared_ptr<Octaves> octaves_;  // null before the first value that is not 0; copied when shared and written
  std::vector<float> channel_minimum_, channel_maximum_;
  std::vector<Fixed128> channel_sum_, channel_square_sum_;
};

}  // namespace halftone::calibration
