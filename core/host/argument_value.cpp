#include "core/host/argument_value.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/byte_size.h"
#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/text_of.h"
#include "core/pattern/pattern_setting.h"

namespace halftone::host {
namespace {

// What was written, for messages: 'text' in quotes, numbers bare, containers by name.
std::string shown(const Setting &setting) {
  if (setting.is_map()) return "a map";
  if (setting.is_list()) return "a list";
  if (setting.is_null()) return "null";
  if (const auto *text = std::get_if<std::string>(&setting.value)) return "'" + *text + "'";
  if (!setting.text.empty()) return setting.text;
  if (const auto *flag = std::get_if<bool>(&setting.value)) return *flag ? "true" : "false";
  if (const auto *integer = std::get_if<std::int64_t>(&setting.value)) return fmt::format("{}", *integer);
  return fmt::format("{}", std::get<double>(setting.value));
}

// The text of a scalar as it was written.
std::string scalar_text(const Setting &setting) {
  const auto *text = std::get_if<std::string>(&setting.value);
  return text != nullptr ? *text : shown(setting);
}

// Converts the values of one parameter; the members are what every message needs.
class Converter {
 public:
  Converter(const ht_param &param, const std::string &what, ValueStore &store)
      : param_(param), what_(what), store_(store) {}

  ht_value convert(const Setting &setting) {
    if (setting.is_null()) {
      if ((param_.flags & HT_PARAM_NULLABLE) != 0) return {};
      refuse(setting, "must have a value, not null");
    }
    const bool is_list = (param_.flags & HT_PARAM_LIST) != 0;
    if (setting.is_list() && !is_list) refuse(setting, fmt::format("must be {}, not a list", expected()));
    std::vector<const Setting *> items;
    if (setting.is_list()) {
      for (const Setting &item : setting.list()) items.push_back(&item);
    } else {
      items.push_back(&setting);  // a single value stands for a list of one
    }
    return convert_items(items);
  }

 private:
  [[noreturn]] void refuse(const Setting &setting, const std::string &demand) const {
    fail(Status::kInvalidArgument, "{}parameter '{}' of {} {}", prefix_of(setting.where), param_.name, what_, demand);
  }

  std::string expected() const {
    switch (param_.kind) {
      case HT_VALUE_I64:
        return "a whole number";
      case HT_VALUE_F64:
        return "a number";
      case HT_VALUE_FLAG:
        return "true or false";
      case HT_VALUE_CHOICE:
        return "one of " + choices();
      case HT_VALUE_SIZE:
        return "a size such as 512MiB";
      case HT_VALUE_MAP:
        return "a map";
      default:
        return "a text";
    }
  }

  std::string choices() const {
    std::string out;
    for (std::uint32_t i = 0; i < param_.choices.count; ++i) {
      out += (i == 0 ? "" : ", ") + std::string(text_of(static_cast<const ht_str *>(param_.choices.data)[i]));
    }
    return out;
  }

  ht_value convert_items(const std::vector<const Setting *> &items) {
    if (param_.kind == HT_VALUE_MAP) return map(*items.front());
    if (param_.kind == HT_VALUE_F64) {
      std::vector<double> numbers;
      for (const Setting *item : items) numbers.push_back(number(*item));
      return store_.numbers(std::move(numbers));
    }
    if (param_.kind == HT_VALUE_STR || param_.kind == HT_VALUE_CHOICE) {
      std::vector<std::string> texts;
      for (const Setting *item : items) texts.push_back(text(*item));
      return store_.texts(param_.kind, texts);
    }
    std::vector<std::int64_t> integers;
    for (const Setting *item : items) integers.push_back(integer(*item));
    return store_.integers(param_.kind, std::move(integers));
  }

  std::int64_t integer(const Setting &setting) const {
    std::int64_t value = 0;
    if (param_.kind == HT_VALUE_FLAG) {
      const auto *flag = std::get_if<bool>(&setting.value);
      if (flag == nullptr) refuse(setting, "must be true or false, not " + shown(setting));
      return *flag ? 1 : 0;
    }
    if (!whole_number(setting, value)) refuse(setting, fmt::format("must be {}, not {}", expected(), shown(setting)));
    check_range(setting, value);
    return value;
  }

  bool whole_number(const Setting &setting, std::int64_t &value) const {
    if (const auto *integer = std::get_if<std::int64_t>(&setting.value)) {
      value = *integer;
      return param_.kind == HT_VALUE_I64 || value >= 0;
    }
    if (const auto *real = std::get_if<double>(&setting.value)) {  // 1e6 is a whole number to whoever writes it
      constexpr double kExact = 9007199254740992.0;                // beyond 2^53 doubles skip integers
      if (!(std::abs(*real) <= kExact) || std::floor(*real) != *real) return false;
      value = static_cast<std::int64_t>(*real);
      return param_.kind == HT_VALUE_I64 || value >= 0;
    }
    const auto *text = std::get_if<std::string>(&setting.value);
    return param_.kind == HT_VALUE_SIZE && text != nullptr && parse_size(*text, value);
  }

