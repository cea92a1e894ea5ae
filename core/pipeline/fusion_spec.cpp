#include "core/pipeline/fusion_spec.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/base/nearest.h"
#include "core/pattern/expression.h"
#include "core/pipeline/fixed_scale.h"
#include "core/pipeline/platform_descriptor.h"
#include "core/pipeline/platform_shape.h"

namespace halftone::pipeline {
namespace {

constexpr std::string_view kFloat = "fp32";
const std::string kOutput = "y";

// What a parser of texts says, with the place in the file in front.
template <typename Parse>
auto parsed(const Setting &setting, std::string_view what, const Parse &parse) {
  try {
    return parse();
  } catch (const Error &error) {
    fail(Status::kInvalidArgument, "{}: {}: {}", setting.where.text(), what, error.message());
  }
}

const Location &key_of(const Setting &setting) {
  return setting.key_where.line > 0 ? setting.key_where : setting.where;
}

class FusionReader {
 public:
  FusionReader(const Setting &setting, const PlatformDescriptor &platform) : setting_(setting), platform_(platform) {}

  FusionSpec read() {
    out_.name = text_at(setting_, "name");
    out_.doc = text_at(setting_, "doc");
    out_.where = given(setting_, "name")->where;
    const Setting &pattern = *given(setting_, "pattern");
    out_.pattern = parsed(pattern, what("pattern"), [&] { return pattern::parse(pattern.text); });
    names_ = pattern::carried_names(out_.pattern);
    require_one_meaning(pattern);
    names_.push_back(out_.output());
    out_.fused = expression("fused");
    if (out_.fused && out_.fused->operations.size() != 1) {
      fail(Status::kInvalidArgument, "{}: {} is one operator, and this has {}; leave it out to run the float form",
           given(setting_, "fused")->where.text(), what("fused"), out_.fused->operations.size());
    }
    const Setting *deployed = given(setting_, "deployed");
    if (deployed != nullptr && deployed->is_map()) {
      out_.deploy_pass = text_at(*deployed, "pass");
      out_.deploy_where = given(*deployed, "pass")->where;
    } else {
      out_.deployed = expression("deployed");
    }
    read_training();
    read_points();
    read_demands();
    read_observation();
    read_shares();
    return std::move(out_);
  }

 private:
  std::string what(std::string_view key) const { return fmt::format("`{}` of the fusion '{}'", key, out_.name); }

  std::optional<pattern::Pattern> expression(const char *key) const {
    const Setting *text = given(setting_, key);
    if (text == nullptr) return std::nullopt;
    return parsed(*text, what(key), [&] { return pattern::parse_expression(text->text, out_.pattern); });
  }

  void read_training() {
    const Setting *trainable = given(setting_, "trainable");
    if (trainable == nullptr) return;
    const auto refuse = [&](std::string_view why) {
      fail(Status::kInvalidArgument, "{}: {}: {}", trainable->where.text(), what("trainable"), why);
    };
    if (out_.fused) refuse("the gradient of the fused operator says how it is trained; leave one of both out");
    bool has_norm = false;
    for (std::size_t at = 0; at < out_.pattern.operations.size(); ++at)
      has_norm = has_norm || pattern::is_folded_norm(out_.pattern, at);
    if (!has_norm) refuse("the pattern has no BatchNormalization behind Conv, ConvTranspose or Gemm; leave it out");
    out_.trains_norms = trainable->text == "scale-factor";
  }

  // An output without a name is called y.
  void require_one_meaning(const Setting &pattern) const {
    const auto named = [](std::size_t output) { return output != pattern::Operation::kUnnamed; };
    if (std::ranges::any_of(out_.pattern.operations.front().outputs, named)) return;
    if (std::ranges::find(out_.pattern.names, kOutput) == out_.pattern.names.end()) return;
    fail(Status::kInvalidArgument,
         "{}: {}: it reads '{}', which is also what its output is called where it has no name; write `z = ...`",
         pattern.where.text(), what("pattern"), kOutput);
  }

