// Compiles a program for given input shapes. Operators add their steps through this class: it knows where each value
// lies and in which layouts, reorders when an operator asks for another one, and emits values that are tapped.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "affine.h"
#include "post_ops.h"
#include "steps.h"

namespace halftone::onednn {

// A float32 tensor in a buffer.
struct Placed {
  Desc desc;
  int buffer = kNoBuffer;
  std::size_t bytes() const { return desc.get_size(); }
};

// Constants in the layouts that primitives asked for, shared by the plans of a session.
class WeightStore {
 public:
  // `factor`, where there is any, multiplies the slices of axis 0.
  Bytes get(const ConstantPtr &constant, const Desc &source, const Desc &wanted, const std::vector<float> &factor = {});

 private:
  struct Entry {
    ConstantPtr constant;  // keeps the key's address taken
    Desc source, wanted;
    std::vector<float> factor;
    Bytes data;
  };
  std::vector<Entry> entries_;
};

class Builder {
 public:
  Builder(const sdk::Context &ctx, const Program &program, WeightStore &weights);
  std::shared_ptr<const Plan> build(std::span<const ht_tensor_view> inputs);

  // -- What is known about values --
  ht_dtype dtype(int value) const { return at(value).dtype; }
  const Shape &shape(int value) const { return at(value).shape; }
  // Known and float32 of a rank that oneDNN takes, with at least one element.
  bool is_dense(int value) const;
  bool is_available(int value) const { return is_dense(value) && !at(value).places.empty(); }  // made already
  const Constant *constant(int value) const { return at(value).constant.get(); }
  ConstantPtr shared_constant(int value) const { return at(value).constant; }
  std::optional<float> scalar(int value) const;  // of a float constant with one element
  bool is_read(int value) const;                 // by a node or the tap

  // -- Where values are --
  Placed current(int value);                      // in the layout that it has
  Placed plain(int value);                        // row-major
  Placed in_layout(int value, const Desc &desc);  // as asked
  // A row-major value seen as another row-major or strided descriptor, then brought into `wanted`.
  Placed reinterpreted(int value, const Desc &seen_as, const Desc &wanted);
  Placed constant_floats(std::vector<float> numbers);
  // A constant's slices of axis 0, each times a factor, seen as `seen_as` and brought into `wanted`.
  Placed scaled_constant(int value, const std::vector<float> &factor, const Desc &seen_as, const Desc &wanted);
  // Any plain buffer, for values of other types.
  KernelSlot plain_slot(int value);

  // -- Making values --
  int allocate(std::size_t bytes);
  // Whether `node` may overwrite the buffer: it is the last to read anything in it.
  bool writable(const NodeRecord &node, int value, const Placed &placed) const;
  void define(int value, const Placed &placed);
  void define_constant(int value, ConstantPtr constant);
  void define_folded(int value, ConstantPtr constant) { define_constant(value, std::move(constant)), emit(value); }
  void alias_plain(int from, int to);  // the same bytes under another shape
  void alias(int from, int to);        // the same tensor
  void primitive(const dnnl::primitive &primitive, const dnnl::primitive_desc_base &pd,
                 std::vector<PrimitiveStep::Operand> operands);
  // `how` is what a profile calls it.
  void last_step_quantizes(int value);  // for the profile
  void loop(std::vector<int> touched, LoopStep::Body body, std::string how = "loop");
  // A step of the node itself, or one that brings `value` into another layout for it.
  void reorder(const Placed &from, const Placed &to, int value = -1);

