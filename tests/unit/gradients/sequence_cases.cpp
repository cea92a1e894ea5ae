// Recurrent operators, attention and losses.
#include "tests/unit/gradients/cases.h"

namespace halftone::test {
namespace {

model::Attribute names(std::vector<std::string> values) {
  return {std::move(values)};
}

// Three steps of two samples, `input` of three, `hidden` of two.
struct Recurrent {
  std::string op;
  std::int64_t gates;
  std::uint32_t &salt;

  std::vector<model::Tensor> inputs(std::int64_t directions, bool lengths, bool states,
                                    bool batch_first = false) const {
    const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
    const model::Shape state = batch_first ? model::Shape{2, directions, 2} : model::Shape{directions, 2, 2};
    std::vector<model::Tensor> out = {any(batch_first ? model::Shape{2, 3, 3} : model::Shape{3, 2, 3}),
                                      any({directions, gates * 2, 3}), any({directions, gates * 2, 2}),
                                      any({directions, gates * 4})};
    out.push_back(lengths ? model::Tensor(HT_I32, {2}, lengths_bytes()) : nothing());
    if (states) out.push_back(any(state));
    if (states && op == "LSTM") {
      out.push_back(any(state));
      out.push_back(any({directions, 6}));
    }
    return out;
  }
  static std::vector<std::byte> lengths_bytes() {
    std::vector<std::byte> bytes(8, std::byte{0});
    bytes[0] = std::byte{3};
    bytes[4] = std::byte{2};
    return bytes;
  }
};

void add_recurrent(std::vector<OpCase> &out, const Recurrent &of) {
  const std::size_t outputs = of.op == "LSTM" ? 3 : 2;
  const auto add = [&](std::vector<model::Tensor> inputs, Attributes attributes, std::vector<std::size_t> unused = {}) {
    attributes.emplace_back("hidden_size", whole(2));
    out.push_back({.op_type = of.op,
                   .attributes = std::move(attributes),
                   .inputs = std::move(inputs),
                   .outputs = outputs,
                   .unused_outputs = std::move(unused)});
  };
  add(of.inputs(1, false, false), {});
  add(of.inputs(1, true, true), {{"direction", text("reverse")}});
  add(of.inputs(2, true, true), {{"direction", text("bidirectional")}});
  add(of.inputs(2, false, true, true), {{"direction", text("bidirectional")}, {"layout", whole(1)}});
  add(of.inputs(1, false, true), {{"clip", real(0.9F)}});
  add(of.inputs(1, false, true), {}, {0});
  add(of.inputs(1, false, true), {}, {1});
  if (of.op == "LSTM") add(of.inputs(1, false, true), {{"input_forget", whole(1)}});
  if (of.op == "GRU")
    add(of.inputs(2, false, true), {{"direction", text("bidirectional")}, {"linear_before_reset", whole(1)}});
}

}  // namespace

std::vector<OpCase> sequence_cases() {
  std::vector<OpCase> out;
  std::uint32_t salt = 1100;
  add_recurrent(out, {"LSTM", 4, salt});
  add_recurrent(out, {"GRU", 3, salt});
  add_recurrent(out, {"RNN", 1, salt});
  for (const char *function : {"Sigmoid", "Relu", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid",
                               "Elu", "Softsign", "Softplus"}) {
    out.push_back({.op_type = "RNN",
                   .attributes = {{"hidden_size", whole(2)}, {"activations", names({function})}},
                   .inputs = Recurrent{"RNN", 1, salt}.inputs(1, false, true),
                   .outputs = 2});
  }
  const auto any = [&](model::Shape shape) { return noise(std::move(shape), ++salt); };
  const auto heads = [&](std::vector<model::Tensor> inputs, Attributes attributes = {}) {
    attributes.emplace_back("num_heads", whole(2));
    out.push_back({.op_type = "MultiHeadAttention",
                   .domain = "com.microsoft",
                   .opset = 1,
                   .attributes = std::move(attributes),
                   .inputs = std::move(inputs)});
  };
  heads({any({2, 3, 4}), any({2, 5, 4}), any({2, 5, 6})});
  heads({any({2, 3, 4}), any({2, 5, 4}), any({2, 5, 6}), any({14}), nothing(), any({1, 2, 3, 5})},
        {{"scale", real(0.7F)}});
  heads({any({1, 3, 4}), any({1, 3, 4}), any({1, 3, 4}), nothing(), model::Tensor::from_ints({1, 3}, Ints{1, 0, 1})},
        {{"unidirectional", whole(1)}});
  heads({any({2, 3, 4}), any({2, 2, 4, 2}), any({2, 2, 4, 3})});
  const auto targets = model::Tensor::from_ints({2, 3}, Ints{0, 3, 1, 2, 2, 3});
  for (const char *op : {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}) {
    for (const char *reduction : {"none", "sum", "mean"}) {
      const Attributes attributes = {{"reduction", text(reduction)}};
      const Attributes ignoring = {{"reduction", text(reduction)}, {"ignore_index", whole(2)}};
      out.push_back({.op_type = op, .attributes = attributes, .inputs = {any({2, 4, 3}), targets}});
      out.push_back(
          {.op_type = op, .attributes = ignoring, .inputs = {any({2, 4, 3}), targets, noise({4}, ++salt, 0.2, 1)}});
    }
  }
  out.push_back({.op_type = "SoftmaxCrossEntropyLoss", .inputs = {any({2, 4, 3}), targets}, .outputs = 2});
  return out;
}

}  // namespace halftone::test