  void require_name(const std::string &name, const Location &where, std::string_view key) const {
    if (std::ranges::find(names_, name) != names_.end()) return;
    fail(Status::kInvalidArgument, "{}: {}: the pattern has no value '{}' around it{}; it has {}", where.text(),
         what(key), name, nearest_hint(name, names_), fmt::join(names_, ", "));
  }

  void require_type(const std::string &type, const Location &where) const {
    if (platform_.types.count(type) != 0) return;
    std::vector<std::string> known{std::string(kFloat)};
    for (const auto &entry : platform_.types) known.push_back(entry.first);
    fail(Status::kInvalidArgument, "{}: {}: platform '{}' has no type '{}'{}; known: {}", where.text(), what("points"),
         platform_.id, type, nearest_hint(type, known), fmt::join(known, ", "));
  }

  void read_points() {
    const Setting *points = given(setting_, "points");
    if (points == nullptr) return;
    for (const auto &[name, setting] : points->map()) {
      require_name(name, key_of(setting), "points");
      FusionPoint point;
      point.where = setting.where;
      const Setting *type = setting.is_map() ? given(setting, "type") : &setting;
      if (type != nullptr) {
        const bool in_float = type->text == kFloat || (type->text == "bias" && platform_.bias_in_float);
        if (!in_float) require_type(type->text, type->where);
        point.type = in_float ? "" : type->text;
      }
      if (given(setting, "axis") != nullptr) point.axis = static_cast<std::int32_t>(integer_at(setting, "axis", 0));
      if (const Setting *fixed = given(setting, "fixed")) point.fixed = read_fixed(*fixed, point);
      out_.points[name] = std::move(point);
    }
  }

  FixedScale read_fixed(const Setting &setting, const FusionPoint &point) const {
    const Setting &scale = *given(setting, "scale");
    const FixedScale fixed{number_of(scale), integer_at(setting, "zero_point", 0)};
    const auto refuse = [&](const std::string &why) {
      fail(Status::kInvalidArgument, "{}: {}: a fixed scale {}", setting.where.text(), what("points"), why);
    };
    const std::string name = point.type.value_or("activation");
    if (name.empty()) refuse("needs a type; fp32 has none");
    if (!std::isfinite(fixed.scale) || fixed.scale < 1e-8) refuse("is a number of at least 1e-8");
    const std::string why = fixed_scale_fault(fixed, name, platform_.types.at(name).spec);
    // Without a type the platform's rules for operators give it: what no type of it can have is refused here.
    const auto suits = [&](const auto &entry) {
      return fixed_scale_fault(fixed, entry.first, entry.second.spec).empty();
    };
    if (!why.empty() && (point.type || std::ranges::none_of(platform_.types, suits))) refuse(why);
    return fixed;
  }

  void read_demands() {
    const Setting *dtypes = given(setting_, "dtypes");
    if (dtypes == nullptr) return;
    for (const auto &[name, setting] : dtypes->map()) {
      require_name(name, key_of(setting), "dtypes");
      TypeDemand demand;
      if (const Setting *bits = given(setting, "bits")) demand.bits = numbers_of(*bits);
      if (given(setting, "kind") != nullptr) demand.kind = code_at(setting, "kind", kQuantKinds, 0);
      if (given(setting, "symmetry") != nullptr) demand.symmetry = code_at(setting, "symmetry", kSymmetries, 0);
      if (given(setting, "granularity") != nullptr)
        demand.granularity = code_at(setting, "granularity", kGranularities, 0);
      if (given(setting, "signed") != nullptr) demand.is_signed = flag_at(setting, "signed", true);
      out_.dtypes[name] = std::move(demand);
    }
  }

  void read_observation() {
    const std::string text = text_at(setting_, "observation", "own");
    out_.observation = text == "none"                ? OutputScale::kNone
                       : text == "shared-with-input" ? OutputScale::kOfInput
                                                     : OutputScale::kOwn;
    if (out_.observation == OutputScale::kNone && (!out_.points.empty() || given(setting_, "share") != nullptr)) {
      fail(Status::kInvalidArgument, "{}: {}: nothing of it is quantized, so that `points` and `share` mean nothing",
           given(setting_, "observation")->where.text(), what("observation"));
    }
    const FusionPoint *output = out_.point(out_.output());
    if (out_.observation == OutputScale::kOfInput && output != nullptr && output->fixed) {
      fail(Status::kInvalidArgument, "{}: {}: the output has a fixed scale, and cannot have that of an input too",
           given(setting_, "observation")->where.text(), what("observation"));
    }
  }

