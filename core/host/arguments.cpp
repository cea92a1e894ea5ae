#include "core/host/arguments.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/host/argument_value.h"
#include "core/host/schema.h"
#include "core/host/text_of.h"

namespace halftone::host {
namespace {

std::string list_of(const std::vector<std::string> &names) {
  std::string out;
  for (const std::string &name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

void refuse_unknown(const Schema &schema, const Setting &settings, const std::string &what) {
  const std::vector<std::string> names = schema.names();
  for (const auto &[key, child] : settings.map()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    fail(Status::kInvalidArgument, "{}{} has no parameter '{}'{}; it takes {}", prefix_of(child.key_where), what, key,
         nearest_hint(key, names), names.empty() ? "none" : list_of(names));
  }
}

std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string value_text(const ht_value &value, bool is_list);

std::string element_text(const ht_value &value, std::uint32_t index) {
  switch (value.kind) {
    case HT_VALUE_F64:
      return fmt::format("{}", static_cast<const double *>(value.data)[index]);
    case HT_VALUE_FLAG:
      return static_cast<const std::int64_t *>(value.data)[index] != 0 ? "true" : "false";
    case HT_VALUE_STR:
    case HT_VALUE_CHOICE:
      return quoted(text_of(static_cast<const ht_str *>(value.data)[index]));
    case HT_VALUE_MAP: {
      const ht_field &field = static_cast<const ht_field *>(value.data)[index];
      return fmt::format("{}: {}", quoted(text_of(field.name)), value_text(field.value, field.value.count > 1));
    }
    default:
      return fmt::format("{}", static_cast<const std::int64_t *>(value.data)[index]);
  }
}

std::string value_text(const ht_value &value, bool is_list) {
  if (value.kind == HT_VALUE_NONE) return "none";
  std::vector<std::string> parts;
  for (std::uint32_t i = 0; i < value.count; ++i) parts.push_back(element_text(value, i));
  if (value.kind == HT_VALUE_MAP) {
    std::sort(parts.begin(), parts.end());  // the order of keys in a file means nothing
    return fmt::format("{{{}}}", list_of(parts));
  }
  return is_list || parts.size() != 1 ? fmt::format("[{}]", list_of(parts)) : parts.front();
}

}  // namespace

struct Arguments::Storage {
  explicit Storage(const Schema &s) : schema(s) {}
  Schema schema;
  ValueStore store;
  std::vector<ht_value> values;
};

Arguments::Arguments(const ht_param *schema, std::uint64_t count, const Setting *settings, const std::string &what)
    : storage_(std::make_unique<Storage>(Schema(schema, count))) {
  const bool given = settings != nullptr && !settings->is_null();
  if (given && !settings->is_map()) {
    fail(Status::kInvalidArgument, "{}{} takes its parameters as a map, such as {{name: value}}",
         prefix_of(settings->where), what);
  }
  if (given) refuse_unknown(storage_->schema, *settings, what);
  for (std::uint64_t i = 0; i < storage_->schema.size(); ++i) {
    const ht_param &param = storage_->schema[i];
    const Setting *setting = given ? settings->find(param.name) : nullptr;
    if (setting != nullptr) {
      storage_->values.push_back(convert_value(param, *setting, what, storage_->store));
      if ((param.flags & HT_PARAM_DEPRECATED) == 0) continue;
      std::string advice = param.replaced_by == nullptr ? "" : fmt::format("; use '{}' instead", param.replaced_by);
      warnings.push_back(fmt::format("{}parameter '{}' of {} is deprecated{}", prefix_of(setting->key_where),
                                     param.name, what, advice));
      continue;
    }
    if ((param.flags & HT_PARAM_REQUIRED) != 0) {
      fail(Status::kInvalidArgument, "{}{} needs parameter '{}': {}",
           settings == nullptr ? std::string() : prefix_of(settings->where), what, param.name, param.doc);
    }
    ht_value value = param.deflt;  // static data of the plug-in
    if (value.kind != HT_VALUE_NONE) value.kind = param.kind;
    storage_->values.push_back(value);
  }
}

Arguments::Arguments(Arguments &&) noexcept = default;
Arguments::~Arguments() = default;

const std::vector<ht_value> &Arguments::values() const noexcept {
  return storage_->values;
}

std::string Arguments::canonical() const {
  std::string out;
  for (std::uint64_t i = 0; i < storage_->schema.size(); ++i) {
    const ht_param &param = storage_->schema[i];
    if ((param.flags & HT_PARAM_NEUTRAL) != 0) continue;
    const bool is_list = (param.flags & HT_PARAM_LIST) != 0;
    out += fmt::format("{}={}\n", param.name, value_text(storage_->values[i], is_list));
  }
  return out;
}

}  // namespace halftone::host
