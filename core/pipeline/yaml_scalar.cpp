#include "core/pipeline/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

namespace halftone::pipeline {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

// [-+]?[0-9]+, 0x[0-9a-fA-F]+, 0o[0-7]+; nullopt when it is none of them or does not fit.
std::optional<std::int64_t> integer(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
    if (text.starts_with('-')) return std::nullopt;
  } else if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t value = 0;
  const char *end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const std::size_t whole = digits();
  std::size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = digits();
  }
  if (whole == 0 && fraction == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

std::optional<double> floating(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (one_of(text, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"})) return kInfinity;
  if (one_of(text, {"-.inf", "-.Inf", "-.INF"})) return -kInfinity;
  if (one_of(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  if (!looks_like_float(text)) return std::nullopt;
  if (text[0] == '+') text.remove_prefix(1);
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  // Too large or too small for a double: text, so that whoever wants a number says what is wrong with it.
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

Setting plain_scalar(std::string_view text) {
  Setting out;
  out.text = std::string(text);
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return out;
  if (one_of(text, {"true", "True", "TRUE"})) {
    out.value = true;
  } else if (one_of(text, {"false", "False", "FALSE"})) {
    out.value = false;
  } else if (const auto i = integer(text)) {
    out.value = *i;
  } else if (const auto f = floating(text)) {
    out.value = *f;
  } else {
    out.value = out.text;
  }
  return out;
}

}  // namespace halftone::pipeline
