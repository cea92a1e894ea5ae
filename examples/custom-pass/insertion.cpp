#include "insertion.h"

#include <array>
#include <string>

namespace residual {
namespace {

class Insertion {
 public:
  Insertion(const sdk::Context &ctx, const Layer &layer)
      : graph_(ctx), edit_(ctx), configs_(ctx), layer_(layer), name_(graph_.node(layer.node).name()) {}

  ht_handle run(std::span<const std::int64_t> kept, std::span<const double> bias) {
    const ht_handle few = gather(kept);
    const ht_handle part = residue(few, kept, bias);
    add(part);
    settle_input();
    settle_output();
    return settle_weight();
  }

 private:
  ht_handle home() const { return graph_.node(layer_.node).graph(); }

  ht_handle value_like(ht_handle value, const char *suffix, std::int64_t channels) {
    ht_tensor_info type = graph_.value(value).info.type;
    type.struct_size = sizeof(type);
    if (channels > 0 && type.known_rank != 0) type.shape[layer_.data_axis] = channels;
    return edit_.add_value(home(), name_ + suffix, &type);
  }

  // The channels of the input that the residue reads.
  ht_handle gather(std::span<const std::int64_t> kept) {
    const std::int64_t count = static_cast<std::int64_t>(kept.size());
    ht_tensor_view indices{};
    indices.struct_size = sizeof(indices);
    indices.dtype = HT_I64;
    indices.rank = 1;
    indices.shape = &count;
    indices.data = const_cast<std::int64_t *>(kept.data());
    const ht_handle stored = edit_.add_initializer(home(), name_ + "_residual_channels", indices);
    const ht_handle few = value_like(layer_.input, "_residual_input", count);
    gather_ =
        edit_.add_node(home(), "Gather", name_ + "_residual_gather", std::array{layer_.input, stored}, std::array{few});
    edit_.set_int(gather_, "axis", layer_.data_axis);
    return few;
  }

  // The same operator with the same attributes.
  ht_handle residue(ht_handle few, std::span<const std::int64_t> kept, std::span<const double> bias) {
    const sdk::StoredTensor residue = layer_.residue(kept);
    const sdk::TensorBytes bytes(residue);
    const ht_handle weight = edit_.add_initializer(home(), name_ + "_residual_weight", bytes.view());
    const ht_handle part = value_like(graph_.node(layer_.node).output(0), "_residual_output", 0);
    const std::string type(graph_.node(layer_.node).op_type());
    std::vector<ht_handle> inputs = {few, weight};
    if (type != "MatMul") {
      const sdk::StoredTensor stored{HT_F32, {static_cast<std::int64_t>(bias.size())}, {bias.begin(), bias.end()}};
      inputs.push_back(sdk::add_tensor(edit_, home(), name_ + "_residual_bias", stored));
    }
    residue_ = edit_.add_node(home(), type, name_ + "_residual", inputs, std::array{part});
    for (const char *name : {"strides", "dilations", "pads", "kernel_shape"}) {
      const std::vector<std::int64_t> values = graph_.attribute_ints(layer_.node, name);
      if (!values.empty()) edit_.set_ints(residue_, name, values);
    }
    if (graph_.attribute(layer_.node, "auto_pad")) {
      edit_.set_text(residue_, "auto_pad", graph_.attribute_text(layer_.node, "auto_pad", ""));
    }
    if (type == "Gemm") edit_.set_int(residue_, "transB", graph_.attribute_int(layer_.node, "transB", 0));
    return part;
  }

  // The sum takes over the layer's output, so that its name and its readers stay.
  void add(ht_handle part) {
    const ht_handle output = graph_.node(layer_.node).output(0);
    const ht_handle first = value_like(output, "_first_output", 0);
    edit_.set_output(layer_.node, 0, first);
    add_ = edit_.add_node(home(), "Add", name_ + "_residual_add", std::array{first, part}, std::array{output});
  }

  ht_handle config_like(ht_handle config, ht_handle node, std::uint32_t direction, std::uint32_t slot) const {
    const ht_config_info info = configs_.info(config);
    const ht_handle made = configs_.create(node, direction, slot, info.spec, HT_STATE_INITIAL);
    if (info.observer.size != 0) configs_.set_observer(made, sdk::view(info.observer));
    return made;
  }

  // One quantization point for all readers: that of the producer, or the scale of the layer's own.
  void settle_input() const {
    const ht_handle present = configs_.input(layer_.node, 0);
    if (configs_.state(present) == HT_STATE_FP32) return;
    const ht_handle root = configs_.info(present).root;
    for (const ht_handle reader : {gather_, residue_}) {
      const ht_handle made = config_like(present, reader, HT_SLOT_INPUT, 0);
      if (root != present) {
        configs_.dominate(made, root, "it reads what the layer reads");
      } else {
        configs_.set_master(made, present, "it reads what the layer reads");
      }
    }
  }

  // Nothing is quantized between the two layers and their sum.
  void settle_output() const {
    const ht_handle present = configs_.output(layer_.node, 0);
    if (configs_.state(present) == HT_STATE_FP32) return;
    const ht_handle made = config_like(present, add_, HT_SLOT_OUTPUT, 0);
    const ht_handle root = configs_.info(present).root;
    if (root != present) return configs_.dominate(made, root, "the sum with the residue is quantized there");
    configs_.dominate(present, made, "its sum with the residue is quantized");
  }

  // A bias like the layer's own: its scale will be that of input and weight.
  ht_handle settle_weight() const {
    const ht_handle bias = configs_.input(layer_.node, 2);
    if (graph_.node(residue_).input(2) != HT_NONE && configs_.state(bias) != HT_STATE_FP32) {
      configs_.create(residue_, HT_SLOT_INPUT, 2, configs_.info(bias).spec, HT_STATE_PASSIVE_INIT);
    }
    return configs_.create(residue_, HT_SLOT_INPUT, 1, configs_.info(layer_.weight_config).spec, HT_STATE_INITIAL);
  }

  const sdk::Graph graph_;
  const sdk::GraphEdit edit_;
  const sdk::Configs configs_;
  const Layer &layer_;
  const std::string name_;
  ht_handle gather_ = HT_NONE, residue_ = HT_NONE, add_ = HT_NONE;
};

}  // namespace

ht_handle insert_residue(const sdk::Context &ctx, const Layer &layer, std::span<const std::int64_t> kept,
                         std::span<const double> bias) {
  const sdk::Configs configs(ctx);
  const ht_handle output = configs.output(layer.node, 0);
  if (configs.state(output) != HT_STATE_FP32 && configs.info(output).scale_count != 0) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "activations are calibrated already, and the residue changes them; put residual-channels before "
                       "runtime-calibration",
                       layer.node);
  }
  return Insertion(ctx, layer).run(kept, bias);
}

}  // namespace residual
