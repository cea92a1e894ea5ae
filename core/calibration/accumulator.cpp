#include "core/calibration/accumulator.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/calibration/accumulator_layout.h"
#include "core/calibration/octaves.h"
#include "core/calibration/sweep.h"

namespace halftone::calibration {
namespace {

constexpr std::size_t kRunOfValues = 8192;

bool wants_channels(const Request &request) {
  return request.channel_range || request.channel_moments;
}

// -0 would make the extremes depend on the order of zeros.
float without_sign_of_zero(float x) {
  return x + 0.0F;
}

// The first bin that holds something and the one after the last; both 0 when there is none.
std::pair<std::uint32_t, std::uint32_t> filled(const Octaves::Half &counts) {
  auto end = static_cast<std::uint32_t>(counts.size());
  while (end > 0 && counts[end - 1] == 0) --end;
  std::uint32_t first = 0;
  while (first < end && counts[first] == 0) ++first;
  return {first, end};
}

// The float with these bits, or 2^128 where infinity's stand for the end of the last octave.
double edge(std::uint32_t bits) {
  return bits == 0x7F800000U ? 0x1p128 : static_cast<double>(std::bit_cast<float>(bits));
}

}  // namespace

static_assert(kNarrowElements == Octaves::kNarrowValues);

std::size_t histogram_bytes(bool wide) {
  const std::size_t lower = sizeof(std::uint16_t), upper = wide ? sizeof(std::uint64_t) : sizeof(std::uint16_t);
  return 2 * std::size_t{Octaves::kBins} * (lower + upper);
}

Request unite(const Request &a, const Request &b) {
  if (wants_channels(a) && wants_channels(b) && a.channel_axis != b.channel_axis) {
    fail(Status::kInvalidArgument,
         "channel statistics are wanted along axis {} and along axis {}; one axis is possible", a.channel_axis,
         b.channel_axis);
  }
  Request both;
  both.histogram = a.histogram || b.histogram;
  both.channel_range = a.channel_range || b.channel_range;
  both.channel_moments = a.channel_moments || b.channel_moments;
  if (wants_channels(a)) both.channel_axis = a.channel_axis;
  if (wants_channels(b)) both.channel_axis = b.channel_axis;
  return both;
}

Octaves &Accumulator::octaves_for_writing() {
  if (octaves_ == nullptr) {
    octaves_ = std::make_shared<Octaves>();
  } else if (octaves_.use_count() > 1) {
    octaves_ = std::make_shared<Octaves>(*octaves_);
  } else {
    // A copy on another thread may have let go just now; what it read comes before what is written here.
    std::atomic_thread_fence(std::memory_order_acquire);
  }
  return *octaves_;
}

bool Accumulator::sweep(const float *values, std::size_t count) {
  for (std::size_t i = 0; i < count; i += kRunOfValues) {
    const std::size_t chunk = std::min(kRunOfValues, count - i);
    // Until there are octaves, they are made only for what is not all zeros.
    const bool known = octaves_ != nullptr;
    const Extent extent = known ? octaves_for_writing().count(values + i, chunk) : scan(values + i, chunk);
    if (!extent.finite()) return false;
    const bool first = count_ == 0;
    minimum_ = without_sign_of_zero(first ? extent.minimum : std::min(minimum_, extent.minimum));
    maximum_ = without_sign_of_zero(first ? extent.maximum : std::max(maximum_, extent.maximum));
    count_ += chunk;
    zeros_ += extent.zeros;
    if (request_.histogram && !known && extent.zeros < chunk) octaves_for_writing().count(values + i, chunk);
  }
  return true;
}

bool Accumulator::observe(const ht_tensor_view &tensor) {
  const bool by_channel = wants_channels(request_);
  const TensorLayout layout(tensor, by_channel, request_.channel_axis);
  if (layout.elements() == 0) return true;
  if (by_channel) resize_channels(layout.channels);
  if (!layout.for_each_stretch([this](const float *values, std::size_t count) { return sweep(values, count); })) {
    return false;
  }
  if (by_channel) take_channels(layout);
  return true;
}

void Accumulator::resize_channels(std::size_t channels) {
  const std::size_t known = std::max(channel_minimum_.size(), channel_sum_.size());
  if (known != 0 && known != channels) {
    fail(Status::kInvalidArgument, "{} channels along axis {}; the samples before had {}", channels,
         request_.channel_axis, known);
  }
  if (request_.channel_range) {
    channel_minimum_.resize(channels, std::numeric_limits<float>::infinity());
    channel_maximum_.resize(channels, -std::numeric_limits<float>::infinity());
  }
  if (request_.channel_moments) {
    channel_sum_.resize(channels);
    channel_square_sum_.resize(channels);
  }
}

namespace {

void take_range(const TensorLayout &t, float *minimum, float *maximum) {
  if (t.block != 0) {
    for (std::size_t i = 0; i < t.outer * t.blocks; ++i) {
      const std::size_t first = i % t.blocks * t.block;
      column_range(t.values + i * t.inner * t.block, t.inner, std::min(t.block, t.channels - first), t.block,
                   minimum + first, maximum + first);
    }
  } else if (t.inner == 1) {
    column_range(t.values, t.outer, t.channels, t.channels, minimum, maximum);
  } else {
    for (std::size_t i = 0; i < t.outer * t.channels; ++i) {
      const std::size_t c = i % t.channels;
      const Extent extent = scan(t.values + i * t.inner, t.inner);
      minimum[c] = std::min(minimum[c], extent.minimum);
      maximum[c] = std::max(maximum[c], extent.maximum);
    }
  }
  for (std::size_t c = 0; c < t.channels; ++c) {
    minimum[c] = without_sign_of_zero(minimum[c]);
    maximum[c] = without_sign_of_zero(maximum[c]);
  }
}

// Term o * inner + i of a channel is its element (o, i), in every layout; see kPartialSums.
void take_moments(const TensorLayout &t, double *sums, double *squares) {
  const auto phase = [&](std::size_t o) { return o * t.inner % kPartialSums; };
  if (t.block != 0) {
    for (std::size_t i = 0; i < t.outer * t.blocks; ++i) {
      const std::size_t first = i % t.blocks * t.block;
      column_moments(t.values + i * t.inner * t.block, t.inner, std::min(t.block, t.channels - first), t.block,
                     phase(i / t.blocks), sums + first, squares + first, t.channels);
    }
  } else if (t.inner == 1) {
    column_moments(t.values, t.outer, t.channels, t.channels, 0, sums, squares, t.channels);
  } else {
    for (std::size_t c = 0; c < t.channels; ++c) {
      double run_sums[kPartialSums] = {}, run_squares[kPartialSums] = {};
      for (std::size_t o = 0; o < t.outer; ++o) {
        run_moments(t.values + (o * t.channels + c) * t.inner, t.inner, phase(o), run_sums, run_squares);
      }
      for (std::size_t k = 0; k < kPartialSums; ++k) {
        sums[k * t.channels + c] = run_sums[k];
        squares[k * t.channels + c] = run_squares[k];
      }
    }
  }
}

}  // namespace

void Accumulator::take_channels(const TensorLayout &layout) {
  if (request_.channel_range) take_range(layout, channel_minimum_.data(), channel_maximum_.data());
  if (!request_.channel_moments) return;
  std::vector<double> sums(kPartialSums * layout.channels), squares(sums.size());
  take_moments(layout, sums.data(), squares.data());
  for (std::size_t c = 0; c < layout.channels; ++c) {
    channel_sum_[c].add(fold(sums.data() + c, layout.channels));
    channel_square_sum_[c].add(fold(squares.data() + c, layout.channels));
  }
}

void Accumulator::merge(const Accumulator &other) {
  if (!(request_ == other.request_)) {
    fail(Status::kInvalidArgument, "statistics that were collected for different requests cannot be merged");
  }
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  if (channel_minimum_.size() != other.channel_minimum_.size() || channel_sum_.size() != other.channel_sum_.size()) {
    fail(Status::kInvalidArgument, "statistics of {} and {} channels cannot be merged",
         std::max(channel_minimum_.size(), channel_sum_.size()),
         std::max(other.channel_minimum_.size(), other.channel_sum_.size()));
  }
  count_ += other.count_;
  zeros_ += other.zeros_;
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
  if (other.octaves_ != nullptr) {
    const std::shared_ptr<const Octaves> added = other.octaves_;  // keeps it apart when an accumulator joins itself
    octaves_for_writing().add(*added);
  }
  for (std::size_t c = 0; c < channel_minimum_.size(); ++c) {
    channel_minimum_[c] = std::min(channel_minimum_[c], other.channel_minimum_[c]);
    channel_maximum_[c] = std::max(channel_maximum_[c], other.channel_maximum_[c]);
  }
  for (std::size_t c = 0; c < channel_sum_.size(); ++c) {
    channel_sum_[c].add(other.channel_sum_[c]);
    channel_square_sum_[c].add(other.channel_square_sum_[c]);
  }
}

Histogram Accumulator::histogram() const {
  Histogram result;
  if (octaves_ == nullptr) return result;
  Octaves::Half negative, positive;
  octaves_->read(true, negative);
  octaves_->read(false, positive);
  const auto [negative_first, negative_end] = filled(negative);
  const auto [positive_first, positive_end] = filled(positive);
  // Where both signs occur, all bins between them belong to it.
  const std::uint32_t down_to = positive_end > 0 ? 0 : negative_first, up_from = negative_end > 0 ? 0 : positive_first;
  result.edges.reserve(negative_end - down_to + positive_end - up_from + 1);
  result.counts.reserve(result.edges.capacity());
  const auto add = [&](double from, double to, std::uint64_t count) {
    if (from == to) return;  // below the smallest float
    if (result.edges.empty()) result.edges.push_back(from);
    result.edges.push_back(to);
    result.counts.push_back(count);
  };
  for (std::uint32_t bin = negative_end; bin-- > down_to;) {
    const Octaves::Interval sizes = octaves_->interval(bin);
    add(-edge(sizes.end), 0.0 - edge(sizes.first), negative[bin]);  // not -0
  }
  for (std::uint32_t bin = up_from; bin < positive_end; ++bin) {
    const Octaves::Interval sizes = octaves_->interval(bin);
    add(edge(sizes.first), edge(sizes.end), positive[bin]);
  }
  return result;
}

std::uint64_t Accumulator::channel_count() const noexcept {
  const std::size_t channels = std::max(channel_minimum_.size(), channel_sum_.size());
  return channels == 0 ? 0 : count_ / channels;
}

std::size_t Accumulator::bytes() const noexcept {
  return sizeof(*this) + (octaves_ == nullptr ? 0 : sizeof(Octaves) + octaves_->bytes()) +
         (channel_minimum_.capacity() + channel_maximum_.capacity()) * sizeof(float) +
         (channel_sum_.capacity() + channel_square_sum_.capacity()) * sizeof(Fixed128);
}

bool operator==(const Accumulator &a, const Accumulator &b) {
  const bool same_octaves =
      a.octaves_ == b.octaves_ || (a.octaves_ != nullptr && b.octaves_ != nullptr && *a.octaves_ == *b.octaves_);
  return same_octaves && a.request_ == b.request_ && a.count_ == b.count_ && a.zeros_ == b.zeros_ &&
         a.minimum_ == b.minimum_ && a.maximum_ == b.maximum_ && a.channel_minimum_ == b.channel_minimum_ &&
         a.channel_maximum_ == b.channel_maximum_ && a.channel_sum_ == b.channel_sum_ &&
         a.channel_square_sum_ == b.channel_square_sum_;
}

}  // namespace halftone::calibration
