// Stored tensors as equalization changes them; see halftone/stored_tensor.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/stored_tensor.hpp"

namespace halftone::passes {

using sdk::add_tensor;
using sdk::read_tensor;
using sdk::store_tensor;
using sdk::StoredTensor;

// Nothing when the value is no stored int64 or int32 tensor.
std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value);

// With its axis `axis`, counted from the last (0 is the last), widened to `extent` where it is 1 or absent.
StoredTensor widened(const StoredTensor &tensor, std::size_t axis_from_last, std::int64_t extent);

}  // namespace halftone::passes
