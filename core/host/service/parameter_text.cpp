#include "core/host/service/parameter_text.h"

#include <charconv>

#include <fmt/core.h>

namespace halftone::host {

namespace {

std::string one(const ht_value &value, std::uint32_t index) {
  switch (value.kind) {
    case HT_VALUE_I64:
    case HT_VALUE_SIZE:
      return std::to_string(static_cast<const std::int64_t *>(value.data)[index]);
    case HT_VALUE_FLAG:
      return static_cast<const std::int64_t *>(value.data)[index] != 0 ? "true" : "false";
    case HT_VALUE_F64:
      return fmt::format("{}", static_cast<const double *>(value.data)[index]);
    case HT_VALUE_STR:
    case HT_VALUE_CHOICE: {
      const ht_str &s = static_cast<const ht_str *>(value.data)[index];
      return {s.data, static_cast<std::size_t>(s.size)};
    }
    default:
      return {};
  }
}

template <typename T>
bool parse_whole(const std::string &text, T &out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string parameter_text(const ht_value &value) {
  if (value.count == 1) return one(value, 0);
  std::string list = "[";
  for (std::uint32_t i = 0; i < value.count; ++i) list += (i == 0 ? "" : ", ") + one(value, i);
  return list + "]";
}

Setting setting_of_text(const std::string &text, const std::string &origin) {
  Setting setting;
  setting.text = text;
  setting.where = setting.key_where = {origin, 0, 0};
  std::int64_t integer = 0;
  double number = 0;
  if (text == "true" || text == "false") {
    setting.value = text == "true";
  } else if (parse_whole(text, integer)) {
    setting.value = integer;
  } else if (parse_whole(text, number)) {
    setting.value = number;
  } else {
    setting.value = text;
  }
  return setting;
}

Setting settings_of_texts(const std::map<std::string, std::string> &texts, const std::string &origin) {
  Setting map;
  map.where = map.key_where = {origin, 0, 0};
  Setting::Map entries;
  for (const auto &[name, text] : texts) entries.emplace_back(name, setting_of_text(text, origin));
  map.value = std::move(entries);
  return map;
}

}  // namespace halftone::host
