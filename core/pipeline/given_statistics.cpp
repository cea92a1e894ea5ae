#include "core/pipeline/given_statistics.h"

#include <algorithm>
#include <vector>

#include "core/base/error.h"
#include "core/calibration/statistics_key.h"

namespace halftone::pipeline {
namespace {

using calibration::Collection;
using calibration::Request;
using calibration::ValueRequest;

bool covers(const Request &have, const Request &asked) {
  const bool channels = asked.channel_range || asked.channel_moments;
  return (have.histogram || !asked.histogram) && (have.channel_range || !asked.channel_range) &&
         (have.channel_moments || !asked.channel_moments) && (!channels || have.channel_axis == asked.channel_axis);
}

// Names of the values for which the collection does not hold what is asked.
std::vector<std::string> missing_values(const Collection &collection, const host::WorkingModel &working,
                                        const DataPassRequest &request) {
  std::vector<std::string> missing;
  for (const auto &[value, asked] : request.requests) {
    const std::string name = calibration::statistics_name(working.model, value);
    const auto found = collection.values.find(name);
    if (found == collection.values.end()) {
      missing.push_back(name);
      continue;
    }
    const bool groups = !asked.groups || (found->second.grouped && collection.group == request.group);
    if (!groups || !covers(found->second.total.request(), asked.request)) missing.push_back(name);
  }
  return missing;
}

}  // namespace

GivenStatistics read_given_statistics(const std::filesystem::path &path, const std::filesystem::path &model_path,
                                      const model::Model &model) {
  GivenStatistics given{path.string(), calibration::read_statistics(path), {}};
  if (!(given.file.model == calibration::model_digest(model))) {
    fail(Status::kInvalidArgument,
         "'{}' holds statistics of another model, '{}', not of '{}' (graph or weights differ); calibrate this one with "
         "`halftone calibrate`",
         given.path, given.file.model_name, model_path.string());
  }
  if (given.file.checkpoint) {
    fail(Status::kFailedPrecondition,
         "'{}' is a checkpoint of a calibration that was interrupted; finish it with `halftone calibrate --resume`",
         given.path);
  }
  return given;
}

DataPassRequest data_pass_request(std::span<const ht_statistics_request> requests, const ht_collect_options &options) {
  DataPassRequest result;
  result.group = options.group;
  result.quantized_weights = options.quantized_weights != 0;
  result.simulated = options.mode == HT_MODE_SIMULATED;
  for (const ht_statistics_request &request : requests) {
    auto [at, is_new] = result.requests.try_emplace(request.value);
    const Request asked = calibration::request_of(request.wants, request.channel_axis);
    at->second.request = is_new ? asked : calibration::unite(at->second.request, asked);
    at->second.groups = at->second.groups || ((request.wants & HT_WANT_GROUPS) != 0 && options.group != 0);
  }
  return result;
}

const Collection &require_statistics(const GivenStatistics &given, const host::WorkingModel &working,
                                     const DataPassRequest &request,
                                     std::optional<calibration::ExecutedGraphs> &first) {
  const calibration::ExecutedGraphs graphs = calibration::executed_graphs(working);
  if (!first) first = graphs;
  const Digest &executed = request.quantized_weights ? graphs.quantized_weights : graphs.plain;
  std::vector<std::string> missing;
  bool same_graph = false;
  for (const calibration::Collected &stored : given.file.collections) {
    if (!(stored.collection.executed == executed)) continue;
    same_graph = true;
    missing = missing_values(stored.collection, working, request);
    if (missing.empty()) return stored.collection;
  }
  if (!same_graph && !first->contain(executed)) {
    fail(Status::kNotFound,
         "this is a second calibration, of a model that depends on what the first one found, and no statistics file "
         "can be of that; give the calibration data instead of --stats-in");
  }
  if (!same_graph && !given.wants_samples.empty()) {
    fail(Status::kNotFound,
         "'{}' has no statistics of the model as the passes before this one leave it{}; pass '{}' of this pipeline may "
         "run the model on samples, which no file holds: give the calibration data instead of --stats-in, or calibrate "
         "for this pipeline, which tells whether a file can serve it",
         given.path, request.quantized_weights ? ", with quantized weights" : "", given.wants_samples);
  }
  if (!same_graph) {
    fail(Status::kNotFound,
         "'{}' has no statistics of the model as the passes before this one leave it{}; calibrate for this platform or "
         "pipeline (--observe-for)",
         given.path, request.quantized_weights ? ", with quantized weights" : "");
  }
  fail(Status::kNotFound,
       "'{}' lacks statistics of value '{}'{}{}; calibrate for this platform or pipeline (--observe-for)", given.path,
       missing.front(), missing.size() > 1 ? fmt::format(" and {} others", missing.size() - 1) : "",
       request.group == 0 ? "" : fmt::format(", in groups of {} samples", request.group));
}

}  // namespace halftone::pipeline
