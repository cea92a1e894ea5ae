// Parameters, drawn from their schema.
#include <optional>

#include "core/base/error.h"
#include "core/check/checks.h"
#include "core/check/exercise.h"
#include "core/check/values.h"
#include "core/host/instance.h"
#include "core/host/schema.h"
#include "core/pipeline/parameter_schema.h"

namespace halftone::check {

namespace {

constexpr int kCombinations = 24;      // of all parameters at once
constexpr std::size_t kMostRuns = 24;  // with one value each

// Adds or replaces entries.
Setting joined(const Setting &base, const Setting &more) {
  Setting::Map fields = base.is_map() ? base.map() : Setting::Map();
  for (const auto &[name, value] : more.map()) {
    bool found = false;
    for (auto &[known, old] : fields) {
      if (known == name) old = value, found = true;
    }
    if (!found) fields.emplace_back(name, value);
  }
  Setting out;
  out.value = std::move(fields);
  return out;
}

// Calls create() and destroy() with the settings, and says whether create() was reached.
class Creation {
 public:
  explicit Creation(const host::Component &component) : component_(component), described_(*component.description) {
    original_ = described_.create;
    described_.create = &counted;
    component_.description = &described_;
  }
  // Null when it was made.
  std::optional<Error> attempt(const Setting &settings, bool &reached) {
    const std::uint64_t before = calls_;
    std::optional<Error> error;
    try {
      host::Context ctx;
      const host::Instance instance(component_, &settings, ctx);
    } catch (const Error &thrown) {
      error = thrown;
    }
    reached = calls_ != before;
    return error;
  }

 private:
  static ht_status HT_CALL counted(const ht_host *host, ht_ctx *ctx, const ht_value *args, std::uint64_t count,
                                   void **instance) {
    ++calls_;
    return original_(host, ctx, args, count, instance);
  }
  static inline std::uint64_t calls_ = 0;
  static inline decltype(ht_component::create) original_ = nullptr;
  host::Component component_;
  ht_component described_;
};

class ParameterCheck {
 public:
  ParameterCheck(Workbench &bench, const Subject &subject)
      : bench_(bench),
        subject_(subject),
        creation_(*subject.component),
        schema_(subject.component->description->params, subject.component->description->param_count),
        draws_(bench.options().seed) {}

  void run() {
    const Setting &base = bench_.parameters_of(subject_);
    for (std::uint64_t i = 0; i < schema_.size(); ++i) {
      if (pipeline::is_filled_in(*subject_.component, schema_[i].name)) continue;
      for (const Setting &value : valid_values(schema_[i], draws_))
        expect_words(base, with_value(schema_[i].name, value));
      for (const Setting &value : invalid_values(schema_[i])) expect_refusal(base, with_value(schema_[i].name, value));
    }
    Setting any;
    any.value = std::int64_t{1};
    expect_refusal(base, with_value("no_such_parameter", any));
    for (int i = 0; i < kCombinations && schema_.size() > 1; ++i) expect_words(base, combination());
    run_with_values(base);
  }

 private:
  Setting combination() {
    Setting::Map fields;
    for (std::uint64_t i = 0; i < schema_.size(); ++i) {
      if (pipeline::is_filled_in(*subject_.component, schema_[i].name)) continue;
      const std::vector<Setting> values = valid_values(schema_[i], draws_);
      if (draws_() % 2 == 0 && !values.empty()) fields.emplace_back(schema_[i].name, values[draws_() % values.size()]);
    }
    Setting out;
    out.value = std::move(fields);
    return out;
  }
  void expect_words(const Setting &base, const Setting &settings) {
    if (!bench_.begin(subject_, written(settings))) return;
    bool reached = false;
    const std::optional<Error> error = creation_.attempt(joined(base, settings), reached);
    if (!error || (error->status() == Status::kInvalidArgument && !reached)) return;
    const std::string text = error->message();
    if (error->status() == Status::kInternal || text.find("said nothing about it") != std::string::npos)
      bench_.fail(text, "refuse a value with ht_host.fail, which says what is wrong with it and what would do");
  }
  void expect_refusal(const Setting &base, const Setting &settings) {
    if (!bench_.begin(subject_, written(settings))) return;
    bool reached = false;
    (void)creation_.attempt(joined(base, settings), reached);
    if (reached)
      bench_.fail("a value that the schema forbids reached create()", "report this: the host should refuse it");
  }
  // Values that create() takes may break the work itself.
  void run_with_values(const Setting &base) {
    const std::vector<Exercise> exercises = exercises_of(bench_, subject_);
    if (exercises.empty()) return;
    std::size_t runs = 0;
    for (std::uint64_t i = 0; i < schema_.size(); ++i) {
      if (pipeline::is_filled_in(*subject_.component, schema_[i].name)) continue;
      for (const Setting &value : valid_values(schema_[i], draws_)) {
        if (++runs > kMostRuns) return;
        const Setting settings = with_value(schema_[i].name, value);
        if (!bench_.begin(subject_, written(settings) + " " + exercises.front().name)) continue;
        Terms terms;
        terms.parameters = joined(base, settings);
        const Attempt attempt = exercises.front().run(terms);
        if (attempt.result == Attempt::Result::kBroke)
          bench_.fail(attempt.text, "take the value, or refuse it with words in create()");
      }
    }
  }

  Workbench &bench_;
  const Subject &subject_;
  Creation creation_;
  host::Schema schema_;
  std::mt19937_64 draws_;
};

}  // namespace

void check_parameters(Workbench &bench) {
  for (const Subject &subject : bench.subjects()) {
    if (subject.component == nullptr || subject.kind == HT_KIND_OP_KERNELS) continue;
    ParameterCheck(bench, subject).run();
  }
}

}  // namespace halftone::check
