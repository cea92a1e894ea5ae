#include "core/model/onnx_import.h"

#include <filesystem>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/model/onnx_functions.h"
#include "core/model/onnx_io.h"
#include "core/model/onnx_read.h"
#include "core/model/onnx_schema.h"
#include "core/model/onnx_sparse.h"
#include "core/model/opset_lift.h"
#include "halftone/graph_edit.h"

namespace halftone::model {
namespace {

std::string domain_name(std::string_view domain) {
  return domain.empty() ? "ai.onnx" : std::string(domain);
}

void read_header(const onnx::ModelProto &proto, Sidecar &sidecar, Model &model) {
  for (const auto &import : proto.opset_import()) model.set_opset(import.domain(), import.version());
  // The first versions of the format had no operator set imports and meant opset 1.
  if (proto.opset_import_size() == 0 && proto.ir_version() < 3) model.set_opset("", 1);
  for (const auto &entry : proto.metadata_props()) {
    // A pass believes such a note; that of a file could be about another model.
    if (!entry.key().starts_with(HT_NOTE_PREFIX)) model.metadata[entry.key()] = entry.value();
  }
  model.name = proto.graph().name();
  model.rename_graph(model.main_graph(), proto.graph().name());
  model.producer_name = proto.producer_name();
  model.producer_version = proto.producer_version();
  model.ir_version = proto.ir_version();
  sidecar.opsets = model.opsets();
  sidecar.metadata = model.metadata;
}

std::set<std::pair<std::string, std::string>> local_functions(const onnx::ModelProto &proto) {
  std::set<std::pair<std::string, std::string>> functions;
  for (const auto &f : proto.functions()) functions.emplace(f.domain() == "ai.onnx" ? "" : f.domain(), f.name());
  return functions;
}

void check_operator(const Model &model, const Node &node) {
  const std::int64_t known = linked_version(node.domain), opset = model.opset(node.domain);
  if (known == 0) return;  // a foreign domain: nothing can be said
  if (opset == 0) {
    fail(Status::kInvalidArgument,
         "node '{}' ({}) is of domain {}, but the model does not say which opset of it; the file is cut off or was "
         "written without opset_import",
         node.name, node.op_type, domain_name(node.domain));
  }
  if (opset > known || is_known_operator(node.domain, node.op_type, opset)) return;
  fail(Status::kInvalidArgument,
       "node '{}' has the operator '{}', which opset {} of {} does not have{}; correct it or move it to a domain of "
       "its own",
       node.name, node.op_type, opset, domain_name(node.domain), unknown_operator_hint(node.domain, node.op_type));
}

ImportResult import_message(std::span<const std::byte> bytes, const std::filesystem::path &path,
                            const std::filesystem::path &folder, const ImportOptions &options,
                            const NeedsFunction *expand = nullptr) {
  ImportResult result;
  Model &model = result.model;
  const auto sidecar = std::make_shared<Sidecar>();
  read_model_proto(bytes, sidecar->proto);
  if (expand != nullptr) {
    expand_functions(sidecar->proto, *expand);
    make_dense(sidecar->proto);
  }
  read_header(sidecar->proto, *sidecar, model);
  ExternalData external(folder);
  import_graphs(*sidecar, external, model, result.warnings);
  result.external_files = external.paths();
  model.path = path.string();
  model.sidecar = sidecar;
  for (const Handle g : model.graphs()) model.topological_order(g);  // throws on a cycle
  check_operators(model, sidecar->proto, result.warnings);
  const std::int64_t opset = model.opset();
  const bool lift = options.lift_opset && opset != 0 && opset < kLiftedOpset;
  // Some operators can be lifted more simply when the shapes are known.
  if (options.infer_shapes || lift) infer_shapes(model);
  if (lift) {
    lift_opset(model);
    if (options.infer_shapes) infer_shapes(model);
  }
  return result;
}

// Every message of an import begins with the file.
[[noreturn]] void rethrow_with_file(const Error &error, const std::string &file) {
  Error named(error.status(), fmt::format("model '{}': {}", file, error.message()));
  for (const std::string &note : error.notes()) named.note(note);
  throw named;
}

}  // namespace

void check_operators(const Model &model, const onnx::ModelProto &proto, std::vector<std::string> &warnings) {
  if (proto.ir_version() > linked_ir_version()) {
    warnings.push_back(fmt::format(
        "the file has IR version {}, newer than the {} that the linked onnx knows; newer fields are kept as they are",
        proto.ir_version(), linked_ir_version()));
  }
  for (const auto &[domain, version] : model.opsets()) {
    const std::int64_t known = linked_version(domain);
    if (known != 0 && version > known) {
      warnings.push_back(fmt::format(
          "the file uses opset {} of {}, newer than the {} that the linked onnx knows; operators are not checked",
          version, domain_name(domain), known));
    }
  }
  const auto functions = local_functions(proto);
  for (const Handle g : model.graphs()) {
    for (const Handle n : model.graph(g).nodes) {
      const Node &node = model.node(n);
      if (!functions.contains({node.domain, node.op_type})) check_operator(model, node);
    }
  }
}

namespace {

ImportResult import_file(const std::filesystem::path &path, const ImportOptions &options, const NeedsFunction *expand) {
  const auto file = MappedFile::open(path);
  try {
    return import_message(file->bytes(), path, path.parent_path(), options, expand);
  } catch (const Error &error) {
    rethrow_with_file(error, path.string());
  }
}

}  // namespace

ImportResult import_onnx(const std::filesystem::path &path, const ImportOptions &options) {
  return import_file(path, options, nullptr);
}

ImportResult import_onnx_expanded(const std::filesystem::path &path, const NeedsFunction &needs) {
  return import_file(path, {}, &needs);
}

ImportResult import_onnx_bytes_expanded(std::string_view bytes, const NeedsFunction &needs,
                                        const std::filesystem::path &folder) {
  return import_message(std::as_bytes(std::span(bytes.data(), bytes.size())), {}, folder, {}, &needs);
}

ImportResult import_onnx_bytes(std::string_view bytes, const std::filesystem::path &folder,
                               const ImportOptions &options) {
  return import_message(std::as_bytes(std::span(bytes.data(), bytes.size())), {}, folder, options);
}

}  // namespace halftone::model
