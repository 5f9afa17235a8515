// SPDX-License-Identifier: Apache-2.0
// A spec as an attacker would write it: any bytes, through audit, diff and every output.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "review/output.h"

namespace {

using namespace vortex::review;

void Require(bool condition) {
  if (!condition) std::abort();
}

// What goes to a terminal holds no control character but the line feeds that we wrote.
void CheckText(const std::string& text) {
  Require(vortex::base::IsUtf8(text));
  for (const char c : text)
    Require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"runc", "gvisor"}) {
    const auto report = AuditSpec(text, {.runtime_class = name});
    if (!report.ok()) return 0;
    CheckText(AuditText(*report, "spec.json", true));
    Require(vortex::base::IsUtf8(AuditJson(*report, "spec.json")));
    Require(vortex::base::IsUtf8(AuditSarif(*report, "spec.json", "0")));
  }
  // A spec is no different from itself, and what it has beyond an empty one goes back the other
  // way.
  Require(DiffSpecs(text, text, {})->changes.empty());
  const auto report = DiffSpecs("{}", text, {});
  CheckText(DiffText(*report, "a", "b"));
  Require(vortex::base::IsUtf8(DiffSarif(*report, "a", "b", "0")));
  return 0;
}
