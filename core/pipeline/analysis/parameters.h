// What quantization does to the parameters, without any data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/host/context.h"

namespace halftone::pipeline {

struct Parameter {
  model::Handle config = HT_NONE;
  std::string node, type, value;
  std::uint32_t slot = 0;
  bool per_tensor = true;
  std::uint32_t bits = 0;
  double minimum = 0, maximum = 0, mean = 0, deviation = 0;
  std::optional<double>
      spread;                   // largest by smallest magnitude of a channel that is not all zero; of two axes and more
  double noise_to_signal = 0;   // of the quantized parameter
  std::uint64_t saturated = 0;  // elements beyond the codes by more than half a step
};

// Of every slot that reads a quantized initializer, in the order of the configs.
std::vector<Parameter> analyze_parameters(const host::WorkingModel &working);

}  // namespace halftone::pipeline
