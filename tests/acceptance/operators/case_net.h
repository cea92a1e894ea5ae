// Models of one node on random constants, with what the reference executor makes of them, as files for ONNX Runtime.
#pragma once

#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/reference/small_net.h"

namespace halftone::test {

using Ints = std::vector<std::int64_t>;

inline model::Attribute integer(std::int64_t value) {
  return {value};
}
inline model::Attribute real(float value) {
  return {value};
}
inline model::Attribute text(const std::string &value) {
  return {value};
}

// How near results must be. Codes may differ by one where the two runtimes round a tie, or the last bit of a product,
// another way: in at most this fraction of elements.
struct Closeness {
  double relative = 1e-4;
  double ties = 0;
};
constexpr Closeness kReal = {}, kCodes = {.ties = 0.02};

// One case. Values are drawn from a generator seeded by its number, so that every run makes the same files.
class CaseNet {
 public:
  explicit CaseNet(std::uint32_t seed, std::int64_t opset = 18) : net_(opset), random_(seed) {
    net_.m().set_opset("com.microsoft", 1);
  }

  std::int64_t draw(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool coin() { return draw(0, 1) == 1; }
  float number(float low, float high) { return low + (high - low) * static_cast<float>(random_() % 65536U) / 65535.0F; }

  model::Handle floats(model::Shape shape, float low = -2, float high = 2) {
    std::vector<float> values(static_cast<std::size_t>(model::element_count(shape)));
    for (float &value : values) value = number(low, high);
    return net_.floats(std::move(shape), values);
  }
  model::Handle scalar(float value) { return net_.floats({}, {value}); }
  model::Handle scale() { return scalar(number(0.005F, 0.05F)); }
  // Bytes of any value.
  model::Handle codes(ht_dtype dtype, model::Shape shape) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(model::element_count(shape)));
    for (std::byte &byte : bytes) byte = static_cast<std::byte>(random_() & 255U);
    return net_.constant(model::Tensor(dtype, std::move(shape), std::move(bytes)));
  }
  model::Handle zero_point(ht_dtype dtype) {
    const auto value = static_cast<std::uint8_t>(dtype == HT_I8 ? draw(-20, 20) : draw(100, 150));
    return net_.constant(model::Tensor(dtype, {}, {static_cast<std::byte>(value)}));
  }
  // int32 in [low, high].
  model::Handle int32s(model::Shape shape, std::int64_t low, std::int64_t high) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(model::element_count(shape)) * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      const auto value = static_cast<std::int32_t>(draw(low, high));
      std::memcpy(bytes.data() + i, &value, 4);
    }
    return net_.constant(model::Tensor(HT_I32, std::move(shape), std::move(bytes)));
  }
  // int32 flags, the first of each row set: where nothing is left, float32 rounds what -10000 leaves of the scores.
  model::Handle flags(model::Shape shape) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(model::element_count(shape)) * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
      const bool first = i / 4 % static_cast<std::size_t>(shape.back()) == 0;
      bytes[i] = static_cast<std::byte>(first || coin() ? 1 : 0);
    }
    return net_.constant(model::Tensor(HT_I32, std::move(shape), std::move(bytes)));
  }
  model::Handle ints(const Ints &values) { return net_.ints(values); }
  model::Handle constant(model::Tensor tensor) { return net_.constant(std::move(tensor)); }

  void node(const std::string &domain, const std::string &op, const std::vector<model::Handle> &inputs,
            const Attributes &attributes = {}, std::size_t outputs = 1) {
    outputs_ = net_.nodes(op, inputs, outputs, attributes);
    net_.m().set_op_type(net_.producer(outputs_[0]), op, domain);
    label_ = domain.empty() ? op : domain + " " + op;
  }
  // `compared`: the outputs that count; others are made and dropped.
  void microsoft(const std::string &op, const std::vector<model::Handle> &inputs, const Attributes &attributes = {},
                 std::size_t outputs = 1) {
    node("com.microsoft", op, inputs, attributes, outputs);
  }

  // Writes NAME.onnx and NAME.json.
  void write(const std::filesystem::path &folder, const std::string &name, const Closeness &closeness);

 private:
  SmallNet net_;
  std::mt19937 random_;
  std::vector<model::Handle> outputs_;
  std::string label_;
};

}  // namespace halftone::test
