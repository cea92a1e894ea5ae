#include "core/pipeline/ppq_setting_map.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "core/base/error.h"
#include "core/base/nearest.h"

namespace halftone::pipeline {

namespace {

using enum PpqForm;
using enum PpqWrite;

constexpr PpqParameter kWeightSplit[] = {
    {"weight_split_setting.value_threshold", "threshold|value_threshold"},
    {"weight_split_setting.method", "method"},
    {"weight_split_setting.interested_layers", "layers", kNames},
};
constexpr PpqParameter kChannelSplit[] = {
    {"channel_split_setting.opt_level", "level", kAsIs, kChanged},
    {"channel_split_setting.iterations", "iterations"},
    {"channel_split_setting.value_threshold", "value_threshold|threshold"},
    {"channel_split_setting.including_bias", "including_bias|include_biases", kAsIs, kChanged},
    {"channel_split_setting.bias_multiplier", "bias_multiplier", kAsIs, kChanged},
    {"channel_split_setting.including_act", "including_act|include_activations", kAsIs, kChanged},
    {"channel_split_setting.act_multiplier", "act_multiplier|activation_multiplier", kAsIs, kChanged},
};
constexpr PpqParameter kEqualization[] = {
    {"equalization_setting.iterations", "iterations"},
    {"equalization_setting.value_threshold", "value_threshold"},
    {"equalization_setting.opt_level", "level"},
    {"equalization_setting.including_bias", "including_bias|include_biases"},
    {"equalization_setting.bias_multiplier", "bias_multiplier"},
    {"equalization_setting.including_act", "including_act|include_activations"},
    {"equalization_setting.act_multiplier", "act_multiplier|activation_multiplier"},
};
constexpr PpqParameter kSsd[] = {
    {"ssd_setting.opt_level", "level", kAsIs, kChanged}, {"ssd_setting.channel_ratio", "channel_ratio"},
    {"ssd_setting.loss_threshold", "loss_threshold"},    {"ssd_setting.layer_norm", "layer_norm", kAsIs, kChanged},
    {"ssd_setting.iteration", "iterations|iteration"},
};
constexpr PpqParameter kFactorization[] = {
    {"matrix_factorization_setting.method", "method", kAsIs, kChanged},
    {"matrix_factorization_setting.interested_layers", "layers", kNames},
};
constexpr PpqParameter kFusion[] = {
    {"fusion_setting.fuse_activation", "fuse_activation", kAsIs, kChanged},
    {"fusion_setting.fuse_passive_op", "passive", kAsIs, kPlatform, "fusion.passive"},
};
constexpr PpqParameter kParameters[] = {{"quantize_parameter_setting.calib_algorithm", "observer", kObserver}};
constexpr PpqParameter kActivations[] = {{"quantize_activation_setting.calib_algorithm", "observer", kObserver}};
constexpr PpqLikeness kCalibrationLikeness[] = {{"calibrate_on", "quantized_weights"}, {"group", "{batch}"}};
constexpr PpqParameter kAlign[] = {
    {"fusion_setting.align_elementwise_to", "elementwise", kAlignment, kPlatform, "alignment.elementwise"},
    {"fusion_setting.align_concat_to", "concat", kAlignment, kPlatform, "alignment.concat"},
    {"fusion_setting.align_avgpooling_to", "pooling", kAlignment, kPlatform, "alignment.pooling"},
    {"fusion_setting.align_resize_to", "resize", kAlignment, kPlatform, "alignment.resize"},
    {"fusion_setting.force_alignment_overlap", "force_overlap", kAsIs, kPlatform, "alignment.force_overlap"},
};
constexpr PpqLikeness kDispatchLikeness[] = {{"ppq_paths", "true"}};
constexpr PpqLikeness kPassiveLikeness[] = {{"repair_overflow", "false"}};
constexpr PpqLikeness kAlignLikeness[] = {{"ppq_range", "true"}, {"ppq_reach", "true"}};
constexpr PpqParameter kBias[] = {{"bias_correct_setting.interested_layers", "layers", kNames}};
constexpr PpqParameter kLsq[] = {
    {"lsq_optimization_setting.steps", "steps"},
    {"lsq_optimization_setting.lr", "lr"},
    {"lsq_optimization_setting.gamma", "gamma"},
    {"lsq_optimization_setting.is_scale_trainable", "is_scale_trainable"},
    {"lsq_optimization_setting.block_size", "block_size"},
    {"lsq_optimization_setting.interested_layers", "layers", kNames},
};
constexpr PpqParameter kRounding[] = {
    {"blockwise_reconstruction_setting.steps", "steps"},
    {"blockwise_reconstruction_setting.lr", "lr"},
    {"blockwise_reconstruction_setting.gamma", "gamma"},
    {"blockwise_reconstruction_setting.is_scale_trainable", "is_scale_trainable"},
    {"blockwise_reconstruction_setting.block_size", "block_size"},
    {"blockwise_reconstruction_setting.interested_layers", "layers", kNames},
};

constexpr std::string_view kLoading = "format_graph";

constexpr PpqPass kPasses[] = {
    {"constant-folding", "", kLoading},
    {"remove-identity", "", kLoading},
    {"fold-batch-norm", "", kLoading},
    {"fuse-bias-add", "", kLoading},
    {"remove-dead-code", "", kLoading},
    {.names = "horizontal-layer-split|weight-split",
     .flags = "weight_split",
     .counterpart = "HorizontalLayerSplitPass",
     .parameters = kWeightSplit,
     .layers = "weight_split_setting.interested_layers"},
    {"channelwise-split", "channel_split", "ChannelwiseSplitPass", kChannelSplit},
    {"layerwise-equalization", "equalization", "LayerwiseEqualizationPass", kEqualization},
    {.names = "matrix-factorization",
     .flags = "matrix_factorization",
     .counterpart = "MatrixFactorizationPass",
     .parameters = kFactorization,
     .use = PpqUse::kByHand},
    {.names = "dispatch", .flags = "", .counterpart = "dispatch_graph", .likeness = kDispatchLikeness, .implied = true},
    {"assign-configs", "", "init_quantize_config"},
    {"ssd-equalization", "ssd_equalization", "SSDEqualizationPass", kSsd},
    {"quantize-fusion", "fusion", "QuantizeFusionPass", kFusion},
    {"quantize-simplify", "fusion&fusion_setting.remove_useless_quantization", "QuantizeSimplifyPass"},
    {"parameter-quantize", "quantize_parameter", "ParameterQuantizePass", kParameters},
    {"runtime-calibration", "quantize_activation", "RuntimeCalibrationPass", kActivations, kCalibrationLikeness},
    {"quant-alignment", "fusion&fusion_setting.align_quantization", "QuantAlignmentPass", kAlign, kAlignLikeness},
    // PPQ derives the scales of biases before it changes these; here behind it, so that they fit what biases become.
    {"bias-correction", "bias_correct", "BiasCorrectionPass", kBias},
    {"learned-step-size", "lsq_optimization", "LearnedStepSizePass", kLsq},
    {"adaround", "blockwise_reconstruction", "AdaroundPass", kRounding},
    {"passive-parameter-quantize",
     "quantize_parameter&quantize_parameter_setting.quantize_passive_parameter",
     "PassiveParameterQuantizePass",
     {},
     kPassiveLikeness},
    {"parameter-baking", "quantize_parameter&quantize_parameter_setting.baking_parameter", "ParameterBakingPass"},
    {.names = "extension",
     .flags = "extension",
     .counterpart = "ExtensionPass",
     .remark =
         "an empty place for a pass of one's own; write it as a plug-in (docs/writing-a-pass.md) and name it here",
     .use = PpqUse::kNone},
};

constexpr PpqExtra kExtras[] = {{"weight-scale-search", "quantize_parameter_setting.calib_algorithm"}};

constexpr std::string_view kTrt = "ppq-trt-int8", kDsp = "ppq-ppl-dsp-int8";
constexpr PpqPlatform kPlatforms[] = {
    {"TRT_INT8", 101, "tensorrt-int8", kTrt},
    {"ONNXRUNTIME", -7, "onnxruntime-int8", "ppq-onnxruntime"},
    {"OPENVINO_INT8", 103, "openvino-int8", kTrt},  // PPQ has one config for both
    {"PPL_CUDA_INT8", 201, "", "ppq-ppl-cuda-int8"},
    {"PPL_DSP_INT8", 301, "", kDsp},
    {"SNPE_INT8", 302, "", kDsp},  // one quantizer for the three
    {"QNN_DSP_INT8", 304, "", kDsp},
    {"PPL_DSP_TI_INT8", 303, "", "ppq-ppl-dsp-ti-int8"},
    {"NCNN_INT8", 102, "", "ppq-ncnn-int8"},
    {"NXP_INT8", 501, "", "ppq-nxp-int8"},
    {"FPGA_INT8", 502, "", "ppq-fpga-int8"},
    {"MNN_INT8", 100, "", "ppq-mnn-int8"},
    {"TENGINE_INT8", 104, "", "ppq-tengine-int8"},
    {"ASC_INT8", 106, "", "ppq-asc-int8"},
    {"RKNN_INT8", 601, "", "ppq-rknn-int8"},
    {"METAX_INT8_C", 701, "", "ppq-metax-int8-c"},
    {"METAX_INT8_T", 702, "", "ppq-metax-int8-t"},
    {"TRT_FP8", 105, "", "ppq-trt-fp8"},
    {"GRAPHCORE_FP8", 901, "", "ppq-graphcore-fp8"},
    {"HOST_INT8", 401, "", ""},
    {"HEXAGON_INT8", 801, "", ""},
    {"PPL_CUDA_INT4", 202, "", ""},
    {"PPL_CUDA_FP16", 203, "", ""},
    {"PPL_CUDA_MIX", 204, "", ""},
    {"EXTENSION", -10086, "", ""},
};

struct Pair {
  std::string_view theirs, ours;
};
// PPQ compares without case; its own spellings count.
constexpr Pair kDispatchers[] = {{"conservative", "conservative"}, {"pplnn", "pplnn"},   {"aggresive", "aggressive"},
                                 {"aggressive", "aggressive"},     {"allin", "allin"},   {"pointwise", "pointwise"},
                                 {"perseus", "perseus"},           {"pursus", "perseus"}};
constexpr std::string_view kDispatcherNames[] = {"conservative", "pplnn", "aggresive", "pointwise", "allin", "perseus"};
constexpr Pair kAlignments[] = {
    {"none", "none"}, {"align to large", "to_large"}, {"align to output", "to_output"}, {"align to input", "to_input"}};
constexpr Pair kObservers[] = {{"minmax", "minmax"},    {"percentile", "percentile"}, {"kl", "kl"},
                               {"mse", "mse"},          {"isotone", "isotone"},       {"constant", "constant"},
                               {"floating", "floating"}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view look_up(std::span<const Pair> table, std::string_view theirs) {
  const auto found = std::ranges::find(table, lower(theirs), &Pair::theirs);
  return found == table.end() ? std::string_view() : found->ours;
}

Setting translated(const Setting &value, std::span<const Pair> table, std::string_view what) {
  Setting out = value;
  const std::string_view ours = look_up(table, value.text);
  if (ours.empty()) {
    std::vector<std::string> known;
    for (const Pair &pair : table) known.emplace_back(pair.theirs);
    fail(Status::kInvalidArgument, "{}: PPQ has no {} '{}'{}", value.where.text(), what, value.text,
         nearest_hint(lower(value.text), known));
  }
  out.value = out.text = std::string(ours);
  return out;
}

}  // namespace

std::span<const PpqPass> ppq_passes() {
  return kPasses;
}
std::span<const PpqExtra> ppq_extras() {
  return kExtras;
}
std::span<const PpqPlatform> ppq_platforms() {
  return kPlatforms;
}
std::string_view our_dispatcher(std::string_view name) {
  return look_up(kDispatchers, name);
}
std::span<const std::string_view> ppq_dispatchers() {
  return kDispatcherNames;
}

Setting our_value(const Setting &value, PpqForm form) {
  switch (form) {
    case kNames:
      return value.is_list() && !value.list().empty() ? value : Setting{};
    case kObserver:
      return value.is_null() ? Setting{} : translated(value, kObservers, "calibration algorithm");
    case kAlignment: {
      Setting none = value;
      none.text = "None";
      return translated(value.is_null() ? none : value, kAlignments, "alignment");
    }
    default:
      return value;
  }
}

}  // namespace halftone::pipeline
