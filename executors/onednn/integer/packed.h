// Weights in the order in which dot() reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dot.h"

namespace halftone::onednn {

// Panels of 8 to 64 channels, as this processor likes them, each [tap][group][channel][4 bytes].
// What fills up groups and panels is zero.
class PackedWeights {
 public:
  // `inputs` of one tap.
  PackedWeights(bool bytes, std::size_t channels, std::size_t taps, std::size_t inputs);

  bool bytes() const { return bytes_; }
  std::size_t groups() const { return groups_; }                   // of four bytes, of one tap
  std::size_t channels() const { return channels_; }               // whole blocks
  std::span<const std::size_t> panels() const { return panels_; }  // how many channels each has
  const std::uint8_t *data() const { return data_.data(); }
  std::size_t size() const { return data_.size(); }  // in bytes

  // Puts weight(channel, tap, input) everywhere; panel by panel, so that runs are written in order.
  template <typename Weight>
  void set(std::size_t channels, Weight &&weight) {
    const std::size_t each = bytes_ ? 4 : 2;
    std::uint8_t *group = data_.data();
    std::size_t first = 0;
    for (const std::size_t width : panels_) {
      const std::size_t used = channels > first ? std::min(width, channels - first) : 0;
      for (std::size_t t = 0; t < taps_; ++t) {
        for (std::size_t g = 0; g < groups_; ++g, group += 4 * width) {
          const std::size_t last = std::min(inputs_, (g + 1) * each);
          for (std::size_t i = g * each; i < last; ++i) {
            for (std::size_t c = 0; c < used; ++c) put(group, c * each + i % each, weight(first + c, t, i));
          }
        }
      }
      first += width;
    }
  }

 private:
  template <typename Number>
  void put(std::uint8_t *group, std::size_t at, Number weight) const {
    if (bytes_) {
      reinterpret_cast<std::int8_t *>(group)[at] = static_cast<std::int8_t>(weight);
    } else {
      reinterpret_cast<std::int16_t *>(group)[at] = static_cast<std::int16_t>(weight);
    }
  }

  bool bytes_;
  std::size_t taps_, inputs_, groups_, channels_ = 0;
  std::vector<std::size_t> panels_;
  std::vector<std::uint8_t> data_;
};

}  // namespace halftone::onednn
