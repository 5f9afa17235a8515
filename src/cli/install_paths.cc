// SPDX-License-Identifier: Apache-2.0
#include "cli/install_paths.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/status.h"

namespace vortex::cli {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> FirstExecutable(const std::vector<fs::path>& candidates,
                                            const char* what) {
  for (const fs::path& path : candidates) {
    if (::access(path.c_str(), X_OK) == 0) return fs::weakly_canonical(path).string();
  }
  return Error(absl::StatusCode::kNotFound, "{}: not found at {}", what,
               candidates.front().lexically_normal().string());
}

}  // namespace

absl::StatusOr<InstallPaths> FindInstallPaths() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoStatus(error.value(), "readlink /proc/self/exe");
  const fs::path bin = self.parent_path();
  InstallPaths out;
  // A build tree links its sources there (images/CMakeLists.txt), so that no path of the machine
  // that built this program is in it.
  VX_ASSIGN_OR_RETURN(
      out.image_builder,
      FirstExecutable({bin / "../share/vortex/images/python/build"}, "image builder"));
  VX_ASSIGN_OR_RETURN(out.init, FirstExecutable({bin / "../libexec/vortex/init",
                                                 bin / "../images/init", bin / "../../images/init"},
                                                "sandbox init"));
  return out;
}

}  // namespace vortex::cli
