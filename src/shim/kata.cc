// SPDX-License-Identifier: Apache-2.0
#include "shim/kata.h"

#include <unistd.h>

#include <cstdlib>

#include "base/spawn.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

constexpr char kKataShim[] = "containerd-shim-kata-v2";
constexpr char kMarker[] = "/vortex-class";
char** saved_argv = nullptr;

}  // namespace

void RememberArgv(char** argv) { saved_argv = argv; }

void HandOverToKata(const OciConfig& config, const std::string& bundle, bool starting) {
  const std::string name = config.Annotation("io.vortex.runtime-class");
  if (name != "kata" && !name.starts_with("kata-")) return;
  // For whoever looks at the bundle later; the decision is made from config.json each time.
  if (starting) (void)WriteFileAtomic(bundle + kMarker, name, 0644);
  const char* path = ::getenv("PATH");
  const std::string search =
      std::string(path != nullptr ? path : "") + ":/opt/kata/bin:/opt/kata/runtime-rs/bin";
  std::string message =
      "runtime class " + name + ": " + kKataShim + " is neither in $PATH nor below /opt/kata\n";
  if (const auto program = base::FindProgram(kKataShim, search)) {
    ::execv(program->c_str(), saved_argv);
    message = "runtime class " + name + ": " + *program + " cannot be executed\n";
  }
  [[maybe_unused]] const ssize_t ignored = ::write(2, message.data(), message.size());
  ::_exit(1);
}

}  // namespace vortex::shim
