// Typed values with the memory behind them, which stays where it is until the store goes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "halftone/param.h"

namespace halftone::host {

class ValueStore {
 public:
  ht_value integers(std::uint32_t kind, std::vector<std::int64_t> values) {
    return keep(kind, integers_.emplace_back(std::move(values)));
  }
  ht_value numbers(std::vector<double> values) { return keep(HT_VALUE_F64, numbers_.emplace_back(std::move(values))); }
  ht_value fields(std::vector<ht_field> values) { return keep(HT_VALUE_MAP, fields_.emplace_back(std::move(values))); }
  ht_value texts(std::uint32_t kind, const std::vector<std::string> &values) {
    std::vector<ht_str> views;
    for (const std::string &value : values) views.push_back(text(value));
    return keep(kind, views_.emplace_back(std::move(views)));
  }
  ht_str text(std::string value) {
    const std::string &kept = texts_.emplace_back(std::move(value));
    return {kept.data(), kept.size()};
  }

 private:
  template <typename T>
  static ht_value keep(std::uint32_t kind, const std::vector<T> &values) {
    return {kind, static_cast<std::uint32_t>(values.size()), values.data(), {0, 0}};
  }
  std::deque<std::vector<std::int64_t>> integers_;
  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<ht_field>> fields_;
  std::deque<std::vector<ht_str>> views_;
  std::deque<std::string> texts_;
};

}  // namespace halftone::host
