// The parts of the message outside its graphs.
#include "core/model/onnx_build.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/model/onnx_build_graph.h"
#include "core/model/onnx_sidecar.h"
#include "halftone/graph_edit.h"

namespace halftone::model {
namespace {

std::string plain(const std::string &domain) {
  return domain == "ai.onnx" ? std::string() : domain;
}

void write_opsets(const Model &model, onnx::ModelProto &proto) {
  if (model.sidecar != nullptr && model.sidecar->opsets == model.opsets()) return;
  auto &imports = *proto.mutable_opset_import();
  std::set<std::string> written;
  for (int i = 0; i < imports.size();) {
    const std::string domain = plain(imports[i].domain());
    const auto found = model.opsets().find(domain);
    if (found == model.opsets().end() || !written.insert(domain).second) {
      imports.DeleteSubrange(i, 1);
      continue;
    }
    imports[i++].set_version(found->second);
  }
  for (const auto &[domain, version] : model.opsets()) {
    if (written.contains(domain)) continue;
    auto &added = *imports.Add();
    added.set_domain(domain);
    added.set_version(version);
  }
}

// Notes of passes for later passes end with the run.
bool is_note(std::string_view key) {
  return key.starts_with(HT_NOTE_PREFIX);
}

void write_metadata(const Model &model, onnx::ModelProto &proto) {
  if (model.sidecar != nullptr && model.sidecar->metadata == model.metadata) return;
  auto &entries = *proto.mutable_metadata_props();
  std::set<std::string> written;
  for (int i = 0; i < entries.size();) {
    const auto found = model.metadata.find(entries[i].key());
    if (found == model.metadata.end() || !written.insert(found->first).second) {
      entries.DeleteSubrange(i, 1);
      continue;
    }
    entries[i++].set_value(found->second);
  }
  for (const auto &[key, value] : model.metadata) {
    if (written.contains(key) || is_note(key)) continue;
    auto &added = *entries.Add();
    added.set_key(key);
    added.set_value(value);
  }
}

// The IR version that came out with an opset of ai.onnx; a reader may refuse a file that claims less.
std::int64_t ir_version_of_opset(std::int64_t opset) {
  constexpr std::array<std::pair<std::int64_t, std::int64_t>, 9> kReleases = {
      {{23, 11}, {21, 10}, {19, 9}, {15, 8}, {12, 7}, {11, 6}, {10, 5}, {9, 4}, {0, 3}}};
  for (const auto &[since, ir_version] : kReleases) {
    if (opset >= since) return ir_version;
  }
  return 3;
}

std::int64_t ir_version_to_write(const Model &model) {
  std::int64_t version = model.ir_version;
  const bool same_opsets = model.sidecar != nullptr && model.sidecar->opsets == model.opsets();
  if (!same_opsets) version = std::max(version, ir_version_of_opset(model.opset()));
  if (version >= 4) return version;
  // Before IR version 4 every constant had to be a graph input too.
  for (const Handle h : model.graph(model.main_graph()).values) {
    const Value &value = model.value(h);
    const ValueOrigin *origin = model.sidecar == nullptr ? nullptr : model.sidecar->find(h);
    const bool was_so =
        origin != nullptr && origin->input == nullptr && (origin->initializer != nullptr || origin->sparse != nullptr);
    if (value.initializer && !value.is_input && !was_so) return 4;
  }
  return version;
}

}  // namespace

void build_proto(const Model &model, const ConstantWriter &write, onnx::ModelProto &proto, GraphMessages *graphs) {
  if (model.sidecar != nullptr) proto = model.sidecar->proto;
  write_opsets(model, proto);
  write_metadata(model, proto);
  const std::int64_t ir_version = ir_version_to_write(model);
  if (proto.ir_version() != ir_version) proto.set_ir_version(ir_version);
  if (proto.producer_name() != model.producer_name) proto.set_producer_name(model.producer_name);
  if (proto.producer_version() != model.producer_version) proto.set_producer_version(model.producer_version);
  GraphBuilder(model, write, graphs).build_main(*proto.mutable_graph());
}

}  // namespace halftone::model
