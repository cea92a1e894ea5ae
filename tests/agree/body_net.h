// Bodies of If, Loop and Scan in models made by hand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/model/model.h"

namespace halftone::test {

// A node with bodies; its outputs exist from the start.
inline model::Handle flow_node(model::Model &m, model::Handle graph, const std::string &op,
                               const std::vector<model::Handle> &inputs, std::size_t outputs) {
  std::vector<model::Handle> values;
  for (std::size_t i = 0; i < outputs; ++i) values.push_back(m.add_value(graph, m.unique_name(graph, op + "_out")));
  return m.add_node(graph, op, "", m.unique_name(graph, op), inputs, values);
}

class BodyNet {
 public:
  BodyNet(model::Model &m, model::Handle owner, const std::string &attribute)
      : graph(m.add_graph(attribute, owner)), m_(m) {
    m.set_attribute(owner, attribute, {graph});
  }
  model::Handle input(const std::string &name, model::ValueType type = {}) {
    const model::Handle value = m_.add_value(graph, m_.unique_name(graph, name), std::move(type));
    m_.mark_input(value);
    return value;
  }
  model::Handle floats(model::Shape shape, const std::vector<float> &values) {
    return m_.add_initializer(graph, m_.unique_name(graph, "c"), model::Tensor::from_floats(std::move(shape), values));
  }
  model::Handle node(const std::string &op, const std::vector<model::Handle> &inputs,
                     const std::vector<std::pair<std::string, model::Attribute>> &attributes = {}) {
    const model::Handle value = m_.add_value(graph, m_.unique_name(graph, "v"));
    const model::Handle made = m_.add_node(graph, op, "", m_.unique_name(graph, op), inputs, {&value, 1});
    for (const auto &[key, attribute] : attributes) m_.set_attribute(made, key, attribute);
    return value;
  }
  void output(model::Handle value) { m_.mark_output(value); }

  const model::Handle graph;

 private:
  model::Model &m_;
};

}  // namespace halftone::test
