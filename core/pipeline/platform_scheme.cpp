#include "core/pipeline/platform_scheme.h"

#include <limits>

#include "core/base/error.h"
#include "core/base/shape.h"
#include "core/pipeline/platform_shape.h"
#include "halftone/config.h"

namespace halftone::pipeline {
namespace {

class SchemeReader {
 public:
  SchemeReader(const Setting &setting, std::string_view what) : setting_(setting), what_(what) {}

  Scheme read() {
    spec_.struct_size = sizeof(spec_);
    read_kind();
    spec_.symmetry = code_at(setting_, "symmetry", kSymmetries, HT_SYMMETRIC);
    spec_.scale_form = code_at(setting_, "scale", kScaleForms, HT_SCALE_FREE);
    spec_.span = code_at(setting_, "span", kSpans, HT_SPAN_NARROW);
    spec_.rounding = code_at(setting_, "rounding", kRoundings, HT_ROUND_HALF_EVEN);
    spec_.visibility = code_at(setting_, "visibility", kVisibilities, HT_EXPORT_WHEN_ACTIVE);
    spec_.dynamic = flag_at(setting_, "dynamic", false) ? 1 : 0;
    read_granularity();
    read_range();
    Scheme out;
    out.spec = spec_;
    read_observer(out);
    return out;
  }

 private:
  // "`types.weight.bits`"
  std::string name(std::string_view key) const { return fmt::format("{}.{}`", what_.substr(0, what_.size() - 1), key); }
  // A number whose range depends on what else is written.
  std::int64_t integer(std::string_view key, std::int64_t deflt, std::int64_t low, std::int64_t high) const {
    const Setting *found = given(setting_, key);
    if (found == nullptr) return deflt;
    check_shape(*found, shape::integer(low, high), name(key));
    return std::get<std::int64_t>(found->value);
  }

  void read_kind() {
    spec_.kind = code_at(setting_, "kind", kQuantKinds, HT_QUANT_INTEGER);
    const bool whole = spec_.kind == HT_QUANT_INTEGER;
    spec_.bits = static_cast<std::uint32_t>(integer("bits", 8, whole ? 2 : 8, whole ? 32 : 8));
    spec_.is_signed = flag_at(setting_, "signed", true) ? 1 : 0;
    if (!whole && spec_.is_signed == 0) refuse("signed", "float8 has a sign");
  }

  void read_granularity() {
    spec_.granularity = code_at(setting_, "granularity", kGranularities, HT_PER_TENSOR);
    spec_.axis = static_cast<std::int32_t>(integer_at(setting_, "axis", 0));
    spec_.block_size = static_cast<std::int32_t>(integer_at(setting_, "block_size", 0));
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
    out.observer = text_at(setting_, "observer");
    const Setting *parameters = given(setting_, "observer_parameters");
    if (parameters == nullptr) return;
    if (out.observer.empty()) refuse("observer_parameters", "there is no 'observer' to take them");
    for (const auto &[key, value] : parameters->map()) out.observer_parameters[key] = value.text;
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
