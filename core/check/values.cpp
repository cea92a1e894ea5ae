#include "core/check/values.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>

namespace halftone::check {

namespace {

template <typename T>
Setting scalar(T value, std::string text) {
  Setting out;
  out.value = std::move(value);
  out.text = std::move(text);
  return out;
}
Setting integer(std::int64_t value) {
  return scalar(value, fmt::format("{}", value));
}
Setting number(double value) {
  return scalar(value, fmt::format("{}", value));
}
Setting flag(bool value) {
  return scalar(value, value ? "true" : "false");
}
Setting text(std::string value) {
  return scalar(value, value);
}
Setting list(std::vector<Setting> items) {
  Setting out;
  out.value = std::move(items);
  return out;
}
Setting map(Setting::Map fields) {
  Setting out;
  out.value = std::move(fields);
  return out;
}

template <typename T>
T bound(const ht_value &value, T otherwise) {
  return value.kind == HT_VALUE_NONE ? otherwise : *static_cast<const T *>(value.data);
}

std::vector<Setting> integers(const ht_param &param, std::mt19937_64 &draws) {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  const bool size = param.kind == HT_VALUE_SIZE;
  const auto low = bound<std::int64_t>(param.low, size ? 0 : -kFar), high = bound<std::int64_t>(param.high, kFar);
  std::vector<Setting> out = {integer(low), integer(high)};
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  if (range > 1) {
    out.push_back(integer(low + 1));
    out.push_back(integer(static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + draws() % range)));
  }
  return out;
}

std::vector<Setting> numbers(const ht_param &param, std::mt19937_64 &draws) {
  constexpr double kFar = std::numeric_limits<double>::max();
  const double low = bound<double>(param.low, -kFar), high = bound<double>(param.high, kFar);
  const double share = static_cast<double>(draws() >> 11) / 9007199254740992.0;
  return {number(low), number(high), number(low * (1 - share) + high * share)};
}

// One value of a text, as an author would not think of it.
std::vector<Setting> texts(const ht_param &param) {
  if ((param.flags & HT_PARAM_PATTERN) != 0) return {text("y = Relu(Conv(x, w, b?))"), text("y = Add(Conv(x, w), _)")};
  return {text("x"), text("1"), text("a name with spaces, \"quotes\" and \xC3\xA9"), text(std::string(5000, 'x')),
          text("../*?%s%n")};
}

std::vector<Setting> choices(const ht_param &param) {
  std::vector<Setting> out;
  for (std::uint32_t i = 0; i < param.choices.count; ++i) {
    const ht_str &one = static_cast<const ht_str *>(param.choices.data)[i];
    out.push_back(text(std::string(one.data, static_cast<std::size_t>(one.size))));
  }
  return out;
}

std::vector<Setting> single_values(const ht_param &param, std::mt19937_64 &draws) {
  switch (param.kind) {
    case HT_VALUE_I64:
    case HT_VALUE_SIZE:
      return integers(param, draws);
    case HT_VALUE_F64:
      return numbers(param, draws);
    case HT_VALUE_FLAG:
      return {flag(true), flag(false)};
    case HT_VALUE_CHOICE:
      return choices(param);
    case HT_VALUE_MAP:
      return {map({}), map({{"x", integer(1)}, {"y", list({text("a"), text("b")})}})};
    default:
      return texts(param);
  }
}

}  // namespace

std::vector<Setting> valid_values(const ht_param &param, std::mt19937_64 &draws) {
  std::vector<Setting> out = single_values(param, draws);
  if ((param.flags & HT_PARAM_LIST) != 0) {
    const std::vector<Setting> all = out;
    out.push_back(list(all));
    out.push_back(list({}));
  }
  if ((param.flags & HT_PARAM_NULLABLE) != 0) out.emplace_back();
  return out;
}

std::vector<Setting> invalid_values(const ht_param &param) {
  std::vector<Setting> out;
  if ((param.flags & HT_PARAM_NULLABLE) == 0) out.emplace_back();
  if (param.kind != HT_VALUE_MAP) out.push_back(map({{"x", integer(1)}}));
  if ((param.flags & HT_PARAM_LIST) == 0) out.push_back(list({integer(1), integer(2)}));
  switch (param.kind) {
    case HT_VALUE_I64:
    case HT_VALUE_SIZE: {
      const auto low =
          bound<std::int64_t>(param.low, param.kind == HT_VALUE_SIZE ? 0 : std::numeric_limits<std::int64_t>::min());
      const auto high = bound<std::int64_t>(param.high, std::numeric_limits<std::int64_t>::max());
      if (low != std::numeric_limits<std::int64_t>::min()) out.push_back(integer(low - 1));
      if (high != std::numeric_limits<std::int64_t>::max()) out.push_back(integer(high + 1));
      out.push_back(number(0.5));
      out.push_back(text("many"));
      break;
    }
    case HT_VALUE_F64: {
      constexpr double kInfinite = std::numeric_limits<double>::infinity();
      if (param.low.kind != HT_VALUE_NONE)
        out.push_back(number(std::nextafter(bound<double>(param.low, 0), -kInfinite)));
      if (param.high.kind != HT_VALUE_NONE)
        out.push_back(number(std::nextafter(bound<double>(param.high, 0), kInfinite)));
      out.push_back(number(std::numeric_limits<double>::quiet_NaN()));
      out.push_back(text("much"));
      break;
    }
    case HT_VALUE_FLAG:
      out.push_back(integer(2));
      out.push_back(text("yes"));
      break;
    case HT_VALUE_CHOICE:
      out.push_back(text("none of the choices"));
      break;
    case HT_VALUE_MAP:
      out.push_back(integer(1));
      break;
    default:
      break;
  }
  return out;
}

std::string written(const Setting &setting) {
  constexpr std::size_t kMost = 40;
  if (setting.is_null()) return "null";
  std::string out;
  if (setting.is_list()) {
    for (const Setting &item : setting.list()) out += (out.empty() ? "" : ", ") + written(item);
    return "[" + out + "]";
  }
  if (setting.is_map()) {
    for (const auto &[name, value] : setting.map()) out += (out.empty() ? "" : ", ") + name + ": " + written(value);
    return "{" + out + "}";
  }
  out = setting.text;
  if (out.size() > kMost) out = fmt::format("{}... ({} bytes)", out.substr(0, 10), out.size());
  return std::holds_alternative<std::string>(setting.value) ? "'" + out + "'" : out;
}

Setting with_value(const std::string &name, const Setting &value) {
  return map({{name, value}});
}

}  // namespace halftone::check
