// Chains of element-wise operators that run inside the step before them.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "dnnl_api.h"
#include "layout.h"

namespace halftone::onednn {

// How a second operand lies against the tensor that it is combined with.
struct Broadcast {
  enum Kind { kSame, kAxis, kScalar, kOther } kind = kOther;
  std::size_t axis = 0;  // kAxis: all other extents are 1
};
Broadcast classify(const Shape &operand, const Shape &full);

struct PostOp {
  bool binary = false;
  api::algorithm algorithm = api::algorithm::undef;
  float alpha = 0, beta = 0;   // element-wise
  int value = -1;              // binary: the other operand, or
  std::vector<float> numbers;  // ... one number for each index of the axis
  Broadcast broadcast;
};

// Nodes that become operations together: one, or several that only make sense as one.
struct PostLink {
  std::vector<int> nodes;
  int value = -1;           // that the last of them makes
  std::size_t ops_end = 0;  // its operations end here
};

struct PostChain {
  int head = -1;  // the value of the step itself: all others have its shape
  std::vector<PostOp> ops;
  std::vector<PostLink> links;
  std::size_t absorbed = 0;  // leading operations that become part of the step's weights
  bool empty() const { return links.empty(); }
  bool has_binary() const {
    return std::any_of(ops.begin() + static_cast<std::ptrdiff_t>(absorbed), ops.end(),
                       [](const PostOp &op) { return op.binary; });
  }
  void drop_last() {
    links.pop_back();
    ops.resize(links.empty() ? 0 : links.back().ops_end);
    absorbed = std::min(absorbed, ops.size());
  }
};

// The attributes of a primitive without post-ops: scratch memory comes from the plan.
dnnl::primitive_attr plain_attributes();

// What a primitive takes after itself.
struct PostRules {
  bool binary = false;
  std::function<bool(const PostOp &)> accepts;  // all when empty
  bool onto = false;                            // adds to what lies in the result's buffer, instead of a second operand
  bool into_weights = false;                    // factors and shifts of channels, where nothing stands before them
};

}  // namespace halftone::onednn
