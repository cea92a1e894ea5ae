#include "core/pattern/attribute_test.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/model/onnx_io.h"
#include "core/pattern/unwritten_list.h"

namespace halftone::pattern {
namespace {

constexpr double kTolerance = 1e-3;

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

// nullopt when a list is wanted whose length cannot be told.
std::optional<bool> equals_list(const AttributeTest::Wanted &wanted, const UnwrittenList &have) {
  if (const auto *number = std::get_if<double>(&wanted)) return *number == have.entry;
  const auto *list = std::get_if<std::vector<double>>(&wanted);
  if (list == nullptr || !std::ranges::all_of(*list, [&](double v) { return v == have.entry; })) return false;
  if (!have.length) return std::nullopt;
  return list->size() == *have.length;
}

// nullopt when that is not known before a run.
std::optional<bool> is_equal(const AttributeTest &test, const model::Model &model, const model::Node &node) {
  const Comparison compare{test.wanted};
  const auto written = node.attributes.find(test.name);
  if (written != node.attributes.end()) return std::visit(compare, written->second.data);
  if (test.name == "kernel_shape" && is_convolution(node)) {
    const std::vector<std::int64_t> kernel = kernel_of_weight(model, node);
    return kernel.empty() ? std::nullopt : std::optional(compare(kernel));
  }
  const model::Attribute deflt =
      model::default_attribute(node.domain, node.op_type, model.opset(node.domain), test.name);
  if (!std::holds_alternative<std::monostate>(deflt.data)) return std::visit(compare, deflt.data);
  if (test.name == "pads" && computes_pads(node)) return std::nullopt;
  const std::optional<UnwrittenList> list = unwritten_list(model, node, test.name);
  return list ? equals_list(test.wanted, *list) : false;
}

}  // namespace

bool equals(double have, double wanted, bool integer) {
  if (integer || have == wanted) return have == wanted;
  return std::abs(have - wanted) <= kTolerance * std::abs(wanted);
}

bool AttributeTest::holds(const model::Model &model, const model::Node &node) const {
  const std::optional<bool> same = is_equal(*this, model, node);
  return same && *same == equal;
}

}  // namespace halftone::pattern
