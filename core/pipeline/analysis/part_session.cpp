#include "core/pipeline/analysis/part_session.h"

#include <utility>

namespace halftone::pipeline {

void PartSession::run(host::Context &ctx, std::uint32_t worker, const Values &values,
                      const host::EmitFunction &emit) const {
  std::vector<ht_tensor_view> inputs;
  inputs.reserve(cut.feeds.size());
  for (const model::Handle value : cut.feeds) inputs.push_back(values.at(value).view());
  session->run(ctx, worker, inputs, emit);
}

PartOpener::PartOpener(const AnalysisRequest &request, std::uint32_t workers, std::optional<host::Sequence> sequence)
    : request_(request), workers_(workers), sequence_(std::move(sequence)), copy_(*request.working) {}

std::unique_ptr<host::Session> PartOpener::open(quant::ConfigTable configs, bool quantized,
                                                host::SessionRequest request) {
  copy_.configs = std::move(configs);
  host::Context ctx;
  ctx.working = &copy_;
  ctx.kernels = request_.kernels;
  request.workers = workers_;
  request.mode = quantized ? host::Mode::kSimulated : host::Mode::kFloat;
  return std::make_unique<host::Session>(*request_.executor, ctx, request);
}

std::unique_ptr<host::Session> PartOpener::whole(bool quantized, std::vector<model::Handle> emits) {
  host::SessionRequest request;
  request.emits = std::move(emits);
  request.sequence = sequence_;
  return open(quantized ? request_.working->configs : quant::ConfigTable(), quantized, std::move(request));
}

PartSession PartOpener::part(Cut cut, model::Handle quantized) {
  host::SessionRequest request;
  request.emits = cut.emits;
  request.feeds = cut.feeds;
  const bool any = quantized != HT_NONE;
  auto session = open(any ? configs_of(*request_.working, quantized) : quant::ConfigTable(), any, std::move(request));
  return {std::move(cut), std::move(session)};
}

}  // namespace halftone::pipeline
