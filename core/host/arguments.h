// From settings to the typed values that a component's create() gets, under the component's schema.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "halftone/plugin.h"

namespace halftone::host {

// Values in schema order with the memory behind them.
class Arguments {
 public:
  // `settings` is null or a map; anything else is an error, except that a component with exactly one required or first
  // parameter does not guess: always a map. Throws InvalidArgument with file:line:column, the allowed values or range
  // and the nearest known name: unknown key, wrong type, out of range, missing required, not one of the choices. `what`
  // names the component in messages: "pass 'quantize-fusion'".
  Arguments(const ht_param *schema, std::uint64_t count, const Setting *settings, const std::string &what);
  Arguments(Arguments &&) noexcept;
  ~Arguments();
  const std::vector<ht_value> &values() const noexcept;
  // Canonical text of the effective values, "name=value" lines in schema order; neutral parameters left out. For
  // digests and `explain`.
  std::string canonical() const;
  std::vector<std::string> warnings;  // deprecated parameters

 private:
  struct Storage;
  std::unique_ptr<Storage> storage_;
};

}  // namespace halftone::host
