#include "reader_host.h"

#include <cstring>
#include <new>

// The context of this host: blocks that live until the next test, and the failure.
struct ht_ctx {
  std::vector<std::unique_ptr<std::byte[]>> blocks;
  std::string text;
};

namespace halftone::test {
namespace {

ht_ctx context;

const ht_memory kMemory = {sizeof(ht_memory), 0, [](ht_ctx *ctx, std::uint64_t bytes, std::uint64_t) -> void * {
                             return ctx->blocks.emplace_back(new std::byte[bytes + 1]).get();
                           }};
const ht_model_io kModelIo = {sizeof(ht_model_io), 0, nullptr, nullptr, nullptr};

const void *service(const ht_host *, const char *id) {
  if (std::strcmp(id, HT_MEMORY_1) == 0) return &kMemory;
  return std::strcmp(id, HT_MODEL_IO_1) == 0 ? &kModelIo : nullptr;
}
ht_status fail(ht_ctx *ctx, ht_status status, const ht_str *text, ht_handle) {
  ctx->text.assign(text->data, text->size);
  return status;
}
const ht_host kHost = {sizeof(ht_host), HT_ABI_MAJOR, HT_ABI_MINOR, 0, "test", "0", &service, nullptr, &fail};

}  // namespace

OpenReader::OpenReader(const char *id, const std::string &path, std::vector<ht_value> args) {
  for (std::uint64_t i = 0; i < ht_plugin_entry.component_count; ++i) {
    if (std::strcmp(ht_plugin_entry.components[i]->id, id) == 0) component_ = ht_plugin_entry.components[i];
  }
  REQUIRE(component_ != nullptr);
  // As the host does: what is not given is as the schema says.
  for (std::uint64_t i = args.size(); i < component_->param_count; ++i) args.push_back(component_->params[i].deflt);
  role_ = static_cast<const ht_reader *>(component_->roles[0]->table);
  status_ = component_->create(&kHost, &context, args.data(), args.size(), &instance_);
  if (status_ != HT_OK) return;
  const ht_str text{path.data(), path.size()};
  status_ = role_->open(instance_, &context, &text, &source_);
}

OpenReader::~OpenReader() {
  if (source_ != nullptr) role_->close(source_);
  if (instance_ != nullptr) component_->destroy(instance_);
}

std::string OpenReader::text() const {
  return context.text;
}

std::uint64_t OpenReader::count() {
  REQUIRE(source_ != nullptr);
  std::uint64_t samples = 0;
  CHECK(role_->count(source_, &context, &samples) == HT_OK);
  return samples;
}

ht_status OpenReader::read(std::uint64_t index, ht_tensor_view &sample) {
  REQUIRE(source_ != nullptr);
  return role_->read(source_, &context, index, &sample);
}

std::string OpenReader::name(std::uint64_t index) {
  REQUIRE(source_ != nullptr);
  ht_str text{};
  CHECK(role_->name(source_, &context, index, &text) == HT_OK);
  return {text.data, static_cast<std::size_t>(text.size)};
}

void expect_refused(const char *id, const std::string &path, ht_status status,
                    std::initializer_list<std::string_view> words, std::vector<ht_value> args) {
  const OpenReader reader(id, path, std::move(args));
  const std::string text = reader.text();
  INFO(text);
  CHECK(reader.status() == status);
  for (const std::string_view word : words) {
    INFO("missing: ", std::string(word));
    CHECK(text.find(word) != std::string::npos);
  }
}

}  // namespace halftone::test