  double number(const Setting &setting) const {
    double value = 0;
    if (const auto *integer = std::get_if<std::int64_t>(&setting.value)) {
      value = static_cast<double>(*integer);
    } else if (const auto *real = std::get_if<double>(&setting.value); real != nullptr && !std::isnan(*real)) {
      value = *real;
    } else {
      refuse(setting, "must be a number, not " + shown(setting));
    }
    check_range(setting, value);
    return value;
  }

  std::string text(const Setting &setting) const {
    if (setting.is_map() || setting.is_list() || setting.is_null()) {
      refuse(setting, fmt::format("must be {}, not {}", expected(), shown(setting)));
    }
    if ((param_.flags & HT_PARAM_PATTERN) != 0) {
      pattern::check_setting(setting, fmt::format("parameter '{}' of {}", param_.name, what_),
                             (param_.flags & HT_PARAM_FUSION) != 0 ? pattern::Use::kFusion : pattern::Use::kAny);
    }
    std::string value = scalar_text(setting);
    if (param_.kind != HT_VALUE_CHOICE) return value;
    std::vector<std::string> known;
    for (std::uint32_t i = 0; i < param_.choices.count; ++i) {
      known.emplace_back(text_of(static_cast<const ht_str *>(param_.choices.data)[i]));
    }
    if (std::find(known.begin(), known.end(), value) == known.end()) {
      refuse(setting, fmt::format("must be one of {}, not '{}'{}", choices(), value, nearest_hint(value, known)));
    }
    return value;
  }

  template <typename T>
  std::string number_text(T value) const {
    if constexpr (std::is_integral_v<T>) {
      if (param_.kind == HT_VALUE_SIZE) return format_size(value);
    }
    return fmt::format("{}", value);
  }

  template <typename T>
  void check_range(const Setting &setting, T value) const {
    const bool has_low = param_.low.kind != HT_VALUE_NONE, has_high = param_.high.kind != HT_VALUE_NONE;
    const T low = has_low ? *static_cast<const T *>(param_.low.data) : T{};
    const T high = has_high ? *static_cast<const T *>(param_.high.data) : T{};
    if ((!has_low || value >= low) && (!has_high || value <= high)) return;
    std::string range;
    if (has_low && has_high) {
      range = fmt::format("between {} and {}", number_text(low), number_text(high));
    } else {
      range = has_low ? "at least " + number_text(low) : "at most " + number_text(high);
    }
    if (param_.unit != nullptr) range += fmt::format(" {}", param_.unit);
    refuse(setting, fmt::format("must be {}, not {}", range, scalar_text(setting)));
  }

  ht_value map(const Setting &setting) {
    if (!setting.is_map()) refuse(setting, "must be a map, not " + shown(setting));
    std::vector<ht_field> fields;
    for (const auto &[name, child] : setting.map()) fields.push_back({store_.text(name), free_value(child)});
    return store_.fields(std::move(fields));
  }

  // A value inside a map, whose type nobody declared: it is what it looks like.
  ht_value free_value(const Setting &setting) {
    if (setting.is_null()) return {};
    if (setting.is_map()) return map(setting);
    if (!setting.is_list()) return free_list(setting, {&setting});
    std::vector<const Setting *> items;
    for (const Setting &item : setting.list()) items.push_back(&item);
    return free_list(setting, items);
  }

  ht_value free_list(const Setting &whole, const std::vector<const Setting *> &items) {
    std::vector<std::int64_t> integers;
    std::vector<double> numbers;
    std::vector<std::string> texts;
    std::size_t flags = 0;
    for (const Setting *item : items) {
      if (const auto *flag = std::get_if<bool>(&item->value)) {
        integers.push_back(*flag ? 1 : 0);
        ++flags;
      } else if (const auto *integer = std::get_if<std::int64_t>(&item->value)) {
        integers.push_back(*integer);
        numbers.push_back(static_cast<double>(*integer));
      } else if (const auto *real = std::get_if<double>(&item->value)) {
        numbers.push_back(*real);
      } else if (const auto *text = std::get_if<std::string>(&item->value)) {
        texts.push_back(*text);
      }
    }
    if (flags == items.size() && flags > 0) return store_.integers(HT_VALUE_FLAG, std::move(integers));
    if (flags == 0 && integers.size() == items.size() && !items.empty()) {
      return store_.integers(HT_VALUE_I64, std::move(integers));
    }
    if (numbers.size() == items.size() && !items.empty()) return store_.numbers(std::move(numbers));
    if (texts.size() == items.size()) return store_.texts(HT_VALUE_STR, texts);
    refuse(whole, "has a list of mixed types; use only numbers, only texts or only true and false in one list");
  }

  const ht_param &param_;
  const std::string &what_;
  ValueStore &store_;
};

}  // namespace

std::string prefix_of(const Location &where) {
  // Defaults and settings made by a program have no place.
  return where.file.empty() && where.line == 0 ? std::string() : where.text() + ": ";
}

ht_value convert_value(const ht_param &param, const Setting &setting, const std::string &what, ValueStore &store) {
  return Converter(param, what, store).convert(setting);
}

}  // namespace halftone::host
