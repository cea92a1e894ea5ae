// Cases of every gradient of the plug-in, by family.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/gradients/op_case.h"

namespace halftone::test {

std::vector<OpCase> elementwise_cases();
std::vector<OpCase> binary_cases();
std::vector<OpCase> constant_cases();
std::vector<OpCase> window_cases();
std::vector<OpCase> reduction_cases();
std::vector<OpCase> normalization_cases();
std::vector<OpCase> movement_cases();
std::vector<OpCase> index_cases();
std::vector<OpCase> product_cases();
std::vector<OpCase> convolution_cases();
std::vector<OpCase> resampling_cases();
std::vector<OpCase> sequence_cases();

using Ints = std::vector<std::int64_t>;

inline model::Attribute whole(std::int64_t value) {
  return {value};
}
inline model::Attribute real(float value) {
  return {value};
}
inline model::Attribute text(std::string value) {
  return {std::move(value)};
}
inline model::Attribute list(Ints values) {
  return {std::move(values)};
}
inline model::Tensor ints(const Ints &values) {
  return model::Tensor::from_ints({static_cast<std::int64_t>(values.size())}, values);
}
inline model::Tensor floats(const std::vector<float> &values) {
  return model::Tensor::from_floats({static_cast<std::int64_t>(values.size())}, values);
}
inline model::Tensor scalar(float value) {
  return model::Tensor::from_floats({}, std::vector<float>{value});
}
inline model::Tensor nothing() {
  return {};
}

}  // namespace halftone::test
