// What runs inside halftone-worker: one instance of one component, at the host's orders.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "core/host/isolation/host_link.h"
#include "core/host/isolation/link.h"
#include "core/host/isolation/remote_slots.h"
#include "core/host/plugin_host.h"
#include "core/host/registry.h"

namespace halftone::host {

class Worker final : public HostLink {
 public:
  explicit Worker(Descriptor socket);
  ~Worker() override;
  // Until the host is gone. Throws Error then.
  [[noreturn]] void serve();

  Message ask(ht_ctx &ctx, std::uint32_t function, WireWriter &arguments) override;
  std::vector<std::shared_ptr<const SharedBytes>> *kept(ht_ctx &ctx) override;
  std::shared_ptr<const KnownInitializer> initializer(ht_ctx &ctx, ht_handle value, ht_status &status) override;
  std::uint32_t enter_sink(const ht_execution_sink &sink) override;
  std::uint32_t enter_sink(const ht_trial_sink &sink) override;
  void leave_sink() override;
  const KernelIndex &kernels() const override { return *kernels_; }

 private:
  struct Call;  // a context of the host's, here
  Call &context(const Message &order);
  std::int32_t carry_out(const Message &order, WireWriter &answer);
  ht_status act(Order what, ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  ht_status load(WireReader &reader);
  ht_status create(ht_ctx &ctx, WireReader &reader);
  ht_status act_reader(Order what, ht_ctx &ctx, WireReader &reader, WireWriter &answer);
  ht_status act_sink(Order what, ht_ctx &ctx, WireReader &reader);
  void tell_error(ht_ctx &ctx);

  Link link_;
  Registry registry_;
  std::unique_ptr<KernelIndex> kernels_;
  const Component *component_ = nullptr;
  std::unique_ptr<PluginHost> host_;
  void *instance_ = nullptr;
  std::map<std::uint64_t, void *> sources_;
  std::uint64_t next_source_ = 1;
  std::map<std::uint32_t, std::unique_ptr<Call>> calls_;
  std::mutex mutex_;  // of the initializers
  std::map<ht_handle, std::shared_ptr<const KnownInitializer>> initializers_;
  // Of a run or of trials, which have but one function of their own.
  struct Entered {
    ht_execution_sink sink{};
    decltype(ht_trial_sink::see) see_trial = nullptr;
  };
  std::vector<Entered> sinks_;
};

// The program: `halftone-worker FD`.
int run_worker(int argc, char **argv);

}  // namespace halftone::host
