#include "tests/acceptance/operators/cases.h"

namespace halftone::test {
namespace {

constexpr Closeness kExact = {.relative = 0};

void q_gemm(CaseNet &net, bool codes) {
  const std::int64_t m = net.draw(1, 6), k = net.draw(1, 40), n = net.draw(1, 9);
  const bool ta = net.coin(), tb = net.coin();
  std::vector<model::Handle> inputs = {net.codes(HT_U8, ta ? model::Shape{k, m} : model::Shape{m, k}),
                                       net.scale(),
                                       net.zero_point(HT_U8),
                                       net.codes(HT_I8, tb ? model::Shape{n, k} : model::Shape{k, n}),
                                       net.scale(),
                                       net.zero_point(HT_I8),
                                       net.int32s({n}, -3000, 3000)};
  if (codes) inputs.insert(inputs.end(), {net.scalar(0.3F), net.zero_point(HT_U8)});
  net.microsoft(
      "QGemm", inputs,
      {{"transA", integer(ta ? 1 : 0)}, {"transB", integer(tb ? 1 : 0)}, {"alpha", real(net.number(0.5F, 2))}});
}

void to_float(CaseNet &net) {
  const std::int64_t m = net.draw(1, 6), k = net.draw(1, 40), n = net.draw(1, 9);
  net.microsoft("MatMulIntegerToFloat", {net.codes(HT_U8, {2, m, k}), net.codes(HT_I8, {k, n}), net.scale(),
                                         net.scale(), net.zero_point(HT_U8), net.zero_point(HT_I8), net.floats({n})});
}

void dynamic_matmul(CaseNet &net) {
  const std::int64_t m = net.draw(1, 6), k = net.draw(1, 40), n = net.draw(1, 9);
  const bool columns = net.coin();
  net.microsoft("DynamicQuantizeMatMul",
                {net.floats({m, k}), net.codes(HT_I8, {k, n}), columns ? net.floats({n}, 0.01F, 0.02F) : net.scale(),
                 columns ? net.codes(HT_I8, {n}) : net.zero_point(HT_I8), net.floats({n})});
}

void matmul_nbits(CaseNet &net, std::int64_t bits) {
  const std::int64_t k = net.draw(1, 4) * 32, n = net.draw(1, 12), block = net.coin() ? 32 : 16;
  const std::int64_t blocks = k / block;
  std::vector<model::Handle> inputs = {net.floats({net.draw(1, 4), k}), net.codes(HT_U8, {n, blocks, block * bits / 8}),
                                       net.floats({n * blocks}, 0.01F, 0.05F)};
  if (net.coin()) inputs.push_back(net.codes(HT_U8, {n * ((blocks * bits + 7) / 8)}));
  net.microsoft("MatMulNBits", inputs,
                {{"K", integer(k)}, {"N", integer(n)}, {"bits", integer(bits)}, {"block_size", integer(block)}});
}

void q_linear_matmul(CaseNet &net) {
  const std::int64_t m = net.draw(1, 6), k = net.draw(1, 40), n = net.draw(1, 9);
  net.node("", "QLinearMatMul",
           {net.codes(HT_U8, {2, m, k}), net.scale(), net.zero_point(HT_U8), net.codes(HT_I8, {k, n}), net.scale(),
            net.zero_point(HT_I8), net.scalar(0.3F), net.zero_point(HT_U8)});
}

void matmul_integer(CaseNet &net) {
  const std::int64_t m = net.draw(1, 6), k = net.draw(1, 400), n = net.draw(1, 9);
  net.node("", "MatMulInteger",
           {net.codes(HT_U8, {2, m, k}), net.codes(HT_I8, {k, n}), net.zero_point(HT_U8), net.zero_point(HT_I8)});
}

Attributes window(CaseNet &net, std::int64_t group) {
  const std::int64_t d = net.draw(1, 2);
  return {{"group", integer(group)},
          {"strides", {Ints{net.draw(1, 2), net.draw(1, 2)}}},
          {"dilations", {Ints{d, d}}},
          {"pads", {Ints{net.draw(0, 2), net.draw(0, 2), net.draw(0, 2), net.draw(0, 2)}}}};
}

void q_linear_conv(CaseNet &net) {
  const std::int64_t group = net.draw(1, 2), in = group * net.draw(1, 4), out = group * net.draw(1, 4);
  const ht_dtype type = net.coin() ? HT_U8 : HT_I8;
  const bool channels = net.coin();
  std::vector<std::byte> zeros(static_cast<std::size_t>(out), std::byte{0});
  net.node("", "QLinearConv",
           {net.codes(type, {1, in, net.draw(6, 9), net.draw(6, 9)}), net.scale(), net.zero_point(type),
            net.codes(HT_I8, {out, in / group, net.draw(1, 3), net.draw(1, 3)}),
            channels ? net.floats({out}, 0.01F, 0.05F) : net.scale(),
            channels ? net.constant(model::Tensor(HT_I8, {out}, zeros)) : net.zero_point(HT_I8), net.scalar(0.2F),
            net.zero_point(type), net.int32s({out}, -3000, 3000)},
           window(net, group));
}

void conv_integer(CaseNet &net) {
  const std::int64_t group = net.draw(1, 2), in = group * net.draw(1, 4), out = group * net.draw(1, 4);
  net.node("", "ConvInteger",
           {net.codes(HT_U8, {2, in, net.draw(6, 9), net.draw(6, 9)}),
            net.codes(HT_U8, {out, in / group, net.draw(1, 3), net.draw(1, 3)}), net.zero_point(HT_U8),
            net.zero_point(HT_U8)},
           window(net, group));
}

}  // namespace

std::vector<Family> product_families() {
  return {
      {"q_gemm", kCodes, 18, [](CaseNet &net) { q_gemm(net, true); }},
      {"q_gemm_float", kReal, 18, [](CaseNet &net) { q_gemm(net, false); }},
      {"matmul_integer_to_float", kReal, 18, to_float},
      {"dynamic_quantize_matmul", kReal, 18, dynamic_matmul},
      {"matmul_4_bits", kReal, 18, [](CaseNet &net) { matmul_nbits(net, 4); }},
      {"q_linear_matmul", kCodes, 18, q_linear_matmul},
      {"matmul_integer", kExact, 18, matmul_integer},
      {"q_linear_conv", kCodes, 18, q_linear_conv},
      {"conv_integer", kExact, 18, conv_integer},
  };
}

}  // namespace halftone::test
