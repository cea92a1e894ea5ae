#include "tests/unit/model/onnx_canonical.h"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace halftone::model::test {
namespace {

template <typename T, typename Field>
void append(std::string &raw, const Field &field) {
  for (const auto element : field) {
    const T value = static_cast<T>(element);
    raw.append(reinterpret_cast<const char *>(&value), sizeof value);
  }
}

void to_raw(onnx::TensorProto &t) {
  if (t.data_type() == onnx::TensorProto::STRING) return;
  std::string raw = t.raw_data();
  append<float>(raw, t.float_data());
  append<double>(raw, t.double_data());
  append<std::int64_t>(raw, t.int64_data());
  if (t.data_type() == onnx::TensorProto::UINT32)
    append<std::uint32_t>(raw, t.uint64_data());
  else
    append<std::uint64_t>(raw, t.uint64_data());
  switch (t.data_type()) {
    case onnx::TensorProto::INT32:
      append<std::int32_t>(raw, t.int32_data());
      break;
    case onnx::TensorProto::INT16:
    case onnx::TensorProto::UINT16:
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
      append<std::int16_t>(raw, t.int32_data());
      break;
    default:
      append<std::int8_t>(raw, t.int32_data());
      break;
  }
  t.clear_float_data();
  t.clear_double_data();
  t.clear_int64_data();
  t.clear_uint64_data();
  t.clear_int32_data();
  t.set_raw_data(raw);
}

void make_canonical(onnx::GraphProto &g) {
  for (onnx::TensorProto &t : *g.mutable_initializer()) to_raw(t);
  const auto by_name = [](const auto &a, const auto &b) { return a.name() < b.name(); };
  std::sort(g.mutable_initializer()->begin(), g.mutable_initializer()->end(), by_name);
  std::sort(g.mutable_value_info()->begin(), g.mutable_value_info()->end(), by_name);
  for (onnx::NodeProto &n : *g.mutable_node()) {
    for (onnx::AttributeProto &a : *n.mutable_attribute()) {
      if (a.has_t()) to_raw(*a.mutable_t());
      if (a.has_g()) make_canonical(*a.mutable_g());
      for (onnx::GraphProto &inner : *a.mutable_graphs()) make_canonical(inner);
    }
  }
}

}  // namespace

onnx::ModelProto parse_text(const std::string &text) {
  onnx::ModelProto proto;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(text, &proto));
  return proto;
}

std::string model_bytes(const std::string &graph_body, int opset, const std::string &rest) {
  return parse_text(fmt::format("ir_version: 8 opset_import {{ domain: '' version: {} }} {} graph {{ name: 'g' {} }}",
                                opset, rest, graph_body))
      .SerializeAsString();
}

void make_canonical(onnx::ModelProto &proto) {
  make_canonical(*proto.mutable_graph());
}

std::string difference(onnx::ModelProto a, onnx::ModelProto b) {
  make_canonical(a);
  make_canonical(b);
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(a, b) ? std::string() : report.substr(0, 2000);
}

onnx::ModelProto parse_bytes(std::string_view bytes) {
  onnx::ModelProto proto;
  REQUIRE(proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return proto;
}

}  // namespace halftone::model::test
