// The few nodes behind a root that can take part in a match: what the subgraph search is run on.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/pattern/pattern.h"

namespace halftone::pattern {

using model::Handle;

// A set of operations, one bit each.
using Roles = std::uint64_t;
static_assert(kMostOperations <= 64);

// One output of a producer at one input of a consumer.
struct Link {
  std::uint32_t output, slot;
  friend bool operator==(const Link &, const Link &) = default;
};

// All links from one node to another.
struct Edge {
  std::size_t producer, consumer;
  std::vector<Link> links;
};

struct Neighbourhood {
  std::vector<Handle> nodes;  // the root first, the others breadth first in order of slots
  std::vector<Roles> roles;   // what each can stand for
  std::vector<Edge> edges;
};

// Walks from `root` along the pattern's inputs. Empty when some operation finds no node. `may_use` excludes nodes.
Neighbourhood neighbourhood_of(const model::Model &model, const Pattern &pattern, Handle root,
                               const std::function<bool(Handle)> &may_use);

}  // namespace halftone::pattern
