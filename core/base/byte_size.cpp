#include "core/base/byte_size.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/core.h>

namespace halftone {
namespace {

constexpr std::int64_t kKibi = 1024, kMebi = kKibi * 1024, kGibi = kMebi * 1024, kTebi = kGibi * 1024;
constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
    {"TiB", kTebi},        {"GiB", kGibi},     {"MiB", kMebi},  {"KiB", kKibi},
    {"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000}, {"KB", 1000},
    {"kB", 1000},          {"B", 1},           {"", 1},
};

}  // namespace

bool parse_size(std::string_view text, std::int64_t &bytes) {
  const char *end = text.data() + text.size();
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return false;
  // As kSizePattern has it: digits on both sides of a point.
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!is_digit(text.front()) || !is_digit(rest[-1])) return false;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto &[name, factor] : kUnits) {
    if (unit != name) continue;
    std::int64_t whole = 0;  // an integer keeps all its digits
    const auto [stop, problem] = std::from_chars(text.data(), rest, whole);
    if (problem == std::errc() && stop == rest) {
      return !__builtin_mul_overflow(whole, factor, &bytes);
    }
    const double product = std::floor(number * static_cast<double>(factor));
    if (!(product < static_cast<double>(std::numeric_limits<std::int64_t>::max()))) return false;
    bytes = static_cast<std::int64_t>(product);
    return true;
  }
  return false;
}

std::string format_size(std::int64_t bytes) {
  for (const auto &[name, factor] : kUnits) {
    const bool is_binary = name.size() == 3;
    if (is_binary && bytes >= factor && bytes % factor == 0) return fmt::format("{}{}", bytes / factor, name);
  }
  return fmt::format("{} bytes", bytes);
}

}  // namespace halftone
