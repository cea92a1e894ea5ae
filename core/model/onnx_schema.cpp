#include "core/model/onnx_schema.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/model/onnx_io.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#include <onnx/defs/schema.h>
#pragma GCC diagnostic pop

namespace halftone::model {
namespace {

std::string plain(std::string_view domain) {
  return domain == "ai.onnx" ? std::string() : std::string(domain);
}

const onnx::OpSchema *schema(std::string_view domain, std::string_view op_type, std::int64_t opset) {
  const int version = static_cast<int>(std::clamp<std::int64_t>(opset, 0, 1 << 20));
  return onnx::OpSchemaRegistry::Schema(std::string(op_type), version, plain(domain));
}

}  // namespace

std::int64_t linked_version(std::string_view domain) {
  const auto &versions = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
  const auto found = versions.find(plain(domain));
  return found == versions.end() ? 0 : found->second.second;
}

std::int64_t linked_opset() {
  return linked_version("");
}

std::int64_t linked_ir_version() {
  return onnx::Version::IR_VERSION;
}

bool is_known_operator(std::string_view domain, std::string_view op_type, std::int64_t opset) {
  return schema(domain, op_type, opset) != nullptr;
}

std::optional<SlotCounts> slot_counts(std::string_view domain, std::string_view op_type, std::int64_t opset) {
  const onnx::OpSchema *known = opset > linked_version(domain) ? nullptr : schema(domain, op_type, opset);
  if (known == nullptr) return std::nullopt;
  const auto count = [](int number) { return static_cast<std::size_t>(std::max(number, 0)); };
  return SlotCounts{count(known->min_input()), count(known->max_input()), count(known->max_output())};
}

std::optional<std::vector<std::string>> attribute_names(std::string_view domain, std::string_view op_type) {
  std::set<std::string> names;
  bool known = false;
  for (std::int64_t opset = linked_version(domain); opset > 0; --opset) {
    const onnx::OpSchema *version = schema(domain, op_type, opset);
    if (version == nullptr) continue;  // not yet, or withdrawn
    known = true;
    for (const auto &[name, attribute] : version->attributes()) names.insert(name);
    opset = version->SinceVersion();  // those between are the same
  }
  if (!known) return std::nullopt;
  return std::vector<std::string>(names.begin(), names.end());
}

Attribute default_attribute(std::string_view domain, std::string_view op_type, std::int64_t opset,
                            std::string_view name) {
  const onnx::OpSchema *known = schema(domain, op_type, opset);
  if (known == nullptr) return {};
  const auto found = known->attributes().find(std::string(name));
  if (found == known->attributes().end()) return {};
  const onnx::AttributeProto &deflt = found->second.default_value;
  switch (deflt.type()) {
    case onnx::AttributeProto::INT:
      return {std::int64_t{deflt.i()}};
    case onnx::AttributeProto::FLOAT:
      return {deflt.f()};
    case onnx::AttributeProto::STRING:
      return {deflt.s()};
    case onnx::AttributeProto::INTS:
      return {std::vector<std::int64_t>(deflt.ints().begin(), deflt.ints().end())};
    case onnx::AttributeProto::FLOATS:
      return {std::vector<float>(deflt.floats().begin(), deflt.floats().end())};
    case onnx::AttributeProto::STRINGS:
      return {std::vector<std::string>(deflt.strings().begin(), deflt.strings().end())};
    default:
      return {};
  }
}

std::string unknown_operator_hint(std::string_view domain, std::string_view op_type) {
  const std::string wanted = plain(domain);
  std::vector<std::string> names;
  std::int64_t first = 0;
  for (const onnx::OpSchema &known : onnx::OpSchemaRegistry::get_all_schemas_with_history()) {
    if (known.domain() != wanted) continue;
    if (known.Name() == op_type)
      first = first == 0 ? known.SinceVersion() : std::min<std::int64_t>(first, known.SinceVersion());
    names.push_back(known.Name());
  }
  if (first != 0) return fmt::format(" (it exists since opset {})", first);
  std::sort(names.begin(), names.end());
  return nearest_hint(op_type, names);
}

bool fit_to_known_schema(onnx::NodeProto &node, std::int64_t opset) {
  const onnx::OpSchema *known = schema(node.domain(), node.op_type(), opset);
  if (known == nullptr) return false;
  if (opset <= linked_version(node.domain())) {
    auto &attributes = *node.mutable_attribute();
    for (int i = attributes.size() - 1; i >= 0; --i) {
      const bool has_graph = attributes[i].has_g() || attributes[i].graphs_size() > 0;  // others point to those
      if (!has_graph && known->attributes().count(attributes[i].name()) == 0) attributes.DeleteSubrange(i, 1);
    }
  }
  try {
    known->Verify(node);
    return true;
  } catch (const std::exception &) {
    return false;
  }
}

}  // namespace halftone::model
