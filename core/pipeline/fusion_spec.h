// A fusion as data: a pattern that the device computes as one operator, where it is quantized, and the forms that it
// takes on the way to the device. docs/fusions.md describes the key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/setting.h"
#include "core/base/shape.h"
#include "core/pattern/pattern.h"
#include "halftone/quant.h"

namespace halftone::pipeline {

struct PlatformDescriptor;

// A scale that the device gives, not the data.
struct FixedScale {
  double scale = 1;
  std::int64_t zero_point = 0;
};

// How a value around the fusion is quantized.
struct FusionPoint {
  std::optional<std::string> type;  // a name under `types`, empty: float; nullopt: as the platform has the slot
  std::optional<std::int32_t> axis;
  std::optional<FixedScale> fixed;
  Location where;
};

// What the type of a value must be for the fusion to apply.
struct TypeDemand {
  std::vector<double> bits;  // any of these; empty: any
  std::optional<std::uint32_t> kind, symmetry, granularity;
  std::optional<bool> is_signed;
};

// Where the scale of the output comes from: its own values, the first input; kNone: nothing is quantized.
enum class OutputScale : std::uint32_t { kOwn, kOfInput, kNone };

struct FusionSpec {
  std::string name, doc;
  pattern::Pattern pattern;
  std::optional<pattern::Pattern> fused, deployed;  // expressions
  std::string deploy_pass;                          // a pass that does it in code, or empty
  std::map<std::string, FusionPoint> points;        // by the name in the pattern
  std::map<std::string, TypeDemand> dtypes;         // likewise
  std::vector<std::vector<std::string>> share;      // names that have one scale
  OutputScale observation = OutputScale::kOwn;
  // Normalizations inside: by the batch, or frozen; nullopt: as the pass that trains says.
  std::optional<bool> trains_norms;
  Location where, deploy_where;

  const std::string &output() const;                    // what the pattern calls its result; "y" where it has no name
  const FusionPoint *point(const std::string &) const;  // null where the fusion says nothing about it
};

// The value of the key `fusions`.
Shape fusions_shape();

// Of a list whose shape was checked, for a platform whose types are known. Throws InvalidArgument with
// file:line:column, the allowed values and the nearest name.
std::vector<FusionSpec> read_fusions(const Setting &list, const PlatformDescriptor &platform);

// Those of a pipeline go before the platform's, and replace those of the same name.
std::vector<FusionSpec> join_fusions(std::vector<FusionSpec> pipeline, std::vector<FusionSpec> platform);

// Why a type is not what is demanded: "has 4 bits, not 8"; empty when it is.
std::string mismatch(const TypeDemand &demand, const ht_quant_spec &spec);

}  // namespace halftone::pipeline
