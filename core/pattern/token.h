// The words, numbers and marks of a pattern's text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace halftone::pattern {

struct Token {
  enum class Kind { kEnd, kWord, kNumber, kText, kMark };
  Kind kind = Kind::kEnd;
  std::string_view text;  // a slice of the pattern; of a text without its quotes
  std::size_t at = 0;     // where it begins
  double number = 0;
};

// Ends with a token of kind kEnd. Spaces, line ends and what follows a `#` in its line separate tokens.
std::vector<Token> tokens_of(std::string_view pattern);

// A text without its comments on one line, also when it is no pattern.
std::string one_line(std::string_view pattern);

// Throws InvalidArgument: "pattern 'y = Relu(' at 1:10: ...".
[[noreturn]] void fail_at(std::string_view pattern, std::size_t at, const std::string &what);

}  // namespace halftone::pattern
