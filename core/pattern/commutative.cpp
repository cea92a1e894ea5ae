#include <algorithm>
#include <array>

#include "core/pattern/pattern.h"

namespace halftone::pattern {

bool is_commutative(std::string_view domain, std::string_view op_type) {
  constexpr std::array<std::string_view, 13> kTypes = {
      "Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Max", "Mean", "Min", "Mul", "Or", "Sum", "Xor"};
  return domain.empty() && std::ranges::find(kTypes, op_type) != kTypes.end();
}

}  // namespace halftone::pattern
