// SPDX-License-Identifier: Apache-2.0
// What comes from outside into the denial observers: packets of a sentry, socket addresses, DNS
// messages, hand-over documents and paths.
#include <cstdint>
#include <string_view>

#include "sandbox/denials/hand_over.h"
#include "sandbox/denials/path_rules.h"
#include "sandbox/denials/socket_target.h"
#include "sandbox/denials/trace_events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vortex::sandbox;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto event = ParseTraceEvent(bytes)) {
    if (const auto attempt = AttemptOf(*event, {"/models"}, {"10.0.0.1"})) {
      // A record is never of a call that went well.
      if (attempt->errno_value == 0 || attempt->control.empty()) __builtin_trap();
    }
  }
  (void)ParseSocketTarget(bytes);
  if (QuestionOf(bytes).size() > 255) __builtin_trap();
  (void)IsWholeDocument(bytes);
  (void)ParseHandOver(bytes);
  const std::string clean = CleanPath("/plugin", bytes);
  if (!clean.starts_with('/') || clean.find("//") != std::string::npos) __builtin_trap();
  return 0;
}
