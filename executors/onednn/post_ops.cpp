#include "post_ops.h"

#include <algorithm>

#include "builder.h"

namespace halftone::onednn {

Broadcast classify(const Shape &operand, const Shape &full) {
  if (operand == full) return {Broadcast::kSame, 0};
  if (operand.size() > full.size()) return {};
  if (count_of(operand) == 1) return {Broadcast::kScalar, 0};
  const std::size_t skipped = full.size() - operand.size();
  Broadcast found{Broadcast::kOther, 0};
  for (std::size_t i = 0; i < operand.size(); ++i) {
    if (operand[i] == 1) continue;
    if (found.kind == Broadcast::kAxis || operand[i] != full[i + skipped]) return {};
    found = {Broadcast::kAxis, i + skipped};
  }
  return found;
}

dnnl::primitive_attr plain_attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

std::optional<Affine> Builder::affine_operation(const PostChain &chain, const PostOp &op) const {
  const auto channels = static_cast<std::size_t>(shape(chain.head)[1]);
  return affine_of(op, op.value < 0 ? nullptr : constant(op.value), channels);
}

Affine Builder::absorbed(const PostChain &chain) const {
  const auto channels = static_cast<std::size_t>(shape(chain.head)[1]);
  Affine out{std::vector<float>(channels, 1.0F), std::vector<float>(channels, 0.0F)};
  for (std::size_t i = 0; i < chain.absorbed; ++i) out = then(out, *affine_operation(chain, chain.ops[i]));
  return out;
}

// The next link of a chain that makes `value` now: its only reader, or readers that multiply it with what they make of
// it. Its operations are appended to the chain.
std::optional<PostLink> Builder::next_link(int value, PostChain &chain) const {
  const std::vector<int> &readers = record(value).consumers;
  if (record(value).emit) return std::nullopt;
  if (readers.size() == 2) return self_gate(value, chain);
  if (readers.size() != 1) return std::nullopt;
  const NodeRecord &node = program_.nodes[static_cast<std::size_t>(readers[0])];
  if (!node.native || node.outputs.size() != 1 || node.outputs[0] < 0) return std::nullopt;
  if (!node.native->fuse(*this, node, value, chain)) return std::nullopt;
  return PostLink{{readers[0]}, node.outputs[0], chain.ops.size()};
}

PostChain Builder::find_chain(int value, const PostRules &rules) const {
  PostChain chain;
  chain.head = value;
  for (;;) {
    PostChain longer = chain;
    const std::optional<PostLink> link = next_link(value, longer);
    if (!link) return chain;
    while (rules.into_weights && longer.absorbed < longer.ops.size() &&
           affine_operation(longer, longer.ops[longer.absorbed])) {
      ++longer.absorbed;
    }
    const auto rest = longer.ops.begin() + static_cast<std::ptrdiff_t>(longer.absorbed);
    // oneDNN 2.6 gives wrong numbers for two element-wise operations after a convolution on AVX-512.
    const auto eltwise = std::count_if(rest, longer.ops.end(), [](const PostOp &op) { return !op.binary; });
    const bool accepted = eltwise <= 1 && std::all_of(rest, longer.ops.end(), [&](const PostOp &op) {
                            return (rules.binary || !op.binary) && (!rules.accepts || rules.accepts(op));
                          });
    if (!accepted) return chain;
    longer.links.push_back(*link);
    value = link->value;
    chain = std::move(longer);
  }
}

// An operand in the layout of the step's result.
Placed Builder::post_operand(const PostChain &chain, const PostOp &op, const Desc &dst) {
  const Dims dims = api::dims_of(dst);
  if (op.broadcast.kind == Broadcast::kSame) {
    const bool same_rank = shape(op.value).size() == dims.size();
    return same_rank ? in_layout(op.value, dst) : reinterpreted(op.value, plain_desc(dims), dst);
  }
  Shape small(dims.size(), 1);
  if (op.broadcast.kind == Broadcast::kAxis) {
    // A collapsed result has fewer axes than the value, and its last is the value's last.
    const std::size_t axis = op.broadcast.axis - (shape(chain.head).size() - dims.size());
    small[axis] = dims[axis];
  }
  return {plain_desc(small), (op.value >= 0 ? plain(op.value) : constant_floats(op.numbers)).buffer};
}

// Whether the step may add its result to that operand where it lies: nobody but the chain's node reads it any more.
bool Builder::goes_onto(const PostChain &chain, std::size_t at, const Placed &operand) const {
  const PostOp &op = chain.ops[at];
  if (op.algorithm != api::algorithm::binary_add || op.broadcast.kind != Broadcast::kSame) return false;
  const auto link =
      std::find_if(chain.links.begin(), chain.links.end(), [&](const PostLink &l) { return at < l.ops_end; });
  return writable(program_.nodes[static_cast<std::size_t>(link->nodes[0])], op.value, operand);
}

Builder::PostOps Builder::post_ops(const PostChain &chain, const PostRules &rules, const Desc &dst) {
  dnnl::post_ops ops;
  PostOps out;
  for (std::size_t i = chain.absorbed; i < chain.ops.size(); ++i) {
    const PostOp &op = chain.ops[i];
    if (!op.binary) {
      api::append_eltwise(ops, op.algorithm, op.alpha, op.beta);
      continue;
    }
    const Placed operand = post_operand(chain, op, dst);
    if (rules.onto && out.onto == kNoBuffer && goes_onto(chain, i, operand)) {
      ops.append_sum();
      out.onto = operand.buffer;
      continue;
    }
    ops.append_binary(op.algorithm, operand.desc);
    const int number = static_cast<int>(i - chain.absorbed);
    out.operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(number) | DNNL_ARG_SRC_1, operand.desc, operand.buffer});
  }
  out.attr = plain_attributes();
  out.attr.set_post_ops(ops);
  return out;
}

int Builder::with_chain(int value, const PostRules &rules, const Desc &dst, const Maker &make) {
  for (PostChain chain = find_chain(value, rules);; chain.drop_last()) {
    try {
      make(post_ops(chain, rules, dst), chain);
    } catch (const dnnl::error &) {
      if (chain.empty()) throw;
      continue;
    }
    return commit(chain, value);
  }
}

int Builder::commit(const PostChain &chain, int value) {
  for (const PostLink &link : chain.links) {
    set_type(link.value, HT_F32, shape(value));
    for (const int index : link.nodes) {
      const NodeRecord &node = program_.nodes[static_cast<std::size_t>(index)];
      consumed(node);
      done_[static_cast<std::size_t>(index)] = true;
      fused_.push_back(node.handle);
    }
    value = link.value;
  }
  return value;
}

}  // namespace halftone::onednn
