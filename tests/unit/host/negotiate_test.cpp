#include "core/host/negotiate.h"

#include <doctest/doctest.h>

#include <functional>
#include <vector>

#include "core/host/descriptor_text.h"
#include "core/host/roles.h"
#include "tests/unit/host/sample_plugin.h"

using namespace halftone;
using namespace halftone::host;

namespace {

std::string verdict(const ht_plugin &plugin) {
  return SamplePlugin::error_of([&] { check_descriptor(&plugin, "P"); });
}

// Spoils a good plug-in and tells what the check says of it.
std::string spoilt(const std::function<void(SamplePlugin &)> &change) {
  SamplePlugin sample;
  change(sample);
  return verdict(sample.plugin);
}

const std::string kAuthor = "; the plug-in's author must correct it";

}  // namespace

TEST_CASE("a sound descriptor passes") {
  const SamplePlugin sample;
  CHECK_EQ(verdict(sample.plugin), "");
}

TEST_CASE("sizes") {
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.plugin.struct_size = 8; }),
           "P: its descriptor says that it has 8 bytes; the file is damaged or no plug-in");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.plugin.struct_size = 72; }),
           "P: its descriptor has 72 bytes and needs at least 80; rebuild the plug-in with this host's SDK");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.struct_size = 160; }),
           "P: component 1: its description has 160 bytes and needs at least 168; rebuild the plug-in with this host's "
           "SDK");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.pass.struct_size = 8; }),
           "P: pass 'sample': role 'ht.pass/1': its table has 8 bytes and needs at least 16; rebuild the plug-in with "
           "this host's SDK");
  // What a newer SDK adds at the end is none of our business.
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.plugin.struct_size += 8; }), "");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.pass.struct_size += 64; }), "");
}

TEST_CASE("texts") {
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.plugin.license = nullptr; }),
           "P: license is null; the plug-in's author must set every text of the descriptor");
  const std::string endless(1000, 'x');
  CHECK_EQ(spoilt([&](SamplePlugin &s) { s.component.title = endless.c_str(); }),
           "P: pass 'sample': title has no end within 256 bytes; the plug-in's author must shorten it");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.doc = "broken \xC3( sequence"; }),
           "P: pass 'sample': doc is not printable UTF-8 text" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.title = "two\nlines"; }),
           "P: pass 'sample': title is not printable UTF-8 text" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.doc = "Zwei Zeilen:\n\tgrößer, 量化, 🎉"; }), "");
  for (const char *bad : {"Sample", "two words", "-x", "x-", "a--b", "", "a_b"}) {
    CAPTURE(bad);
    CHECK_NE(spoilt([&](SamplePlugin &s) { s.component.id = bad; }), "");
  }
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.id = "com.example.fold-2"; }), "");
}

TEST_CASE("kinds, classes and arrays") {
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.kind = 77; }),
           "P: component 1 'sample' is of kind 77, which this host does not know; install a newer Halftone");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.kind = HT_KIND_EVALUATOR; }),
           "P: evaluator 'sample': this host cannot use components of kind evaluator yet; install a newer Halftone");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.determinism = 9; }),
           "P: pass 'sample': declares determinism 9, which this host does not know");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.threading = 9; }),
           "P: pass 'sample': declares threading 9, which this host does not know");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.capabilities = 1ull << 40; }),
           "P: pass 'sample': declares capabilities 0x10000000000, which this host does not know");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.after_count = 2; }),
           "P: pass 'sample': after is null and has 2 elements; the descriptor is damaged");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.plugin.component_count = ~0ull; }),
           "P: components has 18446744073709551615 elements and may have 4096; the descriptor is damaged");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.components[0] = nullptr; }),
           "P: component 1 is null; the plug-in's author must correct the list of components");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.component.create = nullptr; }),
           "P: pass 'sample': slot 'create' is null; the plug-in's author must fill it");
}

