// What `halftone profile` says about the steps of a session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/cli/console.h"
#include "core/host/session.h"

namespace halftone::cli {

// A node, or a step that belongs to none of the model's: an input, a reorder, a quantization, an output handed over.
struct ProfileRow {
  std::string name;    // of the node, or of the value
  std::string type;    // operator type, or "(reorder)" and the like
  std::string how;     // what computes it
  std::string inside;  // of a fused node: the node that it runs inside of
  double seconds = 0;  // for one sample; nothing for a fused node
  std::uint64_t runs = 0;
};

// Rows of one type together; the type of a step with fused nodes names them all, as "Conv+Relu".
struct ProfileType {
  std::string type;
  std::size_t steps = 0;
  double seconds = 0;
};

struct ProfileReport {
  std::vector<ProfileRow> rows;    // in the order of execution, fused nodes behind their step
  std::vector<ProfileType> types;  // the longest first
  double seconds = 0;              // of all steps, for one sample
};

// `samples` is the number of runs that the times are the sum of. Steps of a model that was compiled for several input
// shapes are one row where they do the same.
ProfileReport profile_report(const model::Model &model, const std::vector<host::StepTime> &steps,
                             std::uint64_t samples);

std::string milliseconds_text(double seconds);
Table node_table(const ProfileReport &report);
Table type_table(const ProfileReport &report);
void add_profile(const ProfileReport &report, nlohmann::ordered_json &figures);

}  // namespace halftone::cli
