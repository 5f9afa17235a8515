// SPDX-License-Identifier: Apache-2.0
// A manifest as an attacker would write it: any bytes, up to the gate's decision.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/status.h"
#include "policy/gate.h"
#include "policy/manifest.h"
#include "policy/text.h"
#include "policy/units.h"

namespace {

using namespace vortex::policy;

void Require(bool condition) {
  if (!condition) std::abort();
}

// What everything behind the parser relies on.
void CheckManifest(const Manifest& manifest) {
  Require(!manifest.id.empty() && manifest.id.size() <= 63);
  Require(manifest.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string::npos);
  Require(!manifest.version.empty() && !FindBadCharacter(manifest.version));
  Require(!FindBadCharacter(manifest.description, "\t"));
  Require(manifest.entrypoint.has_value() == manifest.command.empty());
  for (const std::string& argument : manifest.command) {
    Require(!FindBadCharacter(argument, "\n\t"));  // NUL would cut the argument short
  }
  if (!manifest.command.empty()) {
    Require(manifest.command[0].starts_with('/'));
    Require((manifest.command[0] + "/").find("/../") == std::string::npos);
  }
  for (const NetworkRule& rule : manifest.network) {
    Require(!rule.host.empty() && rule.port >= 1 && rule.port <= 65535);
  }
}

// Everything runs, and nothing is privileged.
Policy Open() {
  Policy policy = BuiltInPolicy();
  policy.allow_untrusted = true;
  policy.untrusted.runtime_classes = policy.trusted.runtime_classes;
  return policy;
}

void CheckGrant(const Manifest& manifest) {
  static const Policy policy = Open();
  NodeFacts facts;
  facts.classes = {{facts.default_class, ""}};
  const auto grant = Gate(manifest, {}, policy, facts).grant;
  if (!grant.ok()) {
    Require(vortex::Message(grant.status()).starts_with('['));
    return;
  }
  const LimitSet least = MinimumLimits();
  const LimitSet most = MaximumLimits();
  Require(grant->limits.memory_bytes >= least.memory_bytes &&
          grant->limits.memory_bytes <= most.memory_bytes);
  Require(grant->limits.pids >= least.pids && grant->limits.pids <= most.pids);
  Require(grant->limits.budget >= least.budget && grant->limits.budget <= most.budget);
  Require(manifest.network.empty() && manifest.capabilities.empty() && manifest.gpus.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = ParseManifest(text, "m.yaml");
  if (manifest.ok()) {
    CheckManifest(*manifest);
    CheckGrant(*manifest);
  } else {
    // The message goes to a terminal.
    const std::string_view message = vortex::Message(manifest.status());
    Require(message.starts_with("m.yaml:") && !FindBadCharacter(message));
  }
  if (size > 32) return 0;
  if (const auto bytes = ParseBytes(text); bytes.ok())
    Require(*ParseBytes(FormatBytes(*bytes)) == *bytes);
  if (const auto cpus = ParseCpus(text); cpus.ok()) Require(*ParseCpus(FormatCpus(*cpus)) == *cpus);
  if (const auto time = ParseDuration(text); time.ok())
    Require(*ParseDuration(FormatDuration(*time)) == *time);
  return 0;
}
