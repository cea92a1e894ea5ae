#include "core/model/onnx_read.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/error.h"

namespace halftone::model {
namespace {

struct Signature {
  std::size_t offset;
  std::string_view magic;
  std::string_view what;
};

constexpr std::array kSignatures = {
    Signature{0, "version https://git-lfs", "a Git LFS pointer; fetch the real file with 'git lfs pull'"},
    Signature{0, "PK\x03\x04", "a ZIP archive, as PyTorch and .npz files are; export the model with torch.onnx.export"},
    Signature{0, "\x89HDF", "an HDF5 file, as Keras writes; convert it with tf2onnx"},
    Signature{4, "TFL3", "a TensorFlow Lite model; convert it with tf2onnx"},
    Signature{0, "GGUF", "a GGUF model; export the original model to ONNX"},
    Signature{0, "\x89PNG", "a PNG image; name the model file"},
    Signature{0, "\xFF\xD8\xFF", "a JPEG image; name the model file"},
    Signature{0, "\x93NUMPY", "a NumPy array; name the model file"},
    Signature{0,
              "\x7F"
              "ELF",
              "a program or shared library; name the model file"},
    Signature{0, "\x1F\x8B", "a gzip archive; unpack it first"},
    Signature{0, "%PDF", "a PDF document; name the model file"},
    Signature{0, "ORTM", "an ORT-format model; use the .onnx file it was made from"},
    Signature{4, "ORTM", "an ORT-format model; use the .onnx file it was made from"},
};

bool is_text(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 0x20 ? u != 0x7F : (u == '\t' || u == '\n' || u == '\r' || u == '\f');
  });
}

// What the bytes look like, or empty when nothing is recognised.
std::string_view guess(std::string_view bytes) {
  for (const Signature &s : kSignatures) {
    if (bytes.size() >= s.offset && bytes.substr(s.offset).starts_with(s.magic)) return s.what;
  }
  if (bytes.substr(0, 128).find("ustar") != std::string_view::npos) return "a tar archive; unpack it first";
  if (is_text(bytes.substr(0, 4096))) return "a text file; name the model file";
  return {};
}

[[noreturn]] void fail_not_onnx(std::string_view bytes, std::string_view finding) {
  const std::string_view looks = guess(bytes);
  if (!looks.empty()) fail(Status::kDataLoss, "it is no ONNX model: it looks like {}", looks);
  fail(Status::kDataLoss, "it is no ONNX model, or one that is cut off ({} bytes, {}); copy or export it again",
       bytes.size(), finding);
}

}  // namespace

void read_model_proto(std::span<const std::byte> bytes, onnx::ModelProto &proto) {
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (text.empty()) fail(Status::kDataLoss, "the file is empty; copy or export it again");
  if (text.size() > static_cast<std::size_t>(INT32_MAX)) {
    const std::string_view looks = guess(text);
    if (!looks.empty()) fail_not_onnx(text, {});
    fail(Status::kDataLoss,
         "it has {} bytes, more than the 2 GiB that an ONNX file can have; save it with its weights as external data",
         text.size());
  }
  // One pass over the mapped file; the weights are then moved out of the message, not copied.
  if (!proto.ParseFromArray(text.data(), static_cast<int>(text.size()))) fail_not_onnx(text, "they do not parse");
  if (!proto.has_graph()) fail_not_onnx(text, "no graph is in it");
  const onnx::GraphProto &graph = proto.graph();
  if (graph.node_size() == 0 && graph.output_size() == 0) fail_not_onnx(text, "its graph is empty");
}

}  // namespace halftone::model
