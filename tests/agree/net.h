// Small models made by hand or by dice.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/host/context.h"
#include "tests/agree/rig.h"

namespace halftone::test {

class Net {
 public:
  explicit Net(std::uint64_t seed = 1) : random_(seed) { working.model.set_opset("", 17); }

  using Ints = std::vector<std::int64_t>;
  using Attributes = std::vector<std::pair<std::string, model::Attribute>>;
  static std::pair<std::string, model::Attribute> ints(std::string name, Ints v) {
    return {std::move(name), {std::move(v)}};
  }
  static std::pair<std::string, model::Attribute> integer(std::string name, std::int64_t v) {
    return {std::move(name), {v}};
  }
  static std::pair<std::string, model::Attribute> number(std::string name, float v) { return {std::move(name), {v}}; }

  model::Handle input(const model::Shape &shape);
  model::Handle weight(const model::Shape &shape, float scale = 1, float offset = 0);
  model::Handle integers(const Ints &values);
  model::Handle node(const std::string &op, std::vector<model::Handle> inputs, const Attributes &attributes = {});
  void output(model::Handle value) { working.model.mark_output(value); }
  std::uint64_t roll(std::uint64_t sides) { return random_() % sides; }

  // A model input for each graph input.
  std::vector<model::Tensor> sample(std::uint64_t seed) const;

  host::WorkingModel working;

 private:
  std::mt19937_64 random_;
  std::vector<model::Shape> input_shapes_;
};

// Convolutions of many kinds, poolings, sums, concatenations and element-wise operators on [1, C, H, W].
Net random_net(std::uint64_t seed);

// Live per-tensor configs on most slots of most nodes, per-channel ones on weights.
void quantize(Net &net, std::uint64_t seed);

}  // namespace halftone::test
