// Models that no one drew: a small convolutional network, one with everything unusual that ONNX allows in a few nodes,
// and one with next to nothing in it; with samples.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace halftone::check {

struct MadeModel {
  std::string name;               // in findings
  std::filesystem::path model;    // .onnx
  std::filesystem::path samples;  // .npy; empty for a model without inputs
};

// Writes them into the folder, the same bytes for the same seed.
std::vector<MadeModel> write_made_models(const std::filesystem::path &folder, std::uint64_t seed);
// The same list, of files that are there already.
std::vector<MadeModel> made_models(const std::filesystem::path &folder);

// A .npy file of float32.
void write_npy(const std::filesystem::path &file, const std::vector<std::int64_t> &shape,
               const std::vector<float> &values);

}  // namespace halftone::check
