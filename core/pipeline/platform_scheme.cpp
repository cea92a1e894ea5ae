#include "core/pipeline/platform_scheme.h"

#include <limits>

#include "core/base/error.h"
#include "core/base/typed_setting.h"
#include "halftone/config.h"

namespace halftone::pipeline {
namespace {

const std::vector<std::string> kKeys = {
    "kind",  "bits", "signed",   "min",     "max",        "symmetry", "granularity",         "axis", "block_size",
    "scale", "span", "rounding", "dynamic", "visibility", "observer", "observer_parameters", "doc"};

class SchemeReader {
 public:
  SchemeReader(const Setting &setting, std::string_view what) : setting_(setting), what_(what) {}

  Scheme read() {
    check_keys(setting_, what_, kKeys);
    spec_.struct_size = sizeof(spec_);
    read_kind();
    spec_.symmetry = choice("symmetry", {{"symmetric", HT_SYMMETRIC}, {"asymmetric", HT_ASYMMETRIC}}, HT_SYMMETRIC);
    spec_.scale_form =
        choice("scale", {{"free", HT_SCALE_FREE}, {"power-of-two", HT_SCALE_POWER_OF_TWO}}, HT_SCALE_FREE);
    spec_.span = choice("span", {{"narrow", HT_SPAN_NARROW}, {"half", HT_SPAN_HALF}}, HT_SPAN_NARROW);
    spec_.rounding = choice("rounding",
                            {{"half-even", HT_ROUND_HALF_EVEN},
                             {"half-up", HT_ROUND_HALF_UP},
                             {"half-down", HT_ROUND_HALF_DOWN},
                             {"half-toward-zero", HT_ROUND_HALF_TOWARD_ZERO},
                             {"half-away-from-zero", HT_ROUND_HALF_AWAY_FROM_ZERO},
                             {"up", HT_ROUND_UP},
                             {"down", HT_ROUND_DOWN}},
                            HT_ROUND_HALF_EVEN);
    spec_.visibility =
        choice("visibility",
               {{"when-active", HT_EXPORT_WHEN_ACTIVE}, {"always", HT_EXPORT_ALWAYS}, {"never", HT_EXPORT_NEVER}},
               HT_EXPORT_WHEN_ACTIVE);
    spec_.dynamic = flag("dynamic", false) ? 1 : 0;
    read_granularity();
    read_range();
    Scheme out;
    out.spec = spec_;
    read_observer(out);
    return out;
  }

 private:
  std::string name(std::string_view key) const { return fmt::format("'{}' of {}", key, what_); }
  std::uint32_t choice(std::string_view key, Choices choices, std::uint32_t deflt) const {
    const Setting *found = setting_.find(key);
    return found == nullptr ? deflt : read_choice(*found, name(key), choices);
  }
  bool flag(std::string_view key, bool deflt) const {
    const Setting *found = setting_.find(key);
    return found == nullptr ? deflt : read_bool(*found, name(key));
  }
  std::int64_t integer(std::string_view key, std::int64_t deflt, std::int64_t low, std::int64_t high) const {
    const Setting *found = setting_.find(key);
    return found == nullptr ? deflt : read_integer(*found, name(key), low, high);
  }

  void read_kind() {
    spec_.kind = choice(
        "kind", {{"integer", HT_QUANT_INTEGER}, {"float8e4m3fn", HT_QUANT_F8E4M3FN}, {"float8e5m2", HT_QUANT_F8E5M2}},
        HT_QUANT_INTEGER);
    const bool whole = spec_.kind == HT_QUANT_INTEGER;
    spec_.bits = static_cast<std::uint32_t>(integer("bits", 8, whole ? 2 : 8, whole ? 32 : 8));
    spec_.is_signed = flag("signed", true) ? 1 : 0;
    if (!whole && spec_.is_signed == 0) refuse("signed", "float8 has a sign");
  }

  void read_granularity() {
    spec_.granularity =
        choice("granularity", {{"tensor", HT_PER_TENSOR}, {"channel", HT_PER_CHANNEL}, {"block", HT_PER_BLOCK}},
               HT_PER_TENSOR);
    spec_.axis = static_cast<std::int32_t>(integer("axis", 0, 0, HT_MAX_RANK - 1));
    spec_.block_size = static_cast<std::int32_t>(integer("block_size", 0, 1, 1 << 20));
    if (spec_.granularity == HT_PER_BLOCK && spec_.block_size == 0) {
      fail(Status::kInvalidArgument, "{}: {} is granular by block and needs a 'block_size'", setting_.where.text(),
           what_);
    }
    if (spec_.granularity != HT_PER_BLOCK && spec_.block_size != 0)
      refuse("block_size", "only granularity 'block' has one");
    if (spec_.granularity == HT_PER_TENSOR && setting_.find("axis") != nullptr) {
      refuse("axis", "granularity 'tensor' has none; write granularity: channel");
    }
  }

  void read_range() {
    if (spec_.kind != HT_QUANT_INTEGER) {
      for (const char *key : {"min", "max"}) {
        if (setting_.find(key) != nullptr) refuse(key, "float8 has a fixed range");
      }
      if (spec_.symmetry != HT_SYMMETRIC) refuse("symmetry", "float8 is symmetric");
      return;
    }
    const std::int64_t low = spec_.is_signed != 0 ? -(std::int64_t{1} << (spec_.bits - 1)) : 0;
    const std::int64_t high = low + (std::int64_t{1} << spec_.bits) - 1;
    spec_.quant_min = integer("min", low, low, high);
    spec_.quant_max = integer("max", high, low, high);
    if (spec_.quant_min >= spec_.quant_max) refuse("max", "it must be above 'min'");
    if (spec_.symmetry == HT_SYMMETRIC && spec_.quant_min >= 0) {
      refuse("symmetry", "a symmetric type needs negative codes; write signed: true");
    }
  }

  void read_observer(Scheme &out) const {
    if (const Setting *observer = setting_.find("observer")) out.observer = read_text(*observer, name("observer"));
    const Setting *parameters = setting_.find("observer_parameters");
    if (parameters == nullptr) return;
    if (out.observer.empty()) refuse("observer_parameters", "there is no 'observer' to take them");
    for (const auto &[key, value] : read_map(*parameters, name("observer_parameters"))) {
      out.observer_parameters[key] = read_text(value, name("observer_parameters." + key));
    }
  }

  [[noreturn]] void refuse(std::string_view key, std::string_view why) const {
    const Setting *found = setting_.find(key);
    fail(Status::kInvalidArgument, "{}: {}: {}", (found == nullptr ? setting_ : *found).where.text(), name(key), why);
  }

  const Setting &setting_;
  std::string_view what_;
  ht_quant_spec spec_{};
};

}  // namespace

Scheme read_scheme(const Setting &setting, std::string_view what) {
  return SchemeReader(setting, what).read();
}

}  // namespace halftone::pipeline
