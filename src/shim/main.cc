// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <cstring>
#include <string>
#include <vector>

#include "shim/actions.h"
#include "shim/kata.h"
#include "shim/version.h"

int main(int argc, char** argv) {
  using namespace vortex::shim;
  const Args args = ParseArgs({argv + 1, argv + argc});
  RememberArgv(argv);
  if (args.version) {
    const std::string text = "containerd-shim-vortex-v2 " + std::string(kVersion) + "\n";
    return ::write(1, text.data(), text.size()) < 0 ? 1 : 0;
  }
  if (args.info) return RunInfo();
  if (args.action == "start") {
    const ArgvArea area{argv[0], static_cast<std::size_t>(
                                     argv[argc - 1] + std::strlen(argv[argc - 1]) + 1 - argv[0])};
    return RunStart(args, area);
  }
  if (args.action == "delete") return RunDelete(args);
  const std::string usage =
      "containerd-shim-vortex-v2: started by containerd as runtime io.containerd.vortex.v2\n"
      "usage: containerd-shim-vortex-v2 -namespace NS -address SOCKET -id ID [-bundle DIR] "
      "[-debug] start|delete\n"
      "       containerd-shim-vortex-v2 -info | -v\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, usage.data(), usage.size());
  return 2;
}