TEST_CASE("roles") {
  CHECK_EQ(
      spoilt([](SamplePlugin &s) { s.component.role_count = 0; }),
      "P: pass 'sample': does not offer role 'ht.pass/1', which every pass must; the plug-in's author must add it");
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.role.table = nullptr; }),
           "P: pass 'sample': role 'ht.pass/1': its table is null; the plug-in's author must fill it");
  CHECK_EQ(
      spoilt([](SamplePlugin &s) { s.role.id = "com.example.unknown/1"; }),
      "P: pass 'sample': does not offer role 'ht.pass/1', which every pass must; the plug-in's author must add it");
}

TEST_CASE("kernels of a role table are checked one by one") {
  SamplePlugin sample;
  ht_op_kernel kernel{};
  kernel.struct_size = sizeof kernel;
  kernel.domain = "";
  kernel.op_type = "Relu";
  const ht_op_kernel *kernels[] = {&kernel};
  const ht_op_kernels table = {sizeof(ht_op_kernels), 0, kernels, 1};
  sample.component.kind = HT_KIND_OP_KERNELS;
  sample.role = {sizeof(ht_role), 0, HT_OP_KERNELS_1, &table};
  CHECK_EQ(verdict(sample.plugin),
           "P: op-kernels 'sample': role 'ht.op_kernels/1': kernel 1 (Relu): slot 'prepare' is "
           "null; the plug-in's author must fill it");
  kernels[0] = nullptr;
  CHECK_EQ(verdict(sample.plugin),
           "P: op-kernels 'sample': role 'ht.op_kernels/1': kernel 1 is null; the plug-in's author must fill it");
}

TEST_CASE("parameter schemas") {
  const std::string where = "P: pass 'sample': parameter 'percentile': ";
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.middle = 3; }),
           where + "its default 3 lies above its upper bound 1" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.middle = 0.25; }),
           where + "its default 0.25 lies below its lower bound 0.5" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.low = 2; }), where + "its lower bound 2 exceeds its upper bound 1" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.param.kind = 42; }),
           where + "its kind 42 is none that this host knows" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.param.kind = HT_VALUE_I64; }),
           where + "its default is of another kind than the parameter" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.param.deflt.count = 2; }),
           where + "its default does not have the number of values that the parameter takes" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.param.flags = 1u << 20; }),
           where + "it has unknown flags 0x100000" + kAuthor);
  CHECK_EQ(spoilt([](SamplePlugin &s) { s.param.name = "Not-Snake"; }).substr(0, 56),
           "P: pass 'sample': name of parameter 1 'Not-Snake' is not");
}

TEST_CASE("choices and duplicate names") {
  const ht_str names[] = {{"kl", 2}, {"mse", 3}}, other[] = {{"max", 3}};
  auto choice = [&](const ht_str *deflt) {
    return [&, deflt](SamplePlugin &s) {
      s.param.kind = HT_VALUE_CHOICE;
      s.param.low = s.param.high = {};
      s.param.deflt = {HT_VALUE_CHOICE, 1, deflt, {0, 0}};
      s.param.choices = {HT_VALUE_STR, 2, names, {0, 0}};
    };
  };
  CHECK_EQ(spoilt(choice(names)), "");
  CHECK_EQ(spoilt(choice(other)),
           "P: pass 'sample': parameter 'percentile': its default 'max' is none of its choices" + kAuthor);
  SamplePlugin sample;
  const ht_param twice[] = {sample.param, sample.param};
  sample.component.params = twice;
  sample.component.param_count = 2;
  CHECK_EQ(verdict(sample.plugin), "P: pass 'sample': it has two parameters named 'percentile'" + kAuthor);
}

TEST_CASE("every kind has a name and a role") {
  for (const RoleSpec &spec : role_specs()) {
    CHECK(role_spec_of_kind(spec.kind) == &spec);
    CHECK(role_spec_of_role(spec.role) == &spec);
  }
  CHECK(role_spec_of_kind(0) == nullptr);
}
