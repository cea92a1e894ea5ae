// Models of a few nodes made by hand, at any opset.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/host/context.h"
#include "tests/unit/reference/model_runner.h"

namespace halftone::test {

using Attributes = std::vector<std::pair<std::string, model::Attribute>>;

class SmallNet {
 public:
  explicit SmallNet(std::int64_t opset = 17) { m().set_opset("", opset); }

  model::Model &m() { return working.model; }
  model::Handle input(const std::string &name) {
    const model::Handle value = m().add_value(m().main_graph(), name);
    m().mark_input(value);
    return value;
  }
  model::Handle constant(model::Tensor tensor) {
    return m().add_initializer(m().main_graph(), m().unique_name(m().main_graph(), "c"), std::move(tensor));
  }
  model::Handle floats(model::Shape shape, const std::vector<float> &values) {
    return constant(model::Tensor::from_floats(std::move(shape), values));
  }
  model::Handle ints(const std::vector<std::int64_t> &values) {
    return constant(model::Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values));
  }
  // The node's outputs; its handle is the producer of each.
  std::vector<model::Handle> nodes(const std::string &op, const std::vector<model::Handle> &inputs, std::size_t outputs,
                                   const Attributes &attributes = {}) {
    std::vector<model::Handle> values;
    for (std::size_t i = 0; i < outputs; ++i) {
      values.push_back(m().add_value(m().main_graph(), m().unique_name(m().main_graph(), "v")));
    }
    const std::string name = "node" + std::to_string(count_++);
    const model::Handle node = m().add_node(m().main_graph(), op, "", name, inputs, values);
    for (const auto &[key, value] : attributes) m().set_attribute(node, key, value);
    return values;
  }
  model::Handle node(const std::string &op, const std::vector<model::Handle> &inputs,
                     const Attributes &attributes = {}) {
    return nodes(op, inputs, 1, attributes).front();
  }
  // 8-bit symmetric, per tensor.
  static ht_quant_spec int8_spec() {
    ht_quant_spec spec{};
    spec.struct_size = sizeof(spec);
    spec.kind = HT_QUANT_INTEGER;
    spec.bits = 8;
    spec.is_signed = 1;
    spec.quant_min = -128;
    spec.quant_max = 127;
    spec.symmetry = HT_SYMMETRIC;
    spec.granularity = HT_PER_TENSOR;
    spec.scale_form = HT_SCALE_FREE;
    spec.span = HT_SPAN_NARROW;
    spec.rounding = HT_ROUND_HALF_EVEN;
    spec.visibility = HT_EXPORT_WHEN_ACTIVE;
    return spec;
  }
  // Such a quantizer that is live.
  void quantize(model::Handle node, bool is_output, std::uint32_t slot, float scale) {
    const ht_quant_spec spec = int8_spec();
    const auto config = working.configs.create({node, is_output, slot}, spec, quant::State::kInitial);
    const std::int32_t zero_point = 0;
    working.configs.set_scales(config, {&scale, 1}, {&zero_point, 1}, {});
    working.configs.set_state(config, quant::State::kActivated);
  }
  model::Handle producer(model::Handle value) { return m().value(value).producer; }

  host::WorkingModel working;

 private:
  int count_ = 0;
};

// The values of a node's outputs, run on their own.
inline std::vector<std::vector<float>> evaluate(SmallNet &net, const std::vector<model::Handle> &values) {
  ModelRunner runner(net.working, {.emits = values});
  const Emitted all = runner.run({});
  std::vector<std::vector<float>> out;
  for (const model::Handle value : values) out.push_back(emitted(all, value).to_floats());
  return out;
}

}  // namespace halftone::test
