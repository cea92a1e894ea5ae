// Checks of a component's parameter schema: every declared default is a value that the schema itself would accept.
#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/host/descriptor_text.h"
#include "core/host/negotiate.h"
#include "core/host/roles.h"
#include "core/host/schema.h"
#include "core/host/text_of.h"
#include "core/pattern/pattern.h"

namespace halftone::host {
namespace {

constexpr std::uint64_t kMostParams = 1024;
constexpr std::uint32_t kMostValues = 65536;
constexpr std::size_t kLongText = 64 * 1024;
constexpr std::uint32_t kAllFlags = HT_PARAM_REQUIRED | HT_PARAM_LIST | HT_PARAM_NULLABLE | HT_PARAM_ADVANCED |
                                    HT_PARAM_DEPRECATED | HT_PARAM_NEUTRAL | HT_PARAM_PATTERN | HT_PARAM_FUSION;

[[noreturn]] void refuse(const std::string &where, std::string_view problem) {
  fail(Status::kInvalidArgument, "{}: {}; the plug-in's author must correct it", where, problem);
}

bool is_number(std::uint32_t kind) {
  return kind == HT_VALUE_I64 || kind == HT_VALUE_F64 || kind == HT_VALUE_SIZE;
}

template <typename T>
const T &element(const ht_value &value, std::uint32_t index) {
  return static_cast<const T *>(value.data)[index];
}

// The kind that a default or bound must have; the default of a choice may be written as a string.
bool fits_kind(const ht_value &value, std::uint32_t kind) {
  return value.kind == kind || (kind == HT_VALUE_CHOICE && value.kind == HT_VALUE_STR);
}

void check_bound(const std::string &where, const ht_param &param, std::string_view name, const ht_value &bound) {
  if (bound.kind == HT_VALUE_NONE) return;
  if (!is_number(param.kind) || bound.kind != param.kind || bound.count != 1 || bound.data == nullptr) {
    refuse(where, fmt::format("its bound '{}' is not one number of the parameter's kind", name));
  }
  if (bound.kind == HT_VALUE_F64 && std::isnan(element<double>(bound, 0))) {
    refuse(where, fmt::format("its bound '{}' is not a number", name));
  }
}

// The two numeric kinds share the code, so that no integer is compared after rounding to double.
template <typename T>
void check_range(const std::string &where, const ht_param &param) {
  const bool has_low = param.low.kind != HT_VALUE_NONE, has_high = param.high.kind != HT_VALUE_NONE;
  if (has_low && has_high && element<T>(param.low, 0) > element<T>(param.high, 0)) {
    refuse(where, fmt::format("its lower bound {} exceeds its upper bound {}", element<T>(param.low, 0),
                              element<T>(param.high, 0)));
  }
  for (std::uint32_t i = 0; i < param.deflt.count; ++i) {
    const T value = element<T>(param.deflt, i);
    if (value != value) refuse(where, "its default is not a number");
    if (has_low && value < element<T>(param.low, 0)) {
      refuse(where, fmt::format("its default {} lies below its lower bound {}", value, element<T>(param.low, 0)));
    }
    if (has_high && value > element<T>(param.high, 0)) {
      refuse(where, fmt::format("its default {} lies above its upper bound {}", value, element<T>(param.high, 0)));
    }
  }
}

void check_choices(const std::string &where, const ht_param &param) {
  const ht_value &choices = param.choices;
  if (param.kind != HT_VALUE_CHOICE) {
    if (choices.kind != HT_VALUE_NONE) refuse(where, "it lists choices and is no choice");
    return;
  }
  if (choices.kind != HT_VALUE_STR || choices.count == 0 || choices.count > kMostValues || choices.data == nullptr) {
    refuse(where, "it is a choice and lists no choices");
  }
  std::set<std::string_view> known;
  for (std::uint32_t i = 0; i < choices.count; ++i) {
    check_view(where, "choice", element<ht_str>(choices, i), kLongText);
    if (!known.insert(text_of(element<ht_str>(choices, i))).second) {
      refuse(where, fmt::format("it lists the choice '{}' twice", text_of(element<ht_str>(choices, i))));
    }
  }
  for (std::uint32_t i = 0; i < param.deflt.count; ++i) {
    const std::string_view value = text_of(element<ht_str>(param.deflt, i));
    if (!known.contains(value)) refuse(where, fmt::format("its default '{}' is none of its choices", value));
  }
}

void check_pattern(const std::string &where, std::string_view text, bool fusion) {
  try {
    (void)(fusion ? pattern::parse_fusion(text) : pattern::parse(text));
  } catch (const Error &error) {
    refuse(where, fmt::format("its default is wrong: {}", error.message()));
  }
}

void check_default(const std::string &where, const ht_param &param) {
  const ht_value &value = param.deflt;
  if (value.kind == HT_VALUE_NONE) {
    if (value.count != 0) refuse(where, "its default is absent and has values");
    return;
  }
  if (!fits_kind(value, param.kind)) refuse(where, "its default is of another kind than the parameter");
  const bool many = (param.flags & HT_PARAM_LIST) != 0 || param.kind == HT_VALUE_MAP;
  if (value.count > kMostValues || (value.count > 0 && value.data == nullptr) || (!many && value.count != 1)) {
    refuse(where, "its default does not have the number of values that the parameter takes");
  }
  for (std::uint32_t i = 0; i < value.count; ++i) {
    if (param.kind == HT_VALUE_STR || param.kind == HT_VALUE_CHOICE) {
      check_view(where, "default", element<ht_str>(value, i), kLongText);
      if ((param.flags & HT_PARAM_PATTERN) != 0) {
        check_pattern(where, text_of(element<ht_str>(value, i)), (param.flags & HT_PARAM_FUSION) != 0);
      }
    } else if (param.kind == HT_VALUE_MAP) {
      check_view(where, "default", element<ht_field>(value, i).name, kLongText);
    } else if (param.kind == HT_VALUE_FLAG && (element<std::int64_t>(value, i) & ~std::int64_t{1}) != 0) {
      refuse(where, "its default is neither 0 nor 1");
    }
  }
}

void check_param(const std::string &where, const ht_param &param) {
  if (param.kind == HT_VALUE_NONE || param.kind > HT_VALUE_MAP) {
    refuse(where, fmt::format("its kind {} is none that this host knows", param.kind));
  }
  if ((param.flags & ~kAllFlags) != 0) refuse(where, fmt::format("it has unknown flags {:#x}", param.flags));
  if (param.kind == HT_VALUE_MAP && (param.flags & HT_PARAM_LIST) != 0) refuse(where, "a list of maps cannot be told");
  if ((param.flags & HT_PARAM_PATTERN) != 0 && param.kind != HT_VALUE_STR) {
    refuse(where, "it is flagged as a pattern and is no text");
  }
  check_text(where, "doc", param.doc, kLongText, true);
  if ((param.flags & HT_PARAM_FUSION) != 0 && (param.flags & HT_PARAM_PATTERN) == 0) {
    refuse(where, "it is flagged as a fusion and is no pattern");
  }
  if (param.unit != nullptr) check_text(where, "unit", param.unit, 64);
  if (param.since != nullptr) check_text(where, "since", param.since, 64);
  if (param.replaced_by != nullptr) check_text(where, "replaced_by", param.replaced_by, 256);
  check_default(where, param);
  check_bound(where, param, "low", param.low);
  check_bound(where, param, "high", param.high);
  if (param.kind == HT_VALUE_F64) check_range<double>(where, param);
  if (param.kind == HT_VALUE_I64 || param.kind == HT_VALUE_SIZE) check_range<std::int64_t>(where, param);
  check_choices(where, param);
}

}  // namespace

void check_params(const std::string &where, const ht_param *params, std::uint64_t count) {
  check_array(where, "params", params, count, kMostParams);
  if (count == 0) return;
  const std::uint32_t stride = params->struct_size;
  if (stride < kMinimumParam || stride % alignof(ht_param) != 0 || stride > 64 * kMinimumParam) {
    fail(Status::kInvalidArgument,
         "{}: its parameters have {} bytes each and need at least {}; rebuild the plug-in with this host's SDK", where,
         stride, kMinimumParam);
  }
  std::set<std::string_view> names;
  const Schema schema(params, count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const ht_param &param = schema[i];
    if (param.struct_size != stride) {
      refuse(where, fmt::format("parameter {} has another size than the first one", i + 1));
    }
    check_name(where, fmt::format("name of parameter {}", i + 1), param.name, "_");
    check_param(fmt::format("{}: parameter '{}'", where, param.name), param);
    if (!names.insert(param.name).second) refuse(where, fmt::format("it has two parameters named '{}'", param.name));
  }
}

}  // namespace halftone::host
