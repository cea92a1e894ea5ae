// The numbers of the device: grids of codes, multipliers of 31 bits and a shift, tables of 256 entries.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "halftone/exporter.hpp"

namespace tern {

// What a code from 0 to 255 stands for: (code - zero) * scale.
struct Grid {
  float scale = 1;
  std::int32_t zero = 0;
  friend bool operator==(const Grid &, const Grid &) = default;
};

// The grid of a live config; nothing where nothing is quantized. Throws for one that the device does not have.
std::optional<Grid> grid_at(const halftone::sdk::Configs &configs, ht_handle config);

// For the service arithmetic.
ht_quantizer quantizer_of(const Grid &grid);

std::uint8_t code_of(const halftone::sdk::Context &ctx, const Grid &grid, float x);

// `function` null: from one grid to another.
using Function = std::function<float(float)>;
std::array<std::uint8_t, 256> table_of(const halftone::sdk::Context &ctx, const Grid &from, const Grid &to,
                                       const Function &function);

// real = m * 2^-shift, m of 31 bits, to the nearest. Throws for a real that is no positive number below 2^31.
struct FixedPoint {
  explicit FixedPoint(double real);
  std::int32_t m = 0, shift = 0;
};

}  // namespace tern
