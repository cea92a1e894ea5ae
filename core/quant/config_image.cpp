#include "core/quant/config_image.h"

#include <algorithm>

#include "core/base/error.h"

namespace halftone::quant {

template <typename A>
void walk(A &archive, SlotKey &key) {
  walk(archive, key.node);
  walk(archive, key.is_output);
  walk(archive, key.slot);
}

template <typename A>
void walk(A &archive, Provenance &provenance) {
  walk(archive, provenance.pass);
  walk(archive, provenance.rule);
  walk(archive, provenance.statistics);
}

template <typename A>
void walk(A &archive, Config &config) {
  walk(archive, config.key);
  archive.raw(&config.spec, sizeof config.spec);
  walk(archive, config.state);
  walk(archive, config.scales);
  walk(archive, config.zero_points);
  walk(archive, config.dominator);
  walk(archive, config.master);
  walk(archive, config.observer);
  walk(archive, config.observer_parameters);
  walk(archive, config.reason);
  walk(archive, config.provenance);
}

namespace {
std::string bytes_of(const Config &config) {
  ByteWriter writer;
  halftone::write(writer, config);
  return writer.take();
}
}  // namespace

void ConfigImage::write(ByteWriter &writer, const ConfigTable &table) {
  writer.count(table.configs_.size());
  for (const auto &config : table.configs_) {
    bool there = config != nullptr;
    walk(writer, there);
    if (there) halftone::write(writer, *config);
  }
}

ConfigTable ConfigImage::read(ByteReader &reader) {
  ConfigTable table;
  const std::uint64_t count = reader.count(0);
  for (std::uint32_t i = 0; i < count; ++i) {
    bool there = false;
    walk(reader, there);
    auto &config = table.configs_.emplace_back();
    if (!there) continue;
    config = std::make_shared<Config>();
    walk(reader, *config);
    table.index_for_writing().insert(config->key, model::make_handle(model::HandleKind::kConfig, 0, i));
  }
  return table;
}

void ConfigImage::move_to_slot(ConfigTable &table, Handle config, const SlotKey &to) {
  const SlotKey from = table.get(config).key;
  if (from == to) return;
  if (table.find(to) != HT_NONE) fail(Status::kFailedPrecondition, "the slot that a config moves to has one already");
  SlotIndex &index = table.index_for_writing();
  index.erase(from);
  index.insert(to, config);
  table.at(config).key = to;
}

std::string ConfigImage::difference(const ConfigTable &a, const ConfigTable &b, const model::Model &model) {
  for (std::size_t i = 0; i < std::max(a.configs_.size(), b.configs_.size()); ++i) {
    const Config *first = i < a.configs_.size() ? a.configs_[i].get() : nullptr;
    const Config *second = i < b.configs_.size() ? b.configs_[i].get() : nullptr;
    if (first == second) continue;
    const Config &some = first == nullptr ? *second : *first;
    if (first == nullptr || second == nullptr || bytes_of(*first) != bytes_of(*second)) {
      return "the config of " + describe(some.key, model);
    }
  }
  return {};
}

}  // namespace halftone::quant
