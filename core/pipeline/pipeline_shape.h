// What a pipeline file and a preset may hold.
#pragma once

#include "core/base/shape.h"
#include "halftone/quant.h"
#include "halftone/target.h"

namespace halftone::pipeline {

const Shape &pipeline_shape();
const Shape &preset_shape();
// A name of a dispatcher.
Shape dispatcher_shape();

// A slot of a node as a key of a map.
inline constexpr const char *kSlotNumber = "^[0-9]{1,3}$";

inline constexpr std::int64_t kPipelineVersion = 1, kPresetVersion = 1;

// Choices that the shape offers and the reader of a file acts on.
inline const Codes kBadSamples = {{"fail", 0}, {"skip", 1}};
inline const Codes kOverrideSymmetries = {{"symmetric", HT_SYMMETRIC}, {"asymmetric", HT_ASYMMETRIC}};
// What a row of `dispatch.table` may say.
inline const Codes kVerdicts = {
    {"quantize", HT_DISPATCH_QUANTIZE}, {"float", HT_DISPATCH_FLOAT}, {"soi", HT_DISPATCH_SHAPE}};
inline const Codes kTrustLevels = {{"trusted", 0}, {"checked", 1}, {"isolated", 2}};
inline constexpr std::string_view kEveryPlugin = "default";  // in `trust`: all that no other key names
inline const Codes kPluginFailures = {{"stop", 0}, {"skip", 1}};
inline constexpr std::int64_t kLongestSilence = 7 * 24 * 3600;  // seconds
inline const Codes kOverrideStates = {{"fp32", 1}};
inline constexpr const char *kOverrideParts = "it takes inputs, outputs, activations, weights and bias";

// Shapes whose rest the loaded components decide, by Shape::meaning.
inline constexpr const char *kPassList = "passes";
inline constexpr const char *kExportEntry = "export";
inline constexpr const char *kPreprocess = "preprocess";
inline constexpr const char *kSampleInput = "samples";  // a map with `reader` and `reader_settings`
inline constexpr const char *kPlatformName = "platform", *kReaderName = "reader", *kExecutorName = "executor",
                            *kTrainerName = "trainer", *kObserverName = "observer", *kExporterName = "exporter";

}  // namespace halftone::pipeline
