// Sessions over parts of the working model, in float or with the configs of one operator.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "core/host/session.h"
#include "core/pipeline/analysis/analyze.h"
#include "core/pipeline/analysis/layer.h"
#include "core/pipeline/analysis/stored_tensor.h"

namespace halftone::pipeline {

// Values of one sample on one worker.
using Values = std::unordered_map<model::Handle, StoredTensor>;

struct PartSession {
  Cut cut;
  std::unique_ptr<host::Session> session;
  // Runs the part on these values.
  void run(host::Context &ctx, std::uint32_t worker, const Values &values, const host::EmitFunction &emit) const;
};

class PartOpener {
 public:
  // `sequence`: that of the samples.
  PartOpener(const AnalysisRequest &request, std::uint32_t workers, std::optional<host::Sequence> sequence);
  // The whole model on its inputs; with sequences, over them.
  std::unique_ptr<host::Session> whole(bool quantized, std::vector<model::Handle> emits);
  // A part with only this node's configs; HT_NONE: in float.
  PartSession part(Cut cut, model::Handle quantized);

 private:
  std::unique_ptr<host::Session> open(quant::ConfigTable configs, bool quantized, host::SessionRequest request);
  const AnalysisRequest &request_;
  std::uint32_t workers_;
  std::optional<host::Sequence> sequence_;
  host::WorkingModel copy_;  // its configs are those of the session being opened
};

}  // namespace halftone::pipeline
