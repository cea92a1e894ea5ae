// Which nodes are quantized: the rules that `dispatch` offers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dispatch_graph.h"

namespace halftone::passes {

struct Verdict {
  std::uint32_t code = HT_DISPATCH_FLOAT;
  std::string reason;
};

// One verdict for each node. `method` is conservative, pplnn, aggressive, pointwise, allin or perseus. `ppq_paths`: a
// weighted operator that nothing follows is on no path, as in PPQ.
std::vector<Verdict> dispatch_by(std::string_view method, const std::vector<DispatchNode> &nodes, bool ppq_paths);

}  // namespace halftone::passes
