// Small models for tests.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/model.h"

namespace halftone::model::test {

inline ValueType float_type(std::initializer_list<std::int64_t> shape) {
  ValueType type;
  type.dtype = HT_F32;
  type.has_shape = true;
  for (const std::int64_t extent : shape) type.dims.push_back({extent, {}});
  return type;
}

// A model under construction: values by name, made when first used.
struct GraphMaker {
  Model model;
  Handle graph;

  GraphMaker() : graph(model.main_graph()) { model.set_opset("", 13); }

  Handle at(const std::string &name) {
    const Handle found = model.find_value(graph, name);
    return found != HT_NONE || name.empty() ? found : model.add_value(graph, name);
  }
  Handle input(const std::string &name, std::initializer_list<std::int64_t> shape) {
    const Handle h = at(name);
    model.set_type(h, float_type(shape));
    model.mark_input(h);
    return h;
  }
  Handle output(const std::string &name) {
    const Handle h = at(name);
    model.mark_output(h);
    return h;
  }
  Handle constant(const std::string &name, Tensor tensor) {
    return model.add_initializer(graph, name, std::move(tensor));
  }
  Handle node(std::string op_type, std::vector<std::string> inputs, std::vector<std::string> outputs,
              std::string name = {}) {
    std::vector<Handle> in, out;
    for (const std::string &i : inputs) in.push_back(at(i));
    for (const std::string &o : outputs) out.push_back(at(o));
    return model.add_node(graph, std::move(op_type), "", std::move(name), in, out);
  }
};

// Operator types in the order in which they run.
inline std::string ops_in_order(const Model &model) {
  std::string text;
  for (const Handle n : model.topological_order(model.main_graph()))
    text += (text.empty() ? "" : " ") + model.node(n).op_type;
  return text;
}

template <typename T>
T attribute(const Model &model, Handle node, std::string_view name) {
  return std::get<T>(model.node(node).attributes.find(name)->second.data);
}

}  // namespace halftone::model::test
