#include <cstring>

#include "tests/acceptance/operators/cases.h"

namespace halftone::test {
namespace {

void fused_conv(CaseNet &net) {
  const std::int64_t in = net.draw(1, 4), out = net.draw(1, 4);
  std::vector<std::pair<std::string, std::vector<float>>> activations = {{"Relu", {}},
                                                                         {"Tanh", {}},
                                                                         {"Sigmoid", {}},
                                                                         {"LeakyRelu", {0.3F}},
                                                                         {"Clip", {-0.5F, 1.5F}},
                                                                         {"HardSigmoid", {0.2F, 0.4F}}};
  const auto &[name, parameters] = activations[static_cast<std::size_t>(net.draw(0, 5))];
  Attributes attributes = {{"activation", text(name)}, {"kernel_shape", {Ints{3, 3}}}};
  if (!parameters.empty()) attributes.push_back({"activation_params", {parameters}});
  std::vector<model::Handle> inputs = {net.floats({1, in, 6, 7}), net.floats({out, in, 3, 3}), net.floats({out})};
  if (net.coin()) inputs.push_back(net.floats({1, out, 4, 5}));
  net.microsoft("FusedConv", inputs, attributes);
}

void fused_gemm(CaseNet &net) {
  const std::int64_t m = net.draw(1, 5), k = net.draw(1, 9), n = net.draw(1, 5);
  net.microsoft("FusedGemm", {net.floats({m, k}), net.floats({n, k}), net.floats({n})},
                {{"transB", integer(1)},
                 {"activation", text(net.coin() ? "Relu" : "LeakyRelu")},
                 {"activation_alpha", real(0.2F)}});
}

void fused_matmul(CaseNet &net) {
  const std::int64_t m = net.draw(1, 5), k = net.draw(1, 9), n = net.draw(1, 5);
  const bool ta = net.coin(), tb = net.coin();
  net.microsoft(
      "FusedMatMul",
      {net.floats(ta ? model::Shape{2, k, m} : model::Shape{2, m, k}),
       net.floats(tb ? model::Shape{2, n, k} : model::Shape{2, k, n})},
      {{"transA", integer(ta ? 1 : 0)}, {"transB", integer(tb ? 1 : 0)}, {"alpha", real(net.number(0.1F, 2))}});
}

void gelu(CaseNet &net, const std::string &op, bool bias) {
  const std::int64_t n = net.draw(1, 20);
  std::vector<model::Handle> inputs = {net.floats({net.draw(1, 3), n}, -4, 4)};
  if (bias) inputs.push_back(net.floats({n}));
  net.microsoft(op, inputs);
}

void skip_simplified(CaseNet &net) {
  const std::int64_t b = net.draw(1, 2), s = net.draw(1, 4), n = net.draw(2, 9);
  net.microsoft("SkipSimplifiedLayerNormalization",
                {net.floats({b, s, n}), net.floats({b, s, n}), net.floats({n}), net.floats({n})},
                {{"epsilon", real(1e-5F)}});
}

void skip_layer_norm(CaseNet &net) {
  const std::int64_t b = net.draw(1, 2), s = net.draw(1, 4), n = net.draw(2, 9);
  net.microsoft("SkipLayerNormalization",
                {net.floats({b, s, n}), net.floats({b, s, n}), net.floats({n}), net.floats({n}), net.floats({n})},
                {{"epsilon", real(1e-5F)}});
}

void simplified(CaseNet &net) {
  const std::int64_t n = net.draw(2, 9);
  net.node("", "SimplifiedLayerNormalization", {net.floats({3, n}), net.floats({n})},
           {{"axis", integer(-1)}, {"epsilon", real(1e-5F)}});
}

void embed(CaseNet &net) {
  const std::int64_t b = net.draw(1, 3), s = net.draw(1, 5), n = net.draw(2, 9);
  const bool segments = net.coin();
  net.microsoft("EmbedLayerNormalization",
                {net.int32s({b, s}, 0, 10), segments ? net.int32s({b, s}, 0, 1) : HT_NONE, net.floats({11, n}),
                 net.floats({8, n}), segments ? net.floats({2, n}) : HT_NONE, net.floats({n}), net.floats({n}),
                 net.int32s({b, s}, 0, 1)},
                {{"epsilon", real(1e-5F)}}, 2);
}

// Masks of every form: lengths, lengths and starts, and one entry per key.
void attention(CaseNet &net) {
  const std::int64_t b = net.draw(1, 3), s = net.draw(2, 5), heads = net.draw(1, 3), width = net.draw(1, 4),
                     depth = net.draw(2, 6);
  const std::int64_t hidden = heads * width;
  std::vector<model::Handle> inputs = {net.floats({b, s, depth}), net.floats({depth, 3 * hidden}),
                                       net.floats({3 * hidden})};
  switch (net.draw(0, 3)) {
    case 1:
      inputs.push_back(net.int32s({b}, 1, s));
      break;
    case 2:
      inputs.push_back(net.flags({b, s}));
      break;
    case 3:
      inputs.push_back(net.flags({b, s, s}));
      break;
    default:
      inputs.push_back(HT_NONE);
  }
  if (net.coin()) inputs.insert(inputs.end(), {HT_NONE, net.floats({b, heads, s, s})});
  net.microsoft("Attention", inputs, {{"num_heads", integer(heads)}, {"unidirectional", integer(net.draw(0, 1))}});
}

void attention_with_past(CaseNet &net) {
  const std::int64_t b = net.draw(1, 2), s = net.draw(1, 3), heads = net.draw(1, 3), width = net.draw(1, 4), depth = 4;
  const std::int64_t hidden = heads * width, past = net.draw(1, 3);
  net.microsoft("Attention",
                {net.floats({b, s, depth}), net.floats({depth, 3 * hidden}), net.floats({3 * hidden}), HT_NONE,
                 net.floats({2, b, heads, past, width})},
                {{"num_heads", integer(heads)}, {"unidirectional", integer(1)}}, 2);
}

void multi_head_attention(CaseNet &net) {
  const std::int64_t b = net.draw(1, 3), s = net.draw(1, 4), t = net.draw(2, 5), heads = net.draw(1, 3),
                     width = net.draw(1, 4);
  const std::int64_t hidden = heads * width;
  const bool past = net.coin();
  const std::int64_t now = past ? s : t, before = net.draw(1, 3), keys = now + (past ? before : 0);
  std::vector<model::Handle> inputs = {net.floats({b, s, hidden}),
                                       net.floats({b, now, hidden}),
                                       net.floats({b, now, hidden}),
                                       net.coin() ? net.floats({3 * hidden}) : HT_NONE,
                                       !past && net.coin() ? net.flags({b, keys}) : HT_NONE,
                                       net.coin() ? net.floats({1, heads, s, keys}) : HT_NONE};
  if (past) inputs.insert(inputs.end(), {net.floats({b, heads, before, width}), net.floats({b, heads, before, width})});
  net.microsoft("MultiHeadAttention", inputs, {{"num_heads", integer(heads)}}, past ? 3 : 1);
}

void rotary_embedding(CaseNet &net) {
  const std::int64_t b = net.draw(1, 2), s = net.draw(1, 4), heads = net.draw(1, 3), width = 2 * net.draw(1, 4);
  const bool offset = net.coin();
  Ints positions;
  for (std::int64_t i = 0; i < (offset ? 1 : b * s); ++i) positions.push_back(net.draw(0, 5));
  const auto where = net.constant(model::Tensor::from_ints(offset ? model::Shape{1} : model::Shape{b, s}, positions));
  const model::Shape x = net.coin() ? model::Shape{b, heads, s, width} : model::Shape{b, s, heads * width};
  net.microsoft("RotaryEmbedding", {net.floats(x), where, net.floats({10, width / 2}), net.floats({10, width / 2})},
                {{"interleaved", integer(net.draw(0, 1))}});
}

// A prompt without a cache, or one further step with one.
void group_query_attention(CaseNet &net) {
  const bool step = net.coin(), packed = net.coin();
  const std::int64_t b = net.draw(1, 2), shared = net.draw(1, 2), heads = shared * net.draw(1, 3), width = 16;
  const std::int64_t past = step ? net.draw(1, 4) : 0, s = step ? 1 : net.draw(2, 4), total = past + s;
  const bool rotary = net.coin();
  std::vector<model::Handle> inputs;
  if (packed) {
    inputs = {net.floats({b, s, (heads + 2 * shared) * width}), HT_NONE, HT_NONE};
  } else {
    inputs = {net.floats({b, s, heads * width}), net.floats({b, s, shared * width}),
              net.floats({b, s, shared * width})};
  }
  const model::Shape cache = {b, shared, past, width};
  inputs.push_back(step ? net.floats(cache) : HT_NONE);
  inputs.push_back(step ? net.floats(cache) : HT_NONE);
  inputs.push_back(net.int32s({b}, total - 1, total - 1));
  inputs.push_back(net.int32s({1}, total, total));
  if (rotary) inputs.insert(inputs.end(), {net.floats({12, width / 2}), net.floats({12, width / 2})});
  Attributes attributes = {{"num_heads", integer(heads)},
                           {"kv_num_heads", integer(shared)},
                           {"do_rotary", integer(rotary ? 1 : 0)},
                           {"rotary_interleaved", integer(net.draw(0, 1))}};
  if (net.coin()) attributes.push_back({"local_window_size", integer(2)});
  if (net.coin()) attributes.push_back({"softcap", real(3.0F)});
  net.microsoft("GroupQueryAttention", inputs, attributes, 3);
}

void quantize(CaseNet &net) {
  const bool wide = net.coin();
  const ht_dtype type = wide ? (net.coin() ? HT_U16 : HT_I16) : HT_U8;
  const std::int64_t zero = net.draw(0, 100);
  std::vector<std::byte> bytes(wide ? 2 : 1);
  std::memcpy(bytes.data(), &zero, bytes.size());
  net.microsoft("QuantizeLinear", {net.floats({3, 5}), net.scale(), net.constant(model::Tensor(type, {}, bytes))});
}

void dequantize(CaseNet &net) {
  const ht_dtype type = net.coin() ? HT_U8 : HT_I8;
  const std::int64_t c = net.draw(1, 5);
  net.microsoft("DequantizeLinear", {net.codes(type, {2, c, 3}), net.floats({c}, 0.01F, 1), net.codes(type, {c})},
                {{"axis", integer(1)}});
}

}  // namespace

std::vector<Family> microsoft_families() {
  return {
      {"fused_conv", kReal, 18, fused_conv},
      {"fused_gemm", kReal, 18, fused_gemm},
      {"fused_matmul", kReal, 18, fused_matmul},
      {"gelu", kReal, 18, [](CaseNet &net) { gelu(net, "Gelu", false); }},
      {"quick_gelu", kReal, 18, [](CaseNet &net) { gelu(net, "QuickGelu", false); }},
      {"fast_gelu", kReal, 18, [](CaseNet &net) { gelu(net, "FastGelu", net.coin()); }},
      {"bias_gelu", kReal, 18, [](CaseNet &net) { gelu(net, "BiasGelu", true); }},
      {"skip_layer_norm", kReal, 18, skip_layer_norm},
      {"skip_simplified_layer_norm", kReal, 18, skip_simplified},
      {"simplified_layer_norm", kReal, 18, simplified},
      {"embed_layer_norm", kReal, 18, embed},
      {"attention", kReal, 18, attention},
      {"attention_with_past", kReal, 18, attention_with_past},
      {"multi_head_attention", kReal, 18, multi_head_attention},
      {"rotary_embedding", kReal, 18, rotary_embedding},
      {"group_query_attention", kReal, 18, group_query_attention},
      {"quantize_linear", {.relative = 0, .ties = 0.02}, 18, quantize},
      {"dequantize_linear", kReal, 18, dequantize},
  };
}

}  // namespace halftone::test
