// The keys of PPQ's settings. A key that the map to passes does not use says here why.
#include "core/pipeline/ppq_setting.h"

namespace halftone::pipeline {

namespace {

using enum PpqKind;

constexpr std::string_view kDevice = "samples are streamed, nothing is collected on a device";
constexpr std::string_view kNotRead = "PPQ never reads it; leave passes out of the list for this";
constexpr std::string_view kOlder = "a key of PPQ before 0.6.6, which does not read it";

constexpr PpqKey kKeys[] = {
    {"version", kText, "\"0.6.6\"", ""},
    {"signature", kText, "\"PPL Quantization Tool\"", ""},
    {"dispatcher", kText, "\"conservative\"", ""},
    {"dispatching_table", kGroup, "", ""},
    {"dispatching_table.intro_0", kFree, "", ""},
    {"dispatching_table.intro_1", kFree, "", ""},
    {"dispatching_table.intro_2", kFree, "", ""},
    {"dispatching_table.attention", kFree, "", ""},
    {"dispatching_table.dispatchings", kFree, "", ""},

    {"graph_format_setting", kGroup, "", ""},
    {"graph_format_setting.format_constant_op", kFlag, "true", kNotRead},
    {"graph_format_setting.fuse_conv_bn", kFlag, "true", kNotRead},
    {"graph_format_setting.format_paramters", kFlag, "true", kNotRead},
    {"graph_format_setting.format_cast", kFlag, "true", kNotRead},
    {"graph_format_setting.delete_isolate", kFlag, "true", kNotRead},

    {"weight_split", kFlag, "false", ""},
    {"weight_split_setting", kGroup, "weight_split", ""},
    {"weight_split_setting.interested_layers", kNames, "[]", ""},
    {"weight_split_setting.value_threshold", kNumber, "2.0", ""},
    {"weight_split_setting.method", kText, "\"balance\"", ""},

    {"channel_split", kFlag, "false", ""},
    {"channel_split_setting", kGroup, "channel_split", ""},
    {"channel_split_setting.opt_level", kWhole, "1", ""},
    {"channel_split_setting.iterations", kWhole, "10", ""},
    {"channel_split_setting.value_threshold", kNumber, "0.5", ""},
    {"channel_split_setting.including_bias", kFlag, "false", ""},
    {"channel_split_setting.bias_multiplier", kNumber, "0.5", ""},
    {"channel_split_setting.including_act", kFlag, "false", ""},
    {"channel_split_setting.act_multiplier", kNumber, "0.5", ""},
    {"channel_split_setting.interested_layers", kOld, "", kOlder},
    {"channel_split_setting.search_directions", kOld, "", kOlder},
    {"channel_split_setting.expand_ratio", kOld, "", kOlder},
    {"channel_split_setting.split_ratio", kOld, "", kOlder},
    {"channel_split_setting.grid_aware", kOld, "", kOlder},

    {"equalization", kFlag, "false", ""},
    {"equalization_setting", kGroup, "equalization", ""},
    {"equalization_setting.opt_level", kWhole, "1", ""},
    {"equalization_setting.iterations", kWhole, "10", ""},
    {"equalization_setting.value_threshold", kNumber, "0.5", ""},
    {"equalization_setting.including_bias", kFlag, "false", ""},
    {"equalization_setting.bias_multiplier", kNumber, "0.5", ""},
    {"equalization_setting.including_act", kFlag, "false", ""},
    {"equalization_setting.act_multiplier", kNumber, "0.5", ""},
    {"equalization_setting.self_check", kOld, "", kOlder},

    {"ssd_equalization", kFlag, "false", ""},
    {"ssd_setting", kGroup, "ssd_equalization", ""},
    {"ssd_setting.opt_level", kWhole, "1", ""},
    {"ssd_setting.channel_ratio", kNumber, "0.5", ""},
    {"ssd_setting.loss_threshold", kNumber, "0.8", ""},
    {"ssd_setting.layer_norm", kFlag, "false", ""},
    {"ssd_setting.iteration", kWhole, "3", ""},

    {"matrix_factorization", kFlag, "false", ""},
    {"matrix_factorization_setting", kGroup, "matrix_factorization", ""},
    {"matrix_factorization_setting.interested_layers", kNames, "[]", ""},
    {"matrix_factorization_setting.method", kText, "\"svd\"", ""},

    {"fusion", kFlag, "true", ""},
    {"fusion_setting", kGroup, "fusion", ""},
    {"fusion_setting.fuse_activation", kFlag, "true", ""},
    {"fusion_setting.fuse_passive_op", kFlag, "true", ""},
    {"fusion_setting.remove_useless_quantization", kFlag, "true", ""},
    {"fusion_setting.align_quantization", kFlag, "true", ""},
    {"fusion_setting.align_elementwise_to", kName, "\"Align to Large\"", ""},
    {"fusion_setting.align_concat_to", kName, "\"Align to Output\"", ""},
    {"fusion_setting.align_avgpooling_to", kName, "\"None\"", ""},
    {"fusion_setting.align_resize_to", kName, "\"Align to Output\"", ""},
    {"fusion_setting.force_alignment_overlap", kFlag, "true", ""},
    {"fusion_setting.refine_quantization", kOld, "", kOlder},
    {"fusion_setting.fuse_conv_add", kOld, "", kOlder},

    {"quantize_parameter", kFlag, "true", ""},
    {"quantize_parameter_setting", kGroup, "quantize_parameter", ""},
    {"quantize_parameter_setting.calib_algorithm", kName, "null", ""},
    {"quantize_parameter_setting.quantize_passive_parameter", kFlag, "true", ""},
    {"quantize_parameter_setting.baking_parameter", kFlag, "true", ""},

    {"quantize_activation", kFlag, "true", ""},
    {"quantize_activation_setting", kGroup, "quantize_activation", ""},
    {"quantize_activation_setting.calib_algorithm", kName, "null", ""},
    {"quantize_activation_setting.per_layer_calibration", kOld, "", kOlder},
    {"quantize_activation_setting.inplace_act_quantization", kOld, "", kOlder},

    {"bias_correct", kFlag, "false", ""},
    {"bias_correct_setting", kGroup, "bias_correct", ""},
    {"bias_correct_setting.interested_layers", kNames, "[]", ""},
    {"bias_correct_setting.block_size", kWhole, "4",
     "layers are corrected one after the other, each behind those that are corrected already"},
    {"bias_correct_setting.steps", kWhole, "32", "PPQ takes all samples whatever it says; `samples` limits them here"},
    {"bias_correct_setting.collecting_device", kText, "\"executor\"", kDevice},
    {"bias_correct_setting.interested_outputs", kOld, "", kOlder},
    {"bias_correct_setting.auto_check", kOld, "", kOlder},
    {"bias_correct_setting.max_steps", kOld, "", kOlder},
    {"bias_correct_setting.verbose", kOld, "", kOlder},

    {"lsq_optimization", kFlag, "false", ""},
    {"lsq_optimization_setting", kGroup, "lsq_optimization", ""},
    {"lsq_optimization_setting.interested_layers", kNames, "[]", ""},
    {"lsq_optimization_setting.lr", kNumber, "1e-05", ""},
    {"lsq_optimization_setting.steps", kWhole, "500", ""},
    {"lsq_optimization_setting.gamma", kNumber, "0.0", ""},
    {"lsq_optimization_setting.block_size", kWhole, "4", ""},
    {"lsq_optimization_setting.is_scale_trainable", kFlag, "true", ""},
    {"lsq_optimization_setting.collecting_device", kText, "\"cuda\"", kDevice},
    {"lsq_optimization_setting.interested_layers_only", kOld, "", kOlder},
    {"lsq_optimization_setting.epochs", kOld, "", kOlder},
    {"lsq_optimization_setting.scale_multiplier", kOld, "", kOlder},
    {"lsq_optimization_setting.mode", kOld, "", kOlder},
    {"lsq_optimization_setting.output_names", kOld, "", kOlder},
    {"lsq_optimization_setting.loss_weights", kOld, "", kOlder},

    {"blockwise_reconstruction", kFlag, "false", ""},
    {"blockwise_reconstruction_setting", kGroup, "blockwise_reconstruction", ""},
    {"blockwise_reconstruction_setting.interested_layers", kNames, "[]", ""},
    {"blockwise_reconstruction_setting.lr", kNumber, "0.001", ""},
    {"blockwise_reconstruction_setting.steps", kWhole, "5000", ""},
    {"blockwise_reconstruction_setting.gamma", kNumber, "1.0", ""},
    {"blockwise_reconstruction_setting.block_size", kWhole, "4", ""},
    {"blockwise_reconstruction_setting.is_scale_trainable", kFlag, "false", ""},
    {"blockwise_reconstruction_setting.collecting_device", kText, "\"cuda\"", kDevice},
    {"blockwise_reconstruction_setting.tune_act_scale", kOld, "", kOlder},
    {"blockwise_reconstruction_setting.epochs", kOld, "", kOlder},
    {"blockwise_reconstruction_setting.lamda", kOld, "", kOlder},
    {"blockwise_reconstruction_setting.scale_multiplier", kOld, "", kOlder},

    {"extension", kFlag, "false", ""},
    {"extension_setting", kGroup, "extension", ""},
    {"extension_setting.my_first_parameter", kFree, "", ""},

    {"advanced_optimization", kOld, "", "removed in PPQ 0.6.5"},
    {"advanced_optimization_setting", kOld, "", ""},
};

}  // namespace

std::span<const PpqKey> ppq_keys() {
  return kKeys;
}

}  // namespace halftone::pipeline
