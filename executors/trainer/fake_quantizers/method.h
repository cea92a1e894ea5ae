// A row of the table of methods, and the values of its parameters.
#pragma once

#include <string>

#include "../fake_quantizer.h"
#include "halftone/param.hpp"

namespace halftone::trainer {

// The values that a user gave to a method, checked against its schema, with defaults for the rest.
class MethodArguments {
 public:
  // Throws sdk::Failure (HT_INVALID_ARGUMENT).
  MethodArguments(std::string_view method, const std::vector<ht_param> &schema, std::span<const ht_field> fields);
  double number(std::string_view name) const { return entry(name).number; }
  bool flag(std::string_view name) const { return entry(name).number != 0; }
  const std::string &choice(std::string_view name) const { return entry(name).text; }

 private:
  struct Entry {
    double number = 0;
    std::string text;
  };
  const Entry &entry(std::string_view name) const;
  const std::vector<ht_param> &schema_;
  std::vector<Entry> entries_;
};

struct Method {
  std::string_view name, title, doc, source;
  const sdk::Params &(*parameters)();
  std::unique_ptr<FakeQuantizer> (*make)(const PointSpec &spec, const MethodArguments &arguments);
};

const Method &fixed_method();
const Method &power_of_two_method();
const Method &lsq_method();
const Method &lsq_plus_method();
const Method &pact_method();
const Method &dsq_method();
const Method &dorefa_method();
const Method &tqt_method();
const Method &adaround_method();
const Method &qdrop_method();

// What methods refuse: text is "method <name> <what>".
[[noreturn]] void refuse_point(std::string_view method, std::string_view what);
// Methods whose scale is learned as any positive number.
void refuse_power_of_two(const PointSpec &spec, std::string_view method);
void refuse_float8(const PointSpec &spec, std::string_view method);

}  // namespace halftone::trainer
