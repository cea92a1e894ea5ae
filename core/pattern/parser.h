// From tokens to operations whose names are not looked up yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/pattern/pattern.h"
#include "core/pattern/token.h"

namespace halftone::pattern {

// A name on the left of a `=`.
struct Definition {
  std::size_t name;
  std::size_t operation;
  std::uint32_t output;
  std::size_t at;
};

// Where a term of an operation is written.
struct Place {
  std::size_t operation, input, at;
};

// A pattern in which every word in the place of an input is still a name, with what resolve() needs to say where
// something is wrong.
struct Draft {
  Pattern pattern;
  std::vector<Definition> definitions;
  std::vector<std::size_t> statements;  // operations after a `=` of a `where`
  std::vector<Place> terms;
};

class Parser {
 public:
  // An expression may also take the attributes of an operator that it replaces: `Conv.*`.
  enum class Language { kPattern, kExpression };
  explicit Parser(std::string_view text, Language language = Language::kPattern)
      : text_(text), language_(language), tokens_(tokens_of(text)) {}
  Draft run();

 private:
  const Token &now() const { return tokens_[at_]; }
  const Token &ahead(std::size_t count) const { return tokens_[std::min(at_ + count, tokens_.size() - 1)]; }
  bool is_mark(const Token &token, std::string_view mark) const;
  bool accept(std::string_view mark);
  bool accept_word(std::string_view word);
  void expect(std::string_view mark, std::string_view why);
  [[noreturn]] void unexpected(std::string_view wanted, std::string_view remedy) const;

  void statement(bool is_root);
  std::size_t operation();
  std::vector<OperatorType> operator_types();
  OperatorType operator_type();
  std::vector<AttributeTest> attribute_tests(const std::vector<OperatorType> &types);
  AttributeTest attribute_test(const std::vector<OperatorType> &types);
  void check_attribute(const std::vector<OperatorType> &types) const;
  AttributeTest::Wanted wanted();
  AttributeTest::Wanted wanted_list();
  void inputs(std::size_t operation);
  void rest(std::size_t operation, Rest kind);
  void term(std::size_t operation);
  std::size_t name_index(const Token &word);

  std::string_view text_;
  Language language_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Draft draft_;
};

// Gives names that a `where` defines their operations and checks that the whole hangs together. Throws like parse().
Pattern resolve(Draft draft);

}  // namespace halftone::pattern
