#include "method.h"

#include <cmath>

namespace halftone::trainer {
namespace {

[[noreturn]] void bad(const std::string &text) {
  throw sdk::Failure(HT_INVALID_ARGUMENT, text);
}

std::string known_parameters(const std::vector<ht_param> &schema) {
  std::string names;
  for (const ht_param &p : schema) names += (names.empty() ? "" : ", ") + std::string(p.name);
  return names.empty() ? "it has none" : "it has " + names;
}

bool is_number(const ht_value &v) {
  return v.kind == HT_VALUE_I64 || v.kind == HT_VALUE_F64 || v.kind == HT_VALUE_FLAG;
}

double number_of(const ht_value &v) {
  return v.kind == HT_VALUE_F64 ? *static_cast<const double *>(v.data)
                                : static_cast<double>(*static_cast<const std::int64_t *>(v.data));
}

std::string printed(double x) {
  std::string text = std::to_string(x);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

double checked_number(const std::string &where, const ht_param &p, const ht_value &v) {
  if (v.count != 1 || !is_number(v)) bad(where + " takes a number");
  const double value = number_of(v);
  const double low = number_of(p.low), high = number_of(p.high);
  if (!(value >= low && value <= high)) {
    bad(where + " is " + printed(value) + "; it has to be from " + printed(low) + " to " + printed(high));
  }
  return value;
}

std::string checked_choice(const std::string &where, const ht_param &p, const ht_value &v) {
  const bool is_text = v.kind == HT_VALUE_STR || v.kind == HT_VALUE_CHOICE;
  if (v.count != 1 || !is_text) bad(where + " takes a text");
  const std::string_view given = sdk::view(*static_cast<const ht_str *>(v.data));
  std::string names;
  for (std::uint32_t i = 0; i < p.choices.count; ++i) {
    const std::string_view known = sdk::view(static_cast<const ht_str *>(p.choices.data)[i]);
    if (known == given) return std::string(given);
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  bad(where + " is '" + std::string(given) + "'; choose one of: " + names);
}

}  // namespace

MethodArguments::MethodArguments(std::string_view method, const std::vector<ht_param> &schema,
                                 std::span<const ht_field> fields)
    : schema_(schema) {
  const std::string of = " of method '" + std::string(method) + "'";
  const auto read = [&](const ht_param &p, const ht_value &v) -> Entry {
    const std::string where = "parameter '" + std::string(p.name) + "'" + of;
    if (p.kind == HT_VALUE_CHOICE) return {0, checked_choice(where, p, v)};
    if (p.kind != HT_VALUE_FLAG) return {checked_number(where, p, v), {}};
    if (v.count != 1 || !is_number(v)) bad(where + " takes true or false");
    return {number_of(v) != 0 ? 1.0 : 0.0, {}};
  };
  for (const ht_param &p : schema) entries_.push_back(read(p, p.deflt));
  for (const ht_field &field : fields) {
    const std::string_view name = sdk::view(field.name);
    std::size_t at = 0;
    while (at < schema.size() && name != schema[at].name) ++at;
    if (at == schema.size()) {
      bad("there is no parameter '" + std::string(name) + "'" + of + "; " + known_parameters(schema));
    }
    entries_[at] = read(schema[at], field.value);
  }
}

const MethodArguments::Entry &MethodArguments::entry(std::string_view name) const {
  for (std::size_t i = 0; i < schema_.size(); ++i) {
    if (name == schema_[i].name) return entries_[i];
  }
  throw sdk::Failure(HT_INTERNAL, "no parameter named '" + std::string(name) + "' in the method's schema");
}

void refuse_point(std::string_view method, std::string_view what) {
  bad("method '" + std::string(method) + "' " + std::string(what));
}

void refuse_power_of_two(const PointSpec &spec, std::string_view method) {
  if (!spec.power_of_two) return;
  refuse_point(method, "learns scales of any size, and the scales of this config are powers of two; use 'tqt'");
}

void refuse_float8(const PointSpec &spec, std::string_view method) {
  if (spec.kind == HT_QUANT_INTEGER) return;
  refuse_point(method, "is for integers, and this config quantizes to float8; use 'fixed' or 'lsq'");
}

}  // namespace halftone::trainer
