// Prepares a node whose result is sums of products of codes.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "halftone/op_kernel.hpp"
#include "plan.h"

namespace halftone::integer {

// What the rest of the plan says about a node.
struct ProductsRequest {
  const sdk::Context &ctx;
  const sdk::Node &node;
  std::function<bool(ht_handle)> is_parameter;                 // stored, and not fed
  std::function<std::optional<Format>(std::uint32_t)> format;  // codes that an input slot gets
  Multiplier multiplier = Multiplier::kFloat32;
};

// Null where the node, or the way in which it is quantized, has no form on codes.
std::unique_ptr<Products> make_products(const ProductsRequest &request);

// Decides how the sums leave: as codes of `to` within `limits`. Throws where a bias does not fit 32 bits.
void requantize_to(Products &products, const Format &to, Limits limits, Multiplier multiplier);

}  // namespace halftone::integer
