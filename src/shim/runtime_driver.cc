// SPDX-License-Identifier: Apache-2.0
#include "shim/runtime_driver.h"

#include <array>

namespace vortex::shim {
namespace {

const std::array<RuntimeDriver, 3>& Table() {
  static const auto& table = *new std::array<RuntimeDriver, 3>{{
      {"runc", "/run/containerd/runc", true, true, true, false, false, true, {}},
      {"crun", "/run/containerd/crun", true, true, true, false, false, true, {}},
      // Debian's runsc refuses its own network stack on Linux 6.11 and newer; with an empty network
      // namespace "none" gives the same: a loopback and nothing else.
      {"runsc",
       "/run/containerd/runsc",
       false,
       false,
       false,
       true,
       true,
       false,
       {"--network=none"}},
  }};
  return table;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

const RuntimeDriver* DriverForClass(std::string_view runtime_class) {
  if (runtime_class == "gvisor") runtime_class = "runsc";
  for (const RuntimeDriver& driver : Table()) {
    if (driver.name == runtime_class) return &driver;
  }
  return nullptr;
}

const RuntimeDriver& DriverFor(const RuntimeOptions& options, std::string_view binary) {
  if (const RuntimeDriver* driver = DriverForClass(options.driver)) return *driver;
  const std::size_t slash = binary.rfind('/');
  const std::string_view file = slash == std::string_view::npos ? binary : binary.substr(slash + 1);
  // "runsc-debug", "crun-wrapper": the longest known prefix, and "runc-fp" is runc.
  for (const RuntimeDriver& driver : Table()) {
    if (file.starts_with(driver.name)) return driver;
  }
  return Table()[0];
}

bool MeansNotFound(std::string_view text) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  for (const std::string_view part :
       {"process already finished", "container not running", "no such process", "does not exist",
        "sandbox is not running", "file does not exist", "container is not running"}) {
    if (Contains(lower, part)) return true;
  }
  // crun names the file it did not find.
  const bool opening =
      Contains(lower, "error opening file") || Contains(lower, "cannot open directory");
  return opening && Contains(lower, "no such file or directory");
}

}  // namespace vortex::shim
