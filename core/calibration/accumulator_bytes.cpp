// The byte form of an accumulator. Little endian, counts as varints (7 bits a byte, least significant first):
//
//   "HTAC", version, flags (1 histogram, 2 channel range, 4 channel moments), channel axis, count, zeros,
//   minimum and maximum as 4 bytes each,
//   for each sign, positive first: number of non-empty bins, then for each the gap to the bin before and its count,
//   number of channels, then for each what was asked for: minimum, maximum (4 bytes each), sum, square sum (16 each),
//   XXH3-64 of everything before (8 bytes).
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>

#include <xxhash.h>

#include "core/base/error.h"
#include "core/calibration/accumulator.h"
#include "core/calibration/octaves.h"

namespace halftone::calibration {
namespace {

constexpr std::string_view kMagic = "HTAC";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kDigestBytes = 8;

class Writer {
 public:
  void varint(std::uint64_t x) {
    for (; x >= 0x80; x >>= 7) bytes.push_back(static_cast<char>(x | 0x80));
    bytes.push_back(static_cast<char>(x));
  }
  void fixed(std::uint64_t x, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(x >> (8 * i)));
  }
  void real(float x) { fixed(std::bit_cast<std::uint32_t>(x), 4); }
  void sum(const Fixed128 &x) {
    fixed(static_cast<std::uint64_t>(x.value), 8);
    fixed(static_cast<std::uint64_t>(x.value >> 64), 8);
  }
  std::string bytes;
};

[[noreturn]] void fail_damaged(const char *what) {
  fail(Status::kDataLoss, "stored statistics are damaged: {}; collect them again", what);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t fixed(int size) {
    if (rest_.size() < static_cast<std::size_t>(size)) fail_damaged("they end early");
    std::uint64_t x = 0;
    for (int i = 0; i < size; ++i) x |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return x;
  }
  std::uint64_t varint() {
    std::uint64_t x = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = fixed(1);
      x |= (byte & 0x7F) << shift;
      if (byte < 0x80) return x;
    }
    fail_damaged("a number is too long");
  }
  float real() { return std::bit_cast<float>(static_cast<std::uint32_t>(fixed(4))); }
  Fixed128 sum() {
    const std::uint64_t low = fixed(8);
    return {static_cast<Int128>(static_cast<std::int64_t>(fixed(8))) * (Int128{1} << 64) + low};
  }
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

void write_half(Writer &out, const Octaves *octaves, bool negative) {
  std::uint64_t filled = 0;
  for (std::uint32_t bin = 0; octaves != nullptr && bin < Octaves::kBins; ++bin) {
    filled += octaves->at(negative, bin) != 0 ? 1 : 0;
  }
  out.varint(filled);
  std::uint32_t next = 0;
  for (std::uint32_t bin = 0; filled > 0 && bin < Octaves::kBins; ++bin) {
    const std::uint64_t count = octaves->at(negative, bin);
    if (count == 0) continue;
    out.varint(bin - next);
    out.varint(count);
    next = bin + 1;
  }
}

}  // namespace

std::string Accumulator::serialize() const {
  Writer out;
  out.bytes = kMagic;
  out.varint(kVersion);
  out.varint((request_.histogram ? 1U : 0U) | (request_.channel_range ? 2U : 0U) |
             (request_.channel_moments ? 4U : 0U));
  out.varint(request_.channel_axis);
  out.varint(count_);
  out.varint(zeros_);
  out.real(minimum_);
  out.real(maximum_);
  write_half(out, octaves_.get(), false);
  write_half(out, octaves_.get(), true);
  const std::size_t channels = std::max(channel_minimum_.size(), channel_sum_.size());
  out.varint(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    if (request_.channel_range) {
      out.real(channel_minimum_[c]);
      out.real(channel_maximum_[c]);
    }
    if (request_.channel_moments) {
      out.sum(channel_sum_[c]);
      out.sum(channel_square_sum_[c]);
    }
  }
  out.fixed(XXH3_64bits(out.bytes.data(), out.bytes.size()), kDigestBytes);
  return std::move(out.bytes);
}

// Reads the fields and checks that they can belong together, so that nothing the accumulator relies on is taken on
// trust.
class AccumulatorReader {
 public:
  explicit AccumulatorReader(std::string_view bytes) : in_(bytes) {}

  Accumulator run() {
    read_head();
    uncounted_ = a_.count_ - a_.zeros_;
    read_half(false);
    read_half(true);
    if (a_.request_.histogram && uncounted_ != 0) fail_damaged("the histogram does not add up to the count");
    check_ends();
    read_channels();
    if (in_.left() != 0) fail_damaged("something follows the end");
    return std::move(a_);
  }

