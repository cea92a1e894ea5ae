#include "curvature_loss.h"

#include "halftone/graph.hpp"
#include "halftone/trial.hpp"
#include "measured_values.h"

namespace halftone::passes {
namespace {

// The Softmax or LogSoftmax that makes the value, else nothing.
ht_handle softmax_of(const sdk::Graph &graph, ht_handle value) {
  const ht_handle producer = graph.value(value).info.producer;
  if (producer == HT_NONE) return HT_NONE;
  const sdk::Node node = graph.node(producer);
  return node.is("Softmax") || node.is("LogSoftmax") ? producer : HT_NONE;
}

std::uint32_t kind_of(const std::string &name, bool labelled, bool classes) {
  if (name == "cross-entropy") return HT_LOSS_CROSS_ENTROPY;
  if (name == "kl" || (name == "auto" && (labelled || classes))) return HT_LOSS_KL;
  return HT_LOSS_MSE;
}

const char *words_of(std::uint32_t kind) {
  switch (kind) {
    case HT_LOSS_CROSS_ENTROPY:
      return "cross-entropy";
    case HT_LOSS_KL:
      return "Kullback-Leibler divergence";
    default:
      return "mean squared error";
  }
}

std::uint64_t class_axes(const sdk::Graph &graph, ht_handle value, std::int64_t axis) {
  const ht_tensor_info type = graph.value(value).info.type;
  if (type.known_rank == 0) return 0;
  const std::int64_t rank = type.rank, from_first = axis < 0 ? axis + rank : axis;
  if (from_first < 1 || from_first >= rank) {
    throw sdk::Failure(HT_INVALID_ARGUMENT, "`axis` " + std::to_string(axis) + " holds no classes: the value has " +
                                                std::to_string(rank) +
                                                " axes, of which the first is that of the samples");
  }
  return std::uint64_t{1} << static_cast<unsigned>(from_first);
}

}  // namespace

CurvatureLoss curvature_loss(const sdk::Context &ctx, const CurvatureLossChoice &choice) {
  const sdk::Graph graph(ctx);
  CurvatureLoss loss;
  loss.outputs = measured_values(ctx, choice.at);
  if (choice.loss == "auto" || choice.loss == "cross-entropy") loss.labels = sdk::sample_labels(ctx);
  const ht_handle softmax = softmax_of(graph, loss.outputs.front());
  loss.kind = kind_of(choice.loss, !loss.labels.empty(), softmax != HT_NONE);
  loss.words = words_of(loss.kind);
  if (loss.kind != HT_LOSS_CROSS_ENTROPY) loss.labels.clear();
  if (loss.kind == HT_LOSS_MSE) return loss;
  if (loss.kind == HT_LOSS_CROSS_ENTROPY && loss.labels.empty()) {
    throw sdk::Failure(HT_FAILED_PRECONDITION,
                       "cross-entropy needs the classes of the calibration samples; give `labels` below `calibration`, "
                       "or take another loss");
  }
  loss.outputs.resize(1);
  if (softmax != HT_NONE) loss.outputs.front() = graph.node(softmax).input(0);
  loss.axes = class_axes(graph, loss.outputs.front(), choice.axis);
  return loss;
}

}  // namespace halftone::passes
