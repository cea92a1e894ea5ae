// Which channel each index of a value's channel axis belongs to, and how operators that only move or thin out numbers
// hand channels on.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "halftone/graph.hpp"

namespace halftone::passes {

// A label for each index of one axis. Several indices may have one label: after Flatten a channel has many.
struct Labels {
  std::size_t rank = 0, axis = 0;
  std::vector<std::uint32_t> ids;
};

// How one node hands on the labels of its data input to its output `slot`, when multiplying a channel of the input by a
// positive number multiplies the same channel of the output by it: Relu, pooling, resizing, reshaping, reducing other
// axes. Nothing for other nodes and where the channels cannot be followed.
std::optional<Labels> relayed(const sdk::Graph &graph, const sdk::Node &node, std::size_t slot, const Labels &input);

// True when the node also hands on a constant that is added to every number of a channel: what leaves it is larger by
// the same constant. Relu does not, nor do sums, a negative slope, or padding with zeros.
bool keeps_offsets(const sdk::Graph &graph, const sdk::Node &node);

}  // namespace halftone::passes