 private:
  void read_head() {
    const std::uint64_t flags = in_.varint();
    if (flags > 7) fail_damaged("unknown flags");
    a_.request_.histogram = (flags & 1U) != 0;
    a_.request_.channel_range = (flags & 2U) != 0;
    a_.request_.channel_moments = (flags & 4U) != 0;
    const std::uint64_t axis = in_.varint();
    if (axis > UINT32_MAX) fail_damaged("an impossible channel axis");
    a_.request_.channel_axis = static_cast<std::uint32_t>(axis);
    a_.count_ = in_.varint();
    a_.zeros_ = in_.varint();
    a_.minimum_ = in_.real();
    a_.maximum_ = in_.real();
    check_range(a_.minimum_, a_.maximum_);
    const bool only_zeros = a_.minimum_ == 0 && a_.maximum_ == 0;
    if (a_.zeros_ > a_.count_ || only_zeros != (a_.zeros_ == a_.count_)) fail_damaged("an impossible number of zeros");
    if (a_.request_.histogram && !only_zeros) {
      const float largest = std::max(-a_.minimum_, a_.maximum_);
      a_.octaves_for_writing().raise(static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(largest) >> 23));
    }
  }

  static void check_range(float minimum, float maximum) {
    const bool good = std::isfinite(minimum) && std::isfinite(maximum) && minimum <= maximum;
    if (!good || std::signbit(minimum) != (minimum < 0) || std::signbit(maximum) != (maximum < 0)) {
      fail_damaged("an impossible range");
    }
  }

  void read_half(bool negative) {
    const std::uint64_t filled = in_.varint();
    if (filled > (a_.octaves_ == nullptr ? 0 : Octaves::kBins)) fail_damaged("too many bins");
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < filled; ++i) {
      const std::uint64_t gap = in_.varint(), count = in_.varint();
      if (gap >= Octaves::kBins - next) fail_damaged("a bin outside the histogram");
      const auto bin = static_cast<std::uint32_t>(next + gap);
      const Octaves::Interval interval = a_.octaves_->interval(bin);
      if (count == 0 || count > uncounted_ || interval.first == interval.end) fail_damaged("an impossible bin");
      uncounted_ -= count;
      a_.octaves_->put(negative, bin, count);
      last_[negative ? 1 : 0] = bin;
      next = bin + 1U;
    }
    any_[negative ? 1 : 0] = filled > 0;
  }

  // The outermost bins are those of the extremes.
  void check_ends() const {
    if (a_.octaves_ == nullptr) return;
    const float ends[] = {a_.maximum_, -a_.minimum_};
    for (int side = 0; side < 2; ++side) {
      const bool some = ends[side] > 0;
      if (some != any_[side] ||
          (some && a_.octaves_->bin_of(std::bit_cast<std::uint32_t>(ends[side])) != last_[side])) {
        fail_damaged("the histogram does not end where the values do");
      }
    }
  }

  void read_channels() {
    const bool range = a_.request_.channel_range, moments = a_.request_.channel_moments;
    const std::uint64_t channels = in_.varint();
    const std::size_t each = (range ? 8U : 0U) + (moments ? 32U : 0U);
    if (each == 0 || a_.count_ == 0) {
      if (channels != 0) fail_damaged("channels that nobody asked for");
      return;
    }
    if (channels == 0 || channels != in_.left() / each || a_.count_ % channels != 0) {
      fail_damaged("an impossible number of channels");
    }
    float low = INFINITY, high = -INFINITY;
    for (std::uint64_t c = 0; c < channels; ++c) {
      if (range) {
        a_.channel_minimum_.push_back(in_.real());
        a_.channel_maximum_.push_back(in_.real());
        check_range(a_.channel_minimum_.back(), a_.channel_maximum_.back());
        low = std::min(low, a_.channel_minimum_.back());
        high = std::max(high, a_.channel_maximum_.back());
      }
      if (moments) {
        a_.channel_sum_.push_back(in_.sum());
        a_.channel_square_sum_.push_back(in_.sum());
        if (a_.channel_square_sum_.back().value < 0) fail_damaged("a negative sum of squares");
      }
    }
    if (range && (low != a_.minimum_ || high != a_.maximum_)) fail_damaged("channel ranges that miss the extremes");
  }

  Reader in_;
  Accumulator a_;
  std::uint64_t uncounted_ = 0;  // values that no bin has accounted for yet
  std::uint32_t last_[2] = {0, 0};
  bool any_[2] = {false, false};
};

Accumulator Accumulator::deserialize(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) fail(Status::kDataLoss, "these are not stored statistics");
  if (bytes.size() < kMagic.size() + 1 + kDigestBytes) fail_damaged("they end early");
  // A later version may keep its digest elsewhere, so that the version comes first.
  const std::uint64_t version = Reader(bytes.substr(kMagic.size())).varint();
  if (version != kVersion) {
    fail(Status::kFailedPrecondition, "stored statistics of version {}; this program reads version {}", version,
         kVersion);
  }
  const std::string_view body = bytes.substr(0, bytes.size() - kDigestBytes);
  if (Reader(bytes.substr(body.size())).fixed(kDigestBytes) != XXH3_64bits(body.data(), body.size())) {
    fail_damaged("the checksum is wrong");
  }
  Accumulator result = AccumulatorReader(body.substr(kMagic.size() + 1)).run();
  if (result.serialize() != bytes) fail_damaged("they are not in canonical form");
  return result;
}

}  // namespace halftone::calibration
