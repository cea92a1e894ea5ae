#include "tables.h"

#include <algorithm>
#include <array>

#include "codes.h"

namespace halftone::integer {

bool is_function_of_one(const sdk::Node &node) {
  constexpr std::array kFunctions = {"Abs",       "Ceil",
                                     "Cos",       "Elu",
                                     "Erf",       "Exp",
                                     "Floor",     "Gelu",
                                     "HardSwish", "LeakyRelu",
                                     "Log",       "Mish",
                                     "Neg",       "Reciprocal",
                                     "Relu",      "Round",
                                     "Selu",      "HardSigmoid",
                                     "Sigmoid",   "Sign",
                                     "Sin",       "Softplus",
                                     "Softsign",  "Sqrt",
                                     "Tanh",      "ThresholdedRelu",
                                     "Celu"};
  const auto is = [&](const char *type) { return node.is(type); };
  return node.inputs().size() == 1 && std::any_of(kFunctions.begin(), kFunctions.end(), is);
}

Tensor table_of(const sdk::Context &ctx, const Format &from, const Format &to, const Kernel *kernel) {
  const Shape shape = {from.high - from.low + 1};
  Tensor codes(from.dtype, shape), floats(HT_F32, shape);
  store_codes(codes, [&](std::int64_t i) { return from.low + i; });
  const ht_tensor_view all = codes.view();
  ht_tensor_view view = floats.view();
  const ht_quantizer q = from.quantizer();
  sdk::check(ctx.host.arithmetic->dequantize(ctx.raw, &q, &all, &view));
  if (kernel != nullptr) floats = std::move(kernel->run(ctx.raw, {&view, 1}, 1)[0]);
  return quantized(ctx, floats.view(), to);
}

Tensor looked_up(const ht_tensor_view &codes, const Format &from, const Tensor &table) {
  Tensor out(table.dtype(), shape_of(codes));
  with_code_type(codes.dtype, [&]<typename From>(From *) {
    const From *code = static_cast<const From *>(codes.data);
    with_code_type(table.dtype(), [&]<typename To>(To *) {
      const To *entries = table.data<To>();
      To *to = out.data<To>();
      for (std::int64_t i = 0, n = out.count(); i < n; ++i) to[i] = entries[code[i] - from.low];
    });
  });
  return out;
}

}  // namespace halftone::integer
