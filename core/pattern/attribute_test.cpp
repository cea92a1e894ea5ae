#include "core/pattern/attribute_test.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/model/onnx_io.h"

namespace halftone::pattern {
namespace {

constexpr double kTolerance = 1e-3;

// Lists whose length depends on the node have no default in ONNX's schemas, only a rule in words: this number each.
std::optional<double> default_entry(std::string_view attribute) {
  if (attribute == "strides" || attribute == "dilations") return 1.0;
  if (attribute == "pads" || attribute == "output_padding") return 0.0;
  return std::nullopt;
}

// A convolution may leave its kernel to the shape of the weight.
std::vector<std::int64_t> kernel_of_weight(const model::Model &model, const model::Node &node) {
  if (node.inputs.size() < 2 || node.inputs[1] == HT_NONE) return {};
  const auto &weight = model.value(node.inputs[1]).initializer;
  if (!weight || weight->shape().size() < 3) return {};
  return {weight->shape().begin() + 2, weight->shape().end()};
}

// Compares an attribute's data, whichever it is, with what is wanted.
struct Comparison {
  const AttributeTest::Wanted &wanted;

  template <typename T>
  bool all(const std::vector<T> &have) const {
    constexpr bool kInteger = std::is_integral_v<T>;
    const auto same = [](T a, double b) { return equals(static_cast<double>(a), b, kInteger); };
    if (const auto *number = std::get_if<double>(&wanted)) {
      return !have.empty() && std::ranges::all_of(have, [&](T v) { return same(v, *number); });
    }
    const auto *list = std::get_if<std::vector<double>>(&wanted);
    return list != nullptr && std::ranges::equal(have, *list, same);
  }
  template <typename T>
  bool one(T have) const {
    const auto *number = std::get_if<double>(&wanted);
    return number != nullptr && equals(static_cast<double>(have), *number, std::is_integral_v<T>);
  }

  bool operator()(std::int64_t have) const { return one(have); }
  bool operator()(float have) const { return one(have); }
  bool operator()(const std::vector<std::int64_t> &have) const { return all(have); }
  bool operator()(const std::vector<float> &have) const { return all(have); }
  bool operator()(const std::string &have) const {
    const auto *text = std::get_if<std::string>(&wanted);
    return text != nullptr && have == *text;
  }
  bool operator()(const std::vector<std::string> &have) const {
    const auto *list = std::get_if<std::vector<std::string>>(&wanted);
    return list != nullptr && have == *list;
  }
  // Tensors and graphs are not compared.
  template <typename Other>
  bool operator()(const Other &) const {
    return false;
  }
};

bool entries_are(const AttributeTest::Wanted &wanted, double entry) {
  if (const auto *number = std::get_if<double>(&wanted)) return *number == entry;
  const auto *list = std::get_if<std::vector<double>>(&wanted);
  return list != nullptr && std::ranges::all_of(*list, [&](double v) { return v == entry; });
}

bool is_equal(const AttributeTest &test, const model::Model &model, const model::Node &node) {
  const Comparison compare{test.wanted};
  const auto written = node.attributes.find(test.name);
  if (written != node.attributes.end()) return std::visit(compare, written->second.data);
  if (test.name == "kernel_shape") return compare(kernel_of_weight(model, node));
  const model::Attribute deflt =
      model::default_attribute(node.domain, node.op_type, model.opset(node.domain), test.name);
  if (!std::holds_alternative<std::monostate>(deflt.data)) return std::visit(compare, deflt.data);
  const std::optional<double> entry = default_entry(test.name);
  return entry && entries_are(test.wanted, *entry);
}

}  // namespace

bool equals(double have, double wanted, bool integer) {
  if (integer || have == wanted) return have == wanted;
  return std::abs(have - wanted) <= kTolerance * std::abs(wanted);
}

bool AttributeTest::holds(const model::Model &model, const model::Node &node) const {
  return is_equal(*this, model, node) == equal;
}

}  // namespace halftone::pattern
