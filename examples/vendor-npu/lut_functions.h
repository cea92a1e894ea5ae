// The functions that the unit of lookup tables is filled with.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace tern {

inline constexpr const char *kDomain = "com.example.tern";
inline constexpr const char *kLutActivation = "LutActivation";

struct LutFunction {
  std::string_view name;
  double (*compute)(double);
};

inline constexpr std::array kLutFunctions = {
    LutFunction{"sigmoid", [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
    LutFunction{"tanh", [](double x) { return std::tanh(x); }},
    LutFunction{"swish", [](double x) { return x / (1.0 + std::exp(-x)); }},
    LutFunction{"hard-swish", [](double x) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }},
};

// Null for a name that there is none of.
inline const LutFunction *lut_function(std::string_view name) {
  const auto found =
      std::find_if(kLutFunctions.begin(), kLutFunctions.end(), [&](const LutFunction &f) { return f.name == name; });
  return found == kLutFunctions.end() ? nullptr : &*found;
}

}  // namespace tern
