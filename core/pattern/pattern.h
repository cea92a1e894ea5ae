// A pattern of operators: text in the shape of ONNX expressions, parsed. docs/patterns.md describes the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/pattern/attribute_test.h"

namespace halftone::pattern {

struct OperatorType {
  std::string domain, type;  // domain "" is ai.onnx
};

// What the text has in the place of an input.
struct Term {
  enum class Kind { kAny, kName, kNumber, kOperation };
  Kind kind = Kind::kAny;
  bool optional = false;
  std::size_t index = 0;     // of the name or of the operation
  std::uint32_t output = 0;  // of that operation
  double number = 0;
};

// What may follow the terms: nothing, `*` for any further inputs, `...` for more of the last term.
enum class Rest { kNone, kAny, kRepeat };

struct Operation {
  static constexpr std::size_t kUnnamed = std::numeric_limits<std::size_t>::max();

  std::vector<OperatorType> types;  // alternatives; none: any operator
  std::vector<AttributeTest> attributes;
  std::vector<Term> inputs;
  Rest rest = Rest::kNone;
  std::vector<std::size_t> outputs;  // the name of each output, or kUnnamed
};

struct Pattern {
  std::string text;
  std::vector<Operation> operations;  // in the order of the text; the first is the root
  std::vector<std::string> names;     // in the order of the text
};

// More operators than anyone writes; the matcher keeps sets of them in one word.
inline constexpr std::size_t kMostOperations = 64;

// Throws InvalidArgument that quotes the pattern, names line:column in it, what was expected there and what to do.
Pattern parse(std::string_view text);

// The same for what is to become one operator: a single one is refused.
Pattern parse_fusion(std::string_view text);

// Outputs do not depend on the order of the inputs: Add, Mul, Max ...
bool is_commutative(std::string_view domain, std::string_view op_type);

}  // namespace halftone::pattern
