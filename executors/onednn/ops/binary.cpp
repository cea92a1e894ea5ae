// Add, Sum, Sub, Mul, Div, Max and Min of two tensors.
#include <algorithm>
#include <string_view>

#include "../builder.h"
#include "broadcast.h"

namespace halftone::onednn {
namespace {

using api::algorithm;

struct Kind {
  const char *op_type;
  algorithm alg;
  bool commutes;
  Loop loop;
};
constexpr Kind kKinds[] = {
    {"Add", algorithm::binary_add, true, &broadcast_loop<Plus>},
    {"Sum", algorithm::binary_add, true, &broadcast_loop<Plus>},
    {"Sub", algorithm::binary_sub, false, &broadcast_loop<Minus>},
    {"Mul", algorithm::binary_mul, true, &broadcast_loop<Times>},
    {"Div", algorithm::binary_div, false, &broadcast_loop<Over>},
    {"Max", algorithm::binary_max, true, &broadcast_loop<Larger>},
    {"Min", algorithm::binary_min, true, &broadcast_loop<Smaller>},
};

class Binary final : public NativeOp {
 public:
  explicit Binary(const sdk::OpNode &node)
      : kind_(*std::find_if(std::begin(kKinds), std::end(kKinds),
                            [&](const Kind &k) { return node.node().op_type() == k.op_type; })) {}

  bool build(Builder &b, const NodeRecord &node) const override {
    if (node.inputs.size() != 2 || !b.is_available(node.inputs[0]) || !b.is_available(node.inputs[1])) return false;
    const Shape &out = b.shape(node.outputs[0]);
    const bool first = b.shape(node.inputs[0]) == out, second = b.shape(node.inputs[1]) == out;
    if (first && second) {
      add_same(b, node);
    } else if (!((first && add_small(b, node, 0)) || (second && kind_.commutes && add_small(b, node, 1)))) {
      add_loop(b, node);
    }
    return true;
  }

  bool fuse(const Builder &b, const NodeRecord &node, int value, PostChain &chain) const override {
    if (node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) return false;
    const bool leads = node.inputs[0] == value;
    const int other = node.inputs[leads ? 1 : 0];
    if ((!leads && !kind_.commutes) || !b.is_available(other)) return false;
    PostOp op;
    op.binary = true;
    op.algorithm = kind_.alg;
    op.value = other;
    op.broadcast = classify(b.shape(other), b.shape(chain.head));
    if (op.broadcast.kind == Broadcast::kOther) return false;
    chain.ops.push_back(simplified(b, op));
    return true;
  }

 private:
  // A constant number needs no operand.
  static PostOp simplified(const Builder &b, const PostOp &op) {
    const auto number = b.scalar(op.value);
    if (!number) return op;
    PostOp linear;
    linear.algorithm = algorithm::eltwise_linear;
    linear.alpha = 1;
    switch (op.algorithm) {
      case algorithm::binary_add:
        linear.beta = *number;
        return linear;
      case algorithm::binary_sub:
        linear.beta = -*number;
        return linear;
      case algorithm::binary_mul:
        linear.alpha = *number;
        return linear;
      default:
        return op;
    }
  }

  // The primitive with what follows it; the first operand has the result's layout.
  void add_primitive(Builder &b, const NodeRecord &node, std::size_t lead, const Placed &first,
                     const Placed &second) const {
    const Desc dst = first.desc;
    dnnl::binary::primitive_desc pd;
    std::vector<PrimitiveStep::Operand> operands;
    // oneDNN 2.6 gives wrong numbers in the last block of channels when it is not full and a post-op follows.
    const PostRules rules{false, [full = !padded(dst)](const PostOp &) { return full; }};
    const int result = b.with_chain(node.outputs[0], rules, dst, [&](const Builder::PostOps &post, const PostChain &) {
      pd = api::binary(b.engine(), post.attr, kind_.alg, first.desc, second.desc, dst);
      operands = post.operands;
    });
    const int target = b.writable(node, node.inputs[lead], first) ? first.buffer : b.allocate(dst.get_size());
    operands.insert(operands.end(), {{DNNL_ARG_SRC_0, first.desc, first.buffer},
                                     {DNNL_ARG_SRC_1, second.desc, second.buffer},
                                     {DNNL_ARG_DST, dst, target}});
    b.primitive(dnnl::binary(pd), pd, std::move(operands));
    b.define(result, {dst, target});
  }

  void add_same(Builder &b, const NodeRecord &node) const {
    const Placed a = b.current(node.inputs[0]), c = b.current(node.inputs[1]);
    // Of two layouts the blocked one is kept.
    const Desc desc = row_major(a.desc) ? c.desc : a.desc;
    const Placed first = b.in_layout(node.inputs[0], desc), second = b.in_layout(node.inputs[1], desc);
    add_primitive(b, node, 0, first, second);
  }

  // A scalar or one number for each channel against a full tensor, where oneDNN has vector code for it.
  bool add_small(Builder &b, const NodeRecord &node, std::size_t lead) const {
    const int full = node.inputs[lead], small = node.inputs[1 - lead];
    const Shape &shape = b.shape(full);
    const Broadcast broadcast = classify(b.shape(small), shape);
    if (broadcast.kind == Broadcast::kOther) return false;
    const Placed first = b.current(full);
    Shape extents(std::max<std::size_t>(shape.size(), 1), 1);
    if (broadcast.kind == Broadcast::kAxis) extents[broadcast.axis] = shape[broadcast.axis];
    const Desc desc = plain_desc(extents);
    try {
      const auto pd = api::binary(b.engine(), plain_attributes(), kind_.alg, first.desc, desc, first.desc);
      if (std::string_view(pd.impl_info_str()).substr(0, 3) == "ref") return false;
    } catch (const dnnl::error &) {
      return false;
    }
    add_primitive(b, node, lead, first, {desc, b.plain(small).buffer});
    return true;
  }

  void add_loop(Builder &b, const NodeRecord &node) const {
    const Placed a = b.plain(node.inputs[0]), c = b.plain(node.inputs[1]);
    const int out = node.outputs[0];
    const Placed target{plain_desc(b.shape(out)), b.allocate(plain_desc(b.shape(out)).get_size())};
    const BroadcastPlan plan(b.shape(node.inputs[0]), b.shape(node.inputs[1]), b.shape(out));
    b.loop({a.buffer, c.buffer, target.buffer},
           [plan, body = kind_.loop, x = a.buffer, y = c.buffer, z = target.buffer](Run &run) {
             body(plan, static_cast<const float *>(run.workspace.at(x)),
                  static_cast<const float *>(run.workspace.at(y)), static_cast<float *>(run.workspace.at(z)));
           });
    b.define(out, target);
  }

  const Kind &kind_;
};

struct Register {
  Register() {
    for (const Kind &kind : kKinds) NativeEntry(kind.op_type, &make_native<Binary>);
  }
};
const Register kBinary;

}  // namespace
}  // namespace halftone::onednn