  void read_shares() {
    const Setting *share = given(setting_, "share");
    if (share == nullptr) return;
    for (const Setting &group : share->list()) {
      std::vector<std::string> names;
      for (const Setting &name : group.list()) {
        require_name(name.text, name.where, "share");
        names.push_back(name.text);
        const FusionPoint *point = out_.point(name.text);
        if (point == nullptr || (!point->fixed && point->type != "")) continue;
        fail(Status::kInvalidArgument, "{}: {}: '{}' {}, so that it shares no scale", name.where.text(), what("share"),
             name.text, point->fixed ? "has a fixed scale" : "stays in float");
      }
      if (names.size() < 2) {
        fail(Status::kInvalidArgument, "{}: {}: one value alone shares nothing; name two or more: [[x, y]]",
             group.where.text(), what("share"));
      }
      out_.share.push_back(std::move(names));
    }
  }

  const Setting &setting_;
  const PlatformDescriptor &platform_;
  std::vector<std::string> names_;
  FusionSpec out_;
};

template <typename Names>
std::string name_of_code(const Names &names, std::uint32_t code) {
  for (const auto &[name, value] : names) {
    if (value == code) return std::string(name);
  }
  return {};
}

}  // namespace

const std::string &FusionSpec::output() const {
  const std::vector<std::size_t> &outputs = pattern.operations.front().outputs;
  for (const std::size_t output : outputs) {
    if (output != pattern::Operation::kUnnamed) return pattern.names[output];
  }
  return kOutput;
}

const FusionPoint *FusionSpec::point(const std::string &name_of) const {
  const auto found = points.find(name_of);
  return found == points.end() ? nullptr : &found->second;
}

std::vector<FusionSpec> read_fusions(const Setting &list, const PlatformDescriptor &platform) {
  std::vector<FusionSpec> fusions;
  for (const Setting &setting : list.list()) {
    fusions.push_back(FusionReader(setting, platform).read());
    const FusionSpec &last = fusions.back();
    if (std::ranges::find(fusions, last.name, &FusionSpec::name) == fusions.end() - 1) continue;
    fail(Status::kInvalidArgument, "{}: there are two fusions '{}'; give this one another name", last.where.text(),
         last.name);
  }
  return fusions;
}

std::vector<FusionSpec> join_fusions(std::vector<FusionSpec> pipeline, std::vector<FusionSpec> platform) {
  for (FusionSpec &fusion : platform) {
    if (std::ranges::find(pipeline, fusion.name, &FusionSpec::name) == pipeline.end())
      pipeline.push_back(std::move(fusion));
  }
  return pipeline;
}

std::string mismatch(const TypeDemand &demand, const ht_quant_spec &spec) {
  const auto has_bits = [&](double bits) { return bits == static_cast<double>(spec.bits); };
  if (!demand.bits.empty() && std::ranges::none_of(demand.bits, has_bits)) {
    return fmt::format("has {} bits, not {}", spec.bits, fmt::join(demand.bits, " or "));
  }
  if (demand.kind && *demand.kind != spec.kind)
    return fmt::format("is {}, not {}", name_of_code(kQuantKinds, spec.kind), name_of_code(kQuantKinds, *demand.kind));
  if (demand.is_signed && *demand.is_signed != (spec.is_signed != 0))
    return *demand.is_signed ? "is unsigned, not signed" : "is signed, not unsigned";
  if (demand.symmetry && *demand.symmetry != spec.symmetry) {
    return fmt::format("is {}, not {}", name_of_code(kSymmetries, spec.symmetry),
                       name_of_code(kSymmetries, *demand.symmetry));
  }
  if (demand.granularity && *demand.granularity != spec.granularity) {
    return fmt::format("has one scale for each {}, not {}", name_of_code(kGranularities, spec.granularity),
                       name_of_code(kGranularities, *demand.granularity));
  }
  return {};
}

}  // namespace halftone::pipeline
