// What a user names: components and model files, with errors that say where the name is written.
#pragma once

#include <filesystem>
#include <string_view>

#include "core/base/setting.h"
#include "core/host/registry.h"
#include "core/model/onnx_io.h"

namespace halftone::pipeline {

// A name that no component has is a fault of the request, not of the run: InvalidArgument, with the place in front.
const host::Component &named_component(const host::Registry &registry, std::uint32_t kind, std::string_view id,
                                       const Location &where = {});

// Imports a model. Whatever is wrong with the file is a fault of the run, not of the request: never InvalidArgument.
model::ImportResult read_model(const std::filesystem::path &path);

// Throws unless the folder that the output goes into exists.
void require_folder_of(const std::filesystem::path &path);

// Throws unless a file can be written there as far as its folder tells, so that this is known before the work is done.
void require_writable(const std::filesystem::path &path);

// Throws unless the folder is there, or can be made in one that is.
void require_folder(const std::filesystem::path &folder);

// "pipeline.yaml:3:7: ", or nothing where there is no place.
std::string place(const Location &where);

}  // namespace halftone::pipeline
