#include "core/pattern/replacement.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/onnx_io.h"
#include "core/pattern/expression.h"

namespace halftone::pattern {
namespace {

using Attributes = std::map<std::string, model::Attribute, std::less<>>;

// A whole number is an integer, unless it is written as 2.0 or ONNX has a float there.
model::Attribute attribute_of(const AttributeTest &test, const model::Attribute &deflt) {
  const bool real =
      test.real || std::holds_alternative<float>(deflt.data) || std::holds_alternative<std::vector<float>>(deflt.data);
  const bool list = std::holds_alternative<std::vector<std::int64_t>>(deflt.data) ||
                    std::holds_alternative<std::vector<float>>(deflt.data);
  model::Attribute out;
  if (const auto *text = std::get_if<std::string>(&test.wanted)) {
    out.data = *text;
  } else if (const auto *texts = std::get_if<std::vector<std::string>>(&test.wanted)) {
    out.data = *texts;
  } else if (const auto *number = std::get_if<double>(&test.wanted); number != nullptr && !list) {
    if (real) {
      out.data = static_cast<float>(*number);
    } else {
      out.data = static_cast<std::int64_t>(*number);
    }
  } else {
    const auto numbers = number != nullptr ? std::vector<double>{*number} : std::get<std::vector<double>>(test.wanted);
    if (real) {
      out.data = std::vector<float>(numbers.begin(), numbers.end());
    } else {
      out.data = std::vector<std::int64_t>(numbers.begin(), numbers.end());
    }
  }
  return out;
}

std::string type_of(const model::Node &node) {
  return node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
}

class Replacer {
 public:
  Replacer(model::Model &model, const Pattern &expression, const std::vector<Handle> &old)
      : model_(model), expression_(expression) {
    for (const Handle node : old) old_.push_back(model.node(node));
  }

  std::vector<Handle> run(const std::vector<Handle> &old, const NamedValues &values, Handle output) {
    const Handle graph = old_.front().graph;
    for (std::size_t i = 0; i < expression_.operations.size(); ++i) plan(i);
    remove(old, output);
    outputs_.assign(expression_.operations.size(), HT_NONE);
    outputs_[0] = output;
    nodes_.assign(expression_.operations.size(), HT_NONE);
    add(graph, 0, values);
    return nodes_;
  }

 private:
  struct Plan {
    std::string domain, type, name;
    Attributes attributes;
  };

  // The n-th old node of a type.
  const model::Node *old_of(const std::string &type, std::size_t number) const {
    for (const model::Node &node : old_) {
      if (type_of(node) == type && number-- == 0) return &node;
    }
    return nullptr;
  }

  static void take_all(const model::Node &from, Attributes &into) {
    for (const auto &[name, attribute] : from.attributes) {
      const bool body = std::holds_alternative<Handle>(attribute.data) ||
                        std::holds_alternative<model::Attribute::Subgraphs>(attribute.data);
      if (body) fail(Status::kFailedPrecondition, "node '{}' has a body and cannot be replaced", from.name);
      into[name] = attribute;
    }
  }

  void plan(std::size_t index) {
    const Operation &operation = expression_.operations[index];
    const OperatorType &type = operation.types.front();
    Plan plan{type.domain, type.type, "", {}};
    if (type.domain.empty() && !model::is_known_operator("", type.type, model_.opset())) {
      fail(Status::kFailedPrecondition, "opset {} of the model has no {}; convert the model to a newer opset first",
           model_.opset(), type.type);
    }
    const std::string full = type.domain.empty() ? type.type : type.domain + "." + type.type;
    if (const model::Node *same = old_of(full, same_[full]++)) {
      take_all(*same, plan.attributes);
      plan.name = same->name;
    }
    for (const AttributeTest &test : operation.attributes) set(type, test, plan.attributes);
    if (index == 0) plan.name = old_.front().name;
    if (plan.name.empty()) plan.name = old_.front().name + "_" + type.type;
    plans_.push_back(std::move(plan));
  }

  void set(const OperatorType &type, const AttributeTest &test, Attributes &into) const {
    const auto *text = std::get_if<std::string>(&test.wanted);
    if (test.name == kAllAttributes) {
      if (const model::Node *from = old_of(*text, 0)) take_all(*from, into);
      return;
    }
    const std::size_t dot = text == nullptr ? std::string::npos : text->rfind('.');
    const model::Node *from = dot == std::string::npos ? nullptr : old_of(text->substr(0, dot), 0);
    if (from == nullptr) {
      into[test.name] =
          attribute_of(test, model::default_attribute(type.domain, type.type, model_.opset(type.domain), test.name));
      return;
    }
    const auto found = from->attributes.find(text->substr(dot + 1));
    if (found != from->attributes.end()) into[test.name] = found->second;
  }

  void remove(const std::vector<Handle> &old, Handle output) {
    for (const Handle node : old) model_.remove_node(node);
    for (const model::Node &node : old_) {
      for (const Handle value : node.outputs) {
        if (value == HT_NONE || value == output || !model_.alive(value)) continue;
        const model::Value &v = model_.value(value);
        if (v.consumers.empty() && !v.is_output) model_.remove_value(value);
      }
    }
  }

  Handle scalar(Handle graph, double number) {
    const auto value = static_cast<float>(number);
    return model_.add_initializer(graph, model_.unique_name(graph, plans_.front().name + "_constant"),
                                  model::Tensor::from_floats({}, {&value, 1}));
  }

  Handle input(Handle graph, const Term &term, const NamedValues &values) {
    if (term.kind == Term::Kind::kNumber) return scalar(graph, term.number);
    if (term.kind == Term::Kind::kOperation) {
      add(graph, term.index, values);
      return outputs_[term.index];
    }
    const auto found = values.find(expression_.names[term.index]);
    return found == values.end() ? HT_NONE : found->second;
  }

  void add(Handle graph, std::size_t index, const NamedValues &values) {
    if (nodes_[index] != HT_NONE) return;
    std::vector<Handle> inputs;
    for (const Term &term : expression_.operations[index].inputs) inputs.push_back(input(graph, term, values));
    while (!inputs.empty() && inputs.back() == HT_NONE) inputs.pop_back();
    Plan &plan = plans_[index];
    if (outputs_[index] == HT_NONE) outputs_[index] = model_.add_value(graph, model_.unique_name(graph, plan.name));
    if (!plan.domain.empty() && model_.opset(plan.domain) == 0) model_.set_opset(plan.domain, 1);
    std::string name = plan.name;
    for (int suffix = 1; model_.find_node(graph, name) != HT_NONE; ++suffix)
      name = fmt::format("{}_{}", plan.name, suffix);
    const Handle node = model_.add_node(graph, plan.type, plan.domain, name, inputs, {&outputs_[index], 1});
    for (auto &[key, attribute] : plan.attributes) model_.set_attribute(node, key, std::move(attribute));
    nodes_[index] = node;
  }

  model::Model &model_;
  const Pattern &expression_;
  std::vector<model::Node> old_;
  std::map<std::string, std::size_t> same_;  // of each type, how many operators of the expression have taken one
  std::vector<Plan> plans_;
  std::vector<Handle> outputs_, nodes_;
};

}  // namespace

std::vector<Handle> replace(model::Model &model, const Pattern &expression, const std::vector<Handle> &old,
                            const NamedValues &values, Handle output) {
  return Replacer(model, expression, old).run(old, values, output);
}

}  // namespace halftone::pattern
