// Operators that move elements, or leave them where they are.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {

std::vector<OpCase> movement_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 500;
  const auto add = [&](const std::string &op, std::vector<model::Tensor> inputs, Attributes attributes = {},
                       std::int64_t opset = 17, std::size_t outputs = 1) {
    out.push_back({.op_type = op,
                   .opset = opset,
                   .attributes = std::move(attributes),
                   .inputs = std::move(inputs),
                   .outputs = outputs});
  };
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  add("Identity", {any({2, 3})});
  add("Reshape", {any({2, 3, 4}), ints({4, -1})});
  add("Flatten", {any({2, 3, 4})}, {{"axis", whole(2)}});
  add("Squeeze", {any({2, 1, 4}), ints({1})});
  add("Squeeze", {any({1, 1, 4})});
  add("Unsqueeze", {any({2, 4}), ints({0, 2})});
  add("Dropout", {any({2, 4})});
  add("Dropout", {any({2, 4})}, {}, 17, 2);
  add("Cast", {any({2, 4})}, {{"to", whole(1)}});
  add("CastLike", {any({2, 4}), any({1})});
  for (std::size_t i = out.size() - 2; i < out.size(); ++i) {  // what they give is float32
    out[i].floats = {1};
    out[i].step = 0.1;
  }
  add("Concat", {any({2, 3}), any({2, 1}), any({2, 4})}, {{"axis", whole(1)}});
  add("Concat", {any({1, 2, 3}), any({2, 2, 3})}, {{"axis", whole(-3)}});
  add("Split", {any({2, 6})}, {{"axis", whole(1)}}, 17, 3);
  add("Split", {any({5, 2}), ints({1, 4})}, {}, 17, 2);
  out.push_back(out.back());
  out.back().unused_outputs = {0};
  add("Slice", {any({4, 5}), ints({1}), ints({4})});
  add("Slice", {any({4, 5}), ints({-1, 0}), ints({-5, 5}), ints({0, 1}), ints({-2, 3})});
  add("Slice", {any({4, 5, 2}), ints({3}), ints({1}), ints({1})});
  for (const char *mode : {"constant", "reflect", "edge", "wrap"}) {
    const Attributes attributes = {{"mode", text(mode)}};
    add("Pad", {any({3, 4}), ints({1, 2, 2, 0}), scalar(0.5F)}, attributes, 19);
    add("Pad", {any({3, 4}), ints({-1, 1, 2, -1})}, attributes, 19);
    add("Pad", {any({2, 3, 4}), ints({2, 1}), nothing(), ints({-1})}, attributes, 19);
  }
  add("Transpose", {any({2, 3, 4})});
  add("Transpose", {any({2, 3, 4})}, {{"perm", list({1, 2, 0})}});
  for (const char *mode : {"DCR", "CRD"})
    add("DepthToSpace", {any({2, 8, 2, 3})}, {{"blocksize", whole(2)}, {"mode", text(mode)}});
  add("SpaceToDepth", {any({2, 2, 4, 6})}, {{"blocksize", whole(2)}});
  add("Expand", {any({3, 1}), ints({2, 1, 4})});
  add("Tile", {any({2, 3}), ints({3, 2})});
  add("Trilu", {any({2, 3, 4}), ints({1})});
  add("Trilu", {any({3, 3})}, {{"upper", whole(0)}});
  return out;
}

std::vector<OpCase> index_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 600;
  const auto add = [&](const std::string &op, std::vector<model::Tensor> inputs, Attributes attributes = {},
                       std::int64_t opset = 17) {
    out.push_back({.op_type = op, .opset = opset, .attributes = std::move(attributes), .inputs = std::move(inputs)});
  };
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  const auto table = [](model::Shape shape, const Ints &values) {
    return model::Tensor::from_ints(std::move(shape), values);
  };
  add("Gather", {any({5, 3}), table({2, 2}, {4, 0, -1, 4})});
  add("Gather", {any({2, 3, 2}), table({}, {1})}, {{"axis", whole(1)}});
  add("GatherElements", {any({3, 3}), table({2, 3}, {1, 2, 0, 2, 0, 0})});
  add("GatherElements", {any({3, 3}), table({3, 2}, {1, 1, -1, 2, 0, 0})}, {{"axis", whole(1)}});
  add("GatherND", {any({2, 3, 2}), table({2, 2}, {0, 1, 1, -1})});
  add("GatherND", {any({2, 3, 2}), table({2, 1}, {2, 0})}, {{"batch_dims", whole(1)}});
  const auto indices = table({2, 3}, {1, 2, 0, 2, 2, 0});  // both rows write element (2, 1) and (0, 2)
  for (const char *reduction : {"none", "add", "mul", "max", "min"}) {
    const Attributes how = {{"reduction", text(reduction)}};
    add("ScatterElements", {any({3, 3}), indices, any({2, 3})}, how, 18);
    add("ScatterND", {any({3, 2}), table({3, 1}, {2, 0, 2}), any({3, 2})}, how, 18);
  }
  add("ScatterElements", {any({2, 4}), table({2, 2}, {3, -3, 0, 1}), any({2, 2})}, {{"axis", whole(1)}});
  add("ScatterND", {any({2, 3}), table({2, 2}, {0, 1, 1, -1}), any({2})});
  add("Scatter", {any({3, 3}), indices, any({2, 3})}, {}, 10);
  for (const std::int64_t axis : {0, 1}) {
    out.push_back({.op_type = "TopK",
                   .attributes = {{"axis", whole(axis)}, {"largest", whole(axis)}},
                   .inputs = {any({4, 3}), ints({2})},
                   .outputs = 2});
  }
  add("Compress", {any({3, 4}), model::Tensor(HT_BOOL, {4}, {std::byte{0}, std::byte{1}, std::byte{1}, std::byte{0}})},
      {{"axis", whole(1)}});
  add("Compress", {any({3, 2}), model::Tensor(HT_BOOL, {3}, {std::byte{1}, std::byte{0}, std::byte{1}})});
  add("ReverseSequence", {any({4, 2, 3}), ints({3, 1})});
  add("ReverseSequence", {any({2, 4}), ints({4, 2})}, {{"batch_axis", whole(0)}, {"time_axis", whole(1)}});
  add("CenterCropPad", {any({3, 6}), ints({5, 3})}, {}, 18);
  add("MaxUnpool", {any({1, 1, 2, 2}), table({1, 1, 2, 2}, {5, 7, 13, 15})},
      {{"kernel_shape", list({2, 2})}, {"strides", list({2, 2})}});
  add("MaxUnpool", {any({1, 1, 2, 2}), table({1, 1, 2, 2}, {5, 7, 13, 7}), ints({1, 1, 5, 5})},
      {{"kernel_shape", list({2, 2})}, {"strides", list({2, 2})}});
  return out;
}

}  // namespace halftone::test
