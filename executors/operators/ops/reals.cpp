#include "ops/reals.h"

#include <string>

#include "ops/product.h"

namespace halftone::reference {

std::vector<double> reals_of(const ht_tensor_view &tensor) {
  std::vector<double> out;
  dispatch(tensor.dtype, NumericTypes{},
           [&]<typename T>() { out = widened<double>(in_data<T>(tensor), count_of(tensor)); });
  return out;
}

std::vector<double> reals_or(sdk::KernelInputs inputs, std::size_t slot, std::int64_t count, double deflt) {
  if (!sdk::present(inputs, slot)) return std::vector<double>(static_cast<std::size_t>(count), deflt);
  if (count_of(inputs[slot]) != count) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "input " + std::to_string(slot) + " has " +
                                                std::to_string(count_of(inputs[slot])) + " entries where " +
                                                std::to_string(count) + " are needed");
  }
  return reals_of(inputs[slot]);
}

void store_reals(std::span<const double> values, ht_tensor_view &tensor) {
  if (tensor.data == nullptr) return;
  dispatch(tensor.dtype, NumericTypes{}, [&]<typename T>() {
    for (std::size_t i = 0; i < values.size(); ++i) out_data<T>(tensor)[i] = static_cast<T>(values[i]);
  });
}

}  // namespace halftone::reference
