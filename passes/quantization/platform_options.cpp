#include "platform_options.h"

namespace halftone::passes {
namespace {

ht_value option_value(const sdk::Context &ctx, std::string_view name) {
  ht_value value{};
  const ht_str n = sdk::view(name);
  sdk::check(ctx.host.target->option(ctx.raw, &n, &value));
  return value;
}

[[noreturn]] void wrong_type(std::string_view name, const char *wanted) {
  throw sdk::Failure(HT_INVALID_ARGUMENT, "the platform's option '" + std::string(name) + "' must be " + wanted);
}

bool is_text(const ht_value &value) {
  return value.kind == HT_VALUE_STR || value.kind == HT_VALUE_CHOICE;
}

std::string text_at(const ht_value &value, std::uint32_t i) {
  return std::string(sdk::view(static_cast<const ht_str *>(value.data)[i]));
}

}  // namespace

std::optional<bool> platform_flag(const sdk::Context &ctx, std::string_view option) {
  const ht_value value = option_value(ctx, option);
  if (value.kind == HT_VALUE_NONE) return std::nullopt;
  if (value.kind != HT_VALUE_FLAG || value.count != 1) wrong_type(option, "true or false");
  return *static_cast<const std::int64_t *>(value.data) != 0;
}

std::optional<std::string> platform_text(const sdk::Context &ctx, std::string_view option) {
  const ht_value value = option_value(ctx, option);
  if (value.kind == HT_VALUE_NONE) return std::nullopt;
  if (!is_text(value) || value.count != 1) wrong_type(option, "one word");
  return text_at(value, 0);
}

std::optional<std::vector<std::string>> platform_texts(const sdk::Context &ctx, std::string_view option) {
  const ht_value value = option_value(ctx, option);
  if (value.kind == HT_VALUE_NONE) return std::nullopt;
  if (!is_text(value)) wrong_type(option, "a list of words");
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < value.count; ++i) texts.push_back(text_at(value, i));
  return texts;
}

ht_node_rule platform_rule(const sdk::Context &ctx, ht_handle node) {
  ht_node_rule rule{};
  rule.struct_size = sizeof(rule);
  sdk::check(ctx.host.target->node_rule(ctx.raw, node, &rule));
  return rule;
}

FlagChoice::FlagChoice(const sdk::Args &args, std::string_view parameter) {
  if (args.has(parameter)) given_ = args.flag(parameter);
}

bool FlagChoice::resolve(const sdk::Context &ctx, std::string_view option, bool deflt) const {
  return given_ ? *given_ : platform_flag(ctx, option).value_or(deflt);
}

}  // namespace halftone::passes
