#include "core/pattern/token.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/error.h"

namespace halftone::pattern {
namespace {

// The letters of ASCII, whatever the locale.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

class Lexer {
 public:
  explicit Lexer(std::string_view pattern) : pattern_(pattern) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    for (skip_space(); at_ < pattern_.size(); skip_space()) tokens.push_back(next());
    tokens.push_back({Token::Kind::kEnd, {}, pattern_.size(), 0});
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }

  void skip_space() {
    while (at_ < pattern_.size() && (is_space(peek()) || peek() == '#')) {
      if (peek() == '#') {
        at_ = std::min(pattern_.find('\n', at_), pattern_.size());
      } else {
        ++at_;
      }
    }
  }

  Token next() {
    const char c = peek();
    if (begins_word(c)) return take(Token::Kind::kWord, word_length());
    const bool sign = c == '-' || c == '+';
    if (is_digit(c) || ((sign || c == '.') && is_digit(peek(1))) || (sign && peek(1) == '.' && is_digit(peek(2)))) {
      return number();
    }
    if (c == '\'' || c == '"') return quoted();
    for (const std::string_view mark : {"...", ".*", "!=", "(", ")", "[", "]", "{", "}", "|", ",", "=", "*", "?"}) {
      if (pattern_.substr(at_).starts_with(mark)) return take(Token::Kind::kMark, mark.size());
    }
    fail_at(pattern_, at_,
            fmt::format("'{}' has no meaning in a pattern; texts stand in quotes", pattern_.substr(at_, character())));
  }

  // Domains have dots and hyphens: com.vendor-x.Op.
  std::size_t word_length() const {
    std::size_t length = 1;
    for (;; ++length) {
      const char c = peek(length);
      const bool joins = (c == '.' || c == '-') && (begins_word(peek(length + 1)) || is_digit(peek(length + 1)));
      if (!begins_word(c) && !is_digit(c) && !joins) return length;
    }
  }

  Token number() {
    const std::size_t sign = peek() == '+' ? 1 : 0;  // from_chars takes no plus
    double value = 0;
    const char *begin = pattern_.data() + at_ + sign;
    const auto [end, error] = std::from_chars(begin, pattern_.data() + pattern_.size(), value);
    const auto length = static_cast<std::size_t>(end - begin) + sign;
    if (error != std::errc() || begins_word(peek(length))) {
      fail_at(pattern_, at_, "this is no number that fits a double; write for instance 6, -1.5 or 1e-5");
    }
    Token token = take(Token::Kind::kNumber, length);
    token.number = value;
    return token;
  }

  Token quoted() {
    const std::size_t close = pattern_.find(peek(), at_ + 1);
    if (close == std::string_view::npos) fail_at(pattern_, at_, "this quote is never closed; add one at its end");
    Token token = take(Token::Kind::kText, close + 1 - at_);
    token.text = token.text.substr(1, token.text.size() - 2);
    return token;
  }

  Token take(Token::Kind kind, std::size_t length) {
    const Token token{kind, pattern_.substr(at_, length), at_, 0};
    at_ += length;
    return token;
  }

  // Bytes of the UTF-8 character here.
  std::size_t character() const {
    std::size_t length = 1;
    while ((static_cast<unsigned char>(peek(length)) & 0xC0U) == 0x80U) ++length;
    return length;
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Token> tokens_of(std::string_view pattern) {
  return Lexer(pattern).run();
}

std::string one_line(std::string_view pattern) {
  std::string line;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    const std::size_t close = c == '\'' || c == '"' ? pattern.find(c, at + 1) : std::string_view::npos;
    if (close != std::string_view::npos) {  // a text in quotes keeps its spaces, and has no comments
      for (; at < close; ++at) line += pattern[at] == '\n' || pattern[at] == '\r' ? ' ' : pattern[at];
      line += c;
    } else if (c == '#') {
      at = std::min(pattern.find('\n', at), pattern.size()) - 1;
    } else if (!is_space(c)) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

void fail_at(std::string_view pattern, std::size_t at, const std::string &what) {
  const std::string_view before = pattern.substr(0, at);
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t newline = before.rfind('\n');
  const std::string_view in_line = newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto column = 1 + std::ranges::count_if(in_line, [](char c) {  // in characters of UTF-8
                        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
                      });
  fail(Status::kInvalidArgument, "pattern '{}' at {}:{}: {}", one_line(pattern), line, column, what);
}

}  // namespace halftone::pattern
