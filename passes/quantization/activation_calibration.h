// Scales of activations from the calibration data, for the passes that find them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quantization_points.h"

namespace halftone::passes {

// An observer that the user names, with parameters as NAME=VALUE. Without a name each config keeps its own observer.
class ObserverChoice {
 public:
  ObserverChoice() = default;
  // Reads the parameters `observer` and `observer_parameters`. Throws InvalidArgument for one that is no NAME=VALUE,
  // and for parameters without an observer.
  explicit ObserverChoice(const sdk::Args &args);
  static void declare(sdk::Params &params, const char *whose);

  // For the calibration service; null when configs keep theirs. Parameters, if any, are set on the configs, which then
  // have that observer as their own. Lives as long as this object.
  const ht_str *prepare(const sdk::Configs &configs, const std::vector<ht_handle> &handles) const;

 private:
  std::optional<std::string> name_;
  mutable ht_str view_{};
  std::vector<std::pair<std::string, std::string>> parameters_;
};

struct CalibrationOptions {
  std::uint64_t group = 0;
  bool quantized_weights = false;
};

// What a config reads from the data; HT_NONE for an empty slot or a stored tensor.
ht_handle data_value(const QuantizationPoints &points, const ht_config_info &info);

// Goes over the data and sets the scales of the configs, which are in the initial state. Those of which no sample
// produced an element are left in float; returns how many.
std::size_t calibrate_activations(const sdk::Context &ctx, const QuantizationPoints &points,
                                  const std::vector<ht_handle> &configs, const ObserverChoice &observer,
                                  const CalibrationOptions &options);

}  // namespace halftone::passes
