// Operators that run through oneDNN or through loops of our own: one class each, found by operator type.
#pragma once

#include <memory>
#include <string_view>

#include "halftone/op_kernel.hpp"

namespace halftone::onednn {

struct NodeRecord;
class Builder;
struct PostChain;

// Reads its attributes when it is made, in open(); knows shapes only in the other functions.
class NativeOp {
 public:
  virtual ~NativeOp() = default;
  // Computes the outputs while the plan is made, where they follow from shapes alone.
  virtual bool fold(Builder &, const NodeRecord &) const { return false; }
  // Adds the node's steps; false, with nothing added, where this form is left to the plain kernel.
  virtual bool build(Builder &builder, const NodeRecord &node) const = 0;
  // Becomes a post-op of the step that makes `value`, one of the node's inputs, if it can.
  virtual bool fuse(const Builder &, const NodeRecord &, int /*value*/, PostChain &) const { return false; }
};

using NativeFactory = std::unique_ptr<NativeOp> (*)(const sdk::OpNode &node);

struct NativeEntry {
  NativeEntry(const char *op_type, NativeFactory factory);  // for the lifetime of the plug-in
};

// Null when ai.onnx's operator of this type has no native form.
NativeFactory find_native(std::string_view domain, std::string_view op_type);

template <typename T>
std::unique_ptr<NativeOp> make_native(const sdk::OpNode &node) {
  return std::make_unique<T>(node);
}

}  // namespace halftone::onednn
