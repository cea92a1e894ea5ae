// Constants as fusions look at them: initializers, and outputs of Constant nodes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "halftone/graph.hpp"
#include "halftone/stored_tensor.hpp"

namespace halftone::passes {

// The stored tensor of an initializer or of a Constant node's `value`. Lives until the next edit.
std::optional<ht_tensor_view> constant_tensor(const sdk::Graph &graph, ht_handle value);

// As doubles; nothing when it is no float32 or float64 constant.
std::optional<sdk::StoredTensor> read_constant(const sdk::Graph &graph, ht_handle value);

// The number of a float constant of one element, when it has no more axes than what it meets in these nodes, those of
// the place that is looked at: one constant may serve thousands of places.
std::optional<double> read_scalar(const sdk::Graph &graph, ht_handle value, std::span<const ht_handle> readers);

// Whether a constant of one element equals `want` as far as float32 exporters write it: within 5e-6 of it.
bool is_scalar(const sdk::Graph &graph, ht_handle value, std::span<const ht_handle> readers, double want);
bool is_near(double found, double want);

// The entries of an int64 constant.
std::optional<std::vector<std::int64_t>> read_integers(const sdk::Graph &graph, ht_handle value);

// The constant repeated to `shape`, when it adds no axis and no extent to it: leading axes of extent 1 may be left out
// or there, as long as it has at most `rank` axes in all.
std::optional<std::vector<double>> spread(const sdk::StoredTensor &constant, std::span<const std::int64_t> shape,
                                          std::size_t rank);

// The extents of a value from `axis` on; nothing when one is not known.
std::optional<std::vector<std::int64_t>> extents_from(const sdk::Value &value, std::size_t axis);

}  // namespace halftone::passes
