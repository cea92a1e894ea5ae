// Functions that call one another twice double with each level, and a file of some kilobytes would never end.
#include "core/model/onnx_function_size.h"

#include <algorithm>

#include "core/base/error.h"

namespace halftone::model {
namespace {

constexpr std::size_t kMost = 1000000, kDeepest = 500;

// Counts no further than just above kMost.
class ExpandedSize {
 public:
  explicit ExpandedSize(const LocalFunctions &local) : local_(local) {}

  template <typename Nodes>
  std::size_t of_all(const Nodes &nodes) {
    std::size_t size = 0;
    for (const onnx::NodeProto &node : nodes) size = std::min(size + of(node), kMost + 1);
    return size;
  }
  // A call counts as well as what it stands for: functions of calls alone have no end either.
  std::size_t of(const onnx::NodeProto &node) {
    std::size_t size = 1;
    for (const onnx::AttributeProto &attribute : node.attribute()) {
      if (attribute.has_g()) size += of_all(attribute.g().node());
      for (const onnx::GraphProto &graph : attribute.graphs()) size += of_all(graph.node());
    }
    const auto local = local_.find({domain_of(node.domain()), node.op_type()});
    return local == local_.end() ? size : size + of_function(local->first, *local->second);
  }

 private:
  std::size_t of_function(const FunctionKey &key, const onnx::FunctionProto &function) {
    const auto [known, is_new] = sizes_.emplace(key, 0);  // 0 while it is open
    if (!is_new) return known->second;
    if (++depth_ > kDeepest) {
      fail(Status::kInvalidArgument, "functions call one another more than {} deep, down to '{}' of domain '{}'",
           kDeepest, key.second, key.first);
    }
    known->second = of_all(function.node());
    --depth_;
    if (known->second > kMost) {
      fail(Status::kInvalidArgument,
           "function '{}' of domain '{}' expands to more than {} nodes; export the model with fewer calls of functions "
           "in functions",
           key.second, key.first, kMost);
    }
    return known->second;
  }

  const LocalFunctions &local_;
  std::map<FunctionKey, std::size_t> sizes_;
  std::size_t depth_ = 0;
};

}  // namespace

void require_bounded(const onnx::GraphProto &graph, const LocalFunctions &local) {
  if (local.empty()) return;
  ExpandedSize size(local);
  const auto own = static_cast<std::size_t>(graph.node_size());
  std::size_t all = 0;
  for (const onnx::NodeProto &node : graph.node()) {
    all += size.of(node);
    if (all <= kMost + own) continue;
    fail(Status::kInvalidArgument,
         "the model expands to more than {} nodes with '{}' of domain '{}'; export it with fewer calls of functions",
         kMost, node.op_type(), domain_of(node.domain()));
  }
}

}  // namespace halftone::model
