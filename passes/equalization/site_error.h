// The error that quantization will make at a site of channels, estimated before configs exist.
#pragma once

#include <optional>

#include "channel_classes.h"
#include "channel_sample.h"
#include "expected_grid.h"

namespace halftone::passes {

// What a layer will be quantized on, and what samples showed of its input before anything was scaled.
struct LayerView {
  ExpectedGrid input, weight;
  const ChannelSample *seen = nullptr;
};

class SiteError {
 public:
  // One view for each layer of `classes`.
  SiteError(const ChannelClasses &classes, std::vector<LayerView> views)
      : classes_(classes),
        views_(std::move(views)),
        made_{std::vector<double>(classes.class_count()), std::vector<double>(classes.class_count())} {}

  // False where nothing of the site is quantized, or samples did not show what is needed.
  bool knows(const ChannelSite &site) const;
  // Sum over the layers that read the site of the squared error of their outputs relative to the square of the outputs,
  // when the site is multiplied by `factors`, a number for each class, on top of what was done to the layers in memory.
  // `total` has all factors of each class that the layers in memory have.
  double of(const ChannelSite &site, std::span<const double> total, std::span<const double> factors);

 private:
  struct Noise {
    std::vector<double> mean, variance;  // of each class
  };
  void measure_made(const ChannelSite &site, std::span<const double> total, std::span<const double> factors);
  double read_error(std::size_t layer, std::span<const double> total, std::span<const double> factors) const;

  const ChannelClasses &classes_;
  std::vector<LayerView> views_;
  Noise made_;  // of the classes of the site that is looked at; what others left there does not count
};

}  // namespace halftone::passes