  // -- Post-ops --
  // Consumers of `value`, one after the other, that can run inside the step that makes it.
  PostChain find_chain(int value, const PostRules &rules) const;
  // What the chain's absorbed operations do to each channel.
  Affine absorbed(const PostChain &chain) const;
  // The chain's other operations as a primitive takes them.
  struct PostOps {
    dnnl::primitive_attr attr;
    std::vector<PrimitiveStep::Operand> operands;
    int onto = kNoBuffer;  // the result has to go into this buffer
  };
  PostOps post_ops(const PostChain &chain, const PostRules &rules, const Desc &dst);
  // The chain's nodes are done; returns the value that the step makes.
  int commit(const PostChain &chain, int value);
  // Tries a step with all operators that can follow, then with fewer and fewer: `make` gets what the
  // primitive takes of them and creates it, or throws dnnl::error.
  using Maker = std::function<void(const PostOps &, const PostChain &)>;
  int with_chain(int value, const PostRules &rules, const Desc &dst, const Maker &make);

  const dnnl::engine &engine() const { return cpu_engine(); }

 private:
  struct State {
    ht_dtype dtype = HT_DTYPE_NONE;
    Shape shape;
    ConstantPtr constant;
    bool known = false;            // type and shape are
    bool dynamic = false;          // shape depends on data
    int plain_buffer = kNoBuffer;  // for values that oneDNN does not describe
    std::vector<Placed> places;    // the first is where it was made
    int pending = 0;               // slots that have not read it yet
    std::vector<int> own_buffers;
  };
  struct InputCopy {
    const Step *step;
    std::size_t input;
    int buffer;
  };
  State &at(int value) { return states_[static_cast<std::size_t>(value)]; }
  const State &at(int value) const { return states_[static_cast<std::size_t>(value)]; }
  const ValueRecord &record(int value) const { return program_.values[static_cast<std::size_t>(value)]; }

  std::optional<PostLink> next_link(int value, PostChain &chain) const;
  struct Factor {
    int value, node;  // no node: the value that the gate starts from
    std::vector<PostOp> ops;
  };
  std::optional<std::vector<PostOp>> operations_of(int index, int read, int head) const;
  Factor factor_beside(int value, int reader, int head) const;
  std::optional<PostLink> gated_by(int first, int other, int value, const PostChain &chain, PostOp &operation) const;
  std::optional<PostLink> self_gate(int value, PostChain &chain) const;
  Placed post_operand(const PostChain &chain, const PostOp &op, const Desc &dst);
  bool goes_onto(const PostChain &chain, std::size_t at, const Placed &operand) const;
  std::optional<Affine> affine_operation(const PostChain &chain, const PostOp &op) const;
  void read_inputs_in_place();
  void take_inputs(std::span<const ht_tensor_view> inputs);
  void fold_constants();
  void add_node(const NodeRecord &node);
  bool any_dynamic(const NodeRecord &node) const;
  bool infer(const NodeRecord &node);
  ConstantPtr constant_for(const NodeRecord &node, int value) const;
  bool fold(const NodeRecord &node);
  bool build_native(const NodeRecord &node);
  void build_kernel(const NodeRecord &node);
  void build_dynamic(const NodeRecord &node);
  void build_flow(const NodeRecord &node);
  std::vector<KernelSlot> run_time_slots(const NodeRecord &node);
  void define_plain(int value, int buffer);
  std::vector<ht_tensor_view> type_views(const NodeRecord &node) const;
  void consumed(const NodeRecord &node);
  void emit(int value);
  Step &add_step(std::unique_ptr<Step> step, std::uint32_t kind, std::string how, int value = -1);
  void label_fused(std::size_t first_step);
  void attach(int value, int buffer);
  int constant_buffer(std::shared_ptr<const void> data, std::size_t bytes);
  void set_type(int value, ht_dtype dtype, Shape shape);

  const sdk::Context &ctx_;
  const Program &program_;
  WeightStore &weights_;
  std::shared_ptr<Plan> plan_;
  std::vector<State> states_;
  std::vector<bool> done_;  // by node: fused into an earlier step
  std::vector<InputCopy> input_copies_;
  const NodeRecord *node_ = nullptr;         // whose steps are being added
  std::vector<ht_handle> fused_;             // nodes that have become part of its last step
  std::map<int, std::vector<int>> readers_;  // buffer: values that lie in it
};

}  // namespace halftone::onednn
