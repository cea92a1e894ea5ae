// Cases of the files in values/, and points to try fake quantizers on.
#pragma once

#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "executors/trainer/fake_quantizer.h"
#include "halftone/param.hpp"

namespace halftone::test {

// Fields of a method's parameters, with the memory that they point to.
class Fields {
 public:
  Fields &text(const std::string &name, const std::string &value) {
    const ht_str &stored = texts_.emplace_back(sdk::view(std::string_view(strings_.emplace_back(value))));
    return add(name, {HT_VALUE_STR, 1, &stored, {}});
  }
  Fields &number(const std::string &name, double value) {
    return add(name, {HT_VALUE_F64, 1, &numbers_.emplace_back(value), {}});
  }
  Fields &flag(const std::string &name, bool value) {
    return add(name, {HT_VALUE_FLAG, 1, &integers_.emplace_back(value ? 1 : 0), {}});
  }
  std::span<const ht_field> all() const { return fields_; }

 private:
  Fields &add(const std::string &name, const ht_value &value) {
    fields_.push_back({sdk::view(std::string_view(strings_.emplace_back(name))), value});
    return *this;
  }
  std::deque<std::string> strings_;
  std::deque<ht_str> texts_;
  std::deque<double> numbers_;
  std::deque<std::int64_t> integers_;
  std::vector<ht_field> fields_;
};

inline nlohmann::json read_values(const std::string &file) {
  std::ifstream in(std::string(std::getenv("HALFTONE_SOURCE_DIR")) + "/tests/unit/fake_quantizers/values/" + file);
  return nlohmann::json::parse(in);
}

inline trainer::Grouping grouping_of(const nlohmann::json &row) {
  return {row["grouping"][0], row["grouping"][1], row["grouping"][2]};
}

inline std::unique_ptr<trainer::FakeQuantizer> quantizer_of(const nlohmann::json &row) {
  trainer::PointSpec spec;
  spec.quant_min = row["quant_min"];
  spec.quant_max = row["quant_max"];
  spec.symmetric = row["symmetric"];
  spec.is_weight = row["is_weight"];
  Fields fields;
  for (const auto &[name, value] : row["parameters"].items()) {
    if (value.is_string()) {
      fields.text(name, value);
    } else {
      fields.number(name, value);
    }
  }
  return trainer::make_fake_quantizer(spec, row["method"].get<std::string>(), fields.all());
}

inline std::vector<float> floats(const nlohmann::json &row, const char *name) {
  return row[name].get<std::vector<float>>();
}

}  // namespace halftone::test
