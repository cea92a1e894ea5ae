// What the run's platform says: rules of nodes, and options by dotted name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "halftone/pass.hpp"

namespace halftone::passes {

// Nothing when the descriptor does not say. An option of another type is an error that names it.
std::optional<bool> platform_flag(const sdk::Context &ctx, std::string_view option);
std::optional<std::string> platform_text(const sdk::Context &ctx, std::string_view option);
std::optional<std::vector<std::string>> platform_texts(const sdk::Context &ctx, std::string_view option);

// The rule's arrays live until the running pass returns.
ht_node_rule platform_rule(const sdk::Context &ctx, ht_handle node);

// A parameter of the pass where it was given, else the platform's option, else `deflt`.
class FlagChoice {
 public:
  FlagChoice(const sdk::Args &args, std::string_view parameter);
  bool resolve(const sdk::Context &ctx, std::string_view option, bool deflt) const;

 private:
  std::optional<bool> given_;
};

}  // namespace halftone::passes
