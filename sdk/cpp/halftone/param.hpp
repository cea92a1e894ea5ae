// Parameters in C++: declared with a few calls, read by name with their types.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/status.hpp"

namespace halftone::sdk {

// A parameter schema. Texts are expected to be string literals; numbers and lists are stored here.
class Params {
 public:
  Params &integer(const char *name, const char *doc, std::int64_t deflt, std::int64_t low, std::int64_t high,
                  const char *unit = nullptr) {
    ht_param p = base(HT_VALUE_I64, name, doc, unit);
    p.deflt = one(HT_VALUE_I64, integers_.emplace_back(deflt));
    p.low = one(HT_VALUE_I64, integers_.emplace_back(low));
    p.high = one(HT_VALUE_I64, integers_.emplace_back(high));
    return push(p);
  }
  Params &number(const char *name, const char *doc, double deflt, double low, double high, const char *unit = nullptr) {
    ht_param p = base(HT_VALUE_F64, name, doc, unit);
    p.deflt = one(HT_VALUE_F64, numbers_.emplace_back(deflt));
    p.low = one(HT_VALUE_F64, numbers_.emplace_back(low));
    p.high = one(HT_VALUE_F64, numbers_.emplace_back(high));
    return push(p);
  }
  Params &flag(const char *name, const char *doc, bool deflt) {
    ht_param p = base(HT_VALUE_FLAG, name, doc, nullptr);
    p.deflt = one(HT_VALUE_FLAG, integers_.emplace_back(deflt ? 1 : 0));
    return push(p);
  }
  // A flag without default: absent means "what the platform says".
  Params &optional_flag(const char *name, const char *doc) { return push(base(HT_VALUE_FLAG, name, doc, nullptr)); }
  // `deflt` null: no default, the value is absent unless given.
  Params &text(const char *name, const char *doc, const char *deflt = nullptr) {
    ht_param p = base(HT_VALUE_STR, name, doc, nullptr);
    if (deflt != nullptr) p.deflt = one(HT_VALUE_STR, texts_.emplace_back(view(std::string_view(deflt))));
    return push(p);
  }
  Params &choice(const char *name, const char *doc, const char *deflt, std::initializer_list<const char *> choices) {
    ht_param p = base(HT_VALUE_CHOICE, name, doc, nullptr);
    p.deflt = one(HT_VALUE_CHOICE, texts_.emplace_back(view(std::string_view(deflt))));
    p.choices = many(HT_VALUE_STR, choices);
    return push(p);
  }
  Params &texts(const char *name, const char *doc, std::initializer_list<const char *> deflt) {
    ht_param p = base(HT_VALUE_STR, name, doc, nullptr);
    p.flags |= HT_PARAM_LIST;
    p.deflt = many(HT_VALUE_STR, deflt);
    return push(p);
  }
  // A list without default: absent means "what the platform says".
  Params &optional_texts(const char *name, const char *doc) {
    ht_param p = base(HT_VALUE_STR, name, doc, nullptr);
    p.flags |= HT_PARAM_LIST;
    return push(p);
  }
  Params &required() { return with_flag(HT_PARAM_REQUIRED); }
  Params &advanced() { return with_flag(HT_PARAM_ADVANCED); }
  // The texts are patterns (halftone/pattern.h): the host checks them before the run.
  Params &patterns() { return with_flag(HT_PARAM_PATTERN); }
  // Patterns of operators that become one: a single operator is refused.
  Params &fusions() { return with_flag(HT_PARAM_PATTERN | HT_PARAM_FUSION); }

  const std::vector<ht_param> &schema() const { return schema_; }

 private:
  static ht_param base(std::uint32_t kind, const char *name, const char *doc, const char *unit) {
    ht_param p{};
    p.struct_size = sizeof(ht_param);
    p.kind = kind;
    p.name = name;
    p.doc = doc;
    p.unit = unit;
    p.since = "0.1";
    return p;
  }
  template <typename T>
  static ht_value one(std::uint32_t kind, const T &stored) {
    return {kind, 1, &stored, {0, 0}};
  }
  ht_value many(std::uint32_t kind, std::initializer_list<const char *> items) {
    std::vector<ht_str> &list = lists_.emplace_back();
    for (const char *item : items) list.push_back(view(std::string_view(item)));
    return {kind, static_cast<std::uint32_t>(list.size()), list.data(), {0, 0}};
  }
  Params &push(const ht_param &p) {
    schema_.push_back(p);
    return *this;
  }
  Params &with_flag(std::uint32_t flag) {
    schema_.back().flags |= flag;
    return *this;
  }
  std::vector<ht_param> schema_;
  std::deque<std::int64_t> integers_;
  std::deque<double> numbers_;
  std::deque<ht_str> texts_;
  std::deque<std::vector<ht_str>> lists_;
};

// The values that create() got, by name. Asking for a name or type that the schema lacks is a bug and throws.
class Args {
 public:
  Args(const std::vector<ht_param> &schema, const ht_value *values, std::uint64_t count)
      : schema_(schema), values_(values), count_(count) {}

  bool has(std::string_view name) const { return find(name).kind != HT_VALUE_NONE; }
  std::int64_t integer(std::string_view name) const { return *data<std::int64_t>(name); }
  double number(std::string_view name) const { return *data<double>(name); }
  bool flag(std::string_view name) const { return *data<std::int64_t>(name) != 0; }
  std::string text(std::string_view name) const { return std::string(view(*data<ht_str>(name))); }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    const ht_value &v = find(name);
    for (std::uint32_t i = 0; i < v.count; ++i) out.emplace_back(view(static_cast<const ht_str *>(v.data)[i]));
    return out;
  }

 private:
  const ht_value &find(std::string_view name) const {
    for (std::size_t i = 0; i < schema_.size() && i < count_; ++i) {
      if (name == schema_[i].name) return values_[i];
    }
    throw Failure(HT_INTERNAL, "no parameter named '" + std::string(name) + "' in the component's schema");
  }
  template <typename T>
  const T *data(std::string_view name) const {
    const ht_value &v = find(name);
    if (v.count == 0) throw Failure(HT_INTERNAL, "parameter '" + std::string(name) + "' has no value");
    return static_cast<const T *>(v.data);
  }
  const std::vector<ht_param> &schema_;
  const ht_value *values_;
  std::uint64_t count_;
};

}  // namespace halftone::sdk
